#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/mail/mailbox.h"
#include "interpreter/core/message.h"
#include "interpreter/core/moment.h"
#include "interpreter/core/text.h"
#include "interpreter/core/transcript.h"

/// What a turn asks of the service `mail`, as the JSON of its job.
namespace sufler {

/// As jobs call the service.
inline constexpr std::string_view kMailService = "mail";

struct MailOrder {
  /// The part of the Message-ID before the `@`: made with the order, so that each attempt has the same.
  std::string id;
  std::string date;          ///< RFC 5322, of the turn
  Language language = Language::Russian;
  std::vector<Mailbox> to;   ///< shown in the letter; never empty
  /// Who have not got it yet, by address; what became of those who never will, with why. Of a new order: everybody.
  std::vector<std::string> left;
  std::vector<std::pair<std::string, std::string>> refused;
  /// Of those left, who may have it all the same: it left, and the server gave no answer.
  std::vector<std::string> unsure;
  std::uint32_t file_tries = 0;  ///< how often its files could not be had
  std::string subject;
  RichText text;             ///< may be empty
  std::string html;          ///< may be empty; kHistoryMark stands where the talk goes
  /// Instead of `html`: a report, of which the letter shows as much as a letter can. `put_report` has its words.
  std::optional<Attachment> report;
  std::vector<Attachment> pictures;  ///< that the HTML shows as `cid:` and their `content_id`
  std::vector<Attachment> files;
  bool with_history = false; ///< wanted, whether something was said or not
  std::vector<Saying> history;
};

/// What names a picture inside of a letter.
std::string content_id(const Attachment& picture);

std::string to_json(const MailOrder& order);
bool from_json(std::string_view json, MailOrder& order);
/// Adds the talk to an order in JSON, which has none.
void add_history(std::string& order, const std::vector<Saying>& history);

/// What a letter shows of a report, which `kReportLetter` behind the file's reference names, becomes its HTML. Where that
/// is not all, the file itself goes along, once.
void put_report(MailOrder& order, std::string letter);

/// `Sat, 21 Nov 2026 08:00:00 +0300`.
std::string mail_date(Moment at, const Zone& zone);

}  // namespace sufler
