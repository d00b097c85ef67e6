// Desks (LANGUAGE 7): how people become agents, what they may ask for, and their ready answers.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "schema/loading.h"

namespace sufler {
namespace {

struct DeskCommand {
  Desk::Command command;
  Word word;                      ///< in `commands:`
  std::string_view default_word;  ///< what agents write unless the scenario names another
};
constexpr std::array<DeskCommand, Desk::kCommands> kCommands = {{
    {Desk::Command::Available, Word::Available, "/available"},
    {Desk::Command::Close, Word::Close, "/end_chat"},
    {Desk::Command::History, Word::History, "/history"},
    {Desk::Command::Stats, Word::Stats, "/stats"},
    {Desk::Command::Transfer, Word::Transfer, "/transfer"},
    {Desk::Command::Take, Word::Take, "/take"},
    {Desk::Command::Reject, Word::Reject, "/reject"},
    {Desk::Command::Note, Word::Note, "/note"},
    {Desk::Command::Tickets, Word::Tickets, "/tickets"},
    {Desk::Command::Export, Word::Export, "/export"},
    {Desk::Command::Replies, Word::Replies, "/replies"},
}};

std::string& word_of(Desk& desk, Desk::Command command) {
  return desk.commands[static_cast<std::size_t>(command)];
}

/// A word that an agent writes, folded; empty, with a problem, when it cannot be one.
std::string read_desk_word(Loading& loading, const Node& node, std::string_view what) {
  const auto text = read_scalar(loading, node, what);
  if (!text) return {};
  const std::string_view word = trim(*text);
  const bool one_word = word.find_first_of(" \t\n") == word.npos;
  const std::string folded = fold(word);
  if (word.size() > 1 && word[0] == '/' && one_word && folded.size() > 1) return folded;
  Diagnostic& problem = loading.report(DiagnosticId::DeskWord, node.span, {std::string(word)});
  std::string meant(word.empty() || word[0] != '/' ? "/" + std::string(word) : std::string(word));
  std::replace(meant.begin(), meant.end(), ' ', '_');
  if (fold(meant).size() < 2) meant = "/done";
  hint(loading, problem, "whatever else an agent writes goes to the client; write `" + meant + "`",
       "всё остальное, что пишет оператор, уходит клиенту; напишите `" + meant + "`");
  return {};
}

void read_register(Loading& loading, const Node& node, const std::string& what, DeskId id) {
  if (!node.is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, node.span, {what}),
         "for example `{%command%: /register_support, %token%: \"${SUPPORT_TOKEN}\"}`",
         "например `{%command%: /register_support, %token%: \"${SUPPORT_TOKEN}\"}`");
    return;
  }
  Desk& desk = loading.program.desks[id.value];
  Fields fields(loading, node, in::RegisterKey, what);
  if (const Node* command = fields.require(Word::CommandWord)) {
    desk.register_word = read_desk_word(loading, *command, fields.spelled(Word::CommandWord));
    if (!desk.register_word.empty()) loading.desk_words.push_back({id, std::nullopt, desk.register_word, command});
  }
  if (const Node* token = fields.require(Word::Token)) {
    if (const auto text = read_scalar(loading, *token, fields.spelled(Word::Token))) {
      desk.token_variable = environment_variable_of(*text);
      if (desk.token_variable.empty()) {
        hint(loading, loading.report(DiagnosticId::TokenInFile, token->span, {fields.spelled(Word::Token)}),
             "put it into a variable of the environment and write `\"${SUPPORT_TOKEN}\"`",
             "положите его в переменную окружения и напишите `\"${SUPPORT_TOKEN}\"`");
      } else if (const char* set = std::getenv(desk.token_variable.c_str()); !set || !*set) {
        // An empty one counts as unset: anybody would become an agent by it.
        report_unset_variable(loading, token->span, desk.token_variable);
      }
    }
  }
  fields.finish();
}

bool is_off(const Node& node) {
  if (!node.is_scalar()) return false;
  const Word word = find_word(to_lower(node.scalar), in::BooleanWord);
  return word == Word::False || word == Word::Off;
}

void read_desk_commands(Loading& loading, const Node& node, const std::string& what, DeskId id) {
  if (is_off(node)) {
    for (const DeskCommand& one : kCommands) loading.desk_words.push_back({id, one.command, {}, &node});
    return;
  }
  if (!node.is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, node.span, {what}),
         "for example `{%close%: /done}`", "например `{%close%: /готово}`");
    return;
  }
  Fields fields(loading, node, in::DeskCommand, what);
  for (const DeskCommand& one : kCommands) {
    const Node* value = fields.take(one.word);
    if (!value) continue;
    // `да` and an empty value leave the word as it is.
    if (value->kind == Node::Kind::Null) continue;
    if (value->is_scalar() && find_word(to_lower(value->scalar), in::BooleanWord) == Word::True) continue;
    std::string word;
    if (!is_off(*value)) {
      word = read_desk_word(loading, *value, fields.spelled(one.word));
      if (word.empty()) continue;
    }
    loading.desk_words.push_back({id, one.command, std::move(word), value});
  }
  fields.finish();
}

