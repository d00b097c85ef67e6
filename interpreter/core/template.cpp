#include <algorithm>
#include <iterator>
#include <optional>
#include <vector>

#include "interpreter/core/expression.h"
#include "interpreter/core/expression_evaluator.h"
#include "interpreter/core/text.h"

// Markup is read once, at load, with a placeholder in the place of every `{{ }}`. The placeholder
// is a character of Unicode's private planes that the text does not have; it is neither a letter
// nor a space, so marks beside it open and close as they do beside punctuation. What remains is a
// row of pieces, literal or expression, and spans whose ends are tied to pieces: what is inserted
// later moves the ends but is never read.

namespace sufler {
namespace {

constexpr std::string_view kWholeUrl = "https://";

/// A place in the row: `delta` bytes into the literal piece `piece`, or before the expression
/// there.
struct Place {
  std::uint32_t piece = 0;
  std::uint32_t delta = 0;
};

struct Piece {
  std::string literal;
  std::optional<std::uint32_t> expression;
};

struct Span {
  Markup markup = Markup::Bold;
  Place begin, end;
  std::vector<Piece> url;
};

/// `{{ … }}`: [begin, end) with the braces.
struct Hole {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Finds the `}}` of the `{{` at `begin`. Braces of maps and texts in quotes do not count.
std::optional<std::size_t> find_closing(std::string_view source, std::size_t begin) {
  int open = 0;
  for (std::size_t i = begin + 2; i < source.size(); ++i) {
    switch (source[i]) {
      case '\'':
      case '"': {
        const char quote = source[i];
        for (++i; i < source.size() && source[i] != quote; ++i) {
          if (source[i] == '\\') ++i;
        }
        break;
      }
      case '{':
        ++open;
        break;
      case '}':
        if (open > 0) {
          --open;
        } else if (i + 1 < source.size() && source[i + 1] == '}') {
          return i + 2;
        }
        break;
      default:
        break;
    }
  }
  return std::nullopt;
}

/// A character that stands nowhere in the text.
std::string unused_character(std::string_view text) {
  constexpr char32_t kFirst = 0xF0000;
  constexpr char32_t kCount = 0xFFFD;
  std::vector<bool> used;
  for (std::size_t at = 0; (at = text.find('\xF3', at)) != std::string_view::npos;) {
    const char32_t c = next_code_point(text, at);
    if (c < kFirst || c >= kFirst + kCount) continue;
    used.resize(kCount, false);
    used[c - kFirst] = true;
  }
  const auto free = std::find(used.begin(), used.end(), false) - used.begin();
  std::string out;
  append_utf8(out, kFirst + static_cast<char32_t>(free));
  return out;
}

bool opens_url(std::string_view source, const std::vector<Hole>& holes, std::size_t index) {
  const Hole& hole = holes[index];
  return hole.begin >= 2 && source.substr(hole.begin - 2, 2) == "](" && hole.end < source.size() &&
         (index == 0 || holes[index - 1].end < hole.begin);
}

/// `{{ a }}_{{ b }}`: an underscore between values joins them and marks nothing.
bool is_joint(std::string_view source, const std::vector<Hole>& holes, std::size_t index) {
  return index > 0 && holes[index - 1].end + 1 == holes[index].begin &&
         source[holes[index - 1].end] == '_';
}

void append_url_part(std::string& url, std::string_view value) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
        c == '.' || c == '_' || c == '~') {
      url.push_back(c);
    } else {
      url.push_back('%');
      url.push_back(kHex[byte >> 4]);
      url.push_back(kHex[byte & 15]);
    }
  }
}

/// A link made of data alone: only the web, and nothing that could hide where it leads.
bool is_web_address(std::string_view url) {
  if (url.substr(0, 8) != "https://" && url.substr(0, 7) != "http://") return false;
  if (url.size() > 2048 || url.size() < 10) return false;
  return std::none_of(url.begin(), url.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '<' || c == '>' || c == '"';
  });
}

}  // namespace

struct Template::Data {
  std::string source;
  std::vector<Expression> expressions;
  std::vector<std::uint32_t> offsets;  ///< of the expressions' sources in `source`
  std::vector<Piece> pieces;
  std::vector<Span> spans;
  RichText constant;    ///< the whole text when there are no expressions
  bool single = false;  ///< one `{{ }}` and nothing else
};

