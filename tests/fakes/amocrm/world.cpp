#include "fakes/amocrm/world.h"

#include <algorithm>
#include <utility>

#include "fakes/common/call_params.h"
#include "fakes/common/form_data.h"

namespace sufler::fakes {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

const std::set<std::string>& methods() {
  static const std::set<std::string> kAll = {"account",     "users",        "pipelines",     "fields",      "oauth",     "contacts.find", "contacts.get", "contacts.add", "contacts.update",
                                             "leads.find",  "leads.get",    "leads.add",     "leads.update", "leads.complex", "notes.add", "notes.find",    "tasks.add",    "tasks.find",   "tasks.update",
                                             "tasks.get",   "companies.add", "companies.get", "companies.find", "companies.update", "chats.link", "talks.close", "talks.get", "unknown"};
  return kAll;
}

const char* title_of(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 415: return "Unsupported Media Type";
    case 429: return "Too Many Requests";
    case 504: return "Gateway Timeout";
    default: return "Error";
  }
}

HttpReply problem(int status, const std::string& detail, const Json& validation = nullptr) {
  Json body = {{"title", title_of(status)}, {"type", "https://httpstatus.es/" + std::to_string(status)}, {"status", status}, {"detail", detail}};
  if (!validation.is_null()) body["validation-errors"] = validation;
  HttpReply reply;
  reply.status = status;
  reply.content_type = "application/problem+json";
  reply.body = wire_text(body);
  return reply;
}

HttpReply hal(const Json& body, int status = 200) {
  HttpReply reply;
  reply.status = status;
  reply.content_type = "application/hal+json";
  reply.body = wire_text(body);
  return reply;
}

HttpReply nothing() {
  HttpReply reply;
  reply.status = 204;
  reply.body.clear();
  return reply;
}

std::string digits(const std::string& text) {
  std::string all;
  for (const char c : text)
    if (c >= '0' && c <= '9') all.push_back(c);
  return all;
}

/// As the search of the interface does it: in any filled field, of phones the digits.
bool mentions(const Json& stored, const std::string& words) {
  if (stored.value("name", "").find(words) != std::string::npos) return true;
  const std::string wanted = digits(words);
  for (const Json& field : stored.value("custom_fields_values", Json::array()).is_array() ? stored["custom_fields_values"] : Json::array()) {
    for (const Json& value : field["values"]) {
      if (!value["value"].is_string()) continue;
      const std::string text = value["value"];
      if (text.find(words) != std::string::npos) return true;
      if (wanted.size() > 3 && wanted.size() == words.size() && digits(text).find(wanted) != std::string::npos) return true;
    }
  }
  return false;
}

const std::string* find(const std::vector<std::pair<std::string, std::string>>& query, const std::string& name) {
  for (const auto& [key, value] : query)
    if (key == name) return &value;
  return nullptr;
}

}  // namespace

