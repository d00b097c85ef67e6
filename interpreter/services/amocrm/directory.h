#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/value.h"
#include "interpreter/services/amocrm/connection.h"

/// What an account of amoCRM calls its things: pipelines, stages, users, fields.
namespace sufler::amocrm {

struct Named {
  std::int64_t id = 0;
  std::string name;
};
struct Pipeline : Named {
  bool is_main = false;
  std::vector<Named> stages;  ///< 142 is won, 143 is lost
};
struct Field : Named {
  std::string code, type;      ///< `PHONE`, `multitext`
  std::vector<Named> choices;  ///< of a list; of phones and addresses their kinds
};

std::vector<Pipeline> read_pipelines(const Value& answer);
std::vector<Named> read_users(const Value& answer);
std::vector<Named> read_task_types(const Value& account);
std::vector<Field> read_fields(const Value& answer);

/// Without regard to case, `ё` and spaces at the ends; also by the id as text. Null: there is none.
const Named* find_named(const std::vector<Named>& all, const Value& wanted);
const Field* find_field(const std::vector<Field>& all, std::string_view wanted);
/// `a`, `b`, `c`.
std::string names_of(const std::vector<Named>& all);

/// Kept for a while; asked anew when a name is not there. Thread-safe.
class Directory {
 public:
  explicit Directory(Connection& connection) : connection_(connection) {}

  /// Each gives a failed outcome when amoCRM cannot tell. `fresh`: what was kept for longer than a moment will not do.
  Outcome pipelines(std::vector<Pipeline>& out, bool fresh, Caller& caller);
  Outcome users(std::vector<Named>& out, bool fresh, Caller& caller);
  Outcome task_types(std::vector<Named>& out, bool fresh, Caller& caller);
  /// `kind`: leads, contacts.
  Outcome fields(const std::string& kind, std::vector<Field>& out, bool fresh, Caller& caller);

 private:
  template <class T>
  struct Kept {
    std::vector<T> all;
    std::chrono::steady_clock::time_point at{};
    bool there = false;
  };
  template <class T>
  Outcome ask(Kept<T>& kept, const std::string& path, std::vector<T> (*read)(const Value&), bool pages, std::vector<T>& out, bool fresh,
              Caller& caller);

  Connection& connection_;
  std::mutex mutex_;
  Kept<Pipeline> pipelines_;
  Kept<Named> users_, task_types_;
  std::map<std::string, Kept<Field>> fields_;
};

}  // namespace sufler::amocrm
