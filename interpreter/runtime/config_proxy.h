#pragma once
#include <string>

#include "interpreter/runtime/config_models.h"

namespace sufler {

/// `proxy:` of the whole configuration, of a bot's platform, of mail or of a model: `socks5h://` (the proxy resolves
/// names), `socks5://`, `http://` or `https://`, with `user:password@` where it asks for them; `direct`: none, whatever
/// the whole configuration says. Its password is hidden from the log at once. Empty when there is none, or none usable,
/// which is told.
std::string read_proxy(const Node& node, const SectionReader& reader);

}  // namespace sufler
