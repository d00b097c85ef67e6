#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/moment.h"

/// How amoCRM's chats know who writes.
namespace sufler::amocrm {

std::string md5_hex(std::string_view bytes);                             ///< lower case
std::string hmac_sha1_hex(std::string_view secret, std::string_view bytes);  ///< lower case

/// `Wed, 15 Dec 2021 23:12:55 +0000`
std::string chat_date(Moment at);

/// Of a request whose body is these very bytes; `path` is without the query.
std::string chat_signature(std::string_view secret, std::string_view method, std::string_view content_md5,
                           std::string_view date, std::string_view path);

/// The headers of a signed request.
std::vector<std::string> chat_headers(std::string_view secret, std::string_view method, std::string_view path,
                                      std::string_view body, Moment now);

/// Whether a webhook comes from whoever has the secret, in a time that does not tell how well it was guessed. A line
/// break at the end of the body is not signed.
bool is_signed(std::string_view secret, std::string_view body, std::string_view signature);

}  // namespace sufler::amocrm
