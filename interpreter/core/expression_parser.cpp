#include <unicode/uchar.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "interpreter/core/decimal.h"
#include "interpreter/core/expression_evaluator.h"
#include "interpreter/core/expression_tree.h"
#include "interpreter/core/expression_vocabulary.h"
#include "interpreter/core/text.h"

// A hand-written parser by descent. Each loop over operators of one rank builds a chain; only
// brackets, right operands and signs nest, and what nests is counted. The first error ends the
// reading.

namespace sufler {
namespace {

struct Token {
  enum class Kind : std::uint8_t { End, Number, Duration, Text, Name, Sign, Bad };
  Kind kind = Kind::End;
  std::uint32_t offset = 0, length = 0;
  std::string_view text;            ///< as written; of a Text without the quotes
  Keyword keyword = Keyword::None;  ///< of a Name
  ExpressionError error;            ///< of a Bad one
};

bool is_word_mark(char32_t c) {
  const int type = u_charType(static_cast<UChar32>(c));
  return type == U_NON_SPACING_MARK || type == U_COMBINING_SPACING_MARK;
}
bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Token next() {
    skip_space();
    Token token;
    token.offset = static_cast<std::uint32_t>(at_);
    if (at_ >= source_.size()) return token;
    const char c = source_[at_];
    if (is_ascii_digit(c)) {
      number(token);
    } else if (c == '\'' || c == '"') {
      text(token);
    } else if (word_at(at_, true) > at_) {
      token.kind = Token::Kind::Name;
      std::size_t end = at_;
      for (std::size_t next = word_at(end, true); next > end; next = word_at(end, false))
        end = next;
      take(token, end);
      token.keyword = find_keyword(token.text);
    } else {
      sign(token);
    }
    return token;
  }

 private:
  void take(Token& token, std::size_t end) {
    token.text = source_.substr(at_, end - at_);
    token.length = static_cast<std::uint32_t>(end - at_);
    at_ = end;
  }

  void skip_space() {
    while (at_ < source_.size()) {
      std::size_t next = at_;
      if (!is_space(next_code_point(source_, next))) return;
      at_ = next;
    }
  }

  /// The offset behind a character of a name, or the same offset.
  std::size_t word_at(std::size_t at, bool first) const {
    if (at >= source_.size()) return at;
    const char c = source_[at];
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') return at + 1;
    if (static_cast<unsigned char>(c) < 0x80) return !first && is_ascii_digit(c) ? at + 1 : at;
    std::size_t next = at;
    const char32_t point = next_code_point(source_, next);
    return is_letter(point) || (!first && (is_digit(point) || is_word_mark(point))) ? next : at;
  }

  void number(Token& token) {
    std::size_t end = at_;
    while (end < source_.size() && is_ascii_digit(source_[end])) ++end;
    bool good = source_[at_] != '0' || end == at_ + 1;  // 007 is a code, not a number
    if (end < source_.size() && source_[end] == '.') {
      const std::size_t fraction = ++end;
      while (end < source_.size() && is_ascii_digit(source_[end])) ++end;
      good = good && end > fraction;
    }
    for (std::size_t next = word_at(end, false);
         next > end || (next < source_.size() && source_[next] == '.');
         next = word_at(end, false)) {
      end = next > end ? next : end + 1;
      good = false;
    }
    token.kind = Token::Kind::Number;
    take(token, end);
    if (good && !Decimal::parse(token.text)) good = false;
    if (!good && Duration::parse(token.text)) {  // `5m`, `1h30m`
      token.kind = Token::Kind::Duration;
      return;
    }
    if (!good) bad(token, ExpressionProblem::BadNumber, token.text, "");
  }

  void text(Token& token) {
    const char quote = source_[at_];
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) {
      token.length = static_cast<std::uint32_t>(source_.size() - at_);
      bad(token, ExpressionProblem::UnclosedText, source_.substr(at_, 1), "");
      at_ = source_.size();
      return;
    }
    token.kind = Token::Kind::Text;
    token.text = source_.substr(at_ + 1, end - at_ - 1);
    token.length = static_cast<std::uint32_t>(end + 1 - at_);
    at_ = end + 1;
  }

