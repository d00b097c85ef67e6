// mail: a letter. It leaves by itself, as a notice does: the dialog goes on at once. With `on_error` the dialog waits for
// the mail server's word, because it has to do something when that is no. What became of the letter is never undone: a
// command that leads elsewhere leaves it on its way.
#include <algorithm>

#include "interpreter/core/jobs.h"
#include "interpreter/core/mail/html_template.h"
#include "interpreter/core/mail/order.h"
#include "interpreter/core/report/order.h"
#include "interpreter/core/sha256.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

constexpr std::size_t kMostPeople = 50;
constexpr std::size_t kMostOrderBytes = 512 * 1024;
constexpr std::size_t kMostSubject = 500;  ///< code points

/// Why there is nobody to write to; empty when there is.
std::string add_people(MailOrder& order, const Value& value) {
  if (const List* list = value.list()) {
    for (const Value& one : *list)
      if (std::string why = add_people(order, one); !why.empty()) return why;
    return {};
  }
  if (value.is_null()) return "there is no address";
  // The value may be a person's words: neither the log nor the journal repeats them.
  auto mailbox = value.text() ? parse_mailbox(*value.text()) : std::nullopt;
  if (!mailbox) return "an address is none";
  const bool known = std::any_of(order.to.begin(), order.to.end(), [&](const Mailbox& one) { return one.address == mailbox->address; });
  if (!known) order.to.push_back(std::move(*mailbox));
  return order.to.size() > kMostPeople ? "more than " + std::to_string(kMostPeople) + " addresses" : std::string();
}

/// Nobody else's, and the same whenever this turn is played again.
std::string id_of(Play& play) {
  const UserRecord& user = play.user;
  std::string all = play.program.id + '\x1f' + user.platform + '\x1f' + user.id + '\x1f' + std::to_string(play.next_serial());
  all += '\x1f' + std::to_string(play.now().unix_ms) + '\x1f' + std::to_string(play.event.seed);
  return sha256_hex(all).substr(0, 32);
}

Flow cannot_send(Play& play, const Mail& mail, const std::string& why) {
  if (mail.on_error) {
    play.effect(WriteLog{"a letter is not sent: " + why});
    play.enter(mail.on_error);
  } else {
    play.fail("a letter cannot be sent: " + why);
  }
  return Flow::Next;
}

}  // namespace

Flow play_verb(Play& play, StepId id, const Step& step, const Mail& mail) {
  MailOrder order;
  std::string why;
  for (const Template& one : mail.to) {
    auto address = one.evaluate(play.scope);
    if (!address) {
      play.fail("`" + one.source() + "`: " + (address.error().detail.empty() ? "it cannot be worked out" : address.error().detail));
      return Flow::Next;
    }
    if (why.empty()) why = add_people(order, *address);
  }
  if (why.empty() && order.to.empty()) why = "there is no address";
  if (!why.empty()) return cannot_send(play, mail, why);

  RichText subject;
  if (!play.render(mail.subject, subject) || !play.render(mail.text, order.text) || !play.collect(mail.attach, order.files))
    return Flow::Next;
  order.subject = std::string(first_code_points(trim(one_line_of(subject.text)), kMostSubject));
  if (mail.html) {
    auto html = mail.html->render(play.scope);
    if (!html) {
      play.fail("a letter cannot be made: " + html.error());
      return Flow::Next;
    }
    order.html = std::move(*html);
    order.pictures = mail.html->pictures();
  }
  if (mail.report) {
    Value file;
    if (!play.evaluate(*mail.report, file)) return Flow::Next;
    if (!file.file() || file.file()->origin != "stored" || !file.file()->reference.starts_with(kReportKey) ||
        file.file()->mime != "text/html") {
      play.fail("`" + mail.report->source() + "` is no report in HTML");
      return Flow::Next;
    }
    order.report = *file.file();
  }
  order.id = id_of(play);
  order.date = mail_date(play.now(), play.program.zone);
  order.language = play.program.language;
  order.with_history = mail.history;
  for (const Mailbox& one : order.to) order.left.push_back(one.address);

  StartJob job;
  job.service = std::string(kMailService);
  // For the operator: which letter it was, and nothing of what stands in it.
  if (const BranchId branch = play.program.block(step.block).branch) job.name = play.program.branch(branch).name;
  job.request = to_json(order);
  if (mail.history) job.talk = StartJob::Talk::Sayings;
  if (job.request.size() > kMostOrderBytes) {
    play.fail("a letter is larger than " + std::to_string(kMostOrderBytes) + " bytes");
    return Flow::Next;
  }
  play.mark_border();
  if (!mail.on_error) {
    play.effect(std::move(job));
    return Flow::Next;
  }
  Waiting waiting;
  waiting.step = id;
  return begin_job(play, std::move(waiting), std::move(job));
}

Flow take_result(Play& play, const Waiting&, const Mail& mail, const Value&, const std::string& error) {
  if (error.empty()) return Flow::Next;
  play.effect(WriteLog{"a letter was not delivered: " + error});
  if (mail.on_error) play.enter(mail.on_error);
  return Flow::Next;
}

}  // namespace sufler
