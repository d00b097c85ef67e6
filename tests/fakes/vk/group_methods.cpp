// Methods about the community: its long poll, its servers, its settings.
#include <algorithm>

#include "fakes/common/bytes.h"
#include "fakes/vk/world.h"

namespace sufler::fakes::vk {
namespace {

constexpr std::size_t kServers = 10;

void check_name(const std::string& text, std::size_t limit, const char* name) {
  if (code_points(text) > limit) throw invalid(std::string(name) + " is too long");
}

}  // namespace

void World::check_group(CallContext& call) {
  if (!call.params.has("group_id")) throw invalid("group_id is undefined");
  const std::int64_t id = call.params.integer("group_id");
  if (id == call.community.group_id) return;
  for (const Community& other : communities_) {
    if (other.group_id == id) throw api_error(15, "the token is of another community");
  }
  throw api_error(125);
}

Json World::groups_get_by_id(CallContext& call) {
  std::vector<std::int64_t> ids = call.params.integers("group_ids");
  if (call.params.has("group_id")) ids.push_back(call.params.integer("group_id"));
  if (ids.empty()) ids.push_back(call.community.group_id);
  Json groups = Json::array();
  for (const Community& community : communities_) {
    if (std::find(ids.begin(), ids.end(), community.group_id) == ids.end()) continue;
    groups.push_back({{"id", community.group_id},
                      {"name", community.name},
                      {"screen_name", community.screen_name},
                      {"is_closed", 0},
                      {"type", "group"}});
  }
  if (groups.empty()) throw api_error(125);
  return {{"groups", groups}, {"profiles", Json::array()}};
}

Json World::groups_get_token_permissions(CallContext& call) {
  static const std::map<std::string, std::int64_t> kBits = {
      {"photos", 4}, {"messages", 4096}, {"docs", 131072}, {"manage", 262144}};
  Json permissions = Json::array();
  std::int64_t mask = 0;
  for (const std::string& name : call.community.permissions) {
    const auto bit = kBits.find(name);
    const std::int64_t setting = bit == kBits.end() ? 0 : bit->second;
    mask |= setting;
    permissions.push_back({{"name", name}, {"setting", setting}});
  }
  return {{"mask", mask}, {"permissions", permissions}};
}

namespace {

/// Flags that are left out keep their value.
void set_events(std::set<std::string>& events, const Params& params) {
  for (const std::string& type : event_types()) {
    if (!params.has(type)) continue;
    if (params.flag(type)) {
      events.insert(type);
    } else {
      events.erase(type);
    }
  }
}

Json events_json(const std::set<std::string>& events) {
  Json out = Json::object();
  for (const std::string& type : event_types()) out[type] = events.contains(type) ? 1 : 0;
  return out;
}

void set_version(std::string& version, const Params& params) {
  if (!params.has("api_version")) return;
  const std::string wanted = params.text("api_version");
  if (wanted < std::string("5.103") || wanted > std::string("5.199")) {
    throw invalid("api_version: a bot asks for 5.103 to 5.199");
  }
  version = wanted;
}

}  // namespace

Json World::groups_set_long_poll(CallContext& call) {
  check_group(call);
  Community& community = call.community;
  set_version(community.long_poll_version, call.params);
  community.long_poll = call.params.flag("enabled", community.long_poll);
  set_events(community.events, call.params);
  if (!community.long_poll) answer_polls(community);
  return 1;
}

Json World::groups_get_long_poll(CallContext& call) {
  check_group(call);
  return {{"is_enabled", call.community.long_poll},
          {"api_version", call.community.long_poll_version},
          {"events", events_json(call.community.events)}};
}

Json World::groups_long_poll_server(CallContext& call) {
  check_group(call);
  if (!call.community.long_poll) throw invalid("longpoll for this group is not enabled");
  return {{"key", call.community.key},
          {"server", root() + "/longpoll/" + std::to_string(call.community.group_id)},
          {"ts", std::to_string(call.community.ts)}};
}

namespace {
void read_server(Server& server, const Params& params) {
  const std::string url = params.text("url");
  if (!url.starts_with("http://127.0.0.1") && !url.starts_with("http://localhost")) {
    throw invalid("url: the fake calls only this machine");
  }
  server.url = url;
  server.title = params.text("title");
  if (server.title.empty()) throw invalid("title is undefined");
  check_name(server.title, 14, "title");
  server.secret = params.text("secret_key");
  check_name(server.secret, 50, "secret_key");
}
}  // namespace

Json World::groups_add_server(CallContext& call) {
  check_group(call);
  Community& community = call.community;
  if (community.servers.size() >= kServers) throw api_error(2000);
  Server server;
  read_server(server, call.params);
  server.id = community.next_server++;
  server.status = "wait";
  const std::int64_t id = server.id;
  community.servers[id] = std::move(server);
  enqueue(community, community.servers[id], nullptr);
  return {{"server_id", id}};
}

Server& World::server_of(CallContext& call) {
  check_group(call);
  const auto found = call.community.servers.find(call.params.integer("server_id"));
  if (found == call.community.servers.end()) throw invalid("server_id");
  return found->second;
}

Json World::groups_edit_server(CallContext& call) {
  Server& server = server_of(call);
  Server changed_server = server;
  read_server(changed_server, call.params);
  // The confirmation string changes with the servers; it must be asked for anew.
  if (changed_server.url != server.url) call.community.confirmation = random_hex(8);
  changed_server.status = changed_server.url == server.url ? server.status : "wait";
  server = std::move(changed_server);
  if (server.status != "ok") {
    server.status = "wait";
    enqueue(call.community, server, nullptr);
  }
  return 1;
}

Json World::groups_delete_server(CallContext& call) {
  const std::int64_t id = server_of(call).id;
  call.community.servers.erase(id);
  return 1;
}

Json World::groups_get_servers(CallContext& call) {
  check_group(call);
  const std::vector<std::int64_t> wanted = call.params.integers("server_ids");
  Json items = Json::array();
  for (const auto& [id, server] : call.community.servers) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), id) == wanted.end()) continue;
    items.push_back({{"id", id},
                     {"title", server.title},
                     {"creator_id", 100},
                     {"url", server.url},
                     {"secret_key", server.secret},
                     {"status", server.status}});
  }
  return {{"count", items.size()}, {"items", items}};
}

Json World::groups_set_callback(CallContext& call) {
  Server& server = server_of(call);
  set_version(server.api_version, call.params);
  set_events(server.events, call.params);
  return 1;
}

Json World::groups_get_callback(CallContext& call) {
  const Server& server = server_of(call);
  return {{"api_version", server.api_version}, {"events", events_json(server.events)}};
}

Json World::groups_confirmation(CallContext& call) {
  check_group(call);
  return {{"code", call.community.confirmation}};
}

Json World::groups_set_settings(CallContext& call) {
  check_group(call);
  Community& community = call.community;
  community.messages_on = call.params.flag("messages", community.messages_on);
  community.bot_features = call.params.flag("bots_capabilities", community.bot_features);
  community.start_button = call.params.flag("bots_start_button", community.start_button);
  return 1;
}

}  // namespace sufler::fakes::vk
