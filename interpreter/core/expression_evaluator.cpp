#include "interpreter/core/expression_evaluator.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "interpreter/core/expression_vocabulary.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

const Value& null_value() {
  static const Value null;
  return null;
}

constexpr int kMaxTextDepth = 16;
constexpr int kMaxValueDepth = 48;  // a few levels below what JSON keeps
constexpr std::size_t kMaxValueItems = 100'000;
constexpr std::size_t kMaxValueBytes = 4 * 1024 * 1024;

/// The days that calendars and formats can show: years 1 … 9999.
constexpr std::int64_t kFirstDay = -719'162;
constexpr std::int64_t kLastDay = 2'932'896;
constexpr std::int64_t kDayMs = 86'400'000;

bool date_in_range(std::int64_t days) { return days >= kFirstDay && days <= kLastDay; }
bool moment_in_range(std::int64_t ms) {
  return ms >= kFirstDay * kDayMs && ms < (kLastDay + 1) * kDayMs;
}

bool is_scalar(ValueType type) {
  return type != ValueType::List && type != ValueType::Map && type != ValueType::File;
}

bool measure(const Value& value, int depth, std::size_t& items, std::size_t& bytes) {
  if (depth > kMaxValueDepth || ++items > kMaxValueItems) return false;
  if (const std::string* text = value.text()) bytes += text->size();
  if (bytes > kMaxValueBytes) return false;
  if (const List* list = value.list()) {
    for (const Value& item : *list) {
      if (!measure(item, depth + 1, items, bytes)) return false;
    }
  } else if (const ValueMap* map = value.map()) {
    for (const auto& [name, item] : *map) {
      bytes += name.size();
      if (!measure(item, depth + 1, items, bytes)) return false;
    }
  }
  return true;
}

std::string excerpt(const ExpressionTree& tree, const ExpressionNode& node) {
  constexpr std::size_t kLength = 80;
  const std::string_view source = std::string_view(tree.source).substr(node.offset, node.length);
  std::string out(first_code_points(source, kLength));
  if (out.size() < source.size()) out += "…";
  return out;
}

}  // namespace

std::string_view sign_of(Op op) {
  switch (op) {
    case Op::Multiply:
      return "*";
    case Op::Divide:
      return "/";
    case Op::Modulo:
      return "%";
    case Op::Add:
      return "+";
    case Op::Subtract:
      return "-";
    case Op::Equal:
      return "==";
    case Op::NotEqual:
      return "!=";
    case Op::Less:
      return "<";
    case Op::LessEqual:
      return "<=";
    case Op::Greater:
      return ">";
    case Op::GreaterEqual:
      return ">=";
    case Op::In:
      return "in";
    case Op::NotIn:
      return "not in";
    case Op::Like:
      return "like";
    case Op::NotLike:
      return "not like";
    case Op::And:
      return "and";
    case Op::Or:
      return "or";
    default:
      return "";
  }
}

// ---- which types go together

