// The reference pages name every word of the language, in both forms: a word added to a table of the code is
// missed here until the pages have it.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "interpreter/core/expression.h"
#include "schema/vocabulary.h"

namespace sufler {
namespace {

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Whether a word stands in the page by itself, not as a part of another.
bool has_word(std::string_view page, std::string_view word) {
  for (std::size_t at = page.find(word); at != page.npos; at = page.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_word_byte(page[at - 1])) && (end == page.size() || !is_word_byte(page[end])))
      return true;
  }
  return false;
}

class ReferenceTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string path = std::string(SUFLER_SOURCE_DIR) + "/docs/" + GetParam() + "/reference.md";
    std::ifstream file(path);
    page_.assign(std::istreambuf_iterator<char>(file), {});
    ASSERT_FALSE(page_.empty()) << path;
  }
  void expect_word(std::string_view word) const { EXPECT_TRUE(has_word(page_, word)) << word; }

  std::string page_;
};

TEST_P(ReferenceTest, NamesEveryWordOfTheLanguageInBothForms) {
  for (const Word word : words(~Contexts{0})) {
    expect_word(spelling(word, Language::English));
    expect_word(spelling(word, Language::Russian));
  }
}

TEST_P(ReferenceTest, NamesEveryWordOfExpressionsInBothForms) {
  for (const ExpressionWord& word : expression_words()) {
    expect_word(word.english);
    expect_word(word.russian);
  }
}

INSTANTIATE_TEST_SUITE_P(Languages, ReferenceTest, ::testing::Values("en", "ru"));

}  // namespace
}  // namespace sufler
