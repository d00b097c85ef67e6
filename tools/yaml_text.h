#pragma once
#include <string>
#include <string_view>

namespace sufler {

/// On one line, in double quotes, whatever the text is.
std::string quoted_yaml(std::string_view text);

/// A text behind `key:`: quoted, or a block of lines, indented by `indent`, where it has several.
std::string yaml_text(std::string_view text, std::size_t indent);

}  // namespace sufler