  void sign(Token& token) {
    const std::string_view two = source_.substr(at_, 2);
    for (const std::string_view known : {"==", "!=", "<=", ">="}) {
      if (two != known) continue;
      token.kind = Token::Kind::Sign;
      return take(token, at_ + 2);
    }
    // Signs of other languages and of typewriters, each with the way out.
    constexpr std::pair<std::string_view, std::string_view> kMistaken[] = {
        {"&&", "and"}, {"||", "or"}, {"<>", "!="}, {"=<", "<="}, {"=>", ">="}, {"!", "not"},
        {"−", "-"},    {"–", "-"},   {"—", "-"},   {"×", "*"},   {"÷", "/"},   {"≠", "!="},
        {"≤", "<="},   {"≥", ">="},  {"«", "'"},   {"»", "'"},   {"“", "'"},   {"”", "'"},
        {"„", "'"},    {"‘", "'"},   {"’", "'"}};
    for (const auto& [wrong, right] : kMistaken) {
      if (source_.compare(at_, wrong.size(), wrong) != 0) continue;
      take(token, at_ + wrong.size());
      return bad(token, ExpressionProblem::Unexpected, wrong, right);
    }
    std::size_t end = at_;
    next_code_point(source_, end);
    take(token, end);
    token.kind = Token::Kind::Sign;
    if (token.text == "=") return bad(token, ExpressionProblem::AssignmentSign, "=", "==");
    if (token.text.find_first_of("+-*/%<>()[]{},.:|") == 0) return;
    bad(token, ExpressionProblem::Unexpected, token.text, "operator");
  }

  static void bad(Token& token, ExpressionProblem problem, std::string_view found,
                  std::string_view expected) {
    token.kind = Token::Kind::Bad;
    token.error = {problem, token.offset, token.length, std::string(found), std::string(expected)};
  }

  std::string_view source_;
  std::size_t at_ = 0;
};

std::string unescape(std::string_view written) {
  std::string out;
  out.reserve(written.size());
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (written[i] != '\\' || i + 1 >= written.size()) {
      out.push_back(written[i]);
      continue;
    }
    const char c = written[++i];
    if (c == 'n') {
      out.push_back('\n');
    } else {
      if (c != '\'' && c != '"' && c != '\\') out.push_back('\\');  // as in C:\new, kept as it is
      out.push_back(c);
    }
  }
  return out;
}

bool is_plain_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

class Parser {
 public:
  explicit Parser(std::string_view source) : source_(source), lexer_(source) {
    tree_.source = std::string(source);
  }

  /// All that is wrong: what can be read on behind (an unknown filter, types that do not go
  /// together), and at most one error that ends the reading.
  ParsedExpression parse() {
    advance();
    Node root = kNoNode;
    if (token_.kind == Token::Kind::End) {
      fail(ExpressionProblem::Empty, 0, static_cast<std::uint32_t>(source_.size()), "", "value");
    } else {
      root = expression();
      if (!error_ && token_.kind != Token::Kind::End) unexpected("operator");
    }
    ParsedExpression parsed;
    parsed.errors = std::move(passed_);
    if (error_) {
      parsed.errors.push_back(std::move(*error_));
      return parsed;  // what was read before it may have been meant otherwise: no names
    }
    tree_.root = root;
    const std::vector<ValueType> types = infer_types(tree_, root, nullptr, &parsed.errors);
    if (!parsed.errors.empty()) {
      parsed.names = std::move(tree_.names);
      return parsed;
    }
    for (std::size_t i = 0; i < types.size(); ++i) tree_.nodes[i].type = types[i];
    parsed.tree = std::make_shared<ExpressionTree>(std::move(tree_));
    return parsed;
  }

 private:
  using Node = std::uint32_t;

  // ---- tokens and errors

  void advance() {
    end_ = token_.offset + token_.length;
    before_ = std::move(token_);
    token_ = lexer_.next();
  }

  /// What a word of other languages, or one in capital letters, was meant to be.
  static std::string_view mistaken_word(std::string_view word) {
    const std::string lower = to_lower(word);
    if (lower == "is" || lower == "equals" || lower == "eq" || lower == "это" || lower == "равно" ||
        lower == "равен" || lower == "равна") {
      return "==";
    }
    for (const std::string_view known :
         {"and", "or", "not", "in", "if", "else", "like", "и", "или", "не", "в", "если", "иначе",
          "похоже"}) {
      if (lower == known) return known;
    }
    return {};
  }
  bool at(std::string_view sign) const {
    return token_.kind == Token::Kind::Sign && token_.text == sign;
  }
  bool at(Keyword keyword) const {
    return token_.kind == Token::Kind::Name && token_.keyword == keyword;
  }
  bool take(std::string_view sign) {
    if (!at(sign)) return false;
    advance();
    return true;
  }

