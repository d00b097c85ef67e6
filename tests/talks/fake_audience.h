#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "talks/platform.h"
#include "tools/audience.h"

namespace sufler {

/// People who sit on platforms: what they do reaches the bot through the real transport over HTTP, and they
/// read what the fake shows them. The dispatcher is the real one too; only the clock is the stage's.
///
/// What arrives is compared with the scenario's own message, so here is how one becomes the other, and there
/// are no further rules:
/// - The messages that one message became (files apart from their text, say) are put together again, in order.
/// - A file is known by its bytes, since photos have no name on a platform. It has the name of the talk when the
///   bytes are those sent by a person, or of a file of the scenario, and a document must show that name as well.
/// - Where people of the community cannot write in the dialog (Telegram), what they say there is not heard by the
///   bot at all, and a word that wakes it is a reply to the last notice, in the chat of somebody of the role.
/// - A role without people has one, called as the role is. Agents of a desk are whoever registers.
struct FakeAudienceOptions {
  std::vector<std::function<std::unique_ptr<FakePlatform>()>> platforms;
  std::size_t person_on = 0;  ///< index of where the talk's person and others are
  std::size_t roles_on = 0;   ///< index of where the people of roles are
  std::map<std::string, std::size_t> elsewhere = {};  ///< where a person is of whom neither is true, by name
};
std::unique_ptr<Audience> make_fake_audience(FakeAudienceOptions options);

}  // namespace sufler
