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

}  // namespace

void hint(const Loading& loading, Diagnostic& diagnostic, std::string en, std::string ru) {
  put_words(loading, diagnostic.span, en);
  put_words(loading, diagnostic.span, ru);
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