  Node fail(ExpressionProblem problem, std::uint32_t offset, std::uint32_t length,
            std::string_view found, std::string_view expected) {
    if (!error_) error_ = {problem, offset, length, std::string(found), std::string(expected)};
    return kNoNode;
  }
  /// An error behind which the reading goes on.
  void pass(ExpressionProblem problem, std::uint32_t offset, std::uint32_t length,
            std::string_view found, std::string_view expected) {
    if (!error_)
      passed_.push_back({problem, offset, length, std::string(found), std::string(expected)});
  }
  Node unexpected(std::string_view expected) {
    if (token_.kind == Token::Kind::Bad) {
      if (!error_) error_ = token_.error;
      if (error_->expected == "operator") error_->expected = std::string(expected);
      return kNoNode;
    }
    const bool operator_may_stand =
        expected == "operator" || expected == ")" || expected == "]" || expected == "}";
    if (token_.kind == Token::Kind::Name && operator_may_stand) {
      // `NOT x`: the word before was taken for a name.
      const std::string_view negation =
          before_.kind == Token::Kind::Name ? mistaken_word(before_.text) : std::string_view();
      if (negation == "not" || negation == "не") {
        return fail(ExpressionProblem::Unexpected, before_.offset, before_.length, before_.text,
                    negation);
      }
      const std::string_view meant = mistaken_word(token_.text);
      if (meant == "==") {
        const Token next = Lexer(lexer_).next();
        if (next.keyword == Keyword::Not) {
          const std::uint32_t length = next.offset + next.length - token_.offset;
          return fail(ExpressionProblem::Unexpected, token_.offset, length,
                      source_.substr(token_.offset, length), "!=");
        }
      }
      if (!meant.empty()) expected = meant;
    }
    return fail(ExpressionProblem::Unexpected, token_.offset, token_.length,
                source_.substr(token_.offset, token_.length), expected);
  }
  /// The closing bracket of what `open` began.
  bool close(std::string_view bracket, const Token& open) {
    if (error_) return false;
    if (take(bracket)) return true;
    if (token_.kind == Token::Kind::End) {
      fail(ExpressionProblem::UnclosedBracket, open.offset, open.length, open.text, bracket);
    } else {
      unexpected(bracket);
    }
    return false;
  }

  struct Nesting {
    explicit Nesting(Parser& parser) : depth(parser.depth_) {
      if (++depth > kMaxExpressionDepth + 1) {
        parser.fail(ExpressionProblem::TooDeep, parser.token_.offset, parser.token_.length, "", "");
      }
    }
    ~Nesting() { --depth; }
    int& depth;
  };

  // ---- nodes

  ExpressionNode& node(Node index) { return tree_.nodes[index]; }

  /// Adds a node whose operands stand already; `left`, `right` and `children` say which.
  Node add(ExpressionNode made, std::uint32_t offset) {
    const auto index = static_cast<Node>(tree_.nodes.size());
    made.first = index;
    unsigned height = 0;
    const auto operand = [&](Node of) {
      made.first = std::min(made.first, node(of).first);
      height = std::max<unsigned>(height, node(of).height);
    };
    if (made.right != kNoNode) operand(made.right);
    for (std::uint32_t i = 0; i < made.child_count; ++i)
      operand(tree_.children[made.child_begin + i]);
    if (made.op == Op::If) operand(made.data);
    if (made.left != kNoNode && !is_chain(made.op)) operand(made.left);
    height += 1;
    made.base = index;
    if (is_chain(made.op)) {
      ExpressionNode& left = node(made.left);
      left.up = index;
      made.base = left.base;
      made.first = std::min(made.first, left.first);
      height = std::max<unsigned>(height, left.height);
    }
    made.offset = offset;
    made.length = end_ - offset;
    // Right operands nest too: a call takes at most four, a chain one at each rank.
    if (height > 4 * kMaxExpressionDepth) {
      return fail(ExpressionProblem::TooDeep, made.offset, made.length, "", "");
    }
    made.height = static_cast<std::uint16_t>(height);
    tree_.nodes.push_back(made);
    return index;
  }

