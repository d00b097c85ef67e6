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
  offer.serial = play.next_serial();
  message.keyboard = make_keyboard(play, *say.buttons, offer.shown, offer.values, offer.serial);
  if (play.fault) return Flow::Next;
  offer.is_inline = message.keyboard.kind == Keyboard::Kind::Inline;
  play.send(std::move(message));
  play.state.offer = std::move(offer);
  return Flow::Next;
}

}  // namespace sufler
