// http: a request to a server. The turn works out the whole request, and it goes with the job: each attempt asks the same
// under the same key, whatever happens to the variables meanwhile. All but GET change something in the world: a border
// for `back`, and a command that leads elsewhere leaves the request on its way.
#include <algorithm>

#include "interpreter/core/http/order.h"
#include "interpreter/core/http/url.h"
#include "interpreter/core/jobs.h"
#include "interpreter/core/plain_json.h"
#include "interpreter/core/sha256.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

constexpr std::size_t kMostUrl = 8 * 1024;
constexpr std::size_t kMostHeaders = 16 * 1024;

/// Why there is no request, in English. It never holds a value: those are people's words.
using Why = std::string;

/// As programs write it, and not as people read it: `2.5`, `2026-03-15`, `true`. False: neither a text nor a number.
bool plain(const Play& play, const Value& value, std::string& out) {
  if (value.text()) return out = *value.text(), true;
  if (value.is_null()) return out.clear(), true;
  if (value.list() || value.map() || value.file()) return false;
  out = to_plain_json(value, play.program.zone);
  if (out.size() >= 2 && out.front() == '"') out = out.substr(1, out.size() - 2);  // days and times hold nothing to escape
  return true;
}

class Maker {
 public:
  Maker(Play& play, const HttpOrder& order) : play_(play), order_(order) {}

  /// False after a fault. `why` is not empty where the values give no request.
  bool make(HttpCall& call, Why& why) {
    call.method = order_.method;
    call.timeout = order_.timeout;
    call.retry = order_.retry;
    call.key = key();
    if (!make_url(call.url, why) || !why.empty()) return why_or_fault(why);
    if (!make_headers(call, why) || !why.empty()) return why_or_fault(why);
    return make_body(call, why) || why_or_fault(why);
  }

 private:
  static bool why_or_fault(const Why& why) { return !why.empty(); }

  /// Nobody else's, and the same whenever this turn is played again.
  std::string key() {
    const UserRecord& user = play_.user;
    std::string all = play_.program.id + '\x1f' + user.platform + '\x1f' + user.id + '\x1f' + play_.around.chat.chat_id + '\x1f' +
                      std::to_string(play_.state.serial) + '\x1f' + std::to_string(play_.now().unix_ms) + '\x1f' + std::to_string(play_.event.seed);
    return sha256_hex("http\x1f" + all).substr(0, 32);
  }

  bool value_of(const Expression& expression, std::string& out, Why& why) {
    Value value;
    if (!play_.evaluate(expression, value)) return false;
    if (!plain(play_, value, out)) why = "`" + expression.source() + "` is neither a text nor a number";
    return true;
  }

  bool make_url(std::string& url, Why& why) {
    url = order_.origin;
    std::size_t segment = url.size() + 1;
    bool filled = false;
    const auto ends_well = [&] {
      // A segment that a value made `..` or nothing would lead to another address than the author wrote.
      const std::string_view made = std::string_view(url).substr(std::min(segment, url.size()));
      if (filled && (made.empty() || made == "." || made == "..")) why = "a value leaves nothing of its part of the address";
      return why.empty();
    };
    for (std::size_t i = 0; i < order_.target.pieces.size(); ++i) {
      const HttpText::Piece& piece = order_.target.pieces[i];
      if (i == order_.path_pieces && !ends_well()) return true;
      const bool in_path = i < order_.path_pieces;
      if (piece.value) {
        std::string text;
        if (!value_of(*piece.value, text, why)) return false;
        if (!why.empty()) return true;
        if (in_path && text.empty()) return why = "a value of the address is empty", true;
        url += percent_encode(text);
        filled = filled || in_path;
        continue;
      }
      if (!in_path) {
        url += piece.literal;
        continue;
      }
      for (const char c : piece.literal) {
        if (c == '/' && !ends_well()) return true;
        url += c;
        if (c != '/') continue;
        segment = url.size();
        filled = false;
      }
    }
    if (order_.path_pieces == order_.target.pieces.size() && !ends_well()) return true;
    char before = order_.path_pieces == order_.target.pieces.size() ? '?' : '&';
    for (const HttpField& field : order_.query) {
      std::vector<std::string> values;
      if (!values_of(field, false, values, why)) return false;
      for (const std::string& value : values) {
        url += before + percent_encode(field.name) + '=' + percent_encode(value);
        before = '&';
      }
    }
    if (url.size() > kMostUrl) why = "the address is longer than " + std::to_string(kMostUrl) + " bytes";
    return true;
  }

  /// Nothing leaves the field out; a list gives it several times. `for_people`: texts around values are sentences.
  bool values_of(const HttpField& field, bool for_people, std::vector<std::string>& out, Why& why) {
    for (const HttpText& text : field.values) {
      if (const Expression* single = text.single()) {
        Value value;
        if (!play_.evaluate(*single, value)) return false;
        List items;
        if (value.list()) {
          items = *value.list();
        } else if (!value.is_null()) {
          items.push_back(std::move(value));
        }
        for (const Value& item : items)
          if (!plain(play_, item, out.emplace_back())) why = "`" + single->source() + "` is neither a text nor a number";
        continue;
      }
      if (!text_of(text, for_people, out.emplace_back(), why)) return false;
    }
    return true;
  }

  bool text_of(const HttpText& text, bool for_people, std::string& out, Why& why) {
    for (const HttpText::Piece& piece : text.pieces) {
      if (!piece.value) {
        out += piece.literal;
        continue;
      }
      Value value;
      if (!play_.evaluate(*piece.value, value)) return false;
      if (for_people) {
        out += to_display(value, play_.scope.locale());
        continue;
      }
      std::string shown;
      if (!plain(play_, value, shown)) why = "`" + piece.value->source() + "` is neither a text nor a number";
      out += shown;
    }
    return true;
  }

  bool make_headers(HttpCall& call, Why& why) {
    std::size_t size = 0;
    for (const HttpField& field : order_.headers) {
      std::vector<std::string> values;
      if (!values_of(field, false, values, why)) return false;
      for (std::string& value : values) {
        if (!is_header_value(value)) return why = "the header `" + field.name + "` would hold a control character", true;
        if (trim(value).empty()) continue;
        size += field.name.size() + value.size() + 4;
        if (to_lower(field.name) == "content-type") {
          call.type = std::string(trim(value));
        } else {
          call.headers.emplace_back(field.name, std::string(trim(value)));
        }
      }
    }
    if (size > kMostHeaders) why = "the headers are larger than " + std::to_string(kMostHeaders) + " bytes";
    return true;
  }

  bool make_body(HttpCall& call, Why& why) {
    if (order_.json) {
      Value value;
      if (!value_of(*order_.json, value)) return false;
      call.body = to_plain_json(value, play_.program.zone);
      if (call.type.empty()) call.type = "application/json";
    } else if (!order_.form.empty()) {
      for (const HttpField& field : order_.form) {
        std::vector<std::string> values;
        if (!values_of(field, true, values, why)) return false;
        for (const std::string& value : values)
          call.body += (call.body.empty() ? "" : "&") + percent_encode(field.name) + "=" + percent_encode(value);
      }
      if (call.type.empty()) call.type = "application/x-www-form-urlencoded";
    } else {
      call.type.clear();
    }
    if (call.body.size() > kMostHttpBytes) why = "the request is larger than " + std::to_string(kMostHttpBytes) + " bytes";
    return true;
  }

  bool value_of(const HttpJson& json, Value& out) {
    switch (json.kind) {
      case HttpJson::Kind::Constant: out = json.constant; return true;
      case HttpJson::Kind::Text: {
        if (const Expression* single = json.text.single()) return play_.evaluate(*single, out);
        std::string text;
        Why none;
        if (!text_of(json.text, true, text, none)) return false;
        out = Value(std::move(text));
        return true;
      }
      case HttpJson::Kind::List: {
        List items;
        for (const auto& [name, member] : json.members)
          if (!value_of(member, items.emplace_back())) return false;
        out = Value(std::move(items));
        return true;
      }
      case HttpJson::Kind::Map: {
        ValueMap items;
        for (const auto& [name, member] : json.members) {
          Value value;
          if (!value_of(member, value)) return false;
          items.set(name, std::move(value));
        }
        out = Value(std::move(items));
        return true;
      }
    }
    return true;
  }

  Play& play_;
  const HttpOrder& order_;
};

Flow no_answer(Play& play, const HttpStep& http, const std::string& why) {
  if (!http.into.empty() && !play.set_variable(http.into, http_failure(why))) return Flow::Next;
  if (http.on_error) {
    play.effect(WriteLog{"`" + http.order->name + "` gave no answer: " + why});
    play.enter(http.on_error);
  } else {
    play.fail("`" + http.order->name + "` gave no answer: " + why);
  }
  return Flow::Next;
}

}  // namespace

Flow play_verb(Play& play, StepId id, const Step&, const HttpStep& http) {
  HttpCall call;
  Why why;
  if (!Maker(play, *http.order).make(call, why)) return Flow::Next;
  if (!why.empty()) {
    if (play.traces()) play.note({Way::What::Failed, id, {}, 0}, Value(why));
    return no_answer(play, http, why);
  }
  if (http.order->method != HttpMethod::Get) play.mark_border();
  return begin_job(play, id, std::string(kHttpService), http.order->name, to_json(call));
}

Flow take_result(Play& play, const Waiting&, const HttpStep& http, const Value& result, const std::string& error) {
  if (!error.empty() || !result.map()) return no_answer(play, http, error.empty() ? "no result" : error);
  if (!http.into.empty()) play.set_variable(http.into, result);
  return Flow::Next;
}

}  // namespace sufler
