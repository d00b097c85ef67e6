// Names that expressions read: is there anything that ever sets them?
#include <algorithm>

#include "schema/loading.h"

namespace sufler {
namespace {

constexpr const char* kUserFields[] = {"unsubscribed", "id",    "first_name", "last_name", "username",
                                       "language", "phone",   "platform",  "created_at"};
constexpr const char* kMessageFields[] = {"text", "attachments", "payload", "command", "args"};

SourceSpan place_of_use(const Loading& loading, const NameUseAt& use) {
  if (use.length == 0) return use.node->span;
  return span_inside(*use.node, loading.sources, use.offset, use.length);
}

class NameCheck {
 public:
  explicit NameCheck(Loading& loading) : loading_(loading) {}

  void check(const NameUseAt& use) {
    const std::string& root = use.path[0];
    if (loading_.variables.count(root)) return;
    const Word system = find_word(root, in::SystemName);
    const std::string* member = use.path.size() > 1 ? &use.path[1] : nullptr;
    switch (system) {
      case Word::User:
        if (member && !contains(kUserFields, *member) && !loading_.user_names.count(*member)) {
          std::vector<std::string> known = spellings(in::UserField);
          // `user.name` is there only when something sets it.
          std::erase(known, std::string(spelling(Word::UserName, Language::English)));
          std::erase(known, std::string(spelling(Word::UserName, Language::Russian)));
          known.insert(known.end(), loading_.user_names.begin(), loading_.user_names.end());
          unknown_member(use, known);
        }
        return;
      case Word::MessageWord:
        if (member && !contains(kMessageFields, *member)) {
          unknown_member(use, {std::begin(kMessageFields), std::end(kMessageFields)});
        }
        return;
      case Word::Shared:
        if (member && !loading_.shared_names.count(*member)) {
          unknown_member(use, {loading_.shared_names.begin(), loading_.shared_names.end()});
        }
        return;
      case Word::Settings:
        check_setting(use);
        return;
      case Word::Texts:
        if (member && !loading_.texts.count(*member)) {
          Diagnostic& problem = loading_.report(DiagnosticId::UnknownTextName,
                                                place_of_use(loading_, use), {*member});
          offer(loading_, problem, *member, names_of(loading_.texts), false);
          rebuild_fix(problem, use);
        }
        return;
      case Word::Handoff:
        if (member && find_word(*member, in::HandoffField) == Word::None) {
          unknown_member(use, spellings(in::HandoffField));
        }
        return;
      case Word::Chat:
      case Word::Event:
      case Word::Vars:
        return;
      default:
        break;
    }
    unknown_variable(use);
  }

 private:
  template <std::size_t N>
  static bool contains(const char* const (&fields)[N], std::string_view name) {
    return std::find(std::begin(fields), std::end(fields), name) != std::end(fields);
  }

  static std::vector<std::string> names_of(const NameIndex& index) {
    std::vector<std::string> names;
    for (const auto& [name, declared] : index) names.emplace_back(name);
    std::sort(names.begin(), names.end());
    return names;
  }

  void unknown_member(const NameUseAt& use, std::vector<std::string> known) {
    if (!may_offer(loading_, known.size())) known.clear();
    std::sort(known.begin(), known.end());
    Diagnostic& problem = loading_.report(DiagnosticId::UnknownMember, place_of_use(loading_, use),
                                          {use.path[0], use.path[1]});
    offer(loading_, problem, use.path[1], known, false);
    rebuild_fix(problem, use);
  }

  /// The underline covers `user.nmae`, so the whole of it is what a fix replaces.
  static void rebuild_fix(Diagnostic& problem, const NameUseAt& use) {
    for (Fix& fix : problem.fixes) {
      for (FixEdit& edit : fix.edits) {
        if (edit.span == problem.span) edit.text = use.path[0] + "." + edit.text;
      }
    }
  }

  void check_setting(const NameUseAt& use) {
    if (use.path.size() < 2) return;
    const Value* value = loading_.program.settings.find(use.path[1]);
    if (!value) {
      Diagnostic& problem = loading_.report(DiagnosticId::UnknownSetting,
                                            place_of_use(loading_, use), {use.path[1]});
      offer(loading_, problem, use.path[1], names_of(loading_.settings), false);
      rebuild_fix(problem, use);
      return;
    }
    for (std::size_t i = 2; i < use.path.size(); ++i) {
      const ValueMap* map = value->map();
      if (!map) return;
      value = map->find(use.path[i]);
      if (!value) {
        loading_.report(DiagnosticId::UnknownMember, place_of_use(loading_, use),
                        {use.path[i - 1], use.path[i]});
        return;
      }
    }
  }

  void unknown_variable(const NameUseAt& use) {
    const std::string& name = use.path[0];
    Diagnostic& problem =
        loading_.report(DiagnosticId::UnknownVariable, place_of_use(loading_, use), {name});
    if (known_.empty()) {
      known_.assign(loading_.variables.begin(), loading_.variables.end());
      for (const char* system : {"user", "settings", "texts", "message", "chat", "shared"}) {
        known_.emplace_back(system);
      }
      std::sort(known_.begin(), known_.end());
    }
    // `True`, `NULL`, `Истина`: words of the language are written small.
    const std::string lower = to_lower(name);
    if (lower != name && is_expression_keyword(lower)) {
      hint(loading_, problem, "write `" + lower + "`", "напишите `" + lower + "`");
      if (loading_.sources.slice(problem.span) == name)
        problem.fixes.push_back({"`" + lower + "`", {{problem.span, lower}}, true});
      return;
    }
    if (!may_offer(loading_, known_.size())) return;
    offer(loading_, problem, name, known_, false);
    if (!problem.hint_en.empty() || !problem.fixes.empty()) return;
    if (loading_.texts.count(name)) {
      hint(loading_, problem, "it is one of `%texts%`: write `texts." + name + "`",
           "это один из текстов: напишите `texts." + name + "`");
    } else if (loading_.settings.count(name)) {
      hint(loading_, problem, "it is one of `%settings%`: write `settings." + name + "`",
           "это одна из настроек: напишите `settings." + name + "`");
    } else if (loading_.questions.count(name)) {
      hint(loading_, problem, "the question is there, and no step asks it", "такой вопрос есть, но ни один шаг его не задаёт");
    } else {
      // YAML takes the outer quotes away, the inner ones are the expression's.
      const bool whole = use.node->scalar == name;
      const std::string quoted = whole ? "\"'" + name + "'\"" : "'" + name + "'";
      hint(loading_, problem,
           "ask or set it before; if a text is meant, put it in quotes" +
               std::string(whole ? " twice" : "") + ": `" + quoted + "`",
           "спросите или запомните его раньше; если это просто текст, возьмите его в кавычки" +
               std::string(whole ? " дважды" : "") + ": `" + quoted + "`");
    }
  }

  Loading& loading_;
  std::vector<std::string> known_;
};

}  // namespace

void check_names(Loading& loading) {
  NameCheck check(loading);
  for (const NameUseAt& use : loading.uses) check.check(use);
}

}  // namespace sufler
