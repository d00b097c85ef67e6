// What assistants remember, as part of a dialog's state: written and read at every turn, with short names.
#include "interpreter/core/assistants/memory.h"
#include "interpreter/core/json_text.h"

namespace sufler {
namespace {

/// Names that are not of this file may hold anything.
class Members : public ObjectWriter {
 public:
  using ObjectWriter::ObjectWriter;
  std::string& any_name(std::string_view name) {
    comma();
    append_json_string(out_, name);
    out_.push_back(':');
    return out_;
  }
  void count(std::string_view key, std::uint64_t value) {
    if (value != 0) append_json_number(name(key), static_cast<std::int64_t>(value));
  }
};

void append(std::string& out, const TalkLine& line) {
  Members members(out);
  members.count("w", static_cast<std::uint64_t>(line.who));
  members.text("t", line.text);
  if (line.call) {
    members.text("ci", line.call->id);
    append_json_string(members.name("cn"), line.call->name);
    members.text("ca", line.call->arguments);
  }
  members.end();
}

void append(std::string& out, const TalkMemory& talk) {
  Members members(out);
  if (!talk.lines.empty()) {
    members.name("l") += '[';
    for (std::size_t i = 0; i < talk.lines.size(); ++i) {
      if (i > 0) out += ',';
      append(out, talk.lines[i]);
    }
    out += ']';
  }
  members.text("s", talk.summary);
  members.count("sj", talk.summary_job);
  members.count("sl", talk.summary_lines);
  members.count("r", talk.rounds);
  members.flag("c", talk.corrected);
  members.end();
}

template <class Number>
bool read_count(JsonReader& json, Number& number) {
  std::int64_t read = 0;
  if (!json.read_int(read)) return false;
  if (read < 0 || static_cast<std::uint64_t>(read) > std::uint64_t{static_cast<Number>(-1)}) return json.fail();
  number = static_cast<Number>(read);
  return true;
}

bool read(JsonReader& json, TalkLine& line) {
  const auto call = [&]() -> ModelCall& { return line.call ? *line.call : line.call.emplace(); };
  return json.read_object([&](const std::string& name) {
    if (name == "w") {
      std::uint8_t who = 0;
      if (!read_count(json, who) || who > static_cast<std::uint8_t>(TalkLine::Who::Tool)) return json.fail();
      line.who = static_cast<TalkLine::Who>(who);
      return true;
    }
    if (name == "t") return json.read_string(line.text);
    if (name == "ci") return json.read_string(call().id);
    if (name == "cn") return json.read_string(call().name);
    if (name == "ca") return json.read_string(call().arguments);
    return false;
  });
}

bool read(JsonReader& json, TalkMemory& talk) {
  return json.read_object([&](const std::string& name) {
    if (name == "l") return json.read_array([&] { return read(json, talk.lines.emplace_back()); });
    if (name == "s") return json.read_string(talk.summary);
    if (name == "sj") return read_count(json, talk.summary_job);
    if (name == "sl") return read_count(json, talk.summary_lines);
    if (name == "r") return read_count(json, talk.rounds);
    if (name == "c") return json.read_bool(talk.corrected);
    return false;
  });
}

}  // namespace

void append_json(std::string& out, const Assisted& assisted) {
  Members members(out);
  if (!assisted.talks.empty()) {
    Members talks(members.name("t"));
    for (const auto& [name, talk] : assisted.talks) append(talks.any_name(name), talk);
    talks.end();
  }
  if (!assisted.usage.empty()) {
    Members usage(members.name("u"));
    for (const auto& [name, one] : assisted.usage) {
      usage.any_name(name) += '[';
      append_json_number(out, one.window);
      for (const std::uint64_t number : {std::uint64_t{one.count}, one.tokens_in, one.tokens_out}) {
        out += ',';
        append_json_number(out, static_cast<std::int64_t>(number));
      }
      out += ']';
    }
    usage.end();
  }
  if (!assisted.rates.empty()) {
    Members rates(members.name("r"));
    for (const auto& [name, rate] : assisted.rates) append_json_number(rates.any_name(name), rate);
    rates.end();
  }
  members.count("a", assisted.asked_points);
  members.text("p", assisted.people);
  if (!assisted.hidden.empty()) {
    std::string& list = members.name("h");
    list += '[';
    for (std::size_t i = 0; i < assisted.hidden.size(); ++i) {
      if (i > 0) list += ',';
      append_json_string(list, assisted.hidden[i].first);
      list += ',';
      append_json_string(list, assisted.hidden[i].second);
    }
    list += ']';
  }
  members.end();
}

bool read_json(JsonReader& json, Assisted& assisted) {
  return json.read_object([&](const std::string& name) {
    if (name == "t")
      return json.read_object([&](const std::string& talk) { return read(json, assisted.talks[talk]); });
    if (name == "u") {
      return json.read_object([&](const std::string& assistant) {
        TalkUsage& usage = assisted.usage[assistant];
        return json.take('[') && json.read_int(usage.window) && json.take(',') && read_count(json, usage.count) &&
               json.take(',') && read_count(json, usage.tokens_in) && json.take(',') &&
               read_count(json, usage.tokens_out) && json.take(']');
      });
    }
    if (name == "r")
      return json.read_object([&](const std::string& model) { return read_count(json, assisted.rates[model]); });
    if (name == "a") return read_count(json, assisted.asked_points);
    if (name == "p") return json.read_string(assisted.people);
    if (name == "h") {
      std::vector<std::string> all;
      if (!json.read_array([&] { return json.read_string(all.emplace_back()); }) || all.size() % 2 != 0) return false;
      for (std::size_t i = 0; i < all.size(); i += 2) assisted.hidden.emplace_back(std::move(all[i]), std::move(all[i + 1]));
      return true;
    }
    return false;
  });
}

}  // namespace sufler
