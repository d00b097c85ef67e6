#include <algorithm>

#include "schema/loading.h"

namespace sufler {

std::string Loading::say(Word word, SourceSpan place) const {
  const Language language =
      place.file < words_of_file.size() ? words_of_file[place.file] : Language::English;
  return std::string(spelling(word, language));
}

namespace {

void put_words(const Loading& loading, SourceSpan place, std::string& text) {
  for (std::size_t at = text.find('%'); at != text.npos; at = text.find('%', at + 1)) {
    const std::size_t end = text.find('%', at + 1);
    if (end == text.npos) return;
    const Word word = find_word(std::string_view(text).substr(at + 1, end - at - 1), ~Contexts{0});
    if (word == Word::None) continue;
    text.replace(at, end - at + 1, loading.say(word, place));
  }
}

/// What stands in backticks, as places in the text.
std::vector<std::pair<std::size_t, std::size_t>> code_in(std::string_view text) {
  std::vector<std::pair<std::size_t, std::size_t>> parts;
  for (std::size_t at = text.find('`'); at != text.npos;) {
    const std::size_t end = text.find('`', at + 1);
    if (end == text.npos) break;
    parts.emplace_back(at + 1, end - at - 1);
    at = text.find('`', end + 1);
  }
  return parts;
}

bool has_cyrillic(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) == 0xd0 || static_cast<unsigned char>(c) == 0xd1; });
}

/// Examples speak with the words of the file, whichever language the sentence around them is in (LANGUAGE 2). Nothing is
/// done where the two sentences do not show the same things in the same order.
void show_examples_of(Language file, std::string& en, std::string& ru) {
  const auto of_en = code_in(en), of_ru = code_in(ru);
  if (of_en.size() != of_ru.size()) return;
  const std::string from_en = en, from_ru = ru;
  const auto part = [](const std::string& text, const std::pair<std::size_t, std::size_t>& place) { return text.substr(place.first, place.second); };
  std::vector<std::size_t> different;
  for (std::size_t i = 0; i < of_en.size(); ++i) {
    const std::string english = part(from_en, of_en[i]), russian = part(from_ru, of_ru[i]);
    if (english == russian) continue;
    if (has_cyrillic(english) || !has_cyrillic(russian)) return;
    different.push_back(i);
  }
  for (std::size_t i = different.size(); i-- > 0;) {
    const auto& [begin_en, size_en] = of_en[different[i]];
    const auto& [begin_ru, size_ru] = of_ru[different[i]];
    if (file == Language::Russian)
      en.replace(begin_en, size_en, part(from_ru, of_ru[different[i]]));
    else
      ru.replace(begin_ru, size_ru, part(from_en, of_en[different[i]]));
  }
}

}  // namespace

void hint(const Loading& loading, Diagnostic& diagnostic, std::string en, std::string ru) {
  put_words(loading, diagnostic.span, en);
  put_words(loading, diagnostic.span, ru);
  const std::uint32_t file = diagnostic.span.file;
  show_examples_of(file < loading.words_of_file.size() ? loading.words_of_file[file] : Language::English, en, ru);
  diagnostic.hint_en = std::move(en);
  diagnostic.hint_ru = std::move(ru);
}

Fields::Fields(Loading& loading, const Node& map, Contexts contexts, std::string where)
    : loading_(loading), map_(map), contexts_(contexts), where_(std::move(where)) {
  items_.reserve(map.entries.size());
  for (const Node::Entry& entry : map.entries) {
    const Word word = find_word(nfc(loading, entry.key.scalar), contexts);
    bool twice = false;
    if (word != Word::None) {
      for (const Item& item : items_) {
        if (item.word != word) continue;
        Diagnostic& problem = loading.report(
            DiagnosticId::SameWordTwice, entry.key.span,
            {std::string(item.entry->key.scalar), std::string(entry.key.scalar)});
        problem.related.push_back({"", item.entry->key.span});
        hint(loading_, problem, "keep one of them", "оставьте одно из двух");
        twice = true;
      }
    }
    items_.push_back({word, &entry, twice});
  }
}

bool Fields::has(Word word) const {
  return std::any_of(items_.begin(), items_.end(),
                     [word](const Item& item) { return item.word == word; });
}

const Node* Fields::take(Word word) {
  for (Item& item : items_) {
    if (item.word != word || item.taken) continue;
    item.taken = true;
    loading_.last_key = &item.entry->key;
    return &item.entry->value;
  }
  return nullptr;
}

bool Fields::has_unknown() const { return has(Word::None); }

const Node* Fields::take_unknown(Contexts elsewhere) {
  for (Item& item : items_) {
    const Node& key = item.entry->key;
    if (item.taken || item.word != Word::None || find_word(key.scalar, elsewhere) == Word::None) continue;
    item.taken = true;
    return &key;
  }
  return nullptr;
}

const Node* Fields::require(Word word) {
  const Node* node = take(word);
  if (!node && !has_unknown()) {
    const std::string missing = loading_.say(word, map_.span);
    hint(loading_,
         loading_.report(DiagnosticId::MissingField, map_.span, {missing, where_}),
         "add `" + missing + ": …`", "добавьте `" + missing + ": …`");
  }
  return node;
}

std::string Fields::spelled(Word word) const {
  for (const Item& item : items_) {
    if (item.word == word) return std::string(item.entry->key.scalar);
  }
  return loading_.say(word, map_.span);
}

SourceSpan Fields::key_span(Word word) const {
  for (const Item& item : items_) {
    if (item.word == word) return item.entry->key.span;
  }
  return map_.span;
}

void Fields::forgive() {
  for (Item& item : items_) item.taken = true;
}

void Fields::finish() {
  std::vector<std::string> known;
  for (Item& item : items_) {
    if (item.taken) continue;
    loading_.flow_is_known = false;
    const Node& key = item.entry->key;
    if (item.word != Word::None) {
      loading_.report(DiagnosticId::NotTogether, key.span, {std::string(key.scalar), where_});
      continue;
    }
    Diagnostic& problem =
        loading_.report(DiagnosticId::UnknownKey, key.span, {std::string(key.scalar), where_});
    if (known.empty()) {
      for (const Word word : words(contexts_)) {
        if (has(word)) continue;  // it stands here already, so it was not meant
        known.emplace_back(spelling(word, Language::English));
        if (spelling(word, Language::Russian) != known.back()) {
          known.emplace_back(spelling(word, Language::Russian));
        }
      }
    }
    offer(loading_, problem, key.scalar, known, true);
  }
}

}  // namespace sufler