namespace {

struct Rule {
  Op op;
  ValueType left, right, result;
};
using T = ValueType;
constexpr Rule kArithmetic[] = {
    {Op::Add, T::Number, T::Number, T::Number},
    {Op::Add, T::Text, T::Text, T::Text},
    {Op::Add, T::List, T::List, T::List},
    {Op::Add, T::Duration, T::Duration, T::Duration},
    {Op::Add, T::Date, T::Duration, T::Null},  // a moment when hours are added
    {Op::Add, T::Duration, T::Date, T::Null},
    {Op::Add, T::Moment, T::Duration, T::Moment},
    {Op::Add, T::Duration, T::Moment, T::Moment},
    {Op::Add, T::Time, T::Duration, T::Time},
    {Op::Add, T::Duration, T::Time, T::Time},
    {Op::Add, T::Date, T::Time, T::Moment},
    {Op::Subtract, T::Number, T::Number, T::Number},
    {Op::Subtract, T::Duration, T::Duration, T::Duration},
    {Op::Subtract, T::Date, T::Date, T::Duration},
    {Op::Subtract, T::Moment, T::Moment, T::Duration},
    {Op::Subtract, T::Moment, T::Date, T::Duration},
    {Op::Subtract, T::Date, T::Moment, T::Duration},
    {Op::Subtract, T::Time, T::Time, T::Duration},
    {Op::Subtract, T::Date, T::Duration, T::Null},
    {Op::Subtract, T::Moment, T::Duration, T::Moment},
    {Op::Subtract, T::Time, T::Duration, T::Time},
    {Op::Multiply, T::Number, T::Number, T::Number},
    {Op::Multiply, T::Duration, T::Number, T::Duration},
    {Op::Multiply, T::Number, T::Duration, T::Duration},
    {Op::Divide, T::Number, T::Number, T::Number},
    {Op::Divide, T::Duration, T::Number, T::Duration},
    {Op::Divide, T::Duration, T::Duration, T::Number},
    {Op::Modulo, T::Number, T::Number, T::Number},
};

bool is_calendar(ValueType type) { return type == T::Date || type == T::Moment; }

/// Whether a value of the one type is compared with a text that reads as the other.
bool is_read_from_text(ValueType a, ValueType b) {
  const auto is_read = [](ValueType type) { return is_calendar(type) || type == T::Time; };
  return (a == T::Text && is_read(b)) || (b == T::Text && is_read(a));
}

/// What a text stands for beside a value of such a type: `'09:00'`, `'2026-03-15'`,
/// `'2026-03-15 09:00'`; null when it does not read as one.
Value read_beside(ValueType type, std::string_view text, const Zone* zone) {
  if (type == T::Time) {
    if (const auto time = TimeOfDay::parse(text)) return *time;
    return {};
  }
  if (const auto date = Date::parse_iso(text)) return *date;
  const auto local = LocalTime::parse_iso(text);
  if (!local) return {};
  return zone ? zone->to_moment(*local) : Moment{};
}

bool arithmetic_type(Op op, ValueType left, ValueType right, ValueType& result) {
  int fitting = 0;
  for (const Rule& rule : kArithmetic) {
    if (rule.op != op || (left != T::Null && left != rule.left) ||
        (right != T::Null && right != rule.right))
      continue;
    result = ++fitting == 1 || result == rule.result ? rule.result : T::Null;
  }
  return fitting > 0;
}

}  // namespace

bool operation_type(Op op, ValueType left, ValueType right, ValueType& result) {
  result = T::Boolean;
  const bool known = left != T::Null && right != T::Null;
  switch (op) {
    case Op::And:
    case Op::Or:
      result = known && left == right ? left : T::Null;
      return true;
    case Op::Equal:
    case Op::NotEqual:
      return !known || left == right || (is_calendar(left) && is_calendar(right)) ||
             is_read_from_text(left, right);
    case Op::Less:
    case Op::LessEqual:
    case Op::Greater:
    case Op::GreaterEqual: {
      const auto ordered = [](ValueType type) {
        return type != T::List && type != T::Map && type != T::File;
      };
      if (!ordered(left) || !ordered(right)) return false;
      return !known || left == right || (is_calendar(left) && is_calendar(right)) ||
             is_read_from_text(left, right);
    }
    case Op::In:
    case Op::NotIn:
      if (right == T::Text) return left == T::Null || left == T::Text;
      return right == T::Null || right == T::List || right == T::Map;
    case Op::Like:
    case Op::NotLike:
      return is_scalar(left) && (is_scalar(right) || right == T::List);
    default:
      result = T::Null;
      return arithmetic_type(op, left, right, result);
  }
}

bool can_stand_beside(ValueType type, std::string_view text) {
  return !is_read_from_text(type, T::Text) || !read_beside(type, text, nullptr).is_null();
}

// ---- failures and limits

bool Evaluator::fail(EvaluationProblem problem, std::string detail) {
  if (!failed_) error_ = {problem, std::move(detail)};
  failed_ = true;
  return false;
}

void Evaluator::locate(const ExpressionTree& tree, const ExpressionNode& node) {
  // An operand's own failure names its place already.
  if (!error_.detail.empty() && error_.detail.back() == '`') return;
  error_.detail += " in `" + excerpt(tree, node) + "`";
}