  Node constant(Value value, std::uint32_t offset) {
    ExpressionNode made;
    made.op = Op::Constant;
    made.type = value.type();
    made.data = static_cast<std::uint32_t>(tree_.constants.size());
    tree_.constants.push_back(std::move(value));
    return add(made, offset);
  }
  const Value* constant_of(Node index) const {
    const ExpressionNode& found = tree_.nodes[index];
    return found.op == Op::Constant ? &tree_.constants[found.data] : nullptr;
  }
  bool is_null_constant(Node index) const {
    const Value* value = constant_of(index);
    return value && value->is_null();
  }
  std::uint32_t word(std::string text) {
    tree_.words.push_back(std::move(text));
    return static_cast<std::uint32_t>(tree_.words.size() - 1);
  }
  static std::string name_of(std::string_view written) {
    return is_plain_ascii(written) ? std::string(written) : to_nfc(written);
  }

  Node binary(Op op, Node left, Node right) {
    if (error_) return kNoNode;
    ExpressionNode made;
    made.op = op;
    made.left = left;
    made.right = right;
    const bool null_operand = is_null_constant(left) || is_null_constant(right);
    if ((op == Op::Equal || op == Op::NotEqual) && null_operand) {
      guard(left);
      guard(right);
    }
    if (op == Op::Or && (node(left).op == Op::Name)) guard(left);
    return add(made, node(left).offset);
  }

  /// The names of a part may be unset.
  void guard(Node part) {
    const std::uint32_t first = node(part).first;
    for (std::size_t i = tree_.names.size(); i-- > 0 && tree_.name_nodes[i] >= first;) {
      if (tree_.name_nodes[i] <= part) tree_.names[i].guarded = true;
    }
  }

  // ---- the grammar, loosest first

  Node expression() {
    const Nesting nesting(*this);
    if (error_) return kNoNode;
    const Node value = disjunction();
    if (error_ || !at(Keyword::If)) return value;
    advance();
    const Node condition = disjunction();
    if (error_) return kNoNode;
    if (!at(Keyword::Else)) return unexpected("else");
    advance();
    const Node other = expression();
    if (error_) return kNoNode;
    ExpressionNode made;
    made.op = Op::If;
    made.left = value;
    made.right = condition;
    made.data = other;
    const Node whole = add(made, node(value).offset);
    if (whole != kNoNode) guard_tested(whole, condition);
    return whole;
  }

  /// `x + 1 if x else 0`: what the condition asks about may be unset.
  void guard_tested(Node whole, Node condition) {
    const auto key = [](const NameUse& use) {
      std::string joined;
      for (const std::string& part : use.path) joined.append(part).push_back('\n');
      return joined;
    };
    std::unordered_set<std::string> tested;
    const auto each = [&](Node part, auto&& visit) {
      const std::uint32_t first = node(part).first;
      for (std::size_t i = tree_.names.size(); i-- > 0 && tree_.name_nodes[i] >= first;) {
        if (tree_.name_nodes[i] <= part) visit(tree_.names[i]);
      }
    };
    each(condition, [&](const NameUse& use) { tested.insert(key(use)); });
    if (tested.empty()) return;
    std::unordered_set<std::string> used;
    each(node(whole).left, [&](NameUse& use) {
      if (tested.count(key(use)) == 0) return;
      use.guarded = true;
      used.insert(key(use));
    });
    each(condition, [&](NameUse& use) {
      if (used.count(key(use)) > 0) use.guarded = true;
    });
  }

  Node disjunction() {
    Node left = conjunction();
    while (!error_ && at(Keyword::Or)) {
      advance();
      const Node right = conjunction();
      left = binary(Op::Or, left, right);
    }
    return left;
  }

  Node conjunction() {
    Node left = negation();
    while (!error_ && at(Keyword::And)) {
      advance();
      const Node right = negation();
      left = binary(Op::And, left, right);
    }
    return left;
  }

  Node negation() {
    if (!at(Keyword::Not)) return comparison();
    const Nesting nesting(*this);
    if (error_) return kNoNode;
    const std::uint32_t offset = token_.offset;
    advance();
    ExpressionNode made;
    made.op = Op::Not;
    made.right = negation();
    return error_ ? kNoNode : add(made, offset);
  }

