#include "interpreter/services/amocrm/chat_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdio>
#include <ctime>

#include "interpreter/core/secret.h"
#include "interpreter/core/text.h"

namespace sufler::amocrm {
namespace {

std::string hex(const unsigned char* bytes, unsigned size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out.push_back(kDigits[bytes[i] >> 4]);
    out.push_back(kDigits[bytes[i] & 15]);
  }
  return out;
}

constexpr std::string_view kContentType = "application/json";

}  // namespace

std::string md5_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), sum.data(), &size, EVP_md5(), nullptr) != 1) return {};
  return hex(sum.data(), size);
}

std::string hmac_sha1_hex(std::string_view secret, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  if (!HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()),
            reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), sum.data(), &size))
    return {};
  return hex(sum.data(), size);
}

std::string chat_date(Moment at) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto seconds = static_cast<std::time_t>(at.unix_ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d +0000", kDays[utc.tm_wday], utc.tm_mday,
                kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return text.data();
}

std::string chat_signature(std::string_view secret, std::string_view method, std::string_view content_md5,
                           std::string_view date, std::string_view path) {
  std::string text;
  for (const std::string_view part : {method, content_md5, kContentType, date}) text.append(part).push_back('\n');
  text.append(path);
  return hmac_sha1_hex(secret, text);
}

std::vector<std::string> chat_headers(std::string_view secret, std::string_view method, std::string_view path,
                                      std::string_view body, Moment now) {
  const std::string date = chat_date(now), sum = md5_hex(body);
  return {"Date: " + date, "Content-Type: " + std::string(kContentType), "Content-MD5: " + sum,
          "X-Signature: " + chat_signature(secret, method, sum, date, path)};
}

bool is_signed(std::string_view secret, std::string_view body, std::string_view signature) {
  if (secret.empty()) return false;
  if (body.ends_with('\n')) body.remove_suffix(1);
  if (body.ends_with('\r')) body.remove_suffix(1);
  return same_secret(hmac_sha1_hex(secret, body), to_lower(signature));
}

}  // namespace sufler::amocrm
