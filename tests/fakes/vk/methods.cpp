// The methods of VK's API: all of them, and what a call of several is.
#include "fakes/vk/script.h"
#include "fakes/vk/world.h"

namespace sufler::fakes::vk {
namespace {

constexpr std::size_t kUsers = 1000;
constexpr std::size_t kCallsInExecute = 25;

std::set<std::string> with(std::set<std::string> names, const std::set<std::string>& more) {
  names.insert(more.begin(), more.end());
  return names;
}

}  // namespace

const std::map<std::string, World::MethodInfo>& World::methods() {
  static const std::set<std::string> kMessageParams = {
      "message", "attachment", "keyboard",         "template",
      "lat",     "long",       "dont_parse_links", "disable_mentions"};
  static const std::set<std::string> kGroup = {"group_id"};
  static const std::map<std::string, MethodInfo> kMethods = {
      {"groups.getById", {&World::groups_get_by_id, {"group_id", "group_ids", "fields"}, ""}},
      {"groups.getTokenPermissions", {&World::groups_get_token_permissions, {}, ""}},
      {"groups.setLongPollSettings",
       {&World::groups_set_long_poll, with({"group_id", "enabled", "api_version"}, event_types()),
        "manage"}},
      {"groups.getLongPollSettings", {&World::groups_get_long_poll, kGroup, "manage"}},
      {"groups.getLongPollServer", {&World::groups_long_poll_server, kGroup, "manage"}},
      {"groups.addCallbackServer",
       {&World::groups_add_server, {"group_id", "url", "title", "secret_key"}, "manage"}},
      {"groups.editCallbackServer",
       {&World::groups_edit_server,
        {"group_id", "server_id", "url", "title", "secret_key"},
        "manage"}},
      {"groups.deleteCallbackServer",
       {&World::groups_delete_server, {"group_id", "server_id"}, "manage"}},
      {"groups.getCallbackServers",
       {&World::groups_get_servers, {"group_id", "server_ids"}, "manage"}},
      {"groups.setCallbackSettings",
       {&World::groups_set_callback, with({"group_id", "server_id", "api_version"}, event_types()),
        "manage"}},
      {"groups.getCallbackSettings",
       {&World::groups_get_callback, {"group_id", "server_id"}, "manage"}},
      {"groups.getCallbackConfirmationCode", {&World::groups_confirmation, kGroup, "manage"}},
      {"groups.setSettings",
       {&World::groups_set_settings,
        {"group_id", "messages", "bots_capabilities", "bots_start_button", "bots_add_to_chat"},
        "manage"}},
      {"messages.send",
       {&World::messages_send,
        with({"user_id", "random_id", "peer_id", "peer_ids", "domain", "chat_id", "reply_to",
              "forward_messages", "forward", "sticker_id", "group_id", "payload", "content_source",
              "format_data", "intent", "subscribe_id"},
             kMessageParams),
        "messages"}},
      {"messages.edit",
       {&World::messages_edit,
        with({"peer_id", "cmid", "conversation_message_id", "message_id", "group_id", "format_data",
              "keep_forward_messages", "keep_snippets"},
             kMessageParams),
        "messages"}},
      {"messages.delete",
       {&World::messages_delete,
        {"peer_id", "cmids", "conversation_message_ids", "message_ids", "delete_for_all", "spam",
         "group_id", "reason"},
        "messages"}},
      {"messages.setActivity",
       {&World::messages_set_activity, {"peer_id", "user_id", "type", "group_id"}, "messages"}},
      {"messages.sendMessageEventAnswer",
       {&World::messages_event_answer,
        {"event_id", "user_id", "peer_id", "event_data"},
        "messages"}},
      {"messages.markAsRead",
       {&World::messages_mark_as_read,
        {"peer_id", "message_ids", "start_message_id", "up_to_cmid", "group_id",
         "mark_conversation_as_read"},
        "messages"}},
      {"messages.markAsAnsweredConversation",
       {&World::messages_mark_answered, {"peer_id", "answered", "group_id"}, "messages"}},
      {"messages.getHistory",
       {&World::messages_history,
        {"peer_id", "user_id", "offset", "count", "start_message_id", "start_cmid", "rev",
         "extended", "fields", "group_id"},
        "messages"}},
      {"messages.getConversations",
       {&World::messages_conversations,
        {"offset", "count", "filter", "extended", "start_message_id", "fields", "group_id"},
        "messages"}},
      {"messages.getByConversationMessageId",
       {&World::messages_by_cmid,
        {"peer_id", "conversation_message_ids", "extended", "fields", "group_id"},
        "messages"}},
      {"messages.isMessagesFromGroupAllowed",
       {&World::messages_is_allowed, {"group_id", "user_id"}, "messages"}},
      {"users.get", {&World::users_get, {"user_ids", "fields", "name_case"}, ""}},
      {"photos.getMessagesUploadServer", {&World::photos_upload_server, {"peer_id"}, "photos"}},
      {"photos.saveMessagesPhoto", {&World::photos_save, {"photo", "server", "hash"}, "photos"}},
      {"docs.getMessagesUploadServer", {&World::docs_upload_server, {"type", "peer_id"}, "docs"}},
      {"docs.save", {&World::docs_save, {"file", "title", "tags", "return_tags"}, "docs"}},
      {"execute", {&World::execute, {"code", "func_v"}, ""}},
  };
  return kMethods;
}

// ---- users

Json World::user_json(std::int64_t id, const std::vector<std::string>& fields) const {
  const VkUser& user = users_.at(id);
  Json out = {{"id", id}, {"first_name", user.first_name}, {"last_name", user.last_name}};
  if (!user.deactivated.empty()) {
    out["deactivated"] = user.deactivated;
  } else {
    out["is_closed"] = false;
    out["can_access_closed"] = true;
  }
  for (const std::string& field : fields) {
    if (field == "screen_name" || field == "domain") out[field] = "id" + std::to_string(id);
    if (field == "sex") out[field] = 0;
  }
  return out;
}

Json World::users_get(CallContext& call) {
  const std::vector<std::int64_t> ids = call.params.integers("user_ids");
  if (ids.empty()) {
    // A community has no user of its own.
    if (options_.strict) throw invalid("user_ids is undefined");
    return Json::array();
  }
  if (ids.size() > kUsers) throw invalid("user_ids: at most 1000");
  static const std::set<std::string> kCases = {"", "nom", "gen", "dat", "acc", "ins", "abl"};
  if (!kCases.contains(call.params.text("name_case"))) throw invalid("name_case");
  const std::vector<std::string> fields = call.params.list("fields");
  Json out = Json::array();
  std::set<std::int64_t> seen;
  for (const std::int64_t id : ids) {
    if (users_.contains(id) && seen.insert(id).second) out.push_back(user_json(id, fields));
  }
  return out;
}

// ---- execute

Json World::execute(CallContext& call) {
  const std::string code = call.params.text("code");
  if (code.empty()) throw invalid("code is undefined");
  bool list = false;
  const std::vector<ScriptCall> calls = read_script(code, list);
  if (calls.size() > kCallsInExecute) throw api_error(13, "Too many API calls");
  Json results = Json::array();
  Json errors = Json::array();
  for (const ScriptCall& inner : calls) {
    const Params params = Params::from_json(inner.params, options_.strict);
    ApiCall record;
    record.account = call.community.index;
    record.method = inner.method;
    record.batched = true;
    record.params = params.for_log();
    record.place = params.peer().value_or(0);
    try {
      if (inner.method == "execute") throw api_error(13, "execute in execute");
      const auto fault = take_fault(call.community.index, inner.method, record.place, false);
      if (fault) {
        HttpReply reply;
        apply_manner(reply, *fault, Json::array());
        const Json body = Json::parse(reply.body, nullptr, false);
        const bool known = body.is_object() && body.contains("error");
        ApiError error =
            known ? ApiError{body["error"]["error_code"], body["error"]["error_msg"]}
                  : api_error(10);
        record.fault = fault->kind;
        log(std::move(record), error);
        throw error;
      }
      results.push_back(run(call.community, inner.method, params, std::move(record)));
    } catch (const ApiError& error) {
      results.push_back(false);
      errors.push_back(
          {{"method", inner.method}, {"error_code", error.code}, {"error_msg", error.description}});
    }
  }
  Json response = list ? results : results.empty() ? Json() : results[0];
  return {{"response", response}, {"errors", errors}};
}

}  // namespace sufler::fakes::vk