void read_replies(Loading& loading, const Node& node, const std::string& what, DeskId id) {
  if (!node.is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, node.span, {what}),
         "each on its own line: `hello: Good afternoon!`", "каждый с новой строки: `привет: Добрый день!`");
    return;
  }
  Desk& desk = loading.program.desks[id.value];
  for (const Node::Entry& entry : node.entries) {
    // `/hello:` is how an agent writes it, and is meant as well.
    Node key = entry.key;
    if (!key.scalar.empty() && key.scalar[0] == '/') key.scalar.remove_prefix(1);
    const std::string_view name = read_name(loading, key);
    if (name.empty()) continue;
    Desk::Reply reply;
    reply.name = fold(name);
    reply.text = read_text(loading, entry.value, entry.key.scalar);
    loading.message_texts.push_back(&entry.value);
    const auto same = std::find_if(desk.replies.begin(), desk.replies.end(),
                                   [&](const Desk::Reply& one) { return one.name == reply.name; });
    if (same != desk.replies.end()) {
      loading.report(DiagnosticId::RepeatedKey, entry.key.span, {std::string(entry.key.scalar)});
      continue;
    }
    desk.replies.push_back(std::move(reply));
    loading.reply_keys[id.value].push_back(&entry.key);
  }
}

/// To be in a group gives no rights: who answers there is said.
void read_group_agents(Loading& loading, Fields& fields, Desk& desk) {
  const bool in_topics = fields.has(Word::Topics);
  const SourceSpan span = fields.key_span(Word::Agents);
  if (const Node* value = fields.take(Word::Agents)) {
    desk.agents = read_role(loading, *value, fields.spelled(Word::Agents));
    if (!in_topics) {
      hint(loading,
           loading.report(DiagnosticId::IdleField, span, {fields.spelled(Word::Agents), fields.spelled(Word::Topics)}),
           "it says who answers in a group with `%topics%`; in chats of their own those answer who `%register%`",
           "это для группы с `%topics%`; в личных чатах отвечают те, кто прошёл `%register%`");
    } else if (fields.has(Word::Register)) {
      hint(loading,
           loading.report(DiagnosticId::NotTogether, span, {fields.spelled(Word::Agents), fields.spelled(Word::Register)}),
           "leave one of them: whoever has registered answers in the group, too",
           "оставьте что-то одно: кто зарегистрировался, тот отвечает и в группе");
    }
  } else if (in_topics && !fields.has(Word::Register) && !fields.has_unknown() && !desk.topics.empty()) {
    const SourceSpan topics = fields.key_span(Word::Topics);
    const std::string role = desk.topics;
    hint(loading, loading.report(DiagnosticId::GroupMayAnswer, topics, {desk.name}),
         "everybody in the group: `%agents%: " + role + "`; some people: a role that names them; or a `%register%`",
         "все, кто в группе: `%agents%: " + role + "`; некоторые: роль, где они названы; или `%register%`");
  }
}

}  // namespace

void load_desks(Loading& loading) {
  loading.desk_is_used.resize(loading.program.desks.size());
  loading.reply_keys.resize(loading.program.desks.size());
  in_order(loading.desks, [&](const Declared& declared) {
    const Node& node = *declared.value;
    const DeskId id{declared.index};
    Desk& desk = loading.program.desks[declared.index];
    if (!node.is_map()) {
      hint(loading, loading.report(DiagnosticId::WantsMap, declared.key->span, {desk.name}),
           "for example `{%register%: {%command%: /register_support, %token%: \"${SUPPORT_TOKEN}\"}}`",
           "например `{%register%: {%command%: /register_support, %token%: \"${SUPPORT_TOKEN}\"}}`");
      return;
    }
    Fields fields(loading, node, in::DeskKey, desk.name);
    const bool somebody = fields.has(Word::Register) || fields.has(Word::Topics);
    if (!somebody && !fields.has_unknown()) {
      hint(loading,
           loading.report(DiagnosticId::NobodyAnswers, desk.span,
                          {desk.name, fields.spelled(Word::Register), fields.spelled(Word::Topics)}),
           "add `%register%: {%command%: /register_support, %token%: \"${SUPPORT_TOKEN}\"}`",
           "добавьте `%register%: {%command%: /register_support, %token%: \"${SUPPORT_TOKEN}\"}`");
    }
    if (const Node* value = fields.take(Word::Register)) {
      read_register(loading, *value, fields.spelled(Word::Register), id);
    }
    if (const Node* value = fields.take(Word::Commands)) {
      read_desk_commands(loading, *value, fields.spelled(Word::Commands), id);
    }
    if (const Node* value = fields.take(Word::Capacity)) {
      if (const auto capacity = read_integer(loading, *value, fields.spelled(Word::Capacity), 1, 1000)) {
        desk.capacity = static_cast<std::uint32_t>(*capacity);
      }
    }
    if (const Node* value = fields.take(Word::Replies)) {
      read_replies(loading, *value, fields.spelled(Word::Replies), id);
    }
    if (const Node* value = fields.take(Word::Accept)) {
      desk.accept = read_duration(loading, *value, fields.spelled(Word::Accept));
    }
    if (const Node* value = fields.take(Word::Topics)) {
      desk.topics = read_role(loading, *value, fields.spelled(Word::Topics));
    }
    read_group_agents(loading, fields, desk);
    fields.finish();
  });
}

