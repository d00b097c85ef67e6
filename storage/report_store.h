#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "storage/storage.h"

/// What reports are made of, and where their files are; `Transaction::reports` gives it.
namespace sufler {

class ReportStore {
 public:
  virtual ~ReportStore() = default;

  /// A file of a bot that is about people: its content lies in parts under `key` (VersionStore::put_content), what a
  /// letter shows of it under `letter_key`. Before its content, so that none stays behind. Once more changes nothing but
  /// how long it is kept.
  virtual Stored<Done> put(std::string_view bot, std::string_view key, std::string_view letter_key, Moment at) = 0;
  /// Whether it was put and is still kept. Nobody removes it until the transaction ends.
  virtual Stored<bool> has(std::string_view key) = 0;
  virtual Stored<Done> drop(std::string_view key) = 0;

  /// What happened in dialogs with people.
  struct Span {
    std::string bot;
    Moment from, to;             ///< `to` is not in it
    std::int64_t dialog_id = 0;  ///< of one dialog; 0: of all
  };
  struct Line {
    std::int64_t dialog_id = 0;
    ChatAddress chat;
    std::string user;  ///< JSON of UserRecord; empty when the person was forgotten
    Moment at;
    std::string event, turn;  ///< as in JournalRow
  };
  /// Of the next `dialogs` dialogs behind `after_id`: dialog by dialog, of each the oldest first. The id of the last
  /// dialog that was looked at; 0 when there was none. Reads no more of a dialog than what is young enough.
  virtual Stored<std::int64_t> lines(const Span& span, std::int64_t after_id, std::int64_t dialogs,
                                     const std::function<void(const Line&)>& line) = 0;
  /// Tickets that were opened at the bot's desks.
  virtual Stored<std::int64_t> tickets(std::string_view bot, Moment from, Moment to) = 0;
};

}  // namespace sufler
