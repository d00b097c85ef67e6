#include "interpreter/core/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sufler {
namespace {

std::string written(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(JsonTextTest, WritesAndReadsASpecialCharacterAtAnyPlace) {
  for (const std::string_view special : {"\"", "\\", "\n", "\r", "\t", "\x01", "\x1F", "\x7F"}) {
    for (std::size_t before = 0; before < 20; ++before) {
      for (const std::string_view letter : {"w", "ы"}) {
        std::string text;
        for (std::size_t i = 0; i < before; ++i) text += letter;
        text += special;
        for (std::size_t i = 0; i < before % 9; ++i) text += letter;
        const std::string json = written(text);
        EXPECT_EQ(nlohmann::json::parse(json).get<std::string>(), text) << json;
        EXPECT_EQ(json.find('\x7F'), std::string::npos);
        JsonReader reader(json);
        std::string read;
        EXPECT_TRUE(reader.read_string(read) && reader.at_end()) << json;
        EXPECT_EQ(read, text);
      }
    }
  }
}

TEST(JsonTextTest, RefusesABareControlCharacterAtAnyPlace) {
  for (std::size_t before = 0; before < 20; ++before) {
    const std::string json = '"' + std::string(before, 'w') + "\x01" + "end\"";
    JsonReader reader(json);
    std::string read;
    EXPECT_FALSE(reader.read_string(read)) << before;
  }
}

TEST(JsonTextTest, TakesABareDeleteCharacter) {
  JsonReader reader("\"a\x7F" "b\"");
  std::string read;
  EXPECT_TRUE(reader.read_string(read));
  EXPECT_EQ(read, "a\x7F" "b");
}

TEST(JsonTextTest, BrokenTextIsMendedAtAnyPlaceAndRefusedWhenRead) {
  for (std::size_t before = 0; before < 20; ++before) {
    for (const std::string_view end : {"", "\"", "конец", "0123456789"}) {
      for (const std::string_view letter : {"w", "ы"}) {
        std::string text;
        for (std::size_t i = 0; i < before; ++i) text += letter;
        const std::string begin = text;
        text += "\xD0";
        if (end == "конец") text += '\xFF';  // or its first byte would end a letter
        text += end;
        std::string read;
        const std::string json = written(text);
        JsonReader reader(json);
        EXPECT_TRUE(reader.read_string(read) && reader.at_end()) << json;
        EXPECT_TRUE(read.starts_with(begin + "\xEF\xBF\xBD")) << json;
        const std::string bare = '"' + begin + "\xD0\"";
        JsonReader broken(bare);
        EXPECT_FALSE(broken.read_string(read)) << bare;
      }
    }
  }
}

}  // namespace
}  // namespace sufler
