#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "interpreter/core/expression.h"

namespace sufler {

struct Play;

/// What expressions of a dialog see. `user`, `message` and the like are made when they are first read:
/// most turns read none of them.
class DialogScope final : public Scope {
 public:
  explicit DialogScope(const Play& play);

  const Value* find(std::string_view name) const override;
  const Template* named_text(std::string_view name) const override;
  Moment now() const override;
  const Locale& locale() const override { return locale_; }
  std::uint64_t random(std::uint64_t bound) const override;
  bool is_working_time(std::string_view rule) const override;
  std::string_view default_currency() const override;

  /// Names before all others: `value` of a check, the columns of a row. Null: none.
  void set_extra(const ValueMap* extra) { extra_ = extra; }
  const ValueMap* extra() const { return extra_; }
  void forget_user() { user_.reset(); }
  void forget_shared() { shared_.reset(); }
  bool read_shared() const { return read_shared_; }
  void forget_variables() { vars_.reset(); }
  const ValueMap& shared_changes() const { return shared_changes_; }
  void set_shared_changes(ValueMap changes);
  void change_shared(std::string_view name, Value value);
  std::uint64_t draws() const { return draws_; }
  void set_draws(std::uint64_t draws) { draws_ = draws; }

 private:
  Value user_map() const;
  Value chat_map() const;
  Value message_map() const;
  Value shared_map() const;
  Value handoff_map() const;

  const Play& play_;
  Locale locale_;
  const ValueMap* extra_ = nullptr;
  ValueMap shared_changes_;
  mutable std::uint64_t draws_ = 0;
  mutable bool read_shared_ = false;
  mutable std::optional<Value> user_, chat_, message_, settings_, shared_, handoff_, event_, vars_;
};

/// Puts names before all others for as long as it lives.
class ExtraNames {
 public:
  ExtraNames(DialogScope& scope, const ValueMap& names) : scope_(scope), before_(scope.extra()) {
    scope_.set_extra(&names);
  }
  ~ExtraNames() { scope_.set_extra(before_); }
  ExtraNames(const ExtraNames&) = delete;
  ExtraNames& operator=(const ExtraNames&) = delete;

 private:
  DialogScope& scope_;
  const ValueMap* before_;
};

}  // namespace sufler
