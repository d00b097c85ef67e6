#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/expression.h"
#include "interpreter/core/message.h"
#include "interpreter/core/result.h"

/// HTML of a letter with `{{ }}` in it. What is filled in is escaped by where it stands; a template that has `{{ }}`
/// where no escaping would be safe is never made.
namespace sufler {

class DialogScope;

/// Where a value of an HTML file stands.
enum class HtmlContext : std::uint8_t {
  Text,       ///< between tags; line breaks become `<br>`
  Title,      ///< in `<title>`: no tags are possible there
  Attribute,  ///< in a value in quotes
  Url,        ///< the beginning of an address: only http, https, mailto and tel
  UrlPart,    ///< behind the beginning: percent-encoded
  Phone,      ///< behind `tel:`: digits and `+` alone
  Mailbox,    ///< behind `mailto:`: percent-encoded but for the `@`
};

/// A part of an HTML file, as the scanner finds it. Offsets are bytes of the source.
struct HtmlToken {
  enum class What : std::uint8_t {
    Literal, Value,
    For,   ///< `{{ for NAME in EXPRESSION }}`
    If, Else, End
  } what = What::Literal;
  std::uint32_t begin = 0, end = 0;  ///< of a literal all of it, else of the expression, which may be empty
  HtmlContext context = HtmlContext::Text;
  std::uint32_t name_begin = 0, name_end = 0;  ///< For
};
/// What cannot work, with its place.
struct HtmlProblem {
  enum class What : std::uint8_t {
    Unclosed,       ///< `{{` without `}}`
    BadFor,         ///< not `for NAME in LIST`
    Unpaired,       ///< `else` or `end` without a beginning, or a beginning without `end`
    InTag,          ///< a value where a name of a tag or an attribute stands, or a directive inside a tag
    Unquoted,       ///< a value of an attribute without quotes
    InScript,       ///< in `<script>`, or in an attribute that is one: `onclick`
    InStyle,        ///< in `<style>` or `style="…"`
    InComment,      ///< in what only Outlook reads: `<!--[if mso]>`
    ForbiddenTag,   ///< `found`: mail programs drop it, and spam filters do not like it
  } what = What::Unclosed;
  std::uint32_t begin = 0, end = 0;
  std::string found;
};
struct HtmlScan {
  std::vector<HtmlToken> tokens;
  std::vector<HtmlProblem> problems;
  std::optional<std::uint32_t> style;  ///< where the first `<style>` begins
};
/// Total: any bytes give a scan. Comments are left out, those for Outlook aside.
HtmlScan scan_html(std::string_view source);

/// Names of pictures: what stands in the `src` of `<img>` tags, without `{{ }}`; offsets are bytes of the source. Total.
struct HtmlPicture {
  std::uint32_t begin = 0, end = 0;
};
std::vector<HtmlPicture> pictures_of_html(std::string_view source);

inline constexpr std::size_t kMostHtmlBytes = 256 * 1024;

class HtmlTemplate {
 public:
  struct Part {
    HtmlToken::What what = HtmlToken::What::Literal;
    HtmlContext context = HtmlContext::Text;
    bool history = false;       ///< Value: the talk so far stands here
    std::string text;           ///< Literal; For: the name
    Expression expression;      ///< Value, For, If
    std::uint32_t to = 0;       ///< If: behind its `else` or to its `end`; Else: to its `end`; For: to its `end`; End of a `for`: to it
    bool loops = false;         ///< End: of a `for`
  };
  HtmlTemplate() = default;
  /// The parts of a scan without problems, in its order; the jumps are worked out here.
  explicit HtmlTemplate(std::vector<Part> parts, std::vector<Attachment> pictures = {});

  bool empty() const { return parts_.empty(); }
  const std::vector<Part>& parts() const { return parts_; }
  /// Names of loops: their expressions see them.
  const std::vector<std::string>& locals() const { return locals_; }
  /// Files of the scenario that it shows, each by its `content_id` (order.h).
  const std::vector<Attachment>& pictures() const { return pictures_; }
  /// What identifies it: literals and expressions as written.
  std::string source() const;

  /// `kHistoryMark` stands where the talk goes. Else why it could not be made, in English.
  Result<std::string, std::string> render(DialogScope& scope) const;

 private:
  std::vector<Part> parts_;
  std::vector<std::string> locals_;
  std::vector<Attachment> pictures_;
};

/// No letter holds it otherwise: control characters are dropped from what is filled in, and from templates.
inline constexpr std::string_view kHistoryMark = "\x01history\x01";

/// `& < > " '` as entities, control characters dropped.
std::string escape_html(std::string_view text);
/// The same between tags: line breaks become `<br>`.
std::string escape_html_text(std::string_view text);

/// What a person reads who sees no HTML: blocks on lines of their own, links with their addresses.
std::string html_to_text(std::string_view html);

}  // namespace sufler