namespace {

class Builder {
 public:
  Builder(std::string_view source, const std::vector<Hole>& holes)
      : mark_(unused_character(source)) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < holes.size(); ++i) {
      if (is_joint(source, holes, i)) {
        stand_in({"_", std::nullopt}, false);
      } else {
        marked_ += source.substr(at, holes[i].begin - at);
      }
      stand_in({"", static_cast<std::uint32_t>(i)}, opens_url(source, holes, i));
      at = holes[i].end;
    }
    marked_ += source.substr(at);
  }

  void build(std::vector<Piece>& pieces, std::vector<Span>& spans) {
    const RichText rich = parse_markup(marked_);
    // The placeholders left in the text keep their order, but those of links went to the urls; each
    // is told by its number among its kind, so urls are counted along with the spans.
    const std::string_view text = rich.text;
    std::vector<std::size_t> places;
    for (std::size_t at = 0; (at = text.find(mark_, at)) != std::string_view::npos;
         at += mark_.size()) {
      places.push_back(at);
    }
    // Which stand-ins are in urls: a link's url follows its label, so it holds those that come
    // after all placeholders before the label's end.
    std::vector<std::size_t> in_text;
    std::vector<std::vector<std::size_t>> in_url(rich.spans.size());
    assign(rich, places, in_text, in_url);

    std::vector<std::size_t> starts;  // of pieces, in `text`
    std::size_t at = 0;
    const auto literal = [&](std::size_t end) {
      if (end == at) return;
      starts.push_back(at);
      pieces.push_back({std::string(text.substr(at, end - at)), std::nullopt});
    };
    for (std::size_t i = 0; i < places.size(); ++i) {
      const StandIn& stand_in = stand_ins_[in_text[i]];
      std::size_t end = places[i];
      // The address turned out to be no link: the `https://` that only helped reading it goes.
      const bool helped = stand_in.url && end - at >= kWholeUrl.size() &&
                          text.substr(end - kWholeUrl.size(), kWholeUrl.size()) == kWholeUrl;
      literal(helped ? end - kWholeUrl.size() : end);
      starts.push_back(places[i]);
      pieces.push_back(stand_in.piece);
      at = places[i] + mark_.size();
    }
    literal(text.size());
    starts.push_back(text.size());

    const auto place = [&](std::size_t offset) -> Place {
      const auto next = std::upper_bound(starts.begin(), starts.end(), offset);
      if (next == starts.begin()) return {};
      const auto index = static_cast<std::size_t>(next - starts.begin()) - 1;
      if (index >= pieces.size()) return {static_cast<std::uint32_t>(pieces.size()), 0};
      const std::size_t delta = std::min(offset - starts[index], pieces[index].literal.size());
      return {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(delta)};
    };
    for (std::size_t i = 0; i < rich.spans.size(); ++i) {
      const MarkupSpan& span = rich.spans[i];
      spans.push_back(
          {span.markup, place(span.begin), place(span.end), url_pieces(span.url, in_url[i])});
    }
  }

 private:
  struct StandIn {
    Piece piece;
    bool url = false;
  };

  void stand_in(Piece piece, bool url) {
    if (url) marked_ += kWholeUrl;
    marked_ += mark_;
    stand_ins_.push_back({std::move(piece), url});
  }

  static std::size_t count(std::string_view text, std::string_view mark) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string_view::npos;
         at += mark.size())
      ++found;
    return found;
  }

  void assign(const RichText& rich, const std::vector<std::size_t>& places,
              std::vector<std::size_t>& in_text,
              std::vector<std::vector<std::size_t>>& in_url) const {
    // Links never nest, so in the source the url of each stands between what is up to its end in
    // the text and what comes after it.
    std::vector<std::size_t> links;
    for (std::size_t i = 0; i < rich.spans.size(); ++i) {
      if (rich.spans[i].markup == Markup::Link) links.push_back(i);
    }
    std::sort(links.begin(), links.end(),
              [&](std::size_t a, std::size_t b) { return rich.spans[a].end < rich.spans[b].end; });
    std::size_t number = 0;
    std::size_t next_place = 0;
    for (const std::size_t link : links) {
      while (next_place < places.size() && places[next_place] < rich.spans[link].end) {
        in_text.push_back(number++);
        ++next_place;
      }
      for (std::size_t left = count(rich.spans[link].url, mark_); left > 0; --left)
        in_url[link].push_back(number++);
    }
    while (next_place++ < places.size()) in_text.push_back(number++);
  }

  std::vector<Piece> url_pieces(std::string_view url,
                                const std::vector<std::size_t>& inside) const {
    std::vector<Piece> pieces;
    std::size_t at = 0;
    for (const std::size_t number : inside) {
      const std::size_t found = url.find(mark_, at);
      const StandIn& stand_in = stand_ins_[number];
      const bool whole = stand_in.url && found == kWholeUrl.size();
      if (found > at && !whole)
        pieces.push_back({std::string(url.substr(at, found - at)), std::nullopt});
      pieces.push_back(stand_in.piece);
      at = found + mark_.size();
    }
    if (at < url.size()) pieces.push_back({std::string(url.substr(at)), std::nullopt});
    return pieces;
  }

  std::string mark_;
  std::string marked_;
  std::vector<StandIn> stand_ins_;
};

