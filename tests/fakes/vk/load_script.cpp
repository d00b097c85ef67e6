#include "fakes/vk/load_script.h"

#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>
#include <stdexcept>

namespace sufler::fakes::vk {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string phone_of(int user, int run) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "+79%09lld",
                (static_cast<long long>(user) * 1000 + run) % 1'000'000'000);
  return digits;
}

}  // namespace

LoadScript read_load_script(const std::string& file) {
  static const std::map<std::string_view, LoadStep::Kind> kInputs = {
      {"send", LoadStep::Kind::Send},
      {"tap", LoadStep::Kind::Tap},
      {"tap-inline", LoadStep::Kind::TapInline},
      {"tap-reply", LoadStep::Kind::TapReply}};
  static const std::map<std::string_view, Expectation::Where> kExpectations = {
      {"expect", Expectation::Where::User},
      {"edit", Expectation::Where::Edit},
      {"admin", Expectation::Where::Admin}};
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read the script " + file);
  LoadScript script;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const std::string_view text = trimmed(line);
    if (text.empty() || text.front() == '#') continue;
    const auto bad = [&](const std::string& why) {
      return std::runtime_error(file + ":" + std::to_string(number) + ": " + why);
    };
    const std::size_t space = text.find_first_of(" \t");
    const std::string_view word = text.substr(0, space);
    std::string_view rest =
        space == std::string_view::npos ? std::string_view{} : trimmed(text.substr(space));
    if (rest.empty()) throw bad("a word and a text are expected");
    if (const auto where = kExpectations.find(word); where != kExpectations.end()) {
      Expectation expectation{where->second, {}};
      for (;;) {
        const std::size_t both = rest.find("&&");
        expectation.parts.emplace_back(trimmed(rest.substr(0, both)));
        if (both == std::string_view::npos) break;
        rest = rest.substr(both + 2);
      }
      if (expectation.where == Expectation::Where::Admin) {
        script.admin.push_back(std::move(expectation));
      } else if (script.steps.empty()) {
        throw bad("an expectation before the first input");
      } else {
        script.steps.back().expectations.push_back(std::move(expectation));
      }
      continue;
    }
    const auto input = kInputs.find(word);
    if (input == kInputs.end()) {
      throw bad("unknown word (send, tap, tap-inline, tap-reply, expect, edit, admin)");
    }
    script.steps.push_back({input->second, std::string(rest), {}});
  }
  if (script.steps.empty()) throw std::runtime_error(file + ": no inputs");
  for (const LoadStep& step : script.steps) {
    if (step.expectations.empty()) {
      throw std::runtime_error(file + ": nothing is expected after \"" + step.text + "\"");
    }
  }
  if (script.admin.size() > 8) throw std::runtime_error(file + ": at most 8 admin lines");
  return script;
}

std::string tag_of(int user, int run) {
  return "u" + std::to_string(user) + "r" + std::to_string(run);
}

std::string filled_in(std::string_view text, int user, int run) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = text[i] == '{' ? text.find('}', i) : std::string_view::npos;
    const std::string_view name =
        end == std::string_view::npos ? std::string_view{} : text.substr(i + 1, end - i - 1);
    if (name == "user") {
      out += std::to_string(user);
    } else if (name == "run") {
      out += std::to_string(run);
    } else if (name == "tag") {
      out += tag_of(user, run);
    } else if (name == "phone") {
      out += phone_of(user, run);
    } else {
      out += text[i++];
      continue;
    }
    i = end + 1;
  }
  return out;
}

bool matches(const Expectation& expectation, std::string_view text, int user, int run,
             std::int64_t& number) {
  for (const std::string& raw : expectation.parts) {
    const std::string part = filled_in(raw, user, run);
    const std::size_t hole = part.find("{n}");
    if (hole == std::string::npos) {
      if (text.find(part) == std::string_view::npos) return false;
      continue;
    }
    const std::string_view before = std::string_view(part).substr(0, hole);
    const std::string_view after = std::string_view(part).substr(hole + 3);
    bool found = false;
    for (std::size_t i = text.find(before); i != std::string_view::npos && !found;
         i = text.find(before, i + 1)) {
      const std::size_t from = i + before.size();
      std::size_t end = from;
      while (end < text.size() && is_digit(text[end])) ++end;
      if (end == from || text.substr(end, after.size()) != after) continue;
      found = std::from_chars(text.data() + from, text.data() + end, number).ec == std::errc{};
    }
    if (!found) return false;
  }
  return true;
}

}  // namespace sufler::fakes::vk
