// Texts: templates, light markup, and cutting to the platforms' sizes.
#include "fuzz/scope.h"
#include "fuzz/targets.h"

namespace sufler::fuzz {
namespace {

void check_rich(const RichText& rich) {
  const std::vector<MarkupSpan>& spans = rich.spans;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    require(spans[i].begin < spans[i].end && spans[i].end <= rich.text.size(),
            "a mark lies in its text");
    require(i == 0 || spans[i - 1].begin <= spans[i].begin, "marks are in order");
  }
  // Open marks, outermost first: each next one ends before them.
  std::vector<std::uint32_t> open;
  for (const MarkupSpan& span : spans) {
    while (!open.empty() && open.back() <= span.begin) open.pop_back();
    require(open.empty() || span.end <= open.back(), "marks nest and do not cross");
    open.push_back(span.end);
  }
}

std::string without_space(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t one = next_code_point(text, at);
    if (!is_space(one)) append_utf8(out, one);
  }
  return out;
}

void check_split(const RichText& rich) {
  for (const std::size_t limit :
       {std::size_t{2}, std::size_t{7}, std::size_t{64}, std::size_t{4096}}) {
    std::string joined;
    for (const RichText& part : split(rich, limit)) {
      check_rich(part);
      require(count_utf16_units(part.text) <= limit, "a part fits the limit");
      joined += part.text;
    }
    // Broken UTF-8 may be cut into more broken pieces than it was read as.
    if (is_utf8(rich.text))
      require(without_space(joined) == without_space(rich.text),
              "cutting loses nothing but white space");
  }
}

}  // namespace

void play_template(std::string_view bytes) {
  const RichText rich = parse_markup(bytes);
  check_rich(rich);
  check_split(rich);
  const std::string marked = to_markup(rich);
  require(parse_markup(marked) == rich, "markup that is written back reads the same");

  check_rich(*Template::plain(bytes).render(fuzz_scope()));
  const auto parsed = Template::parse(bytes);
  if (!parsed) {
    const ExpressionError& error = parsed.error().error;
    require(std::size_t{error.offset} + error.length <= bytes.size(), "an error lies in the text");
    return;
  }
  for (const NameUse& use : parsed->names())
    require(std::size_t{use.offset} + use.length <= bytes.size(), "a used name lies in the text");
  const auto shown = parsed->render(fuzz_scope());
  if (shown) {
    check_rich(*shown);
    check_split(*shown);
    const auto again = parsed->render(fuzz_scope());
    require(again.has_value() && *again == *shown, "equal renderings are equal");
  }
  (void)parsed->evaluate(fuzz_scope());
}

}  // namespace sufler::fuzz