const std::string& no_text() {
  static const std::string empty;
  return empty;
}

}  // namespace

Result<Template, Template::ParseError> Template::parse(std::string_view source) {
  if (source.size() > kMaxTextBytes) {
    return Error{
        ParseError{{ExpressionProblem::TooLong, 0, 0, "", std::to_string(kMaxTextBytes)}, false}};
  }
  auto data = std::make_shared<Data>();
  data->source = std::string(source);
  std::vector<Hole> holes;
  for (std::size_t at = 0; (at = source.find("{{", at)) != std::string_view::npos;) {
    std::optional<std::size_t> end = find_closing(source, at);
    if (!end) {
      // A quote without its pair swallows the `}}`: then the quote is what is wrong.
      const std::size_t plain = source.find("}}", at + 2);
      if (plain == std::string_view::npos) {
        const auto offset = static_cast<std::uint32_t>(at);
        return Error{ParseError{{ExpressionProblem::UnclosedBracket, offset, 2, "{{", "}}"}, true}};
      }
      end = plain + 2;
    }
    const auto offset = static_cast<std::uint32_t>(at + 2);
    auto expression = Expression::parse(source.substr(at + 2, *end - at - 4));
    if (!expression) {
      ParseError error{std::move(expression.error()), false};
      error.error.offset += offset;
      return Error{std::move(error)};
    }
    data->expressions.push_back(std::move(*expression));
    data->offsets.push_back(offset);
    holes.push_back({at, *end});
    at = *end;
  }
  if (holes.empty()) {
    data->constant = parse_markup(source);
  } else {
    Builder(source, holes).build(data->pieces, data->spans);
    data->single = holes.size() == 1 && holes[0].begin == 0 && holes[0].end == source.size();
  }
  Template made;
  made.data_ = std::move(data);
  return made;
}

Template Template::plain(std::string_view text) {
  auto data = std::make_shared<Data>();
  data->source = std::string(text);
  data->constant.text = data->source;
  Template made;
  made.data_ = std::move(data);
  return made;
}

