#pragma once
#include <cassert>
#include <utility>
#include <variant>

namespace sufler {

/// Wraps an error on its way into a Result: `return Error{StorageError{…}};`
template <class E>
struct Error {
  E value;
};
template <class E>
Error(E) -> Error<E>;

/// A value or the reason why there is none; spelled like C++23's std::expected.
template <class T, class E>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  template <class F>
  Result(Error<F> error) : state_(std::in_place_index<1>, std::move(error.value)) {}

  explicit operator bool() const { return state_.index() == 0; }
  bool has_value() const { return state_.index() == 0; }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& value() {
    assert(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& value() const {
    assert(has_value());
    return *std::get_if<0>(&state_);
  }
  E& error() {
    assert(!has_value());
    return *std::get_if<1>(&state_);
  }
  const E& error() const {
    assert(!has_value());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, E> state_;
};

/// What a Result holds when success carries no value.
struct Done {};

}  // namespace sufler
