#include "interpreter/core/options.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {

Flow play_verb(Play& play, StepId id, const Step&, const Notify& notify) {
  NotifyPeople people;
  people.role = notify.role;
  people.history = notify.history;
  if (notify.user) {
    Value user;
    if (!play.evaluate(*notify.user, user)) return Flow::Next;
    if (user.is_null()) {
      play.fail("`" + notify.user->source() + "` names nobody to notify");
      return Flow::Next;
    }
    // Ids are texts, but an id out of a table or a setting may have become a number.
    people.user_id = user.text()     ? *user.text()
                     : user.number() ? user.number()->to_string()
                                     : to_display(user, play.scope.locale());
    people.role.clear();
  }
  if (!play.render(notify.text, people.message.text) ||
      !play.collect(notify.attach, people.message.attachments))
    return Flow::Next;
  if (notify.buttons) {
    List shown, values;
    if (!make_options(play, *notify.buttons, shown, values)) return Flow::Next;
    people.message.keyboard = make_said_keyboard(play, id, *notify.buttons, shown, values);
    if (play.fault) return Flow::Next;
  }
  if (++play.messages > play.program.limits.messages_per_turn) {
    play.fail("more than " + std::to_string(play.program.limits.messages_per_turn) + " messages in one turn");
    return Flow::Next;
  }
  play.effect(std::move(people));
  play.mark_border();
  return Flow::Next;
}

}  // namespace sufler
