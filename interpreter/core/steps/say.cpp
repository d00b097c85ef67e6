#include "interpreter/core/options.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {

Flow play_verb(Play& play, StepId id, const Step&, const Say& say) {
  Message message;
  if (!play.render(say.text, message.text) || !play.collect(say.attach, message.attachments))
    return Flow::Next;
  message.typing = clamp_duration(say.typing);
  if (!say.buttons) {
    if (say.remove_keyboard) message.keyboard.kind = Keyboard::Kind::Remove;
    play.send(std::move(message));
    return Flow::Next;
  }
  Offer offer;
  offer.step = id;
  if (!make_options(play, *say.buttons, offer.shown, offer.values)) return Flow::Next;
  message.keyboard = make_keyboard(play, *say.buttons, offer.shown, offer.values, 0);
  if (!play.fault && message.keyboard.kind == Keyboard::Kind::Inline)
    message.keyboard = make_said_keyboard(play, id, *say.buttons, offer.shown, offer.values);
  if (play.fault) return Flow::Next;
  play.send_offer(std::move(message), std::move(offer));
  return Flow::Next;
}

}  // namespace sufler