bool Evaluator::spend(std::size_t amount) {
  if (amount > work_left_)
    return fail(EvaluationProblem::TooLarge, "too much work for one expression");
  work_left_ -= amount;
  return true;
}

bool Evaluator::check_size(const Value& value) {
  if (value.list() && value.list()->size() > kMaxListItems) {
    return fail(EvaluationProblem::TooLarge, "a list of more than 10000 items");
  }
  std::size_t items = 0;
  std::size_t bytes = 0;
  if (!measure(value, 0, items, bytes)) {
    return fail(EvaluationProblem::TooLarge, "a list or map that is too large or too deep");
  }
  return spend(items);
}

bool Evaluator::check_text(const std::string& text) {
  if (text.size() > kMaxTextBytes)
    return fail(EvaluationProblem::TooLarge, "a text of more than 256 KB");
  return spend(text.size() / 4 + 1);
}

bool Evaluator::display(const Value& value, std::string& out) {
  if (const std::string* text = value.text()) {
    out = *text;
  } else {
    if (!is_scalar(value.type()) && !check_size(value)) return false;
    out = to_display(value, scope_.locale());
  }
  return check_text(out);
}

bool Evaluator::NestedText::enter() {
  if (++at_.text_depth_ > kMaxTextDepth) {
    return at_.fail(EvaluationProblem::TooDeep, "texts that contain each other");
  }
  if (at_.texts_left_ == 0) {
    return at_.fail(EvaluationProblem::TooLarge, "too many texts inside one text");
  }
  --at_.texts_left_;
  return true;
}

// ---- the walk

const Value* Evaluator::evaluate(const ExpressionTree& tree, std::uint32_t index, Value& slot) {
  const ExpressionNode* node = &tree.nodes[index];
  // `a if b else c if d else e …`: each refusal goes on with the rest.
  while (node->op == Op::If) {
    Value condition_slot;
    const Value* condition = evaluate(tree, node->right, condition_slot);
    if (!condition) return nullptr;
    index = condition->truthy() ? node->left : node->data;
    node = &tree.nodes[index];
  }
  const Value* value = leaf(tree, tree.nodes[node->base], slot);
  for (std::uint32_t at = node->base; value && at != index;) {
    at = tree.nodes[at].up;
    value = apply(tree, tree.nodes[at], value, slot);
  }
  return value;
}

bool Evaluator::child(const ExpressionTree& tree, const ExpressionNode& node, std::uint32_t position,
                      Value& item, std::size_t& bytes, const char* too_large) {
  Value slot;
  const Value* found = evaluate(tree, tree.children[node.child_begin + position], slot);
  if (!found) return false;
  if (const std::string* text = found->text(); text && (bytes += text->size()) > kMaxValueBytes) {
    return fail(EvaluationProblem::TooLarge, too_large);
  }
  item = found == &slot ? std::move(slot) : *found;
  return true;
}

