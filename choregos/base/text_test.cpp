#include "choregos/base/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "choregos/base/rng.hpp"

namespace choregos {
namespace {

TEST(Utf8, AcceptsWellFormedAndRefusesTheRest) {
  for (const char* good : {"", "abc", "Zürich", "日本", "\xf0\x9f\x8e\xad", "\xf4\x8f\xbf\xbf"}) EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad : {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x8e", "abc\xff"}) EXPECT_FALSE(is_utf8(bad));
}

TEST(HiddenCharacters, AreFoundWhereverTheyStand) {
  for (const char* bad : {"a\nb", "\x1b[31m", "a\x7f", "\xc2\x85", "a\xe2\x80\xae" "b", "\xe2\x80\x8b", "\xef\xbb\xbf", "\xe2\x80\xa8", "\xd8\x9c", "\xc2\xad", "\xf3\xa0\x81\x81"})
    EXPECT_TRUE(has_hidden_characters(bad)) << bad;
  for (const char* good : {"", "plain text", "Zürich", "日本", "a-b_c"}) EXPECT_FALSE(has_hidden_characters(good)) << good;
}

TEST(Word, TakesIdsAndCapabilitiesAsPeopleWriteThem) {
  for (const char* good : {"chorus-agent-001", "go_development", "llama3.1:8b", "a/b", "A", "_x", "10.0.0.5:8081"}) EXPECT_TRUE(is_word(good)) << good;
  for (const std::string& bad : {std::string(""), std::string("-x"), std::string("../x"), std::string("a b"), std::string("ü"), std::string("a\n"), std::string(65, 'a')})
    EXPECT_FALSE(is_word(bad)) << bad;
}

TEST(NaturalOrder, SortsNumbersByValue) {
  std::vector<std::string> ids{"agent-100", "agent-10", "agent-2", "agent", "agent-02", "Agent-1", "agent-2b"};
  std::sort(ids.begin(), ids.end(), NaturalLess{});
  EXPECT_EQ(ids, (std::vector<std::string>{"Agent-1", "agent", "agent-02", "agent-2", "agent-2b", "agent-10", "agent-100"}));
}

TEST(NaturalOrder, IsTotalAndAntisymmetric) {
  Rng rng(5);
  const auto draw = [&] {
    std::string out;
    for (auto n = rng.below(6); n > 0; --n) out += "0019ab-"[rng.below(7)];
    return out;
  };
  for (int i = 0; i < 20000; ++i) {
    const std::string a = draw(), b = draw(), c = draw();
    const auto sign = [](int x) { return (x > 0) - (x < 0); };
    ASSERT_EQ(sign(natural_compare(a, b)), -sign(natural_compare(b, a))) << a << " " << b;
    ASSERT_EQ(natural_compare(a, b) == 0, a == b) << a << " " << b;
    if (natural_compare(a, b) < 0 && natural_compare(b, c) < 0) {
      ASSERT_LT(natural_compare(a, c), 0) << a << " " << b << " " << c;
    }
  }
}

TEST(Glob, MatchesStarsAndQuestionMarks) {
  EXPECT_TRUE(glob_match("llama3*", "llama3.1:8b"));
  EXPECT_TRUE(glob_match("*:8b", "llama3.1:8b"));
  EXPECT_TRUE(glob_match("l?ama*b", "llama3.1:8b"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_FALSE(glob_match("llama3", "llama3.1:8b"));
  EXPECT_FALSE(glob_match("?", ""));
  EXPECT_TRUE(glob_match("a**b", "ab"));
}

TEST(Glob, StaysFastOnAHostilePattern) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(512, 'a')));
}

TEST(NearestWord, SuggestsASlipAndNothingFarAway) {
  const std::vector<std::string> known{"service", "period", "server"};
  EXPECT_EQ(nearest_word("servce", known), "service");
  EXPECT_EQ(nearest_word("preiod", known), "period");
  EXPECT_EQ(nearest_word("zzzzzz", known), "");
}

TEST(Printable, ReplacesWhatCouldMoveATerminal) {
  EXPECT_EQ(printable("a\x1b[2Jb"), "a\xef\xbf\xbd[2Jb");
  EXPECT_EQ(printable("ok\xff"), "ok\xef\xbf\xbd");
  EXPECT_TRUE(is_utf8(printable("\xe2\x80\xae\xc0\x80")));
}

}  // namespace
}  // namespace choregos
