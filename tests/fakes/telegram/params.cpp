#include "fakes/telegram/params.h"

#include "fakes/common/bytes.h"

namespace sufler::fakes {
namespace {

using Values = std::map<std::string, std::string>;

void put(Values& values, std::string name, std::string value, bool strict) {
  if (strict && values.contains(name))
    throw bad_request("parameter \"" + name + "\" is given twice");
  if (!is_utf8(value) || !is_utf8(name)) throw bad_request("Strings must be encoded in UTF-8");
  values[std::move(name)] = std::move(value);
}

void put_all(Values& values, FormData form, std::map<std::string, FilePart>& files, bool strict) {
  for (auto& [name, value] : form.fields) put(values, std::move(name), std::move(value), strict);
  for (auto& [name, part] : form.files) {
    if (strict && files.contains(name)) throw bad_request("file \"" + name + "\" is given twice");
    files[name] = std::move(part);
  }
}

void read_json(Values& values, const std::string& body, bool strict) {
  if (body.empty()) return;
  const Json parsed = Json::parse(body, nullptr, false);
  if (!parsed.is_object())
    throw ApiError{400, "Bad Request: can't parse request body as JSON object"};
  for (const auto& [name, value] : parsed.items()) {
    if (value.is_null() && strict) throw bad_request("parameter \"" + name + "\" is null");
    put(values, name, value.is_string() ? value.get<std::string>() : value.dump(), strict);
  }
}

}  // namespace

Params Params::from(const HttpRequest& request, bool strict) {
  Params out;
  out.strict_ = strict;
  FormData form;
  read_urlencoded(request.query, form);
  const std::string_view type = request.header("content-type");
  const std::string kind = media_type(type);
  if (kind == "application/json") {
    read_json(out.values_, request.body, strict);
  } else if (kind == "application/x-www-form-urlencoded") {
    read_urlencoded(request.body, form);
  } else if (kind == "multipart/form-data") {
    const std::string fault = read_multipart(request.body, type, form);
    if (!fault.empty()) throw ApiError{400, "Bad Request: can't parse multipart request: " + fault};
  } else if (!request.body.empty() && strict) {
    throw bad_request("Unsupported Content-Type \"" + std::string(type) + "\"");
  }
  put_all(out.values_, std::move(form), out.files_, strict);
  return out;
}

std::int64_t Params::integer(const std::string& name, std::int64_t otherwise) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return otherwise;
  if (const auto value = whole_integer(found->second)) return *value;
  if (strict_) throw bad_request("parameter \"" + name + "\" must be an integer");
  return otherwise;
}

double Params::number(const std::string& name) const {
  const Json value = Json::parse(text(name), nullptr, false);
  if (!value.is_number()) throw bad_request("parameter \"" + name + "\" must be a number");
  return value.get<double>();
}

bool Params::flag(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return false;
  const std::string value = ascii_lower(found->second);
  if (value == "true" || value == "yes" || value == "1") return true;
  if (strict_ && value != "false" && value != "no" && value != "0" && !value.empty()) {
    throw bad_request("parameter \"" + name + "\" must be a boolean");
  }
  return false;
}

Json Params::json(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end() || found->second.empty()) return nullptr;
  Json value = Json::parse(found->second, nullptr, false);
  if (value.is_discarded()) throw bad_request("Can't parse JSON of parameter \"" + name + "\"");
  return value;
}

const FilePart* Params::file(const std::string& name) const {
  const FilePart* part = upload(name);
  if (part != nullptr) used_files_.insert(name);
  return part;
}

std::string Params::unused_file() const {
  for (const auto& [name, part] : files_)
    if (!used_files_.contains(name)) return name;
  return {};
}

}  // namespace sufler::fakes