  std::optional<Op> comparison_sign() {
    if (token_.kind == Token::Kind::Name) {
      if (token_.keyword == Keyword::In) return Op::In;
      if (is_like(token_.text)) return Op::Like;
      if (token_.keyword == Keyword::Not) {
        Lexer ahead = lexer_;
        const Token next = ahead.next();
        if (next.kind != Token::Kind::Name) return std::nullopt;
        if (next.keyword == Keyword::In) return Op::NotIn;
        if (is_like(next.text)) return Op::NotLike;
      }
      return std::nullopt;
    }
    if (token_.kind != Token::Kind::Sign) return std::nullopt;
    for (const Op op :
         {Op::Equal, Op::NotEqual, Op::Less, Op::LessEqual, Op::Greater, Op::GreaterEqual}) {
      if (token_.text == sign_of(op)) return op;
    }
    return std::nullopt;
  }

  Node comparison() {
    const Node left = sum();
    if (error_) return kNoNode;
    const std::optional<Op> op = comparison_sign();
    if (!op) return left;
    advance();
    if (*op == Op::NotIn || *op == Op::NotLike) advance();
    const Node right = sum();
    if (error_) return kNoNode;
    const Node made = binary(*op, left, right);
    // `0 < x < 5` would compare a yes or no with 5.
    if (!error_ && comparison_sign()) return unexpected("and");
    return made;
  }

  Node sum() {
    Node left = product();
    while (!error_ && (at("+") || at("-"))) {
      const Op op = at("+") ? Op::Add : Op::Subtract;
      advance();
      const Node right = product();
      left = binary(op, left, right);
    }
    return left;
  }

  Node product() {
    Node left = signed_value();
    while (!error_ && (at("*") || at("/") || at("%"))) {
      const Op op = at("*") ? Op::Multiply : at("/") ? Op::Divide : Op::Modulo;
      advance();
      const Node right = signed_value();
      left = binary(op, left, right);
    }
    return left;
  }

  Node signed_value() {
    if (!at("-") && !at("+")) return filtered();
    const Nesting nesting(*this);
    if (error_) return kNoNode;
    const bool minus = at("-");
    const std::uint32_t offset = token_.offset;
    advance();
    const Node value = signed_value();
    if (error_) return kNoNode;
    if (const Value* number = constant_of(value); number && number->number()) {
      return constant(minus ? number->number()->negated() : *number->number(), offset);
    }
    ExpressionNode made;
    made.op = Op::Negate;
    made.data = minus ? 1 : 0;
    made.right = value;
    return add(made, offset);
  }

  /// `value | filter(…)`, `value.member`, `value[index]`, as many as there are.
  Node filtered() {
    Node value = primary();
    while (!error_) {
      if (at("|")) {
        value = filter(value);
      } else if (at(".")) {
        value = member(value);
      } else if (at("[")) {
        value = index(value);
      } else {
        break;
      }
    }
    return value;
  }

  Node filter(Node input) {
    advance();
    if (token_.kind != Token::Kind::Name) return unexpected("filter");
    const Token name = token_;
    const ExpressionCall* call = find_filter(name_of(name.text));
    if (!call) {
      pass(ExpressionProblem::UnknownFilter, name.offset, name.length, name.text,
           find_function(name_of(name.text)) ? "function" : "");
    }
    advance();
    ExpressionNode made;
    made.op = Op::Filter;
    made.call = call;
    made.left = input;
    made.data = word(std::string(name.text));
    if (at("(")) {
      if (!arguments(made, name)) return kNoNode;
    } else if (call && call->min_args > 0) {
      count_error(name, *call);
    }
    if (call && call->english == "default") guard(input);
    return add(made, node(input).offset);
  }

  void count_error(const Token& name, const ExpressionCall& call) {
    std::string expected = std::to_string(call.min_args);
    if (call.max_args != call.min_args) expected += "-" + std::to_string(call.max_args);
    pass(ExpressionProblem::ArgumentCount, name.offset, end_ - name.offset, name.text, expected);
  }

  /// `(…)` behind a filter or a function.
  bool arguments(ExpressionNode& made, const Token& name) {
    const Token open = token_;
    advance();
    std::vector<Node> given;
    while (!at(")") && token_.kind != Token::Kind::End) {
      const Node argument = expression();
      if (error_) return false;
      given.push_back(argument);
      if (!take(",")) break;
    }
    if (!close(")", open)) return false;
    if (const ExpressionCall* call = made.call) {
      if (given.size() < call->min_args || given.size() > call->max_args) {
        count_error(name, *call);
      } else if (call->quoted_name && !given.empty()) {
        const Value* value = constant_of(given[0]);
        if (!value || !value->text()) {
          const std::string_view written =
              source_.substr(node(given[0]).offset, node(given[0]).length);
          pass(ExpressionProblem::Unexpected, node(given[0]).offset, node(given[0]).length, written,
               "'" + std::string(written) + "'");
          // Its name stands for itself and is no variable.
          while (!tree_.names.empty() && tree_.name_nodes.back() >= node(given[0]).first) {
            tree_.names.pop_back();
            tree_.name_nodes.pop_back();
          }
        }
      }
    }
    children(made, given);
    return true;
  }

