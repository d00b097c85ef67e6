// `mail`: each recipient gets a letter of their own, so that one who is refused costs the others nothing. Who has it is
// noted before the next attempt; only a process that dies in between may send a letter twice, with the same Message-ID.
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
  };

  /// A letter is worth more than a file of it: one that cannot be had is named in it, once other attempts are of no use.
  Files files_of(const Job& job, const MailOrder& order, const std::function<bool()>& stop) const {
    Files all;
    std::size_t size = 0;
    for (const Attachment& file : order.files) {
      LetterFile one;
      one.name = file.name.empty() && file.origin == "scenario" ? file.reference : file.name;
      one.mime = file.mime;
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
      } else if (fetched.again && job.attempt < kAttemptsForFiles) {
        all.reason = "a file of the letter cannot be had: " + fetched.reason;
        return all;
      } else {
        all.log += "a letter leaves without a file: " + fetched.reason + "\n";
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
        return {JobResult::Kind::Again, {}, std::move(again), {}, {}, {}};
      return send_with_files(job, std::move(order), shown, std::move(log), abandonment);
    }
    const MailOrder same = order;
    return send_with_files(job, std::move(order), same, {}, abandonment);
  }

  /// Why another attempt is due; empty when there is HTML now, be it that the report is gone.
  std::string take_report(const Job& job, MailOrder& order, std::string& log, const std::function<bool()>& stop) const {
    Attachment part = *order.report;
    part.reference += kReportLetter;
    part.size = -1;
    FetchedFile letter{{}, "nobody brings files here", false};
    if (fetch_) letter = fetch_(job.bot, part, kMostFiles, stop);
    if (!letter.reason.empty() && letter.again && job.attempt < kAttemptsForFiles)
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
    if (!files.reason.empty()) return {JobResult::Kind::Again, {}, files.reason, {}, {}, {}};
    const std::string letter = compose_letter(shown, settings_->sender, files.files);
    JobResult result = send(std::move(order), letter, abandonment);
    result.log = log + files.log + result.log;
    return result;
  }

  JobResult send(MailOrder order, const std::string& letter, const Abandonment& abandonment) {
    SmtpClient client(settings_->server);
    const std::size_t before = order.left.size() + order.refused.size() * 1'000;
    std::string trouble, log;
    std::vector<std::string> left;
    for (std::size_t i = 0; i < order.left.size(); ++i) {
      const std::string& to = order.left[i];
      const SmtpOutcome outcome = client.send(settings_->sender.from.address, to, letter, [&] { return abandonment.asked(); });
      switch (outcome.kind) {
        case SmtpOutcome::Kind::Accepted: ++accepted_; break;
        case SmtpOutcome::Kind::Refused:
          ++refused_;
          order.refused.emplace_back(to, outcome.reason);
          break;
        case SmtpOutcome::Kind::Failed:
          ++failed_;
          left.push_back(to);
          if (trouble.empty()) trouble = outcome.reason;
          if (outcome.alarm) log = "ALARM: no letter leaves until this is mended: " + outcome.reason;
          // The others would fare no better.
          if (outcome.alarm || outcome.stopped) {
            left.insert(left.end(), order.left.begin() + static_cast<std::ptrdiff_t>(i) + 1, order.left.end());
            i = order.left.size();
          }
      }
    }
    order.left = std::move(left);
    if (!order.left.empty()) {
      JobResult again{JobResult::Kind::Again, {}, trouble, log, {}, {}};
      if (order.left.size() + order.refused.size() * 1'000 != before) again.rest = to_json(order);
      return again;
    }
    if (order.refused.empty()) return {JobResult::Kind::Done, Value(true), {}, {}, {}, {}};
    std::string reasons;
    for (const auto& [address, why] : order.refused) reasons += (reasons.empty() ? "" : "; ") + address + ": " + why;
    return failed(reasons);
  }

  const std::optional<MailSettings> settings_;
  const FetchFile fetch_;
  std::atomic<std::uint64_t> accepted_{0}, refused_{0}, failed_{0};
  Pool pool_;  ///< last: its threads use the rest
};

}  // namespace

std::unique_ptr<Service> make_mail_service(const ServiceSettings& settings) { return std::make_unique<MailService>(settings); }

}  // namespace sufler