const Value* Evaluator::leaf(const ExpressionTree& tree, const ExpressionNode& node, Value& slot) {
  switch (node.op) {
    case Op::Constant:
      return &tree.constants[node.data];
    case Op::Name:
      return name(tree.names[node.data], slot);
    case Op::NamedText: {
      const NameUse& use = tree.names[node.data];
      if (const Template* text = scope_.named_text(use.path[1])) return plain_text(text, slot);
      return name(use, slot);  // a variable named `texts`
    }
    case Op::TextsIndex: {
      const Value* key = evaluate(tree, node.right, slot);
      if (!key) return nullptr;
      const Template* text = key->text() ? scope_.named_text(*key->text()) : nullptr;
      return plain_text(text, slot);
    }
    case Op::List: {
      List list;
      if (node.child_count > kMaxListItems) {
        fail(EvaluationProblem::TooLarge, "a list of more than 10000 items");
        return nullptr;
      }
      list.reserve(node.child_count);
      std::size_t bytes = 0;
      for (std::uint32_t i = 0; i < node.child_count; ++i) {
        Value item;
        if (!child(tree, node, i, item, bytes, "a list that is too large")) return nullptr;
        list.push_back(std::move(item));
      }
      slot = Value(std::move(list));
      return check_size(slot) ? &slot : nullptr;
    }
    case Op::Map: {
      ValueMap map;
      if (!spend(static_cast<std::size_t>(node.child_count) * node.child_count / 2)) return nullptr;
      std::size_t bytes = 0;
      for (std::uint32_t i = 0; i < node.child_count; ++i) {
        Value item;
        if (!child(tree, node, i, item, bytes, "a map that is too large")) return nullptr;
        map.set(tree.words[node.data + i], std::move(item));
      }
      slot = Value(std::move(map));
      return check_size(slot) ? &slot : nullptr;
    }
    case Op::Function:
      if (call(tree, node, null_value(), slot)) return &slot;
      locate(tree, node);
      return nullptr;
    case Op::Not: {
      const Value* value = evaluate(tree, node.right, slot);
      if (!value) return nullptr;
      slot = Value(!value->truthy());
      return &slot;
    }
    case Op::Negate: {
      const Value* value = evaluate(tree, node.right, slot);
      if (!value) return nullptr;
      const bool minus = node.data == 1;
      if (const Decimal* number = value->number()) {
        slot = Value(minus ? number->negated() : Decimal(*number));
      } else if (const Duration* duration = value->duration();
                 duration && duration->ms != INT64_MIN) {
        slot = Value(Duration{minus ? -duration->ms : duration->ms});
      } else {
        fail(value->is_null() ? EvaluationProblem::NullArithmetic : EvaluationProblem::WrongType,
             "-" + std::string(type_name(value->type())));
        locate(tree, node);
        return nullptr;
      }
      return &slot;
    }
    case Op::If:
      return evaluate(tree, static_cast<std::uint32_t>(&node - tree.nodes.data()), slot);
    default:
      fail(EvaluationProblem::WrongType, "no value");
      return nullptr;
  }
}

const Value* Evaluator::apply(const ExpressionTree& tree, const ExpressionNode& node,
                              const Value* left, Value& slot) {
  switch (node.op) {
    case Op::And:
      if (!left->truthy()) return left;
      return evaluate(tree, node.right, slot);
    case Op::Or:
      if (left->truthy()) return left;
      return evaluate(tree, node.right, slot);
    case Op::Member: {
      const Value* found = member(*left, tree.words[node.data], slot);
      if (!found) locate(tree, node);
      return found;
    }
    case Op::Filter: {
      Value out;
      if (!call(tree, node, *left, out)) {
        locate(tree, node);
        return nullptr;
      }
      slot = std::move(out);
      return &slot;
    }
    default:
      break;
  }
  Value right_slot;
  const Value* right = evaluate(tree, node.right, right_slot);
  if (!right) return nullptr;
  if (is_arithmetic(node.op)) {
    Value out;
    if (!arithmetic(node.op, *left, *right, out)) {
      locate(tree, node);
      return nullptr;
    }
    slot = std::move(out);
    return &slot;
  }
  if (node.op == Op::Index) {
    const Value* found = index(*left, *right, slot);
    if (!found) locate(tree, node);
    return found;
  }
  bool holds = false;
  if (!compare_values(node.op, *left, *right, holds)) {
    locate(tree, node);
    return nullptr;
  }
  slot = Value(holds);
  return &slot;
}

// ---- names and members

const Value* Evaluator::name(const NameUse& use, Value& slot) {
  const Value* value = scope_.find(use.path[0]);
  if (!value) return &null_value();
  for (std::size_t i = 1; i < use.path.size(); ++i) {
    value = member(*value, use.path[i], slot);
    if (!value) {
      std::string& detail = error_.detail;
      detail += " in `";
      for (std::size_t part = 0; part < use.path.size(); ++part) {
        if (part > 0) detail += '.';
        detail += use.path[part];
      }
      detail += '`';
      return nullptr;
    }
  }
  return value;
}

const Value* Evaluator::member(const Value& of, const std::string& name, Value& slot) {
  if (of.is_null()) return &null_value();
  if (const ValueMap* map = of.map()) {
    const Value* found = map->find(name);
    if (!found) return &null_value();
    if (&of != &slot) return found;
    Value kept = *found;
    slot = std::move(kept);
    return &slot;
  }
  const MemberWord word = find_member(name);
  if (const Attachment* file = of.file()) {
    Value out;
    static constexpr std::array<const char*, 7> kKinds = {"photo", "document", "voice", "audio",
                                                          "video", "sticker",  "other"};
    switch (word) {
      case MemberWord::Name:
        out = Value(file->name);
        break;
      case MemberWord::Size:
        if (file->size >= 0) out = Value(file->size);
        break;
      case MemberWord::Kind:
        out = Value(kKinds[std::min<std::size_t>(static_cast<std::size_t>(file->kind), 6)]);
        break;
      case MemberWord::Caption:
        out = Value(file->caption);
        break;
      case MemberWord::Mime:
        out = Value(file->mime);
        break;
      default:
        fail(EvaluationProblem::WrongType, "file." + name);
        return nullptr;
    }
    slot = std::move(out);
    return &slot;
  }
  std::optional<Date> date;
  std::optional<TimeOfDay> time;
  if (of.date()) date = *of.date();
  if (of.time()) time = *of.time();
  if (of.moment()) {
    const LocalTime local = scope_.locale().zone.to_local(*of.moment());
    date = local.date;
    time = local.time;
  }
  if (date && word >= MemberWord::Year && word <= MemberWord::Day) {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    date->to_ymd(year, month, day);
    slot = Value(word == MemberWord::Year    ? year
                 : word == MemberWord::Month ? static_cast<int>(month)
                                             : static_cast<int>(day));
    return &slot;
  }
  if (time && (word == MemberWord::Hour || word == MemberWord::Minute)) {
    slot = Value(word == MemberWord::Hour ? time->seconds / 3600 : time->seconds / 60 % 60);
    return &slot;
  }
  fail(EvaluationProblem::WrongType, std::string(type_name(of.type())) + "." + name);
  return nullptr;
}

const Value* Evaluator::index(const Value& of, const Value& key, Value& slot) {
  if (of.is_null() || key.is_null()) return &null_value();
  if (of.map()) {
    if (const std::string* text = key.text()) return member(of, *text, slot);
    if (key.number()) return member(of, key.number()->to_string(), slot);
  }
  const Decimal* number = key.number();
  const List* list = of.list();
  const std::string* text = of.text();
  if (!number || (!list && !text)) {
    fail(EvaluationProblem::WrongType,
         std::string(type_name(of.type())) + "[" + std::string(type_name(key.type())) + "]");
    return nullptr;
  }
  if (!number->is_integer()) {
    fail(EvaluationProblem::BadArgument, "an index that is not a whole number");
    return nullptr;
  }
  std::optional<std::int64_t> at = number->to_int64();
  if (!at) return &null_value();
  const auto size = static_cast<std::int64_t>(list ? list->size() : count_code_points(*text));
  if (*at < 0) *at += size;  // -1 is the last one
  if (*at < 0 || *at >= size) return &null_value();
  if (list) {
    const Value& found = (*list)[static_cast<std::size_t>(*at)];
    if (&of != &slot) return &found;
    Value kept = found;
    slot = std::move(kept);
    return &slot;
  }
  const auto begin = first_code_points(*text, static_cast<std::size_t>(*at)).size();
  Value letter(first_code_points(std::string_view(*text).substr(begin), 1));
  slot = std::move(letter);
  return &slot;
}

const Value* Evaluator::plain_text(const Template* text, Value& slot) {
  if (!text) return &null_value();
  RichText rendered;
  if (!render_template(*text, *this, rendered)) return nullptr;
  slot = Value(std::move(rendered.text));
  return &slot;
}

bool Evaluator::append(const ExpressionTree& tree, std::uint32_t root, RichText& out) {
  const ExpressionNode* node = &tree.nodes[root];
  while (node->op == Op::If) {
    Value slot;
    const Value* condition = evaluate(tree, node->right, slot);
    if (!condition) return false;
    root = condition->truthy() ? node->left : node->data;
    node = &tree.nodes[root];
  }
  const Template* text = nullptr;
  if (node->op == Op::NamedText) {
    text = scope_.named_text(tree.names[node->data].path[1]);
  } else if (node->op == Op::TextsIndex) {
    Value slot;
    const Value* key = evaluate(tree, node->right, slot);
    if (!key) return false;
    text = key->text() ? scope_.named_text(*key->text()) : nullptr;
    if (!text) return true;
  }
  if (text) {
    RichText rendered;
    if (!render_template(*text, *this, rendered)) return false;
    out.append(rendered);
    return check_text(out.text);
  }
  Value slot;
  const Value* value = evaluate(tree, root, slot);
  if (!value) return false;
  if (const std::string* plain = value->text()) {
    out.append(*plain);
  } else if (!value->is_null()) {
    std::string shown;
    if (!display(*value, shown)) return false;
    out.append(shown);
  }
  return check_text(out.text);
}

// ---- operators

namespace {

EvaluationProblem problem_of(DecimalError error) {
  return error == DecimalError::Overflow ? EvaluationProblem::Overflow
                                         : EvaluationProblem::DivisionByZero;
}

std::string pair_detail(Op op, const Value& a, const Value& b) {
  return std::string(type_name(a.type())) + " " + std::string(sign_of(op)) + " " +
         std::string(type_name(b.type()));
}

}  // namespace

bool Evaluator::arithmetic(Op op, const Value& a, const Value& b, Value& out) {
  const auto overflow = [&] { return fail(EvaluationProblem::Overflow, pair_detail(op, a, b)); };
  if (a.number() && b.number()) {
    const auto result = op == Op::Add        ? add(*a.number(), *b.number())
                        : op == Op::Subtract ? subtract(*a.number(), *b.number())
                        : op == Op::Multiply ? multiply(*a.number(), *b.number())
                        : op == Op::Divide   ? divide(*a.number(), *b.number())
                                             : modulo(*a.number(), *b.number());
    if (!result) return fail(problem_of(result.error()), pair_detail(op, a, b));
    out = Value(*result);
    return true;
  }
  if (a.is_null() || b.is_null()) {
    return fail(EvaluationProblem::NullArithmetic, pair_detail(op, a, b));
  }
  if (op == Op::Add && a.text() && b.text()) {
    if (a.text()->size() + b.text()->size() > kMaxTextBytes) {
      return fail(EvaluationProblem::TooLarge, "a text of more than 256 KB");
    }
    if (!spend((a.text()->size() + b.text()->size()) / 4 + 1)) return false;
    out = Value(*a.text() + *b.text());
    return true;
  }
  if (op == Op::Add && a.list() && b.list()) {
    if (a.list()->size() + b.list()->size() > kMaxListItems) {
      return fail(EvaluationProblem::TooLarge, "a list of more than 10000 items");
    }
    List joined = *a.list();
    joined.insert(joined.end(), b.list()->begin(), b.list()->end());
    out = Value(std::move(joined));
    return check_size(out);
  }

  const auto give_moment = [&](std::int64_t ms, std::int64_t delta) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(ms, delta, &sum) || !moment_in_range(sum)) return overflow();
    out = Value(Moment{sum});
    return true;
  };
  const auto give_duration = [&](std::int64_t from, std::int64_t to) {
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(from, to, &difference)) return overflow();
    out = Value(Duration{difference});
    return true;
  };
  const Duration* duration = b.duration();
  const Value* other = &a;
  if (op == Op::Add && !duration && a.duration()) {
    duration = a.duration();
    other = &b;
  }
  if ((op == Op::Add || op == Op::Subtract) && duration && duration->ms != INT64_MIN) {
    const std::int64_t delta = op == Op::Add ? duration->ms : -duration->ms;
    if (other->duration()) return give_duration(other->duration()->ms, -delta);
    if (other->moment()) return give_moment(other->moment()->unix_ms, delta);
    if (other->date()) {
      if (delta % kDayMs != 0) return give_moment(midnight(*other->date()).unix_ms, delta);
      const std::int64_t day = other->date()->days_since_epoch + delta / kDayMs;
      if (!date_in_range(day)) return overflow();
      out = Value(Date{static_cast<std::int32_t>(day)});
      return true;
    }
    if (other->time()) {
      constexpr std::int64_t kDay = 86'400;
      const std::int64_t seconds =
          ((other->time()->seconds + delta / 1000 % kDay) % kDay + kDay) % kDay;
      out = Value(TimeOfDay{static_cast<std::int32_t>(seconds)});
      return true;
    }
  }
  if (op == Op::Add && a.date() && b.time()) {
    out = Value(scope_.locale().zone.to_moment({*a.date(), *b.time()}));
    return true;
  }
  if (op == Op::Subtract) {
    if (a.date() && b.date()) {
      return give_duration(a.date()->days_since_epoch * kDayMs,
                           b.date()->days_since_epoch * kDayMs);
    }
    if (a.time() && b.time())
      return give_duration(a.time()->seconds * 1000LL, b.time()->seconds * 1000LL);
    if (is_calendar(a.type()) && is_calendar(b.type())) {
      return give_duration(a.date() ? midnight(*a.date()).unix_ms : a.moment()->unix_ms,
                           b.date() ? midnight(*b.date()).unix_ms : b.moment()->unix_ms);
    }
  }
  if ((op == Op::Multiply || op == Op::Divide) && (a.duration() || b.duration())) {
    const auto ms_of = [](const Value& value) {
      return value.duration() ? Decimal(value.duration()->ms) : *value.number();
    };
    const bool good = op == Op::Multiply ? (a.number() || b.number())
                                         : a.duration() && (b.number() || b.duration());
    if (good) {
      const auto result =
          op == Op::Multiply ? multiply(ms_of(a), ms_of(b)) : divide(ms_of(a), ms_of(b));
      if (!result) return fail(problem_of(result.error()), pair_detail(op, a, b));
      if (op == Op::Divide && b.duration()) {
        out = Value(*result);
        return true;
      }
      const std::optional<std::int64_t> ms = result->rounded(0).to_int64();
      if (!ms) return overflow();
      out = Value(Duration{*ms});
      return true;
    }
  }
  return fail(EvaluationProblem::WrongType, pair_detail(op, a, b));
}

