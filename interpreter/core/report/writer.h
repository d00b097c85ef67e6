#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "interpreter/core/report/order.h"
#include "interpreter/core/state.h"
#include "interpreter/core/transcript.h"

namespace sufler {

/// What was said with one person, within the report's time.
struct ReportTalk {
  std::int64_t dialog_id = 0;
  ChatAddress chat;
  UserRecord user;
  std::vector<JournalLine> lines;  ///< oldest first
  bool cut = false;                ///< there were more of them
};

/// Figures that the talks and rows themselves do not give.
struct ReportCounts {
  std::int64_t tickets = 0;                                  ///< opened at desks
  std::vector<std::pair<std::string, std::int64_t>> tables;  ///< rows that came, by table
};

struct ReportFile {
  std::string bytes;
  std::string letter;        ///< of HTML: what a letter shows, short enough for every mail program
  std::size_t left_out = 0;  ///< talks or rows that found no room, the last ones
};

/// A report while it is made. Talks and rows come one by one in any order; each is written at once and only that is kept,
/// so that memory is bounded by `kMostBytes`, however much there was. The same input gives the same bytes.
class ReportWriter {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{48} << 20;  ///< of the file; platforms take 50 MB
  static constexpr std::size_t kMostLetter = 90 * 1024;             ///< Gmail cuts a letter off at 102 kB
  /// Of one talk: more of it would leave the others no place.
  static constexpr std::size_t kMostOfTalk = std::size_t{4} << 20, kMostOfTalkInLetter = 20 * 1024;

  explicit ReportWriter(const ReportOrder& order, std::size_t most_bytes = kMostBytes);
  ~ReportWriter();

  void add(const ReportTalk& talk);
  /// A row as the table has it. Why it cannot be written, in English; empty when it is, or when `where` does not hold.
  std::string add(const ValueMap& row);
  ReportFile finish(const ReportCounts& counts);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler
