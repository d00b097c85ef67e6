// The step `http`. Its host stands in the file as it is, so that what it may reach can be read off the page; values fill
// path, query, headers and body.
#include <algorithm>
#include <array>

#include "interpreter/core/http/order.h"
#include "interpreter/core/http/url.h"
#include "schema/loading.h"

namespace sufler {
namespace {

constexpr std::array<HttpMethod, 5> kMethods = {HttpMethod::Get, HttpMethod::Post, HttpMethod::Put, HttpMethod::Patch, HttpMethod::Delete};
constexpr Duration kShortest{1'000}, kLongest{60'000};
constexpr std::int64_t kMostRetries = 5;

// ---- texts with values

/// What stands where in the template's own source; literals between them are slices of it.
struct Inserted {
  std::size_t begin = 0, end = 0;  ///< with the braces
  Expression value;
};

std::vector<Inserted> inserted_in(const Template& text) {
  std::vector<Inserted> all;
  const std::string& source = text.source();
  for (std::size_t i = 0; i < text.expressions().size(); ++i) {
    const Expression& value = text.expressions()[i];
    const std::size_t at = text.offset_of(i);
    const std::size_t begin = source.rfind("{{", at), end = source.find("}}", at + value.source().size());
    if (begin == source.npos || end == source.npos) continue;
    all.push_back({begin, end + 2, value});
  }
  return all;
}

HttpText cut(const Template& text) {
  HttpText out;
  std::size_t at = 0;
  const std::string& source = text.source();
  const auto literal = [&](std::size_t to) {
    if (to > at) out.pieces.push_back({source.substr(at, to - at), std::nullopt});
  };
  for (Inserted& one : inserted_in(text)) {
    literal(one.begin);
    out.pieces.push_back({{}, std::move(one.value)});
    at = one.end;
  }
  literal(source.size());
  return out;
}

/// `${NAME}`: where it stands; npos when nowhere.
std::size_t find_variable(std::string_view text, std::string_view& name) {
  for (std::size_t at = text.find("${"); at != text.npos; at = text.find("${", at + 2)) {
    const std::size_t end = text.find('}', at);
    if (end == text.npos) break;
    name = text.substr(at + 2, end - at - 2);
    const bool good = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    });
    if (good) return at;
  }
  return text.npos;
}

/// Names under which servers take keys.
bool names_a_key(std::string_view name) {
  const std::string folded = to_lower(name);
  const auto has = [&](std::string_view word) { return folded.find(word) != folded.npos; };
  return has("authorization") || has("token") || has("secret") || has("password") || has("apikey") || has("api_key") || has("api-key") || folded == "key";
}

class HttpReader {
 public:
  HttpReader(Loading& loading, Fields& fields) : loading_(loading), fields_(fields) {}

  HttpStep read(const Node& value) {
    order_.timeout = Duration{10'000};
    read_address(value);
    read_fields_of(Word::Query, order_.query);
    read_fields_of(Word::Headers, order_.headers);
    read_body();
    if (const Node* timeout = fields_.take(Word::Timeout)) {
      mean("timeout", timeout->scalar);
      const auto read = read_duration(loading_, *timeout, fields_.spelled(Word::Timeout));
      if (read && (*read < kShortest || *read > kLongest)) {
        loading_.report(DiagnosticId::HttpTimeout, timeout->span, {fields_.spelled(Word::Timeout), std::string(timeout->scalar)});
      } else if (read) {
        order_.timeout = *read;
      }
    }
    if (const Node* retry = fields_.take(Word::Retry)) {
      mean("retry", retry->scalar);
      const auto times = read_integer(loading_, *retry, fields_.spelled(Word::Retry), 0, kMostRetries);
      if (times) order_.retry = static_cast<std::uint32_t>(*times);
    }
    HttpStep step;
    if (const Node* into = fields_.take(Word::Into)) step.into = read_variable(loading_, *into, fields_.spelled(Word::Into));
    if (const Node* target = fields_.take(Word::OnError)) step.on_error = read_target(loading_, *target, fields_.spelled(Word::OnError));
    step.order = std::make_shared<const HttpOrder>(std::move(order_));
    return step;
  }

 private:
  Diagnostic& report(DiagnosticId id, SourceSpan span, std::vector<std::string> arguments) { return loading_.report(id, span, std::move(arguments)); }

  void mean(std::string_view name, std::string_view what) {
    order_.meaning += name;
    order_.meaning += '\x1f';
    order_.meaning += what;
    order_.meaning += '\x1e';
  }

  // ---- method and address

  void no_request(const Node& value) {
    Diagnostic& problem = report(DiagnosticId::NoHttpRequest, value.kind == Node::Kind::Null && loading_.last_key ? loading_.last_key->span : value.span,
                                 {fields_.where()});
    const std::string_view text = value.is_scalar() ? trim(value.scalar) : std::string_view();
    const std::string http = fields_.where();
    if (text.find("://") != text.npos && text.find(' ') == text.npos) {
      hint(loading_, problem, "say what to do there: `" + http + ": GET " + std::string(text) + "` asks, `POST` sends",
           "напишите, что там сделать: `" + http + ": GET " + std::string(text) + "` спрашивает, `POST` отправляет");
    } else {
      hint(loading_, problem, "a method and an address: `" + http + ": GET https://api.example.com/price`; methods are GET, POST, PUT, PATCH, DELETE",
           "нужны метод и адрес: `" + http + ": GET https://api.example.ru/price`; методы — GET, POST, PUT, PATCH, DELETE");
    }
  }

  void bad_address(SourceSpan span, std::string_view shown_text, UrlProblem why) {
    const char* en = "";
    const char* ru = "";
    const char* way_en = "an address is `https://api.example.com/price`";
    const char* way_ru = "адрес пишут так: `https://api.example.ru/price`";
    switch (why) {
      case UrlProblem::Scheme: en = "it begins neither with https:// nor with http://", ru = "он не начинается с https:// или http://"; break;
      case UrlProblem::User:
        en = "a login stands in it", ru = "в нём записан вход";
        way_en = "logins and keys stand in sufler.yaml: `allow_hosts: [{host: api.example.com, user: …, password: \"${API_PASSWORD}\"}]`";
        way_ru = "входы и ключи записывают в sufler.yaml: `allow_hosts: [{host: api.example.ru, user: …, password: \"${API_PASSWORD}\"}]`";
        break;
      case UrlProblem::Host: en = "the host is no name", ru = "имя сервера написано неверно"; break;
      case UrlProblem::NumericHost:
        en = "the host is a number that hides an address", ru = "вместо имени сервера число, за которым скрыт адрес";
        way_en = "write the address in full: `127.0.0.1`", way_ru = "напишите адрес полностью: `127.0.0.1`";
        break;
      case UrlProblem::Port: en = "the port is no number from 1 to 65535", ru = "порт — не число от 1 до 65535"; break;
      case UrlProblem::Fragment:
        en = "what stands behind `#` never leaves", ru = "то, что после `#`, никуда не отправляется";
        way_en = "leave it out, or write `%23` for the sign itself", way_ru = "уберите это, а сам знак пишите как `%23`";
        break;
      case UrlProblem::Character: en = "there is a character that no address has", ru = "в нём есть знак, которого в адресах не бывает"; break;
    }
    hint(loading_, report(DiagnosticId::BadHttpAddress, span, {std::string(shown_text), en, ru}), way_en, way_ru);
  }

  void read_address(const Node& value) {
    if (!value.is_scalar()) {
      if (value.kind == Node::Kind::Null) return no_request(value);
      report(DiagnosticId::WantsText, value.span, {fields_.where()});
      return;
    }
    order_.name = std::string(trim(nfc(loading_, value.scalar)));
    mean("http", order_.name);
    // `{{` may be a slip of the pen in any place: expressions are looked at first.
    const auto text = read_template(loading_, value, fields_.where());
    const std::string_view written = value.scalar;
    const std::size_t from = written.find_first_not_of(" \t\n");
    const std::size_t space = from == written.npos ? from : written.find_first_of(" \t\n", from);
    const std::size_t url = space == written.npos ? space : written.find_first_not_of(" \t\n", space);
    if (url == written.npos) return no_request(value);
    const std::string_view method = written.substr(from, space - from);
    const auto known = std::find_if(kMethods.begin(), kMethods.end(), [&](HttpMethod one) { return to_upper(method) == name_of(one); });
    if (known == kMethods.end()) {
      if (method.find("{{") != method.npos || method.find("://") != method.npos) return no_request(value);
      Diagnostic& problem = report(DiagnosticId::UnknownValue, span_inside(value, loading_.sources, static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(method.size())),
                                   {fields_.where(), std::string(method)});
      std::vector<std::string> names;
      for (const HttpMethod one : kMethods) names.emplace_back(name_of(one));
      offer(loading_, problem, to_upper(method), names, false);
      if (problem.hint_en.empty()) hint(loading_, problem, "methods are GET, POST, PUT, PATCH, DELETE", "методы — GET, POST, PUT, PATCH, DELETE");
      return;
    }
    order_.method = *known;
    if (!text) return;
    read_url(value, *text, url);
  }

  void read_url(const Node& value, const Template& text, std::size_t begin) {
    const std::string& source = text.source();
    const std::vector<Inserted> inserted = inserted_in(text);
    const std::size_t slashes = source.find("://", begin);
    const std::size_t host = slashes == source.npos ? begin : slashes + 3;
    std::size_t end = std::min(source.find_first_of("/?#", host), source.size());
    while (end > host && end == source.size() && (source[end - 1] == ' ' || source[end - 1] == '\n')) --end;
    const auto place = [&](std::size_t at, std::size_t to) {
      const std::size_t most = value.scalar.size();
      at = std::min(at, most), to = std::min(to, most);
      return to > at ? span_inside(value, loading_.sources, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(to - at)) : value.span;
    };
    if (!inserted.empty() && inserted.front().begin < end) {
      // Up to the value nothing was put into English, so that places are those of the file.
      hint(loading_, report(DiagnosticId::ValueInHost, place(inserted.front().begin, inserted.front().begin + 2), {}),
           "write the host out: `https://api.example.com/{{ … }}`; for several hosts take `%match%` with a step for each",
           "напишите сервер целиком: `https://api.example.ru/{{ … }}`; для нескольких серверов возьмите `%match%` и по шагу на каждый");
      return;
    }
    if (report_variable(value)) return;
    const auto parsed = parse_http_url(std::string_view(source).substr(begin, end - begin));
    if (!parsed) return bad_address(place(begin, end), shown_host(source.substr(begin, end - begin)), parsed.error());
    order_.origin = parsed->origin();
    if (!cut_target(value, source, inserted, end)) return;
    check_host(*parsed, source.substr(host, end - host), place(host, end));
  }

  /// A password may stand before the `@`.
  static std::string shown_host(const std::string& text) {
    const std::size_t at = text.rfind('@');
    return at == text.npos ? text : "…" + text.substr(at);
  }

  bool cut_target(const Node& value, const std::string& source, const std::vector<Inserted>& inserted, std::size_t at) {
    std::size_t end = source.size();
    while (end > at && (source[end - 1] == ' ' || source[end - 1] == '\n' || source[end - 1] == '\t')) --end;
    std::vector<HttpText::Piece>& pieces = order_.target.pieces;
    bool in_path = true;
    const auto literal = [&](std::size_t to) {
      std::string_view rest = std::string_view(source).substr(at, to - at);
      if (rest.find('#') != rest.npos) return bad_address(value.span, rest.substr(rest.find('#')), UrlProblem::Fragment), false;
      if (std::any_of(rest.begin(), rest.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7f; }))
        return bad_address(value.span, order_.name, UrlProblem::Character), false;
      if (const std::size_t question = rest.find('?'); in_path && question != rest.npos) {
        if (question > 0) pieces.push_back({encode_target(rest.substr(0, question)), std::nullopt});
        order_.path_pieces = pieces.size();
        in_path = false;
        rest.remove_prefix(question);
      }
      if (!rest.empty()) pieces.push_back({encode_target(rest), std::nullopt});
      return true;
    };
    for (const Inserted& one : inserted) {
      if (one.begin > at && !literal(one.begin)) return false;
      pieces.push_back({{}, one.value});
      at = one.end;
    }
    if (end > at && !literal(end)) return false;
    if (pieces.empty() || pieces.front().literal.empty() || pieces.front().literal.front() != '/') {
      pieces.insert(pieces.begin(), HttpText::Piece{"/", std::nullopt});
      if (!in_path) ++order_.path_pieces;
    }
    if (in_path) order_.path_pieces = pieces.size();
    return true;
  }

  /// `written`: the host with its port, as the author has it.
  void check_host(const HttpUrl& url, const std::string& written, SourceSpan span) {
    if (!url.secure && !is_named_address(url.host)) {
      hint(loading_, report(DiagnosticId::PlainHttp, span, {url.host}), "write `https://`", "пишите `https://`");
    }
    const auto& allowed = loading_.options.hosts;
    if (!allowed || std::any_of(allowed->begin(), allowed->end(), [&](const AllowedPlace& one) { return covers(one, url); })) return;
    Diagnostic& problem = report(DiagnosticId::HostNotAllowed, span, {written});
    std::vector<std::string> names;
    for (const AllowedPlace& one : *allowed) names.push_back(shown(one));
    offer(loading_, problem, written, names, false);
    if (problem.hint_en.empty())
      hint(loading_, problem, "add it to sufler.yaml: `allow_hosts: [" + quoted(written) + "]`", "добавьте его в sufler.yaml: `allow_hosts: [" + quoted(written) + "]`");
  }

  static std::string quoted(const std::string& place) { return place.find(':') == place.npos ? place : "\"" + place + "\""; }

  /// Keys are the operator's.
  bool report_variable(const Node& value) {
    std::string_view name;
    const std::size_t at = find_variable(value.scalar, name);
    if (at == value.scalar.npos) return false;
    hint(loading_,
         report(DiagnosticId::VariableInHttp, span_inside(value, loading_.sources, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(name.size() + 3)),
                {"${" + std::string(name) + "}"}),
         "keys of a server stand in sufler.yaml and go along by themselves: `allow_hosts: [{host: api.example.com, headers: {Authorization: \"Bearer ${" +
             std::string(name) + "}\"}}]`",
         "ключи сервера записывают в sufler.yaml, и они добавятся сами: `allow_hosts: [{host: api.example.ru, headers: {Authorization: \"Bearer ${" +
             std::string(name) + "}\"}}]`");
    return true;
  }

  // ---- query, headers, form

  void read_fields_of(Word word, std::vector<HttpField>& out) {
    const Node* node = fields_.take(word);
    if (!node) return;
    const std::string what = fields_.spelled(word);
    if (!node->is_map()) {
      hint(loading_, report(DiagnosticId::WantsMap, node->span, {what}), "each on its own line: `name: value`", "каждый с новой строки: `имя: значение`");
      return;
    }
    for (const Node::Entry& entry : node->entries) {
      HttpField field;
      field.name = std::string(trim(nfc(loading_, entry.key.scalar)));
      mean(what, field.name);
      if (word == Word::Headers && !check_header_name(entry.key, field.name)) continue;
      const Node& value = entry.value;
      if (value.is_list()) {
        for (const Node& item : value.items) read_one(word, field, entry.key, item);
      } else {
        read_one(word, field, entry.key, value);
      }
      out.push_back(std::move(field));
    }
  }

  bool check_header_name(const Node& key, const std::string& name) {
    const bool own = is_own_header(name);
    if (!own && is_header_name(name)) return true;
    Diagnostic& problem = report(DiagnosticId::BadHttpHeader, key.span, {name});
    if (own) {
      hint(loading_, problem, "take it out: the connection writes it itself", "уберите его: его пишет само соединение");
    } else {
      hint(loading_, problem, "a name is of Latin letters, digits and `-`: `X-Request-Id`", "имя — латинские буквы, цифры и `-`: `X-Request-Id`");
    }
    return false;
  }