  void children(ExpressionNode& made, const std::vector<Node>& of) {
    made.child_begin = static_cast<std::uint32_t>(tree_.children.size());
    made.child_count = static_cast<std::uint32_t>(of.size());
    tree_.children.insert(tree_.children.end(), of.begin(), of.end());
  }

  Node member(Node of) {
    advance();
    if (token_.kind != Token::Kind::Name) return unexpected("name");
    const std::string name = name_of(token_.text);
    advance();
    ExpressionNode& owner = node(of);
    if (!owner.in_brackets && owner.op == Op::Name) {
      NameUse& use = tree_.names[owner.data];
      use.path.push_back(name);
      use.length = end_ - use.offset;
      owner.length = use.length;
      if (use.path.size() == 2 && is_texts(use.path[0])) {
        owner.op = Op::NamedText;
      }
      return of;
    }
    ExpressionNode made;
    made.op = Op::Member;
    made.left = of;
    made.data = word(name);
    return add(made, owner.offset);
  }

  static bool is_texts(std::string_view name) { return name == "texts" || name == "тексты"; }

  Node index(Node of) {
    const Token open = token_;
    advance();
    const Node key = expression();
    if (!close("]", open)) return kNoNode;
    ExpressionNode made;
    made.right = key;
    const ExpressionNode& owner = node(of);
    if (owner.op == Op::Name && tree_.names[owner.data].path.size() == 1 &&
        is_texts(tree_.names[owner.data].path[0])) {
      made.op = Op::TextsIndex;
      made.left = of;
      return add(made, owner.offset);
    }
    made.op = Op::Index;
    made.left = of;
    return add(made, owner.offset);
  }

  Node primary() {
    const Token token = token_;
    switch (token.kind) {
      case Token::Kind::Number:
        advance();
        return constant(*Decimal::parse(token.text), token.offset);
      case Token::Kind::Duration:
        advance();
        return constant(*Duration::parse(token.text), token.offset);
      case Token::Kind::Text:
        advance();
        return constant(unescape(token.text), token.offset);
      case Token::Kind::Name:
        return named(token);
      case Token::Kind::Sign:
        if (token.text == "(") return brackets();
        if (token.text == "[") return list();
        if (token.text == "{") return map();
        break;
      case Token::Kind::End:
      case Token::Kind::Bad:
        break;
    }
    return unexpected("value");
  }

  Node named(const Token& token) {
    switch (token.keyword) {
      case Keyword::True:
      case Keyword::False:
        advance();
        return constant(token.keyword == Keyword::True, token.offset);
      case Keyword::Null:
        advance();
        return constant(nullptr, token.offset);
      case Keyword::None:
        break;
      default:
        return unexpected("value");
    }
    advance();
    if (at("(")) return function(token);
    ExpressionNode made;
    made.op = Op::Name;
    made.data = static_cast<std::uint32_t>(tree_.names.size());
    tree_.names.push_back({{name_of(token.text)}, token.offset, token.length, false});
    tree_.name_nodes.push_back(static_cast<std::uint32_t>(tree_.nodes.size()));
    return add(made, token.offset);
  }

  Node function(const Token& name) {
    const ExpressionCall* call = find_function(name_of(name.text));
    if (!call) {
      pass(ExpressionProblem::UnknownFunction, name.offset, name.length, name.text,
           find_filter(name_of(name.text)) ? "filter" : "");
    }
    ExpressionNode made;
    made.op = Op::Function;
    made.call = call;
    made.data = word(std::string(name.text));
    if (!arguments(made, name)) return kNoNode;
    // `duration('2h')` and `date('2026-03-15')` are as good as literals.
    const Value* only =
        made.child_count == 1 ? constant_of(tree_.children[made.child_begin]) : nullptr;
    if (call && only && only->text()) {
      if (call->english == "duration") {
        if (const auto duration = Duration::parse(*only->text()))
          return constant(*duration, name.offset);
      } else if (call->english == "date") {
        if (const auto date = Date::parse_iso(*only->text())) return constant(*date, name.offset);
      }
    }
    return add(made, name.offset);
  }

