#pragma once
#include "expressions/test_scope.h"

namespace sufler::fuzz {

/// A little of everything that an expression may meet.
inline const TestScope& fuzz_scope() {
  static const TestScope scope = [] {
    TestScope made;
    const Attachment photo{AttachmentKind::Photo, "telegram", "AgAC", "a.jpg",
                           "image/jpeg",          10,         ""};
    ValueMap user, row;
    user.set("first_name", "Анна");
    user.set("phone", "+79123456789");
    row.set("name", "стол");
    row.set("price", *Decimal::parse("12.5"));
    row.set("на_складе", true);
    made.values["n"] = 7;
    made.values["big"] = *Decimal::parse("9999999999999999999999999999999999");
    made.values["tiny"] = *Decimal::parse("0.000000000000000001");
    made.values["t"] = "Ёлка и _стол_";
    made.values["имя"] = "Пётр";
    made.values["b"] = true;
    made.values["l"] = List{3, 1, 2};
    made.values["rows"] = List{Value(row), Value(row)};
    made.values["m"] = row;
    made.values["d"] = *Date::from_ymd(2026, 3, 15);
    made.values["time"] = *TimeOfDay::parse("09:30");
    made.values["at"] = Moment{1773565200000};
    made.values["span"] = *Duration::parse("2h");
    made.values["f"] = photo;
    made.values["files"] = List{Value(photo)};
    made.values["user"] = user;
    made.text("hello", "**Привет**, {{ имя }}!");
    made.text("again", "{{ texts.again }}");
    made.chance = 5;
    return made;
  }();
  return scope;
}

}  // namespace sufler::fuzz