bool render_template(const Template& text, Evaluator& evaluator, RichText& out) {
  if (!text.data_) return true;
  const Template::Data& data = *text.data_;
  Evaluator::NestedText nested(evaluator);
  if (!nested.enter()) return false;
  if (data.expressions.empty()) {
    out.append(data.constant);
    return evaluator.check_text(out.text);
  }
  const auto piece_text = [&](const Piece& piece, RichText& to) {
    if (!piece.expression) {
      to.append(piece.literal);
      return true;
    }
    return data.expressions[*piece.expression].append_to(evaluator, to);
  };
  // Ours is a text of its own, so that offsets count from its beginning.
  RichText made;
  std::vector<std::uint32_t> starts;
  starts.reserve(data.pieces.size() + 1);
  for (const Piece& piece : data.pieces) {
    starts.push_back(static_cast<std::uint32_t>(made.text.size()));
    if (!piece_text(piece, made)) return false;
  }
  starts.push_back(static_cast<std::uint32_t>(made.text.size()));
  if (!evaluator.check_text(made.text)) return false;

  std::vector<MarkupSpan> inserted = std::move(made.spans);
  made.spans.clear();
  for (const Span& span : data.spans) {
    MarkupSpan shown{span.markup,
                     starts[span.begin.piece] + span.begin.delta,
                     starts[span.end.piece] + span.end.delta,
                     {}};
    if (span.markup == Markup::Link) {
      const bool whole = span.url.size() == 1 && span.url[0].expression;
      const bool led = !span.url.empty() && span.url[0].expression;  // the address begins with data
      for (const Piece& piece : span.url) {
        RichText part;
        if (!piece_text(piece, part)) return false;
        if (piece.expression && !(led && &piece == &span.url[0])) {
          append_url_part(shown.url, part.text);
        } else {
          shown.url += part.text;
        }
      }
      if ((whole || led) && !is_web_address(shown.url)) continue;
    }
    // A mark around nothing marks nothing.
    if (shown.begin < shown.end) made.spans.push_back(std::move(shown));
  }
  if (!inserted.empty()) {
    // Code holds no marks and a link no link. Neither nests in itself, so the last one to begin
    // before a mark is the only one that can hold it.
    std::vector<MarkupSpan> closed[2];
    for (const MarkupSpan& span : made.spans) {
      if (span.markup == Markup::Code) closed[0].push_back(span);
      if (span.markup == Markup::Link) closed[1].push_back(span);
    }
    const auto inside_closed = [&](const MarkupSpan& inner) {
      for (const std::vector<MarkupSpan>& outers : closed) {
        const auto after = std::upper_bound(
            outers.begin(), outers.end(), inner.begin,
            [](std::uint32_t begin, const MarkupSpan& outer) { return begin < outer.begin; });
        if (after == outers.begin() || std::prev(after)->end < inner.end) continue;
        if (&outers == &closed[0] || inner.markup == Markup::Link) return true;
      }
      return false;
    };
    inserted.erase(std::remove_if(inserted.begin(), inserted.end(), inside_closed), inserted.end());
    made.spans.insert(made.spans.end(), std::make_move_iterator(inserted.begin()),
                      std::make_move_iterator(inserted.end()));
    std::stable_sort(made.spans.begin(), made.spans.end(),
                     [](const MarkupSpan& a, const MarkupSpan& b) {
                       return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
                     });
  }
  if (out.text.empty() && out.spans.empty()) {
    out = std::move(made);
    return true;
  }
  out.append(made);
  return evaluator.check_text(out.text);
}

Result<RichText, EvaluationError> Template::render(const Scope& scope) const {
  if (!data_) return RichText{};
  if (data_->expressions.empty()) return data_->constant;
  Evaluator evaluator(scope);
  RichText out;
  if (!render_template(*this, evaluator, out)) return Error{evaluator.take_error()};
  return out;
}

Result<Value, EvaluationError> Template::evaluate(const Scope& scope) const {
  if (!data_) return Value(std::string());
  if (data_->single) return data_->expressions[0].evaluate(scope);
  auto text = render(scope);
  if (!text) return Error{std::move(text.error())};
  return Value(std::move(text->text));
}

std::vector<NameUse> Template::names() const {
  std::vector<NameUse> all;
  if (!data_) return all;
  for (std::size_t i = 0; i < data_->expressions.size(); ++i) {
    for (NameUse use : data_->expressions[i].names()) {
      use.offset += data_->offsets[i];
      all.push_back(std::move(use));
    }
  }
  return all;
}

ExpressionFindings Template::findings(std::string_view source) {
  ExpressionFindings all;
  for (std::size_t at = 0; (at = source.find("{{", at)) != std::string_view::npos;) {
    std::optional<std::size_t> end = find_closing(source, at);
    if (!end) {
      const std::size_t plain = source.find("}}", at + 2);
      if (plain == std::string_view::npos) {
        all.errors.push_back({ExpressionProblem::UnclosedBracket, static_cast<std::uint32_t>(at), 2, "{{", "}}"});
        break;
      }
      end = plain + 2;
    }
    ExpressionFindings one = Expression::findings(source.substr(at + 2, *end - at - 4));
    const auto offset = static_cast<std::uint32_t>(at + 2);
    for (ExpressionError& error : one.errors) {
      error.offset += offset;
      all.errors.push_back(std::move(error));
    }
    for (NameUse& use : one.names) {
      use.offset += offset;
      all.names.push_back(std::move(use));
    }
    at = *end;
  }
  return all;
}

const std::vector<Expression>& Template::expressions() const {
  static const std::vector<Expression> none;
  return data_ ? data_->expressions : none;
}

std::uint32_t Template::offset_of(std::size_t expression) const {
  return data_->offsets[expression];
}

bool Template::is_constant() const { return !data_ || data_->expressions.empty(); }

const std::string& Template::source() const { return data_ ? data_->source : no_text(); }

}  // namespace sufler
