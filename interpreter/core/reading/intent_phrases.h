#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

/// What people say to a question of yes and no: a phrase is added to its mark's list and nowhere else. For intents.cpp,
/// which has the rules over the marks.
namespace sufler::reading {

enum class Mark : std::uint8_t {
  Yes,
  Easy,    // a yes that irony likes: `ага, мечтай`
  Surely,  // such a yes, and no yes at all before a no: `конечно, нет`
  YesByNo, // a yes in the words of a no: `не против`
  No,
  NoNow,   // a no that limits a yes beside it: `да, но не сейчас`
  Hesitant,
  Unclear,
  Filler,
  Condition,
  If,  // a condition that no manner makes harmless: `если недолго`
  Manner,
  Other,
  Doubt,  // an Other that takes the certainty from a yes: `да, верните деньги`
  Comma,
  Question,
  Stop,
  Later,        // a postponement: no, unless a yes stands beside it
  NotAnAnswer,  // a phrase that makes the whole message no answer
};

struct Phrase {
  std::vector<std::string_view> words;
  Mark mark;
  bool open_end;  // further words may follow
};

/// All phrases, ordered by their first word; of those that begin alike the longer before the shorter. In words as
/// `normalise` leaves them.
const std::vector<Phrase>& phrases();

}  // namespace sufler::reading
