#include "choregos/wire/json.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace choregos::wire {
namespace {

struct Case {
  std::string text;
  std::string part;  ///< of the error message
};

TEST(ParseJson, RefusesWhatProgramsReadDifferently) {
  const std::vector<Case> cases{
      {R"({"a":1,"a":2})", "byte 9: the key \"a\" is there twice"},
      {R"({"a":{"b":1,"b":1}})", "is there twice"},
      {R"({"a":1,"\u0061":2})", "is there twice"},
      {"1e400", "beyond the range of a double"},
      {"[-1e400]", "beyond the range of a double"},
      {"1e99999999999999999999", "beyond the range of a double"},
      {"NaN", "not JSON"},
      {"Infinity", "not JSON"},
      {R"("\ud800")", "byte 7"},
      {R"("\udc00")", "half of a surrogate pair"},
      {"{\"a\":1} x", "byte 8: something follows the value"},
      {"1 2", "something follows"},
      {"01", "something follows"},
      {"", "ends before the value"},
      {"[1,2", "ends before the value"},
      {"tru", "ends before the value"},
      {"[1,]", "byte 3: this is not JSON"},
      {"{'a':1}", "not JSON"},
      {"// c\n1", "not JSON"},
      {"\xef\xbb\xbf{}", "not JSON"},
      {"\"a\nb\"", "not JSON"},
      {"\"\xff\"", "not valid UTF-8"},
      {"\"\xc0\xaf\"", "not valid UTF-8"},
      {"\"\xed\xa0\x80\"", "not valid UTF-8"},
      {R"("\u0000")", "control, bidi or invisible"},
      {R"("\u001b[31m")", "control, bidi or invisible"},
      {R"("\u202e")", "control, bidi or invisible"},
      {"\"a\xe2\x80\x8b\"", "control, bidi or invisible"},
      {R"({"\u200bid":1})", "a key has control"},
      {R"("\n")", "control, bidi or invisible"},
  };
  for (const auto& [text, part] : cases) {
    const auto read = parse_json(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, ErrorCode::invalid) << text;
    EXPECT_NE(read.error().message.find(part), std::string::npos) << text << " -> " << read.error().message;
  }
}

TEST(ParseJson, BoundsDepthMembersAndBytes) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(limits::json_depth_max)));
  EXPECT_FALSE(parse_json(nested(limits::json_depth_max + 1)));

  const auto array = [](std::size_t count) {
    std::string text = "[0";
    for (std::size_t i = 1; i < count; ++i) text += ",0";
    return text + "]";
  };
  EXPECT_TRUE(parse_json(array(limits::json_member_count_max)));
  EXPECT_FALSE(parse_json(array(limits::json_member_count_max + 1)));
  std::string object = "{\"k\":0";
  for (std::size_t i = 0; i < limits::json_member_count_max; ++i) object += ",\"" + std::to_string(i) + "\":0";
  EXPECT_FALSE(parse_json(object + "}"));

  EXPECT_TRUE(parse_json("[1]", std::size_t{3}));
  const auto large = parse_json("[10]", std::size_t{3});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::too_large);
}

TEST(ParseJson, LetsLineBreaksOrEverythingInOnlyWhenAsked) {
  JsonRules rules;
  rules.text = JsonText::multiline;
  EXPECT_TRUE(parse_json(R"("a\tb\r\nc")", rules));
  EXPECT_FALSE(parse_json(R"("a\u001b")", rules));
  EXPECT_FALSE(parse_json(R"("a\n\u202e")", rules));
  rules.text = JsonText::any;
  EXPECT_TRUE(parse_json(R"("a\u001b\u202e\u0000")", rules));
}

TEST(ParseJson, KeepsNumbersExactly) {
  for (const std::string text : {"0", "-1", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "0.1", "1e-07", "-0.0",
                                 "123456.78901234567", "2.2250738585072014e-308", "1.7976931348623157e+308", "5e-324"}) {
    const auto read = parse_json(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(to_json(*read), text);
  }
  EXPECT_EQ(to_json(*parse_json("1e-400")), "0");
  EXPECT_EQ(to_json(*parse_json("1.50")), "1.5");
}

TEST(JsonWriter, WritesNestedValuesWithCommasOfItsOwn) {
  JsonWriter out;
  out.begin_object().member("a", 1).key("b").begin_array().value(true).null().value("x").begin_object().end_object().end_array();
  out.member("c", std::uint64_t{18446744073709551615U}).member("d", -5).member("e", 0.25).end_object();
  ASSERT_TRUE(out.complete());
  EXPECT_EQ(out.text(), R"({"a":1,"b":[true,null,"x",{}],"c":18446744073709551615,"d":-5,"e":0.25})");
}

TEST(JsonWriter, MakesValidJsonOfAnything) {
  JsonWriter out;
  out.begin_array().value("\xff\"\\\n\t\x01\x7f\xe2\x80\xa8\xc3\xa9\xed\xa0\x80").value(std::numeric_limits<double>::quiet_NaN());
  out.value(std::numeric_limits<double>::infinity()).value(std::string_view("\0", 1)).value("\xf0\x9f").end_array();
  EXPECT_EQ(out.text(), "[\"\xef\xbf\xbd\\\"\\\\\\n\\t\\u0001\\u007f\\u2028\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",null,null,\"\\u0000\",\"\xef\xbf\xbd\xef\xbf\xbd\"]");
  JsonRules any;
  any.text = JsonText::any;
  EXPECT_TRUE(parse_json(out.text(), any));
}

TEST(JsonWriterDeathTest, StopsAtAValueWithoutKey) {
  EXPECT_DEATH(
      {
        JsonWriter out;
        out.begin_object().value(1);
      },
      "");
}

}  // namespace
}  // namespace choregos::wire
