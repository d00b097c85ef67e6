#include "fakes/vk/params.h"

#include "fakes/common/bytes.h"

namespace sufler::fakes::vk {
namespace {

const char* words_for(int code) {
  switch (code) {
    case 1:
      return "Unknown error occured";
    case 3:
      return "Unknown method passed";
    case 5:
      return "User authorization failed";
    case 6:
      return "Too many requests per second";
    case 7:
      return "Permission to perform this action is denied";
    case 8:
      return "Invalid request";
    case 9:
      return "Flood control";
    case 10:
      return "Internal server error";
    case 12:
      return "Unable to compile code";
    case 13:
      return "Runtime error occurred during code invocation";
    case 14:
      return "Captcha needed";
    case 15:
      return "Access denied";
    case 17:
      return "Validation required";
    case 18:
      return "User was deleted or banned";
    case 22:
      return "Upload error";
    case 27:
      return "Group authorization failed";
    case 28:
      return "Application authorization failed";
    case 29:
      return "Rate limit reached";
    case 36:
      return "Method execution was interrupted due to timeout";
    case 100:
      return "One of the parameters specified was missing or invalid";
    case 105:
      return "Couldn't save file";
    case 113:
      return "Invalid user id";
    case 118:
      return "Invalid server";
    case 121:
      return "Invalid hash";
    case 125:
      return "Invalid group id";
    case 129:
      return "Invalid photo";
    case 900:
      return "Can't send messages for users from blacklist";
    case 901:
      return "Can't send messages for users without permission";
    case 902:
      return "Can't send messages to this user due to their privacy settings";
    case 909:
      return "Can't edit this message, because it's too old";
    case 910:
      return "Can't sent this message, because it's too big";
    case 911:
      return "Keyboard format is invalid";
    case 912:
      return "This is a chat bot feature, change this status in settings";
    case 913:
      return "Too many forwarded messages";
    case 914:
      return "Message is too long";
    case 917:
      return "You don't have access to this chat";
    case 920:
      return "Can't edit this kind of message";
    case 921:
      return "Can't forward these messages";
    case 924:
      return "Can't delete this message for everybody";
    case 927:
      return "Chat does not exist";
    case 932:
      return "Your community can't interact with this peer";
    case 936:
      return "Contact not found";
    case 945:
      return "Chat was disabled";
    case 950:
      return "Can't send message, reply timed out";
    case 1117:
      return "Access token has expired";
    case 2000:
      return "Servers number limit is reached";
    case 9999:
      return "Not supported http method";
    default:
      return "Error";
  }
}

}  // namespace

ApiError api_error(int code, const std::string& detail) {
  ApiError error{code, words_for(code)};
  if (!detail.empty()) error.description += ": " + detail;
  return error;
}

ApiError invalid(const std::string& detail) { return api_error(100, detail); }

Params Params::from(const HttpRequest& request, bool strict) {
  Params out;
  out.strict_ = strict;
  FormData form;
  read_urlencoded(request.query, form);
  const std::string_view type = request.header("content-type");
  const std::string kind = media_type(type);
  if (kind == "application/x-www-form-urlencoded") {
    read_urlencoded(request.body, form);
  } else if (kind == "multipart/form-data") {
    const std::string fault = read_multipart(request.body, type, form);
    if (!fault.empty()) throw api_error(8, "the multipart body is malformed: " + fault);
  } else if (!request.body.empty()) {
    throw api_error(8, "a body of type \"" + kind + "\" is not supported");
  }
  for (auto& [name, value] : form.fields) {
    if (strict && out.values_.contains(name)) throw invalid(name + " is given twice");
    if (!is_utf8(value)) throw invalid(name + " is not UTF-8");
    out.values_[std::move(name)] = std::move(value);
  }
  for (auto& [name, part] : form.files) out.files_[std::move(name)] = std::move(part);
  return out;
}

Params Params::from_json(const Json& object, bool strict) {
  Params out;
  out.strict_ = strict;
  for (const auto& [name, value] : object.items()) {
    if (value.is_string()) {
      out.values_[name] = value.get<std::string>();
    } else if (value.is_boolean()) {
      out.values_[name] = value.get<bool>() ? "1" : "0";
    } else if (value.is_array()) {
      std::string list;
      for (const Json& item : value) {
        if (!list.empty()) list += ',';
        list += item.is_string() ? item.get<std::string>() : item.dump();
      }
      out.values_[name] = list;
    } else if (!value.is_null()) {
      out.values_[name] = value.dump();
    }
  }
  return out;
}

std::int64_t Params::integer(const std::string& name, std::int64_t otherwise) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return otherwise;
  if (const auto value = whole_integer(found->second)) return *value;
  if (strict_) throw invalid(name + " not integer");
  return otherwise;
}

bool Params::flag(const std::string& name, bool otherwise) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return otherwise;
  if (found->second == "1") return true;
  if (found->second == "0") return false;
  if (strict_) throw invalid(name + " should be 0 or 1");
  return found->second == "true";
}

std::vector<std::string> Params::list(const std::string& name) const {
  std::vector<std::string> out;
  const std::string whole = this->text(name);
  std::string_view text = whole;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    while (item.starts_with(' ')) item.remove_prefix(1);
    if (!item.empty()) out.emplace_back(item);
  }
  return out;
}

std::vector<std::int64_t> Params::integers(const std::string& name) const {
  std::vector<std::int64_t> out;
  for (const std::string& item : list(name)) {
    const auto value = whole_integer(item);
    if (!value) throw invalid(name + " should be a list of integers");
    out.push_back(*value);
  }
  return out;
}

Json Params::json(const std::string& name) const {
  const std::string value = text(name);
  if (value.empty()) return nullptr;
  Json parsed = Json::parse(value, nullptr, false);
  if (parsed.is_discarded()) throw invalid(name + " is not JSON");
  return parsed;
}

std::optional<std::int64_t> Params::peer() const {
  for (const char* name : {"peer_id", "user_id", "peer_ids"}) {
    if (const auto number = number_in(name)) return number;
  }
  const auto chat = number_in("chat_id");
  return chat ? std::optional(*chat + kFirstChat) : std::nullopt;
}

}  // namespace sufler::fakes::vk