bool Evaluator::compare_values(Op op, const Value& a, const Value& b, bool& out) {
  const bool ordering = op >= Op::Equal && op <= Op::GreaterEqual;
  if (ordering && is_read_from_text(a.type(), b.type())) {
    const Value& text = a.text() ? a : b;
    const ValueType type = a.text() ? b.type() : a.type();
    const Value read = read_beside(type, *text.text(), &scope_.locale().zone);
    if (read.is_null()) {
      return fail(EvaluationProblem::BadArgument,
                  "`" + std::string(first_code_points(*text.text(), 40)) + "` is no " +
                      std::string(type_name(type)));
    }
    return a.text() ? compare_values(op, read, b, out) : compare_values(op, a, read, out);
  }
  const bool mixed_calendar =
      a.type() != b.type() && is_calendar(a.type()) && is_calendar(b.type());
  const auto moment_of = [&](const Value& value) {
    return Value(value.date() ? midnight(*value.date()) : *value.moment());
  };
  switch (op) {
    case Op::Equal:
    case Op::NotEqual: {
      if ((a.list() || a.map()) && !spend(a.list() ? a.list()->size() : a.map()->size()))
        return false;
      const bool equal = mixed_calendar ? moment_of(a) == moment_of(b) : a == b;
      out = equal == (op == Op::Equal);
      return true;
    }
    case Op::In:
    case Op::NotIn:
      if (!contains(a, b, out)) return false;
      if (op == Op::NotIn) out = !out;
      return true;
    case Op::Like:
    case Op::NotLike:
      if (!like(a, b, out)) return false;
      if (op == Op::NotLike) out = !out;
      return true;
    default:
      break;
  }
  out = false;
  if (a.is_null() || b.is_null()) return true;
  const std::partial_ordering order =
      mixed_calendar ? compare(moment_of(a), moment_of(b)) : compare(a, b);
  if (order == std::partial_ordering::unordered) {
    return fail(EvaluationProblem::WrongType, pair_detail(op, a, b));
  }
  switch (op) {
    case Op::Less:
      out = order < 0;
      break;
    case Op::LessEqual:
      out = order <= 0;
      break;
    case Op::Greater:
      out = order > 0;
      break;
    default:
      out = order >= 0;
      break;
  }
  return true;
}