  Node brackets() {
    const Token open = token_;
    advance();
    const Node inner = token_.kind == Token::Kind::End ? kNoNode : expression();
    if (!close(")", open)) return kNoNode;
    node(inner).in_brackets = true;
    node(inner).offset = open.offset;
    node(inner).length = end_ - open.offset;
    return inner;
  }

  Node list() {
    const Token open = token_;
    advance();
    std::vector<Node> items;
    bool all_constant = true;
    while (!at("]") && token_.kind != Token::Kind::End) {
      const Node item = expression();
      if (error_) return kNoNode;
      items.push_back(item);
      all_constant = all_constant && constant_of(item);
      if (!take(",")) break;
    }
    if (!close("]", open)) return kNoNode;
    if (all_constant && items.size() <= kMaxListItems && bracket_depth(items) < kMaxConstantDepth) {
      List values;
      values.reserve(items.size());
      for (const Node item : items) values.push_back(*constant_of(item));
      const Node made = constant(Value(std::move(values)), open.offset);
      return deepen(made, items);
    }
    ExpressionNode made;
    made.op = Op::List;
    children(made, items);
    return add(made, open.offset);
  }

  // Constants stay shallow enough for everything that walks values.
  static constexpr unsigned kMaxConstantDepth = 32;
  unsigned bracket_depth(const std::vector<Node>& items) const {
    unsigned depth = 0;
    for (const Node item : items) depth = std::max<unsigned>(depth, tree_.nodes[item].height);
    return depth;
  }
  Node deepen(Node made, const std::vector<Node>& items) {
    if (made != kNoNode) {
      node(made).height = static_cast<std::uint16_t>(bracket_depth(items) + 1);
      if (!items.empty()) node(made).first = node(items.front()).first;
    }
    return made;
  }

  Node map() {
    const Token open = token_;
    advance();
    std::vector<Node> values;
    std::vector<std::string> keys;
    bool all_constant = true;
    while (!at("}") && token_.kind != Token::Kind::End) {
      if (token_.kind == Token::Kind::Name) {
        keys.push_back(name_of(token_.text));
      } else if (token_.kind == Token::Kind::Text) {
        keys.push_back(unescape(token_.text));
      } else {
        return unexpected("name");
      }
      advance();
      if (!take(":")) return unexpected(":");
      const Node value = expression();
      if (error_) return kNoNode;
      values.push_back(value);
      all_constant = all_constant && constant_of(value);
      if (!take(",")) break;
    }
    if (!close("}", open)) return kNoNode;
    // A name is looked up by a walk, so only small maps are built early.
    if (all_constant && values.size() <= 64 && bracket_depth(values) < kMaxConstantDepth) {
      ValueMap made;
      for (std::size_t i = 0; i < keys.size(); ++i) made.set(keys[i], *constant_of(values[i]));
      return deepen(constant(Value(std::move(made)), open.offset), values);
    }
    ExpressionNode made;
    made.op = Op::Map;
    made.data = static_cast<std::uint32_t>(tree_.words.size());
    for (std::string& key : keys) tree_.words.push_back(std::move(key));
    children(made, values);
    return add(made, open.offset);
  }

  std::string_view source_;
  Lexer lexer_;
  Token token_;
  Token before_;           ///< the last token taken
  std::uint32_t end_ = 0;  ///< behind it
  int depth_ = 0;
  ExpressionTree tree_;
  std::vector<ExpressionError> passed_;
  std::optional<ExpressionError> error_;
};

}  // namespace

ParsedExpression parse_expression(std::string_view source) {
  ParsedExpression broken_off;
  if (source.size() > kMaxExpressionBytes) {
    broken_off.errors.push_back(
        {ExpressionProblem::TooLong, 0, 0, "", std::to_string(kMaxExpressionBytes)});
    return broken_off;
  }
  std::size_t broken = 0;
  if (!is_utf8(source, &broken)) {
    broken_off.errors.push_back({ExpressionProblem::Unexpected, static_cast<std::uint32_t>(broken),
                                 1, "\xEF\xBF\xBD", "value"});
    return broken_off;
  }
  return Parser(source).parse();
}

}  // namespace sufler
