#include "tools/menu.h"

#include <algorithm>
#include <string>

namespace sufler {
namespace {

/// What a text sees that is said to nobody in particular.
class MenuScope final : public Scope {
 public:
  explicit MenuScope(const Program& program)
      : program_(program), settings_(program.settings), locale_{program.language, program.zone} {}

  const Value* find(std::string_view name) const override {
    return name == "settings" ? &settings_ : nullptr;
  }
  const Template* named_text(std::string_view name) const override {
    const auto found = program_.texts.find(name);
    if (found == program_.texts.end() || found->second.empty()) return nullptr;
    const auto own = found->second.find(program_.language == Language::Russian ? "ru" : "en");
    return own == found->second.end() ? &found->second.begin()->second : &own->second;
  }
  Moment now() const override { return {}; }
  const Locale& locale() const override { return locale_; }
  std::uint64_t random(std::uint64_t) const override { return 0; }
  bool is_working_time(std::string_view) const override { return true; }
  std::string_view default_currency() const override {
    return program_.language == Language::Russian ? "RUB" : "USD";
  }

 private:
  const Program& program_;
  Value settings_;
  Locale locale_;
};

std::string description_of(const Template& text, const MenuScope& scope) {
  const std::vector<NameUse> names = text.names();
  const bool same_for_all = std::all_of(names.begin(), names.end(), [](const NameUse& use) {
    return use.path.front() == "settings" || use.path.front() == "texts" || use.path.front() == "тексты";
  });
  if (!same_for_all) return {};
  auto rendered = text.render(scope);
  return rendered ? rendered->text : std::string();
}

}  // namespace

std::vector<BotCommandHint> menu_of(const Program& program) {
  const MenuScope scope(program);
  std::vector<BotCommandHint> menu;
  for (const Command& command : program.commands) {
    if (command.about.empty() || !command.role.empty() || command.during_handoff) continue;
    const auto word = std::find_if(command.words.begin(), command.words.end(),
                                   [](const std::string& one) { return one.starts_with("/"); });
    // An empty description is told as the command itself.
    if (word != command.words.end())
      menu.push_back({word->substr(1), description_of(command.about.any_of.front(), scope)});
  }
  return menu;
}

}  // namespace sufler
