// `mail`: each recipient gets a letter of their own, so that one who is refused costs the others nothing. Who has it is
// noted before the next attempt. Two things may make a second copy, with the same Message-ID: a process that dies between
// the server's answer and that note, and a server that takes a letter and gives no answer. The latter is tried once more
// and no further: a letter that came twice is better than none, and ten copies are worse.
#include <algorithm>
#include <atomic>
#include <utility>

#include "interpreter/core/mail/order.h"
#include "interpreter/core/report/order.h"
#include "interpreter/services/pool.h"
#include "interpreter/services/registry.h"

namespace sufler {
namespace {

/// Mail servers do not like more connections of one sender.
constexpr std::size_t kAtOnce = 2;
/// From 15 s on, doubled up to ten minutes: a server may be away for a night.
constexpr std::uint32_t kAttempts = 60;
constexpr Duration kBackoff{15'000};
constexpr std::uint32_t kAttemptsForFiles = 4;
/// Many servers take no more than 25 MB, in base64.
constexpr std::size_t kMostFiles = std::size_t{18} << 20;

/// Addresses are people's: logs and dead letters show no more of them than is needed to tell two apart.
std::string without_addresses(std::string_view text) {
  const auto ends = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || std::string_view("<>()[]\",;:'").find(c) != std::string_view::npos; };
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    out.push_back(text[at]);
    if (text[at] != '@' || at == 0 || ends(text[at - 1])) continue;
    std::size_t begin = out.size() - 1;
    while (begin > 0 && !ends(out[begin - 1])) --begin;
    const std::size_t first = first_code_points(std::string_view(out).substr(begin), 1).size();
    out.replace(begin + first, out.size() - 1 - begin - first, "***");
  }
  return out;
}

/// Of a file that came without a name: programs of people go by the ending.
std::string usual_name(const Attachment& file, std::size_t number) {
  const auto named = [&](const char* name, const char* ending) { return std::string(name) + "-" + std::to_string(number) + ending; };
  switch (file.kind) {
    case AttachmentKind::Photo: return named("photo", ".jpg");
    case AttachmentKind::Voice: return named("voice", ".ogg");
    case AttachmentKind::Audio: return named("audio", ".mp3");
    case AttachmentKind::Video: return named("video", ".mp4");
    case AttachmentKind::Sticker: return named("sticker", ".webp");
    default: return {};
  }
}
std::string usual_mime(const Attachment& file) {
  switch (file.kind) {
    case AttachmentKind::Photo: return "image/jpeg";
    case AttachmentKind::Voice: return "audio/ogg";
    case AttachmentKind::Audio: return "audio/mpeg";
    case AttachmentKind::Video: return "video/mp4";
    default: return {};
  }
}

JobResult failed(std::string error, std::string log = {}) {
  return {JobResult::Kind::Failed, {}, std::move(error), std::move(log), {}, {}};
}

class MailService : public Service {
 public:
  explicit MailService(const ServiceSettings& settings)
      : settings_(settings.mail), fetch_(settings.fetch),
        pool_(kAtOnce, [this](const Job& job, const Abandonment& abandonment) { return perform(job, abandonment); }) {}

  ServiceTerms terms() const override {
    ServiceTerms terms{std::string(kMailService), kAtOnce, kAttempts, kBackoff};
    terms.buries = true;
    terms.hands_over = true;
    return terms;
  }
  void begin(const Job& job, JobDoneCall done) override { pool_.begin(job, std::move(done)); }
  void abandon(std::int64_t job_id) override { pool_.abandon(job_id); }

  std::vector<ServiceFigure> figures() const override {
    if (!settings_) return {};
    constexpr const char* kHelp = "Letters by what the mail server said, one for each recipient.";
    const auto one = [&](const char* outcome, const std::atomic<std::uint64_t>& value) {
      return ServiceFigure{"sufler_mail_letters_total", "counter", kHelp, {{"outcome", outcome}}, value.load()};
    };
    return {one("accepted", accepted_), one("refused", refused_), one("failed", failed_)};
  }

 private:
  struct Files {
    std::vector<LetterFile> files;
    std::string reason, log;
    bool without_report = false;  ///< the file of which the letter shows the beginning
  };