bool Evaluator::contains(const Value& item, const Value& in, bool& out) {
  out = false;
  if (in.is_null()) return true;
  if (const List* list = in.list()) {
    if (!spend(list->size())) return false;
    // As `==` compares, but a text that does not read as a time is only another value.
    out = std::any_of(list->begin(), list->end(), [&](const Value& one) {
      if (one == item) return true;
      bool same = false;
      const bool mixed = is_calendar(one.type()) && is_calendar(item.type());
      const bool readable =
          is_read_from_text(item.type(), one.type()) &&
          (one.text() ? can_stand_beside(item.type(), *one.text())
                      : can_stand_beside(one.type(), *item.text()));
      return (mixed || readable) && compare_values(Op::Equal, item, one, same) && same;
    });
    return true;
  }
  if (item.is_null()) return true;
  if (in.map() && item.text()) {
    out = in.map()->find(*item.text()) != nullptr;
    return true;
  }
  if (in.text() && item.text()) {
    if (!spend(in.text()->size() / 16 + 1)) return false;
    out = in.text()->find(*item.text()) != std::string::npos;
    return true;
  }
  if (in.map()) return true;
  return fail(EvaluationProblem::WrongType, pair_detail(Op::In, item, in));
}

bool Evaluator::like(const Value& a, const Value& b, bool& out) {
  out = false;
  if (a.is_null() || b.is_null()) return true;
  if (!is_scalar(a.type()) || (!is_scalar(b.type()) && !b.list())) {
    return fail(EvaluationProblem::WrongType, pair_detail(Op::Like, a, b));
  }
  std::string shown;
  if (!display(a, shown)) return false;
  const std::string folded = fold(shown);
  const auto same = [&](const Value& other) {
    std::string text;
    if (!display(other, text) || !spend(text.size())) return false;
    return fold(text) == folded;
  };
  if (const List* list = b.list()) {
    for (const Value& item : *list) {
      if (!item.is_null() && is_scalar(item.type()) && same(item)) {
        out = true;
        break;
      }
      if (failed_) return false;
    }
    return true;
  }
  out = same(b);
  return !failed_;
}

// ---- filters and functions

bool Evaluator::call(const ExpressionTree& tree, const ExpressionNode& node, const Value& input,
                     Value& out) {
  const ExpressionCall& call = *node.call;
  if (call.input != 0) {
    if (input.is_null()) {
      if (call.null_passes) {
        out = Value();
        return true;
      }
    } else if ((call.input & type_bit(input.type())) == 0) {
      return wrong_type(std::string(type_name(input.type())) + " | " + std::string(call.english));
    }
  }
  std::array<Value, kMaxCallArguments> arguments;
  for (std::uint32_t i = 0; i < node.child_count; ++i) {
    Value& argument = arguments[i];
    const Value* value = evaluate(tree, tree.children[node.child_begin + i], argument);
    if (!value) return false;
    if (value != &argument) argument = *value;
    if (argument.is_null() ? !call.null_arguments
                           : (call.argument[i] & type_bit(argument.type())) == 0) {
      return fail(
          argument.is_null() ? EvaluationProblem::BadArgument : EvaluationProblem::WrongType,
          std::string(call.english) + "(" + std::string(type_name(argument.type())) + ")");
    }
  }
  return call.apply(*this, input, std::span<const Value>(arguments.data(), node.child_count), out);
}

}  // namespace sufler
