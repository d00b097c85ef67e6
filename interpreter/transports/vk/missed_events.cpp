#include "interpreter/transports/vk/missed_events.h"

#include <algorithm>
#include <charconv>

namespace sufler::vk {
namespace {

constexpr std::size_t kPage = 200;

/// The number in the dialog, out of `m<date>:<peer>:<number>`.
std::int64_t number_of(const Incoming& event) {
  const std::size_t colon = event.id.rfind(':');
  std::int64_t number = 0;
  if (colon != std::string::npos) {
    std::from_chars(event.id.data() + colon + 1, event.id.data() + event.id.size(), number);
  }
  return number;
}

}  // namespace

void MissedEvents::fetch(std::int64_t since, Done done) {
  since_ = since;
  done_ = std::move(done);
  ask_dialogs();
}

void MissedEvents::ask_dialogs() {
  Fields fields = {{"group_id", std::to_string(community_.id)},
                   {"offset", std::to_string(asked_dialogs_)},
                   {"count", std::to_string(kPage)}};
  api_->ask("messages.getConversations", std::move(fields), [self = shared_from_this()](CallResult result) {
    if (!result.ok()) return self->done_(Error{result.reason()});
    const Conversations dialogs = self->decoder_.read_conversations(result.body);
    if (!dialogs.ok) return self->done_(Error{std::string("an answer of VK makes no sense")});
    // They come newest first, pinned ones apart: the page ends the search when none on it is new.
    bool any_new = false;
    for (const Conversations::One& dialog : dialogs.all) {
      if (dialog.last_at < self->since_) continue;
      any_new = true;
      const bool known = std::find(self->peers_.begin(), self->peers_.end(), dialog.peer_id) != self->peers_.end();
      if (!known) self->peers_.push_back(dialog.peer_id);
    }
    self->asked_dialogs_ += kPage;
    if (any_new && dialogs.all.size() >= kPage && self->asked_dialogs_ < self->bounds_.dialogs) {
      return self->ask_dialogs();
    }
    self->ask_history();
  });
}

void MissedEvents::ask_history() {
  if (next_peer_ >= peers_.size() || found_.size() >= bounds_.messages) return finish();
  Fields fields = {{"group_id", std::to_string(community_.id)},
                   {"peer_id", std::to_string(peers_[next_peer_])},
                   {"offset", std::to_string(page_ * kPage)},
                   {"count", std::to_string(kPage)}};
  api_->ask("messages.getHistory", std::move(fields), [self = shared_from_this()](CallResult result) {
    bool more = false;
    if (result.ok()) {
      History page = self->decoder_.read_history(result.body, self->community_, self->since_, self->now_());
      more = page.ok && page.count >= kPage && page.oldest >= self->since_ &&
             self->page_ + 1 < self->bounds_.pages_of_dialog;
      for (Incoming& one : page.incoming) self->found_.push_back(std::move(one));
    } else if (result.kind != HttpAnswer::Kind::Answered ||
               meaning_of(result.answer.refusal) == Meaning::Transient ||
               meaning_of(result.answer.refusal) == Meaning::TooFast) {
      return self->done_(Error{result.reason()});
    }
    // A dialog that may not be read hides nothing of the others.
    self->page_ = more ? self->page_ + 1 : 0;
    if (!more) ++self->next_peer_;
    self->ask_history();
  });
}

void MissedEvents::finish() {
  std::stable_sort(found_.begin(), found_.end(), [](const Incoming& a, const Incoming& b) {
    if (a.event.at != b.event.at) return a.event.at < b.event.at;
    return number_of(a) < number_of(b);
  });
  done_(std::move(found_));
}

}  // namespace sufler::vk