  /// A letter is worth more than a file of it: one that cannot be had is named in it, once other attempts are of no use.
  Files files_of(const Job& job, const MailOrder& order, const std::function<bool()>& stop) const {
    Files all;
    std::size_t size = 0;
    for (const Attachment& picture : order.pictures) {
      FetchedFile fetched{{}, "nobody brings files here", false};
      if (fetch_) fetched = fetch_(job.bot, picture, kMostFiles - size, stop);
      if (fetched.reason.empty() && size + fetched.bytes.size() <= kMostFiles) {
        size += fetched.bytes.size();
        all.files.push_back({picture.name, picture.mime, std::move(fetched.bytes), content_id(picture)});
      } else if (fetched.again && order.file_tries + 1 < kAttemptsForFiles) {
        all.reason = "a picture of the letter cannot be had: " + fetched.reason;
        return all;
      } else {
        all.log += "a letter leaves without a picture: " + (fetched.reason.empty() ? std::string("it is too large") : fetched.reason) + "\n";
      }
    }
    for (const Attachment& file : order.files) {
      LetterFile one;
      one.name = file.name.empty() && file.origin == "scenario" ? file.reference : file.name;
      if (one.name.empty()) one.name = usual_name(file, all.files.size() + 1);
      one.mime = file.mime.empty() ? usual_mime(file) : file.mime;
      FetchedFile fetched;
      if (file.origin == "text") {
        fetched.bytes = file.reference;
      } else if (!fetch_) {
        fetched.reason = "nobody brings files here";
      } else {
        fetched = fetch_(job.bot, file, kMostFiles - size, stop);
      }
      if (fetched.reason.empty() && size + fetched.bytes.size() > kMostFiles)
        fetched = {{}, "the files of a letter may be " + std::to_string(kMostFiles >> 20) + " MB together", false};
      if (fetched.reason.empty()) {
        one.bytes = std::move(fetched.bytes);
      } else if (fetched.again && order.file_tries + 1 < kAttemptsForFiles) {
        all.reason = "a file of the letter cannot be had: " + fetched.reason;
        return all;
      } else {
        all.log += "a letter leaves without a file: " + fetched.reason + "\n";
        all.without_report |= file.origin == "stored" && file.reference.starts_with(kReportKey);
        const bool russian = order.language == Language::Russian;
        one.bytes = (russian ? "Этот файл не удалось приложить: " : "This file could not be attached: ") + one.name + "\n";
        one.name += ".txt";
        one.mime = "text/plain";
      }
      size += one.bytes.size();
      all.files.push_back(std::move(one));
    }
    return all;
  }

  JobResult perform(const Job& job, const Abandonment& abandonment) {
    if (!settings_) return failed("the configuration has no `mail:`");
    MailOrder order;
    if (!from_json(job.request, order)) return failed("a letter that cannot be read");
    std::string log;
    if (order.report) {
      // Kept as the report's name alone: other attempts ask for it anew.
      MailOrder shown = order;
      if (std::string again = take_report(job, shown, log, [&] { return abandonment.asked(); }); !again.empty())
        return no_file(order, std::move(again));
      return send_with_files(job, std::move(order), shown, std::move(log), abandonment);
    }
    const MailOrder same = order;
    return send_with_files(job, std::move(order), same, {}, abandonment);
  }

  /// The attempts for files are their own: a mail server that was away has used up none of them.
  static JobResult no_file(MailOrder order, std::string why) {
    ++order.file_tries;
    return {JobResult::Kind::Again, {}, std::move(why), {}, {}, to_json(order)};
  }

  /// Why another attempt is due; empty when there is HTML now, be it that the report is gone.
  std::string take_report(const Job& job, MailOrder& order, std::string& log, const std::function<bool()>& stop) const {
    Attachment part = *order.report;
    part.reference += kReportLetter;
    part.size = -1;
    FetchedFile letter{{}, "nobody brings files here", false};
    if (fetch_) letter = fetch_(job.bot, part, kMostFiles, stop);
    if (!letter.reason.empty() && letter.again && order.file_tries + 1 < kAttemptsForFiles)
      return "the report of the letter cannot be had: " + letter.reason;
    if (!letter.reason.empty()) {
      log = "a letter leaves without its report: " + letter.reason + "\n";
      const bool russian = order.language == Language::Russian;
      letter.bytes = std::string("<p>") + (russian ? "Отчёт не удалось получить: он больше не хранится." : "The report could not be had: it is not kept any more.") + "</p>";
    }
    put_report(order, std::move(letter.bytes));
    return {};
  }

  /// `shown`: the same order with its report filled in.
  JobResult send_with_files(const Job& job, MailOrder order, const MailOrder& shown, std::string log, const Abandonment& abandonment) {
    const Files files = files_of(job, shown, [&] { return abandonment.asked(); });
    if (!files.reason.empty()) return no_file(order, files.reason);
    MailOrder told = shown;
    if (files.without_report) told.html = without_report_file(std::move(told.html));
    const std::string letter = compose_letter(told, settings_->sender, files.files);
    JobResult result = send(std::move(order), letter, abandonment);
    result.log = log + files.log + result.log;
    return result;
  }

  JobResult send(MailOrder order, const std::string& letter, const Abandonment& abandonment) {
    SmtpClient client(settings_->server);
    const auto noted = [&] { return order.left.size() + order.refused.size() * 1'000 + order.unsure.size() * 1'000'000; };
    const std::size_t before = noted();
    std::string trouble, log;
    std::vector<std::string> left;
    for (std::size_t i = 0; i < order.left.size(); ++i) {
      const std::string& to = order.left[i];
      const bool unsure = std::find(order.unsure.begin(), order.unsure.end(), to) != order.unsure.end();
      SmtpOutcome outcome = client.send(settings_->sender.from.address, to, letter, [&] { return abandonment.asked(); });
      outcome.reason = without_addresses(outcome.reason);
      bool goes_on = true;
      switch (outcome.kind) {
        case SmtpOutcome::Kind::Accepted: ++accepted_; break;
        case SmtpOutcome::Kind::Refused:
          ++refused_;
          order.refused.emplace_back(to, outcome.reason);
          break;
        case SmtpOutcome::Kind::Failed:
          ++failed_;
          if (outcome.unsure && unsure) {
            order.refused.emplace_back(to, "perhaps it has the letter: the server took it twice and did not answer");
          } else {
            left.push_back(to);
            if (outcome.unsure) order.unsure.push_back(to);
          }
          if (trouble.empty()) trouble = outcome.reason;
          if (outcome.alarm) log = "ALARM: no letter leaves until this is mended: " + outcome.reason;
          // What the server did not say of this one letter, the others would meet as well.
          goes_on = outcome.answered && !outcome.alarm && !outcome.stopped;
      }
      if (goes_on) continue;
      left.insert(left.end(), order.left.begin() + static_cast<std::ptrdiff_t>(i) + 1, order.left.end());
      break;
    }
    order.left = std::move(left);
    if (!order.left.empty()) {
      JobResult again{JobResult::Kind::Again, {}, trouble, log, {}, {}};
      if (noted() != before) again.rest = to_json(order);
      return again;
    }
    if (order.refused.empty()) return {JobResult::Kind::Done, Value(true), {}, {}, {}, {}};
    std::string reasons;
    std::vector<std::string> refused;
    for (const auto& [address, why] : order.refused) {
      reasons += (reasons.empty() ? "" : "; ") + without_addresses(address) + ": " + why;
      refused.push_back(address);
    }
    // Whoever tries it again later means these alone.
    order.left = std::move(refused);
    order.refused.clear();
    order.unsure.clear();
    JobResult result = failed(reasons);
    result.rest = to_json(order);
    return result;
  }

  const std::optional<MailSettings> settings_;
  const FetchFile fetch_;
  std::atomic<std::uint64_t> accepted_{0}, refused_{0}, failed_{0};
  Pool pool_;  ///< last: its threads use the rest
};

}  // namespace

std::unique_ptr<Service> make_mail_service(const ServiceSettings& settings) { return std::make_unique<MailService>(settings); }

}  // namespace sufler
