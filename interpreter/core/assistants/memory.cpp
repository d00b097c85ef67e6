#include "interpreter/core/assistants/memory.h"

#include <algorithm>
#include <utility>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

constexpr std::uint32_t kLeastRate = 80, kMostRate = 600;
/// Of one talk in a stored state. What a model is shown is far less.
constexpr std::size_t kMostLines = 200;
constexpr std::size_t kMostBytes = 96 * 1024;
/// Of what people of a handoff said.
constexpr std::size_t kMostPeople = 4'000;

bool begins_exchange(const std::vector<TalkLine>& lines, std::size_t at) {
  const auto is_people = [&](std::size_t i) {
    return lines[i].who == TalkLine::Who::Person || lines[i].who == TalkLine::Who::People;
  };
  return is_people(at) && (at == 0 || !is_people(at - 1));
}

std::size_t bytes_of(const TalkLine& line) {
  return line.text.size() + (line.call ? line.call->id.size() + line.call->name.size() + line.call->arguments.size() : 0);
}

bool is_hidden(char32_t c) {
  if (c == U'\n' || c == U'\t') return false;
  if (c < 0x20 || (c >= 0x7f && c <= 0x9f)) return true;
  return (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
         c == 0xfffe || (c >= 0xe0000 && c <= 0xe0fff);
}

}  // namespace

std::int64_t estimate_tokens(std::string_view text, std::uint32_t rate) {
  if (rate == 0) rate = kFirstRate;
  const auto points = static_cast<std::int64_t>(count_code_points(text));
  return (points * 100 + rate - 1) / rate;
}

std::int64_t tokens_of(const TalkLine& line, std::uint32_t rate) {
  std::int64_t tokens = kTokensOfMessage + estimate_tokens(line.text, rate);
  if (line.call) tokens += estimate_tokens(line.call->name, rate) + estimate_tokens(line.call->arguments, rate);
  return tokens;
}

std::uint32_t corrected_rate(std::uint32_t rate, std::uint64_t points, std::uint64_t tokens) {
  if (rate == 0) rate = kFirstRate;
  // Of a short request the server's own words are the larger part.
  if (tokens < 50 || points < 100) return rate;
  const std::uint64_t seen = std::clamp<std::uint64_t>(points * 100 / tokens, kLeastRate, kMostRate);
  return static_cast<std::uint32_t>((rate * std::uint64_t{3} + seen) / 4);
}

std::size_t first_sent(const std::vector<TalkLine>& lines, std::uint32_t last, std::int64_t tokens, std::uint32_t rate) {
  std::size_t first = lines.size();
  std::uint32_t messages = 0;
  std::int64_t taken = 0;
  bool any = false;
  std::uint32_t messages_here = 0;
  std::int64_t tokens_here = 0;
  for (std::size_t at = lines.size(); at-- > 0;) {
    tokens_here += tokens_of(lines[at], rate);
    messages_here += lines[at].who != TalkLine::Who::Tool && !lines[at].call;
    if (!begins_exchange(lines, at)) continue;
    const bool fits = messages + messages_here <= last && taken + tokens_here <= tokens;
    if (any && !fits) break;
    any = true;
    messages += std::exchange(messages_here, 0);
    taken += std::exchange(tokens_here, 0);
    first = at;
  }
  // A talk without a single word of a person's is no talk.
  return any ? first : 0;
}

void forget_lines(TalkMemory& talk, std::size_t count) {
  count = std::min(count, talk.lines.size());
  talk.lines.erase(talk.lines.begin(), talk.lines.begin() + static_cast<std::ptrdiff_t>(count));
}

void keep_bounded(TalkMemory& talk) {
  std::size_t bytes = 0;
  for (const TalkLine& line : talk.lines) bytes += bytes_of(line);
  std::size_t drop = 0;
  while (talk.lines.size() - drop > kMostLines || bytes > kMostBytes) {
    std::size_t next = drop + 1;
    while (next < talk.lines.size() && !begins_exchange(talk.lines, next)) ++next;
    if (next >= talk.lines.size()) break;
    for (; drop < next; ++drop) bytes -= bytes_of(talk.lines[drop]);
  }
  if (drop == 0) return;
  forget_lines(talk, drop);
  // What is being summed up counts lines that are not there any more.
  talk.summary_lines = talk.summary_lines > drop ? talk.summary_lines - static_cast<std::uint32_t>(drop) : 0;
}

void add_people(Assisted& assisted, std::string_view who, std::string_view text) {
  if (trim(text).empty()) return;
  std::string& all = assisted.people;
  if (!all.empty()) all += '\n';
  all += who;
  all += ": ";
  all += cleaned(text, 500);
  const std::size_t points = count_code_points(all);
  if (points <= kMostPeople) return;
  const std::size_t gone = first_code_points(all, points - kMostPeople).size();
  const std::size_t line = all.find('\n', gone);
  all.erase(0, line == std::string::npos ? gone : line + 1);
}

std::string cleaned(std::string_view text, std::size_t most) {
  std::string out;
  std::size_t points = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (is_hidden(c)) continue;
    if (points++ == most) {
      out += "…";
      break;
    }
    append_utf8(out, c);
  }
  return out;
}

std::string quoted_data(std::string_view text, std::size_t most) {
  const std::string clean = cleaned(text, most);
  std::string out;
  for (const char c : clean) {
    if (c == '<') {
      out += "‹";
    } else if (c == '>') {
      out += "›";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace sufler