  void read_one(Word word, HttpField& field, const Node& key, const Node& value) {
    if (value.kind == Node::Kind::Null) {
      hint(loading_, report(DiagnosticId::EmptyText, key.span, {field.name}), "give it a value, or leave it out", "впишите значение или уберите");
      return;
    }
    if (value.is_map() || value.is_list()) {
      hint(loading_, report(DiagnosticId::WantsText, value.span, {field.name}), "a value is one text, or a list of texts; what is deeper goes into `%json%`",
           "значение — один текст или список текстов; что глубже, пишут в `%json%`");
      return;
    }
    mean("", value.scalar);
    if (word != Word::Form && report_variable(value)) return;
    auto text = read_template(loading_, value, field.name);
    if (!text) return;
    if (word != Word::Form && text->is_constant() && !trim(value.scalar).empty() && names_a_key(field.name)) {
      hint(loading_, report(DiagnosticId::KeyInHttp, value.span, {field.name}),
           "put it into sufler.yaml: `allow_hosts: [{host: api.example.com, " + std::string(word == Word::Headers ? "headers" : "query") + ": {" + field.name + ": \"${API_KEY}\"}}]`",
           "перенесите его в sufler.yaml: `allow_hosts: [{host: api.example.ru, " + std::string(word == Word::Headers ? "headers" : "query") + ": {" + field.name + ": \"${API_KEY}\"}}]`");
    }
    if (word == Word::Headers && text->is_constant() && !is_header_value(trim(value.scalar))) {
      report(DiagnosticId::BadHttpHeader, value.span, {field.name});
      return;
    }
    field.values.push_back(cut(*text));
  }

  // ---- the body

  void read_body() {
    const Node* json = fields_.take(Word::Json);
    const bool form = fields_.has(Word::Form);
    if (order_.method == HttpMethod::Get && (json || form)) {
      const Word word = json ? Word::Json : Word::Form;
      hint(loading_, report(DiagnosticId::HttpGetWithBody, fields_.key_span(word), {fields_.spelled(word)}),
           "what is asked goes into `%query%`; to send it, write `POST`", "условия запроса пишут в `%query%`, а чтобы отправить данные — `POST`");
    }
    if (json && form)
      report(DiagnosticId::NotTogether, fields_.key_span(Word::Form), {fields_.spelled(Word::Form), fields_.spelled(Word::Json)});
    if (json) order_.json = read_json(*json, fields_.spelled(Word::Json));
    read_fields_of(Word::Form, order_.form);
  }

  HttpJson read_json(const Node& node, const std::string& what) {
    HttpJson out;
    switch (node.kind) {
      case Node::Kind::Null: mean(what, "null"); return out;
      case Node::Kind::Sequence:
        out.kind = HttpJson::Kind::List;
        mean(what, "[");
        for (const Node& item : node.items) out.members.emplace_back(std::string(), read_json(item, what));
        mean(what, "]");
        return out;
      case Node::Kind::Mapping:
        out.kind = HttpJson::Kind::Map;
        mean(what, "{");
        for (const Node::Entry& entry : node.entries) {
          std::string name(nfc(loading_, entry.key.scalar));
          out.members.emplace_back(name, read_json(entry.value, name));
        }
        mean(what, "}");
        return out;
      case Node::Kind::Scalar: break;
    }
    mean(what, std::string(node.quoted ? "'" : "") + std::string(node.scalar));
    if (!node.quoted) {
      const Word word = find_word(node.scalar, in::Reserved);
      if (word == Word::Null) return out;
      if (word == Word::True || word == Word::False) {
        out.constant = Value(word == Word::True);
        return out;
      }
      if (Value value = read_constant(loading_, node); value.number()) {
        out.constant = std::move(value);
        return out;
      }
    }
    out.kind = HttpJson::Kind::Text;
    auto text = node.scalar.empty() ? std::nullopt : read_template(loading_, node, what);
    if (text) out.text = cut(*text);
    return out;
  }

  Loading& loading_;
  Fields& fields_;
  HttpOrder order_;
};

}  // namespace

HttpStep read_http(Loading& loading, Fields& fields, const Node& value) { return HttpReader(loading, fields).read(value); }

}  // namespace sufler
