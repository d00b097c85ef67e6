#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "interpreter/runtime/operations.h"
#include "tools/commands.h"
#include "tools/operator_link.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;
using What = DeadLettersOptions::What;

bool is_id(const std::string& word) {
  const std::size_t from = word.starts_with('o') ? 1 : 0;
  return word.size() > from &&
         std::all_of(word.begin() + static_cast<std::ptrdiff_t>(from), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string text_of(const json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string dump(const json& value, int indent = -1) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

void print_json(const json& value) { std::cout << redact(dump(value)) << "\n"; }

/// `name   value`, or the value's own lines below its name.
void print_part(const std::string& name, const json& value) {
  if (name == "at_unix_ms") return print_part("time", shown_time(value.get<std::int64_t>()));
  if (!value.is_structured()) {
    const std::string text = value.is_string() ? value.get<std::string>() : dump(value);
    std::cout << name << std::string(name.size() < 11 ? 12 - name.size() : 1, ' ') << printable(text) << "\n";
    return;
  }
  std::cout << name << "\n";
  const std::string text = dump(value, 2);
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::cout << "  " << printable(std::string_view(text).substr(at, end - at)) << "\n";
    at = end + 1;
  }
}

class LetterCommand {
 public:
  LetterCommand(OperatorLink& link, const DeadLettersOptions& options, std::vector<std::string> ids)
      : link_(link), options_(options), ids_(std::move(ids)), as_json_(options.format == "json") {}

  int run() {
    switch (options_.what) {
      case What::List:
        return list();
      case What::Show:
        return show();
      case What::Retry:
      case What::Drop:
        return move();
    }
    return kExitMisuse;
  }

 private:
  std::optional<json> ask(json request) {
    const auto answer = link_.ask(dump(request));
    if (!answer) {
      complain(answer.error().empty() ? "the process has stopped meanwhile; try again" : answer.error());
      return std::nullopt;
    }
    return json::parse(*answer, nullptr, false);
  }

  int list() {
    const auto answer = ask({{"op", "letters"}, {"bot", options_.bot}, {"limit", options_.limit}});
    if (!answer) return kExitErrors;
    if (as_json_) {
      print_json(*answer);
      return kExitClean;
    }
    for (const json& letter : (*answer)["letters"]) {
      std::cout << text_of(letter, "id") << "  " << shown_time(letter["at_unix_ms"].get<std::int64_t>()) << "  "
                << printable(text_of(letter, "bot")) << "  " << printable(text_of(letter, "kind")) << "  "
                << printable(text_of(letter, "chat")) << "  " << printable(text_of(letter, "reason")) << "\n";
    }
    if ((*answer)["letters"].empty()) std::cout << "no dead letters\n";
    if ((*answer)["more"] == true) std::cout << "there are older ones: --limit shows more\n";
    return kExitClean;
  }

  int show() {
    json letters = json::array();
    for (const std::string& id : ids_) {
      auto answer = ask({{"op", "letter"}, {"id", id}});
      if (!answer) return kExitErrors;
      letters.push_back(std::move((*answer)["letter"]));
    }
    if (as_json_) {
      print_json({{"letters", letters}});
      return kExitClean;
    }
    bool first = true;
    for (const json& letter : letters) {
      if (!first) std::cout << "\n";
      first = false;
      for (const auto& [name, value] : letter.items()) print_part(name, value);
    }
    return kExitClean;
  }

  int move() {
    const bool retry = options_.what == What::Retry;
    if (options_.all) {
      const auto answer = ask({{"op", "letter_ids"}, {"bot", options_.bot}});
      if (!answer) return kExitErrors;
      ids_ = (*answer)["ids"].get<std::vector<std::string>>();
    }
    json done = json::array();
    json failed = json::array();
    for (std::size_t at = 0; at < ids_.size(); at += kIdsAtOnce) {
      const auto end = ids_.begin() + static_cast<std::ptrdiff_t>(std::min(ids_.size(), at + kIdsAtOnce));
      const std::vector<std::string> some(ids_.begin() + static_cast<std::ptrdiff_t>(at), end);
      const auto answer = ask({{"op", retry ? "retry" : "drop"}, {"ids", some}});
      if (!answer) return kExitErrors;
      for (const json& id : (*answer)["done"]) done.push_back(id);
      for (const json& one : (*answer)["failed"]) failed.push_back(one);
    }
    if (as_json_) {
      print_json({{"done", done}, {"failed", failed}});
    } else {
      std::cout << (retry ? "put back: " : "dropped: ") << done.size() << "\n";
      if (retry && !done.empty() && !link_.live())
        std::cout << "no process serves now: they go on with the next start\n";
      for (const json& one : failed) complain(text_of(one, "id") + ": " + text_of(one, "reason"));
    }
    return failed.empty() ? kExitClean : kExitErrors;
  }

  OperatorLink& link_;
  const DeadLettersOptions& options_;
  std::vector<std::string> ids_;
  bool as_json_;
};

}  // namespace

int run_dead_letters(const DeadLettersOptions& options) {
  std::string config = "sufler.yaml";
  bool named = false;
  std::vector<std::string> ids;
  for (const std::string& word : options.words) {
    if (is_id(word) && options.what != What::List) {
      ids.push_back(word);
    } else if (!named) {
      config = word;
      named = true;
    } else {
      complain("`" + word + "` is no id of a dead letter");
      return kExitMisuse;
    }
  }
  const bool wants_ids = options.what != What::List;
  if (wants_ids && ids.empty() != options.all) {
    complain(options.what == What::Show ? "name the ids to show; `sufler dead-letters list` tells them"
                                        : "name the ids, or --all; `sufler dead-letters list` tells them");
    return kExitMisuse;
  }
  auto link = OperatorLink::open(config);
  if (!link) return kExitErrors;
  return LetterCommand(*link, options, std::move(ids)).run();
}

}  // namespace sufler
