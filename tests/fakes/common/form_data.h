#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sufler::fakes {

/// A part of multipart/form-data that has a filename.
struct FilePart {
  std::string file_name;
  std::string content_type;
  std::shared_ptr<const std::string> bytes;
};

/// What a form brought, in its order; names may repeat.
struct FormData {
  std::vector<std::pair<std::string, std::string>> fields;
  std::vector<std::pair<std::string, FilePart>> files;
};

/// Adds the pairs of a query or of an application/x-www-form-urlencoded body.
void read_urlencoded(std::string_view text, FormData& form);
/// Adds the parts of a multipart/form-data body. Returns what is wrong with it, or nothing.
std::string read_multipart(std::string_view body, std::string_view content_type, FormData& form);

/// `text/html; charset=utf-8` is `text/html`.
std::string media_type(std::string_view content_type);
std::string ascii_lower(std::string_view text);

}  // namespace sufler::fakes
