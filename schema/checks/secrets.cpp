// Keys that were pasted into a scenario: tokens of Telegram and VK, keys of model providers.
#include <algorithm>

#include "schema/loading.h"

namespace sufler {
namespace {

bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::size_t key_length(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && is_key_character(text[end])) ++end;
  return end - from;
}

}  // namespace

void check_secrets(Loading& loading) {
  for (std::uint32_t file = 0; file < loading.sources.size(); ++file) {
    const std::string_view text = loading.sources.text(file);
    auto report = [&](std::size_t begin, std::size_t length) {
      hint(loading, loading.report(DiagnosticId::LooksSecret,
                          {file, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(length)}),
           "put it into the environment and write `${NAME}`",
           "положите его в переменную окружения и напишите `${ИМЯ}`");
    };
    // Telegram: 123456789:AA… with 35 characters behind the colon.
    for (std::size_t at = text.find(':'); at != text.npos; at = text.find(':', at + 1)) {
      std::size_t begin = at;
      while (begin > 0 && text[begin - 1] >= '0' && text[begin - 1] <= '9' && at - begin < 11) --begin;
      if (at - begin >= 8 && key_length(text, at + 1) == 35) report(begin, at + 1 + 35 - begin);
    }
    for (const std::string_view prefix : {std::string_view("vk1.a."), std::string_view("sk-")}) {
      for (std::size_t at = text.find(prefix); at != text.npos; at = text.find(prefix, at + 1)) {
        if (at > 0 && is_key_character(text[at - 1])) continue;
        const std::size_t length = key_length(text, at + prefix.size());
        if (length >= 20) report(at, prefix.size() + length);
      }
    }
  }
}

}  // namespace sufler