AmocrmWorld::AmocrmWorld(FakeAmocrmOptions options, HttpServer& server)
    : Platform(server, {.name = "fake amocrm", .account = "account", .place = "entity", .description = "error", .garbage = "{\"_embedded\":{"}, 100'000),
      options_(std::move(options)),
      account_(usual_account("https://example.amocrm.ru")) {}

AmocrmWorld::Route AmocrmWorld::route(const HttpRequest& request) {
  std::vector<std::string> parts;
  for (std::size_t at = 1; at <= request.path.size();) {
    const std::size_t end = std::min(request.path.find('/', at), request.path.size());
    parts.push_back(request.path.substr(at, end - at));
    at = end + 1;
  }
  const std::string& verb = request.method;
  if (parts == std::vector<std::string>{"oauth2", "access_token"}) return {"oauth", {}, 0};
  if (parts.size() < 3 || parts[0] != "api" || parts[1] != "v4") return {};
  parts.erase(parts.begin(), parts.begin() + 2);
  const auto id_at = [&](std::size_t at) { return at < parts.size() ? whole_integer(parts[at]).value_or(0) : 0; };
  const std::string kind = parts[0];
  if (kind == "account" && parts.size() == 1) return {"account", {}, 0};
  if (kind == "users" && parts.size() == 1) return {"users", {}, 0};
  if (kind == "talks" && parts.size() == 3 && parts[2] == "close") return {"talks.close", {}, id_at(1)};
  if (kind == "talks" && parts.size() == 2 && id_at(1) > 0) return {"talks.get", "talks", id_at(1)};
  if (kind == "tasks") {
    if (parts.size() == 1) return {verb == "GET" ? "tasks.find" : verb == "POST" ? "tasks.add" : "tasks.update", "tasks", 0};
    if (parts.size() == 2 && id_at(1) > 0) return {verb == "GET" ? "tasks.get" : "tasks.update", "tasks", id_at(1)};
    return {};
  }
  if (kind != "leads" && kind != "contacts" && kind != "companies") return {};
  if (parts.size() == 1) return {kind + (verb == "GET" ? ".find" : verb == "POST" ? ".add" : ".update"), kind, 0};
  if (parts.size() == 2 && kind == "leads" && parts[1] == "complex") return {"leads.complex", kind, 0};
  if (parts.size() == 2 && kind == "leads" && parts[1] == "pipelines") return {"pipelines", kind, 0};
  if (parts.size() == 2 && kind == "contacts" && parts[1] == "chats") return {"chats.link", kind, 0};
  if (parts.size() == 2 && parts[1] == "custom_fields") return {"fields", kind, 0};
  if (parts.size() == 2 && parts[1] == "notes") return {verb == "GET" ? "notes.find" : "notes.add", kind, 0};
  if (parts.size() == 2 && id_at(1) > 0) return {kind + (verb == "GET" ? ".get" : ".update"), kind, id_at(1)};
  if (parts.size() == 3 && id_at(1) > 0 && parts[2] == "notes") return {verb == "GET" ? "notes.find" : "notes.add", kind, id_at(1)};
  return {};
}

std::optional<HttpReply> AmocrmWorld::too_many() {
  const auto now = steady_clock::now();
  while (!came_.empty() && now - came_.front() >= std::chrono::seconds(1)) came_.pop_front();
  while (!refused_.empty() && now - refused_.front() >= std::chrono::seconds(10)) refused_.pop_front();
  while (!all_.empty() && now - all_.front() >= std::chrono::seconds(1)) all_.pop_front();
  all_.push_back(now);
  most_per_second_ = std::max(most_per_second_, all_.size());
  if (now < blocked_until_) return problem(403, "The account is blocked for repeatedly exceeding the requests per second");
  if (came_.size() >= options_.requests_per_second) {
    refused_.push_back(now);
    if (refused_.size() > options_.patience) blocked_until_ = now + std::chrono::seconds(10);
    return problem(429, "Too many requests");
  }
  came_.push_back(now);
  return std::nullopt;
}

void AmocrmWorld::check_token(const HttpRequest& request) const {
  const std::string header(request.header("authorization"));
  const std::string token = header.starts_with("Bearer ") ? header.substr(7) : "";
  if (!token.empty() && token == options_.token) return;
  const auto found = access_.find(token);
  if (found == access_.end() || found->second <= now_ms()) throw ApiError{401, "Token has expired or is invalid"};
}

void AmocrmWorld::serve(HttpRequest&& request) {
  const Route route = AmocrmWorld::route(request);
  ApiCall call;
  call.method = route.method.empty() ? "unknown" : route.method;
  ++counts_[call.method];
  ++counts_[""];
  const Json body = request.body.empty() ? Json() : Json::parse(request.body, nullptr, false);
  call.params = {{"path", request.path + (request.query.empty() ? "" : "?" + request.query)}, {"body", body.is_discarded() ? Json(request.body) : body}};
  if (route.method == "oauth") call.params.erase("body");  // secrets are kept nowhere
  changed();
  // Limits come before everything, as the front server's do.
  if (auto refused = too_many()) {
    call.error_code = refused->status;
    call.description = title_of(refused->status);
    return send(request, std::move(call), std::move(*refused));
  }
  const auto fault = take_fault(0, call.method, std::nullopt, false);
  if (fault) call.fault = fault->kind;
  HttpReply reply;
  if (fault && !spoils_only_the_answer(fault->kind)) {
    const std::map<std::string, int> statuses = {{"unauthorized", 401}, {"unpaid", 402}, {"forbidden", 403}, {"rate_limit", 429}, {"server_error", 500}, {"gateway_timeout", 504}, {"works_504", 504}};
    if (const auto found = statuses.find(fault->kind); found != statuses.end() && fault->kind != "works_504") {
      reply = problem(found->second, title_of(found->second));
      if (const std::int64_t after = fault->number("retry_after", 0); after > 0) reply.headers.emplace_back("Retry-After", std::to_string(after));
    } else if (fault->kind == "custom") {
      reply = custom_reply(*fault, 500);
    } else if (fault->kind == "bad_gateway") {
      reply.status = 502;
      reply.content_type = "text/html";
      reply.body = error_page("502 Bad Gateway", "nginx");
    } else if (fault->kind == "html") {
      reply.content_type = "text/html";
      reply.body = error_page("Welcome", "proxy");
    } else if (fault->kind == "drop") {
      spoil(reply, *fault);
    }
    if (fault->kind != "works_504") {
      call.error_code = reply.status;
      return send(request, std::move(call), std::move(reply));
    }
  }
  try {
    if (route.method.empty()) throw ApiError{404, "There is no such path"};
    const bool reads = request.method == "GET";
    if (!reads && request.method != "POST" && request.method != "PATCH") throw ApiError{405, "Method not allowed"};
    if (route.method == "oauth") {
      if (request.method != "POST") throw ApiError{405, "Method not allowed"};
    } else {
      check_token(request);
    }
    if (request.body_too_large) throw ApiError{400, "The request is too large"};
    if (!reads && media_type(request.header("content-type")) != "application/json") throw ApiError{415, "Only JSON is taken"};
    if (!reads && (body.is_discarded() || body.is_null())) throw ApiError{400, "The body is no JSON"};
    if (reads && !request.body.empty()) throw ApiError{400, "A GET has no body"};
    FormData form;
    read_urlencoded(request.query, form);
    reply = answer(route, body, form.fields);
    call.ok = call.applied = reply.status < 300;
    if (!call.ok) {
      call.error_code = reply.status;
      call.description = reply.body;
    }
  } catch (const ApiError& error) {
    call.error_code = error.code;
    call.description = error.description;
    reply = problem(error.code, error.description, error.more);
  } catch (const Json::exception& error) {
    call.error_code = 400;
    call.description = error.what();
    reply = problem(400, std::string("wrong type: ") + error.what());
  }
  if (fault && fault->kind == "works_504") reply = problem(504, "Gateway Timeout");
  if (fault && spoils_only_the_answer(fault->kind)) spoil(reply, *fault);
  send(request, std::move(call), std::move(reply));
}

void AmocrmWorld::send(const HttpRequest& request, ApiCall call, HttpReply reply) {
  if (call.result.is_null()) call.result = reply.status;
  log(std::move(call));
  const milliseconds delay = std::exchange(reply.delay, milliseconds(0));
  if (delay.count() == 0) return server_.reply(request.connection, std::move(reply));
  later(delay, [this, connection = request.connection, reply = std::move(reply)]() mutable { server_.reply(connection, std::move(reply)); });
}

HttpReply AmocrmWorld::answer(const Route& route, const Json& body, const Query& query) {
  const std::string& method = route.method;
  if (const std::string* limit = find(query, "limit"); limit && whole_integer(*limit).value_or(0) > 250) throw ApiError{400, "`limit` is 250 at most"};
  if (method == "oauth") return give_token(body);
  if (method == "account") {
    return hal({{"id", 1231414}, {"name", "example"}, {"subdomain", "example"}, {"current_user_id", 504141}, {"country", "RU"}, {"is_api_filter_enabled", true},
                {"amojo_id", "f3c6340d-410e-4ad1-9f7e-c5e663599909"}, {"_links", self("/api/v4/account")}, {"_embedded", {{"task_types", account_.task_types}}}});
  }
  if (method == "users") return hal({{"_total_items", account_.users.size()}, {"_page", 1}, {"_links", self("/api/v4/users")}, {"_embedded", {{"users", account_.users}}}});
  if (method == "pipelines") return hal({{"_total_items", account_.pipelines.size()}, {"_links", self("/api/v4/leads/pipelines")}, {"_embedded", {{"pipelines", account_.pipelines}}}});
  if (method == "fields") {
    const Json& fields = fields_of(account_, route.kind);
    // In two pages, so that whoever reads only the first is found out.
    const std::size_t limit = 5, page = static_cast<std::size_t>(whole_integer(find(query, "page") ? *find(query, "page") : "1").value_or(1));
    Json part = Json::array();
    for (std::size_t i = (page - 1) * limit; i < std::min(fields.size(), page * limit); ++i) part.push_back(fields[i]);
    if (part.empty()) return nothing();
    Json answer = {{"_total_items", fields.size()}, {"_page", page}, {"_links", self("/api/v4/" + route.kind + "/custom_fields")}, {"_embedded", {{"custom_fields", part}}}};
    if (page * limit < fields.size()) answer["_links"]["next"] = {{"href", root() + "/api/v4/" + route.kind + "/custom_fields?limit=250&page=" + std::to_string(page + 1)}};
    return hal(answer);
  }
  if (method == "talks.close") return hal(Json::object(), 202);
  if (method == "chats.link") return link_chats(body);
  if (method == "leads.complex") return complex(body);
  if (method == "notes.add") return add_notes(route.kind, route.id, body);
  if (method == "notes.find") return list("notes", query, route.id, route.kind);
  if (method == "tasks.add") return add_tasks(body);
  if (method.ends_with(".find")) return list(route.kind, query);
  if (method.ends_with(".add")) return add(route.kind, body);
  if (method.ends_with(".update")) return update(route.kind, route.id, body);
  const auto found = entities_[route.kind].find(route.id);
  if (found == entities_[route.kind].end()) return nothing();
  if (method == "talks.get") return hal(found->second);
  std::set<std::string> with;
  if (const std::string* names = find(query, "with")) {
    for (std::size_t at = 0; at <= names->size();) {
      const std::size_t end = std::min(names->find(',', at), names->size());
      with.insert(names->substr(at, end - at));
      at = end + 1;
    }
  }
  return hal(shown(route.kind, found->second, with));
}

HttpReply AmocrmWorld::give_token(const Json& body) {
  const auto is = [&](const char* name, const std::string& value) { return body.value(name, "") == value; };
  if (!is("client_id", options_.client_id) || !is("client_secret", options_.client_secret) || !is("redirect_uri", options_.redirect_uri))
    throw ApiError{400, "client_id, client_secret or redirect_uri is wrong"};
  if (is("grant_type", "authorization_code")) {
    if (code_used_ || !is("code", options_.code)) throw ApiError{400, "Authorization code has been revoked"};
    code_used_ = true;
  } else if (is("grant_type", "refresh_token")) {
    // Worth one pair.
    if (refresh_.erase(body.value("refresh_token", "")) == 0) throw ApiError{400, "Token has been revoked"};
  } else {
    throw ApiError{400, "grant_type is wrong"};
  }
  for (const auto& [name, value] : body.items())
    if (!std::set<std::string>{"client_id", "client_secret", "grant_type", "code", "refresh_token", "redirect_uri"}.contains(name)) throw ApiError{400, "unknown: " + name};
  const std::string number = std::to_string(serial_++);
  const std::string access = "eyJ-CANARY-access-of-the-fake-amocrm-" + number, refresh = "def-CANARY-refresh-of-the-fake-amocrm-" + number;
  access_[access] = now_ms() + std::chrono::duration_cast<milliseconds>(options_.token_lifetime).count();
  refresh_.insert(refresh);
  HttpReply reply;
  reply.body = wire_text({{"token_type", "Bearer"}, {"expires_in", options_.token_lifetime.count()}, {"server_time", now_s()}, {"access_token", access}, {"refresh_token", refresh}});
  return reply;
}

// ---- entities

std::int64_t AmocrmWorld::create(const std::string& kind, Json entity) {
  const std::int64_t id = 10'000'000 + static_cast<std::int64_t>(serial_++);
  Json stored = {{"id", id}, {"name", ""}, {"responsible_user_id", 504141}, {"group_id", 0}, {"created_by", 0}, {"updated_by", 0}, {"created_at", now_s()}, {"updated_at", now_s()}, {"closest_task_at", nullptr}, {"custom_fields_values", nullptr}, {"account_id", 1231414}, {"tags", Json::array()}};
  if (kind == "contacts") stored.update({{"first_name", ""}, {"last_name", ""}});
  if (kind == "leads") {
    const Json& pipeline = entity.contains("pipeline_id") ? *std::find_if(account_.pipelines.begin(), account_.pipelines.end(), [&](const Json& one) { return one["id"] == entity["pipeline_id"]; }) : account_.pipelines[0];
    stored.update({{"price", 0}, {"pipeline_id", pipeline["id"]}, {"status_id", pipeline["_embedded"]["statuses"][1]["id"]}, {"loss_reason_id", nullptr}, {"source_id", nullptr}, {"closed_at", nullptr}, {"is_deleted", false}, {"score", nullptr}});
  }
  change(kind, stored, entity);
  if (stored["name"] == "" && kind == "leads") stored["name"] = "Сделка #" + std::to_string(id);
  entities_[kind][id] = std::move(stored);
  return id;
}

void AmocrmWorld::change(const std::string& kind, Json& stored, const Json& by) {
  for (const auto& [name, value] : by.items()) {
    if (name == "id" || name == "request_id" || name == "_embedded" || name == "tags_to_add" || name == "tags_to_delete" || name == "custom_fields_values") continue;
    stored[name] = value;
  }
  if (kind == "contacts" && !by.contains("name") && (by.contains("first_name") || by.contains("last_name"))) {
    const std::string first = stored.value("first_name", ""), last = stored.value("last_name", "");
    stored["name"] = first + (first.empty() || last.empty() ? "" : " ") + last;
  }
  const Json values = by.value("custom_fields_values", Json());
  if (values.is_array()) {
    // What a field is given replaces what it had, all its phones too.
    const Json fresh = shown_fields(fields_of(account_, kind), values);
    Json kept = Json::array();
    for (const Json& old : stored["custom_fields_values"].is_array() ? stored["custom_fields_values"] : Json::array()) {
      bool given = false;
      for (const Json& one : values) given = given || one.value("field_id", Json()) == old["field_id"] || (one.contains("field_code") && one["field_code"] == old["field_code"]);
      if (!given) kept.push_back(old);
    }
    for (const Json& one : fresh.is_array() ? fresh : Json::array()) kept.push_back(one);
    stored["custom_fields_values"] = kept.empty() ? Json() : kept;
  }
  const auto tag = [&](const Json& given) {
    for (const Json& one : stored["tags"])
      if ((given.contains("name") && one["name"] == given["name"]) || (given.contains("id") && one["id"] == given["id"])) return;
    stored["tags"].push_back({{"id", given.value("id", static_cast<std::int64_t>(serial_++))}, {"name", given.value("name", "тег")}, {"color", nullptr}});
  };
  const Json parts = by.value("_embedded", Json::object());
  if (parts.contains("tags")) {
    stored["tags"] = Json::array();
    for (const Json& one : parts["tags"].is_array() ? parts["tags"] : Json::array()) tag(one);
  }
  for (const Json& one : by.value("tags_to_add", Json::array())) tag(one);
  for (const Json& one : by.value("tags_to_delete", Json::array())) {
    Json kept = Json::array();
    for (const Json& old : stored["tags"])
      if (!(one.contains("name") && old["name"] == one["name"]) && !(one.contains("id") && old["id"] == one["id"])) kept.push_back(old);
    stored["tags"] = kept;
  }
  stored["updated_at"] = now_s();
}

void AmocrmWorld::link(std::int64_t lead, std::int64_t contact) {
  if (!entities_["contacts"].contains(contact)) throw ApiError{400, "There is no contact " + std::to_string(contact)};
  std::vector<std::int64_t>& all = contacts_of_[lead];
  if (std::find(all.begin(), all.end(), contact) == all.end()) all.push_back(contact);
}

Json AmocrmWorld::shown(const std::string& kind, const Json& stored, const std::set<std::string>& with) const {
  Json out = stored;
  const std::int64_t id = stored["id"];
  if (kind == "notes" || kind == "tasks") {
    out["_links"] = self("/api/v4/" + kind + "/" + std::to_string(id));
    return out;
  }
  out.erase("tags");
  out["_embedded"] = {{"tags", stored["tags"]}, {"companies", Json::array()}};
  out["_links"] = self("/api/v4/" + kind + "/" + std::to_string(id));
  if (kind == "leads" && with.contains("contacts")) {
    out["_embedded"]["contacts"] = Json::array();
    const auto found = contacts_of_.find(id);
    if (found != contacts_of_.end())
      for (const std::int64_t contact : found->second) out["_embedded"]["contacts"].push_back({{"id", contact}, {"is_main", contact == found->second.front()}, {"_links", self("/api/v4/contacts/" + std::to_string(contact))}});
  }
  if (kind == "contacts" && with.contains("leads")) {
    out["_embedded"]["leads"] = Json::array();
    for (const auto& [lead, contacts] : contacts_of_)
      if (std::find(contacts.begin(), contacts.end(), id) != contacts.end()) out["_embedded"]["leads"].push_back({{"id", lead}, {"_links", self("/api/v4/leads/" + std::to_string(lead))}});
  }
  return out;
}

HttpReply AmocrmWorld::list(const std::string& kind, const Query& query, std::optional<std::int64_t> of, const std::string& of_kind) {
  std::set<std::string> with;
  std::set<std::int64_t> ids;
  std::int64_t from = 0, to = INT64_MAX, limit = 50, page = 1, entity = of.value_or(0);
  std::string words, entity_type = of_kind;
  std::vector<std::string> orders;
  for (const auto& [name, value] : query) {
    const std::int64_t number = whole_integer(value).value_or(0);
    if (name == "query") {
      words = value;
    } else if (name == "limit") {
      limit = number;
    } else if (name == "page") {
      page = number;
    } else if (name == "with") {
      for (std::size_t at = 0; at <= value.size();) {
        const std::size_t end = std::min(value.find(',', at), value.size());
        with.insert(value.substr(at, end - at));
        at = end + 1;
      }
    } else if (name.starts_with("filter[id]")) {
      ids.insert(number);
    } else if (name == "filter[created_at][from]") {
      from = number;
    } else if (name == "filter[created_at][to]") {
      to = number;
    } else if (name.starts_with("filter[entity_id]") && kind == "tasks") {
      entity = number;
    } else if (name == "filter[entity_type]" && kind == "tasks") {
      entity_type = value;
    } else if (name.starts_with("order[")) {
      orders.push_back(name + "=" + value);
    } else {
      throw ApiError{400, "unknown parameter: " + name};
    }
  }
  if (limit < 1 || page < 1) throw ApiError{400, "limit and page are from 1 on"};
  Json found = Json::array();
  for (const auto& [id, stored] : entities_[kind]) {
    const std::int64_t at = stored["created_at"];
    if (!ids.empty() && !ids.contains(id)) continue;
    if (at < from || at > to || (!words.empty() && !mentions(stored, words))) continue;
    if ((kind == "notes" || kind == "tasks") && entity != 0 && (stored["entity_id"] != entity || stored.value("entity_type", entity_type) != entity_type)) continue;
    found.push_back(shown(kind, stored, with));
  }
  if (std::find(orders.begin(), orders.end(), "order[id]=desc") != orders.end() || std::find(orders.begin(), orders.end(), "order[created_at]=desc") != orders.end() ||
      std::find(orders.begin(), orders.end(), "order[updated_at]=desc") != orders.end())
    std::reverse(found.begin(), found.end());
  Json part = Json::array();
  for (std::size_t i = static_cast<std::size_t>((page - 1) * limit); i < std::min(found.size(), static_cast<std::size_t>(page * limit)); ++i) part.push_back(found[i]);
  if (part.empty()) return nothing();
  return hal({{"_page", page}, {"_links", self("/api/v4/" + kind)}, {"_embedded", {{kind, part}}}});
}

namespace {

/// Throws the 400 of all that is wrong with them.
void complain(const std::vector<std::pair<std::string, Complaints>>& all) {
  Json validation = Json::array();
  for (const auto& [request_id, complaints] : all)
    if (!complaints.errors.empty()) validation.push_back({{"request_id", request_id}, {"errors", complaints.errors}});
  if (!validation.empty()) throw ApiError{400, "Request validation failed", validation};
}

void want_list(const Json& body, std::size_t most) {
  if (!body.is_array() || body.empty()) throw ApiError{400, "Request validation failed: an array is wanted"};
  if (body.size() > most) throw ApiError{400, "Too many entities: " + std::to_string(most) + " at most"};
}

std::string request_id_of(const Json& entity, std::size_t index) { return entity.is_object() ? entity.value("request_id", std::to_string(index)) : std::to_string(index); }

}  // namespace

HttpReply AmocrmWorld::add(const std::string& kind, const Json& body) {
  want_list(body, 500);
  std::vector<std::pair<std::string, Complaints>> all;
  for (std::size_t i = 0; i < body.size(); ++i) {
    all.emplace_back(request_id_of(body[i], i), Complaints());
    check_entity(account_, kind, body[i], false, all.back().second);
  }
  complain(all);
  Json made = Json::array();
  for (std::size_t i = 0; i < body.size(); ++i) {
    const std::int64_t id = create(kind, body[i]);
    if (kind == "leads" && body[i].contains("_embedded"))
      for (const Json& contact : body[i]["_embedded"].value("contacts", Json::array())) {
        if (!contact.contains("id")) throw ApiError{400, "A contact of a lead is named by its id"};
        link(id, contact["id"]);
      }
    made.push_back({{"id", id}, {"request_id", all[i].first}, {"_links", self("/api/v4/" + kind + "/" + std::to_string(id))}});
  }
  return hal({{"_links", self("/api/v4/" + kind)}, {"_embedded", {{kind, made}}}});
}

HttpReply AmocrmWorld::update(const std::string& kind, std::int64_t id, const Json& body) {
  Json items = body;
  if (id != 0) {
    if (!body.is_object()) throw ApiError{400, "Request validation failed: an object is wanted"};
    items = Json::array({body});
    items[0]["id"] = id;
  }
  want_list(items, 500);
  std::vector<std::pair<std::string, Complaints>> all;
  for (std::size_t i = 0; i < items.size(); ++i) {
    all.emplace_back(request_id_of(items[i], i), Complaints());
    if (!items[i].contains("id")) all.back().second.add("id", "FieldMissing", "This field is missing.");
    else if (!entities_[kind].contains(items[i]["id"].get<std::int64_t>())) {
      if (id != 0) throw ApiError{404, "Not found"};
      all.back().second.add("id", "NotFound", "Element not found.");
    }
    if (kind != "tasks") check_entity(account_, kind, items[i], true, all.back().second);
  }
  complain(all);
  Json made = Json::array();
  for (const Json& item : items) {
    Json& stored = entities_[kind][item["id"].get<std::int64_t>()];
    if (kind == "tasks") {
      stored.update(item);
    } else {
      change(kind, stored, item);
    }
    made.push_back({{"id", stored["id"]}, {"name", stored.value("name", "")}, {"updated_at", stored["updated_at"]}, {"_links", self("/api/v4/" + kind + "/" + std::to_string(stored["id"].get<std::int64_t>()))}});
  }
  if (id != 0) return hal(made[0]);
  return hal({{"_links", self("/api/v4/" + kind)}, {"_embedded", {{kind, made}}}});
}

HttpReply AmocrmWorld::complex(const Json& body) {
  want_list(body, 50);
  std::vector<std::pair<std::string, Complaints>> all;
  for (std::size_t i = 0; i < body.size(); ++i) {
    all.emplace_back(request_id_of(body[i], i), Complaints());
    Complaints& complaints = all.back().second;
    check_entity(account_, "leads", body[i], false, complaints);
    const Json parts = body[i].value("_embedded", Json::object());
    for (const char* kind : {"contacts", "companies"}) {
      const Json list = parts.value(kind, Json::array());
      const std::string path = std::string("_embedded.") + kind;
      if (list.size() > 1) complaints.add(path, "TooMany", "This collection should contain 1 element or less.");
      for (std::size_t n = 0; n < list.size(); ++n) {
        if (list[n].contains("id")) {
          if (!entities_[kind].contains(list[n]["id"].get<std::int64_t>())) complaints.add(path + ".0.id", "NotFound", "Element not found.");
        } else {
          check_entity(account_, kind, list[n], false, complaints, path + "." + std::to_string(n) + ".");
        }
      }
    }
  }
  complain(all);
  Json made = Json::array();
  for (std::size_t i = 0; i < body.size(); ++i) {
    const Json parts = body[i].value("_embedded", Json::object());
    const auto part = [&](const char* kind) -> Json {
      const Json list = parts.value(kind, Json::array());
      if (list.empty()) return nullptr;
      return list[0].contains("id") ? list[0]["id"] : Json(create(kind, list[0]));
    };
    const Json contact = part("contacts"), company = part("companies");
    const std::int64_t id = create("leads", body[i]);
    if (!contact.is_null()) link(id, contact);
    made.push_back({{"id", id}, {"contact_id", contact}, {"company_id", company}, {"request_id", Json::array({all[i].first})}, {"merged", false}});
  }
  return hal(made);
}

HttpReply AmocrmWorld::add_notes(const std::string& kind, std::int64_t id, const Json& body) {
  want_list(body, 500);
  std::vector<std::pair<std::string, Complaints>> all;
  for (std::size_t i = 0; i < body.size(); ++i) {
    all.emplace_back(request_id_of(body[i], i), Complaints());
    check_note(body[i], id == 0, all.back().second);
    const std::int64_t entity = id != 0 ? id : body[i].value("entity_id", std::int64_t{0});
    if (!entities_[kind].contains(entity)) all.back().second.add("entity_id", "NotFound", "Element not found.");
  }
  complain(all);
  Json made = Json::array();
  for (std::size_t i = 0; i < body.size(); ++i) {
    const std::int64_t note = 70'000'000 + static_cast<std::int64_t>(serial_++);
    Json stored = body[i];
    stored.update({{"id", note}, {"entity_id", id != 0 ? Json(id) : body[i]["entity_id"]}, {"entity_type", kind}, {"account_id", 1231414}});
    if (!stored.contains("created_at")) stored["created_at"] = now_s();
    stored.erase("request_id");
    const std::int64_t entity = stored["entity_id"];
    entities_["notes"][note] = std::move(stored);
    made.push_back({{"id", note}, {"entity_id", entity}, {"request_id", all[i].first}, {"_links", self("/api/v4/" + kind + "/" + std::to_string(entity) + "/notes/" + std::to_string(note))}});
  }
  return hal({{"_links", self("/api/v4/" + kind + "/notes")}, {"_embedded", {{"notes", made}}}});
}

HttpReply AmocrmWorld::add_tasks(const Json& body) {
  want_list(body, 500);
  std::vector<std::pair<std::string, Complaints>> all;
  for (std::size_t i = 0; i < body.size(); ++i) {
    all.emplace_back(request_id_of(body[i], i), Complaints());
    check_task(account_, body[i], all.back().second);
    if (body[i].is_object() && body[i].contains("entity_id") && !entities_[body[i].value("entity_type", "leads")].contains(body[i]["entity_id"].get<std::int64_t>()))
      all.back().second.add("entity_id", "NotFound", "Element not found.");
  }
  complain(all);
  Json made = Json::array();
  for (std::size_t i = 0; i < body.size(); ++i) {
    const std::int64_t id = 4'000'000 + static_cast<std::int64_t>(serial_++);
    Json stored = {{"id", id}, {"created_by", 0}, {"created_at", now_s()}, {"updated_at", now_s()}, {"responsible_user_id", 504141}, {"group_id", 0}, {"duration", 0}, {"is_completed", false}, {"task_type_id", 1}, {"account_id", 1231414}};
    stored.update(body[i]);
    stored.erase("request_id");
    entities_["tasks"][id] = std::move(stored);
    made.push_back({{"id", id}, {"request_id", all[i].first}, {"_links", self("/api/v4/tasks/" + std::to_string(id))}});
  }
  return hal({{"_links", self("/api/v4/tasks")}, {"_embedded", {{"tasks", made}}}});
}

HttpReply AmocrmWorld::link_chats(const Json& body) {
  want_list(body, 500);
  Json made = Json::array();
  for (std::size_t i = 0; i < body.size(); ++i) {
    const std::int64_t contact = body[i].at("contact_id");
    const std::string chat = body[i].at("chat_id");
    if (!entities_["contacts"].contains(contact)) throw ApiError{400, "There is no contact " + std::to_string(contact)};
    const auto id = static_cast<std::int64_t>(serial_++);
    entities_["chats"][id] = {{"id", id}, {"contact_id", contact}, {"chat_id", chat}, {"created_at", now_s()}};
    made.push_back({{"chat_id", chat}, {"contact_id", contact}, {"id", id}, {"request_id", std::to_string(i)}});
  }
  return hal({{"_total_items", made.size()}, {"_embedded", {{"chats", made}}}});
}

// ---- the control API

const std::set<std::string>& AmocrmWorld::own_faults() {
  static const std::set<std::string> kKinds = {"unauthorized", "unpaid", "forbidden", "rate_limit", "gateway_timeout", "works_504", "html"};
  return kKinds;
}

bool AmocrmWorld::knows_method(const std::string& name) { return methods().contains(name); }

bool AmocrmWorld::holds(const Json& params) {
  if (!params.contains("came")) return true;
  const auto found = counts_.find(params.value("of", ""));
  return (found == counts_.end() ? 0 : found->second) >= params["came"].get<std::size_t>();
}

Json AmocrmWorld::act(const std::string& path, const Json& params) {
  if (path == "contact") {
    Json entity = {{"name", params.value("name", "")}, {"custom_fields_values", Json::array()}};
    Json phones = Json::array();
    for (const Json& phone : params.value("phones", Json::array())) phones.push_back({{"value", phone}, {"enum_code", "WORK"}});
    if (!phones.empty()) entity["custom_fields_values"].push_back({{"field_code", "PHONE"}, {"values", phones}});
    if (!params.value("email", "").empty()) entity["custom_fields_values"].push_back({{"field_code", "EMAIL"}, {"values", Json::array({{{"value", params["email"]}, {"enum_code", "WORK"}}})}});
    return create("contacts", entity);
  }
  if (path == "lead") {
    const std::int64_t id = create("leads", {{"name", params.value("name", "")}});
    if (params.value("contact_id", 0) != 0) link(id, params["contact_id"]);
    return id;
  }
  if (path == "move") {  // {"id", "pipeline_id", "status_id", "user"}: a manager moves a lead
    Json& lead = entities_["leads"].at(params["id"].get<std::int64_t>());
    lead.update({{"pipeline_id", params["pipeline_id"]}, {"status_id", params["status_id"]}, {"updated_by", params["user"]}});
    lead["updated_at"] = lead["updated_at"].get<std::int64_t>() + 1;
    return lead["updated_at"];
  }
  if (path == "talk") {  // {"id", "contact_id", "is_in_work"}
    const std::int64_t id = params["id"];
    entities_["talks"][id] = {{"talk_id", id}, {"contact_id", params["contact_id"]}, {"is_in_work", params["is_in_work"]}, {"updated_at", now_s()}};
    return id;
  }
  if (path == "entity") {
    const auto& all = entities_[params.value("kind", "")];
    const auto found = all.find(params.value("id", std::int64_t{0}));
    if (found == all.end()) refuse("there is none");
    return shown(params["kind"], found->second, {"contacts", "leads"});
  }
  if (path == "ids") {
    Json ids = Json::array();
    for (const auto& [id, stored] : entities_[params.value("kind", "")]) ids.push_back(id);
    return ids;
  }
  if (path == "tokens/revoke") {
    access_.clear();
    return true;
  }
  if (path == "most_per_second") return most_per_second_;
  if (path == "pipeline") {  // {"id": …, "name": …, "status": {"id": …, "name": …}}: a stage that the owner adds
    for (Json& one : account_.pipelines)
      if (one["id"] == params["id"]) one["_embedded"]["statuses"].push_back({{"id", params["status"]["id"]}, {"name", params["status"]["name"]}, {"sort", 500}, {"is_editable", true}, {"pipeline_id", params["id"]}, {"type", 0}});
    return true;
  }
  refuse("no such path: " + path);
}

bool AmocrmWorld::set_option(const std::string& name, const Json& value) {
  if (name == "requests_per_second") {
    options_.requests_per_second = value;
  } else if (name == "token_lifetime_s") {
    options_.token_lifetime = std::chrono::seconds(value.get<std::int64_t>());
  } else {
    return false;
  }
  return true;
}

void AmocrmWorld::forget_all() {
  entities_.clear();
  contacts_of_.clear();
  counts_.clear();
  most_per_second_ = 0;
}

std::vector<AmocrmRequest> AmocrmWorld::requests(const std::string& method) const {
  std::lock_guard lock(mutex_);
  std::vector<AmocrmRequest> all;
  for (const ApiCall& call : calls()) {
    if (!method.empty() && call.method != method) continue;
    AmocrmRequest one;
    one.method = call.method;
    one.path = call.params.value("path", "");
    if (call.params.contains("body") && !call.params["body"].is_null()) one.body = call.params["body"].dump();
    one.ok = call.ok;
    one.status = call.ok ? 200 : call.error_code;
    one.error = call.description;
    one.fault = call.fault;
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace sufler::fakes