namespace {

class DeskWords {
 public:
  explicit DeskWords(Loading& loading) : loading_(loading) {
    for (const Command& command : loading.program.commands)
      for (const std::string& word : command.folded) scenario_.emplace(word, &command);
  }

  void complete() {
    for (std::uint32_t i = 0; i < loading_.program.desks.size(); ++i) complete(DeskId{i});
    check_register_words();
  }

 private:
  using Named = Loading::DeskWord;

  void complete(DeskId id) {
    Desk& desk = loading_.program.desks[id.value];
    std::array<const Named*, Desk::kCommands> named{};
    std::unordered_map<std::string_view, const Named*> by_word;
    for (const Named& one : loading_.desk_words) {
      if (one.desk != id) continue;
      if (one.command) {
        named[static_cast<std::size_t>(*one.command)] = &one;
        word_of(desk, *one.command) = one.word;
      }
      if (one.word.empty()) continue;
      const auto [first, fresh] = by_word.emplace(one.word, &one);
      if (!fresh) twice(one, first->second->node->span);
      const auto command = scenario_.find(one.word);
      if (command != scenario_.end()) twice(one, place_of(*command->second, one.word));
    }
    for (const DeskCommand& one : kCommands) {
      if (named[static_cast<std::size_t>(one.command)]) continue;
      const std::string word = fold(one.default_word);
      const auto taken = by_word.find(word);
      if (taken != by_word.end()) {
        const std::string what = loading_.say(one.word, taken->second->node->span);
        Diagnostic& problem = twice(*taken->second, {});
        hint(loading_, problem, "`" + what + "` of the desk answers to it as well: name that one otherwise, or write `" + what + ": %off%`",
             "на него отвечает и `" + what + "` этой линии: назовите её иначе или напишите `" + what + ": %off%`");
        continue;
      }
      // The scenario's own word wins over one that nobody named.
      if (!scenario_.count(word)) word_of(desk, one.command) = word;
    }
    check_replies(id);
  }

  Diagnostic& twice(const Named& one, std::optional<SourceSpan> other) {
    Diagnostic& problem =
        loading_.report(DiagnosticId::CommandWordTwice, one.node->span, {std::string(trim(one.node->scalar))});
    if (other) problem.related.push_back({"", *other});
    hint(loading_, problem, "leave the word to one of them", "оставьте это слово одной из них");
    return problem;
  }

  SourceSpan place_of(const Command& command, const std::string& folded) const {
    const auto word = loading_.command_words.find(folded + '\n' + command.name);
    return word == loading_.command_words.end() ? command.span : word->second;
  }

  void check_replies(DeskId id) {
    const Desk& desk = loading_.program.desks[id.value];
    for (std::size_t i = 0; i < desk.replies.size(); ++i) {
      const std::string word = fold("/" + desk.replies[i].name);
      const bool of_desk = word == desk.register_word ||
                           std::find(desk.commands.begin(), desk.commands.end(), word) != desk.commands.end();
      if (!of_desk && !scenario_.count(word)) continue;
      const Node& key = *loading_.reply_keys[id.value][i];
      hint(loading_, loading_.report(DiagnosticId::ReplyIsCommand, key.span, {std::string(key.scalar), word}),
           "give it another name", "дайте ему другое имя");
    }
  }

  /// Agents of one desk may have the words of another; who registers has no desk yet.
  void check_register_words() {
    std::unordered_map<std::string_view, const Named*> seen;
    for (const Named& one : loading_.desk_words) {
      if (one.command) continue;
      const auto [first, fresh] = seen.emplace(one.word, &one);
      if (!fresh && first->second->desk != one.desk) twice(one, first->second->node->span);
    }
  }

  Loading& loading_;
  std::unordered_map<std::string, const Command*> scenario_;
};

}  // namespace

void complete_desks(Loading& loading) {
  if (!loading.program.desks.empty()) DeskWords(loading).complete();
}

}  // namespace sufler
