#include "choregos/source/static_file/target_list.hpp"

#include <gtest/gtest.h>

namespace choregos::source {
namespace {

TEST(TargetList, ReadsToml) {
  const auto list = read_target_list(R"(# the lab
[[target]]
address = "10.0.0.4:8081"

[[target]]
address = "Agents.lan:9000"
path = "/alive"
id = "a1"

[[target]]
address = "[fd00::1]:8081"
virtual_ip = true
)",
                                     ListFormat::toml);
  ASSERT_TRUE(list) << list.error().message;
  const std::vector<ListedTarget> expected{{"10.0.0.4", 8081, "/health", "", false}, {"agents.lan", 9000, "/alive", "a1", false}, {"fd00::1", 8081, "/health", "", true}};
  EXPECT_EQ(*list, expected);
}

TEST(TargetList, ReadsJson) {
  const std::vector<ListedTarget> expected{{"10.0.0.4", 8081, "/health", "", false}, {"agents.lan", 9000, "/alive", "a1", true}};
  const std::string objects = R"([{"address": "10.0.0.4:8081"}, {"address": "agents.lan:9000", "path": "/alive", "id": "a1", "virtual_ip": true}])";
  for (const std::string& text : {objects, "{\"target\": " + objects + "}"}) {
    const auto list = read_target_list(text, ListFormat::json);
    ASSERT_TRUE(list) << list.error().message;
    EXPECT_EQ(*list, expected);
  }
}

TEST(TargetList, NothingIsAnEmptyList) {
  for (const ListFormat format : {ListFormat::toml, ListFormat::json}) {
    EXPECT_TRUE(read_target_list("", format)->empty());
    EXPECT_TRUE(read_target_list(" \n", format)->empty());
  }
  EXPECT_TRUE(read_target_list("{}", ListFormat::json)->empty());
  EXPECT_TRUE(read_target_list("# nothing yet\n", ListFormat::toml)->empty());
}

TEST(TargetList, FaultsAreNamedWithLineAndColumn) {
  struct Row {
    std::string text;
    ListFormat format;
    std::string start, says;
  };
  const auto toml = ListFormat::toml, json = ListFormat::json;
  const Row rows[] = {
      {"[[target]]\naddress = \"10.0.0.4:8081", toml, "line 2, column ", "string"},
      {"[[target]]\nadress = \"10.0.0.4:8081\"", toml, "line 2, column 1: ", "did you mean address?"},
      {"[[target]]\naddress = \"10.0.0.4:8081\"\n[[target]]\npath = \"/x\"", toml, "line 3, column ", "no address"},
      {"[target]\naddress = \"10.0.0.4:8081\"", toml, "line 1, column ", "two brackets"},
      {"targets = 1", toml, "line 1, column 1: ", "unknown key \"targets\""},
      {"[[target]]\naddress = 5", toml, "line 2, column 1: ", "text in quotes"},
      {"[[target]]\naddress = \"10.0.0.256:8081\"", toml, "line 2, column 1: ", "neither an IP"},
      {"[[target]]\naddress = \"0x7f000001:8081\"", toml, "line 2, column 1: ", "neither an IP"},
      {"[[target]]\naddress = \"2130706433:8081\"", toml, "line 2, column 1: ", "neither an IP"},
      {"[[target]]\naddress = \"10.0.0.4\"", toml, "line 2, column 1: ", "address"},
      {"[[target]]\naddress = \"10.0.0.4:0\"", toml, "line 2, column 1: ", "port"},
      {"[[target]]\naddress = \"10.0.0.4:99999\"", toml, "line 2, column 1: ", "port"},
      {"[[target]]\naddress = \"10.0.0.4:1\"\npath = \"health\"", toml, "line 3, column 1: ", "'/'"},
      {"[[target]]\naddress = \"10.0.0.4:1\"\npath = \"/a b\"", toml, "line 3, column 1: ", "spaces"},
      {"[[target]]\naddress = \"10.0.0.4:1\"\nid = \"a b\"", toml, "line 3, column 1: ", "id"},
      {"[[target]]\naddress = \"10.0.0.4:1\"\nvirtual_ip = \"yes\"", toml, "line 3, column 1: ", "true or false"},
      {"[[target]]\naddress = \"10.0.0.4:1\"\n\n[[target]]\naddress = \"10.0.0.4:1\"", toml, "line 4, column ", "named twice, first in line 1"},
      {"{\"target\": [\n  {\"address\": \"10.0.0.4:8081\"},\n  {\"adress\": \"10.0.0.5:8081\"}\n]}", json, "line 3, column 3: ", "did you mean address?"},
      {"[\n\"10.0.0.4:8081\"]", json, "line 1, column 1: ", "target 1 must be an object"},
      {"{\"target\": [\n  {\"address\": }\n]}", json, "line 2, column ", ""},
      {"{\"target\": 5}", json, "line 1, column 1: ", "{\"target\": [...]}"},
      {"{\"hosts\": []}", json, "line 1, column 1: ", "unknown key \"hosts\""},
      {"[{\"id\": \"}{[\\\"\", \"address\": \"10.0.0.4:1\"}]", json, "line 1, column 2: ", "id"},
  };
  for (const Row& row : rows) {
    const auto list = read_target_list(row.text, row.format);
    ASSERT_FALSE(list) << row.text;
    EXPECT_EQ(list.error().message.rfind(row.start, 0), 0u) << row.text << "\n" << list.error().message;
    EXPECT_NE(list.error().message.find(row.says), std::string::npos) << row.text << "\n" << list.error().message;
  }
}

TEST(TargetList, FormatFollowsTheNameOfTheFile) {
  EXPECT_EQ(format_of("/etc/choregos/targets.json"), ListFormat::json);
  EXPECT_EQ(format_of("/etc/choregos/targets.JSON"), ListFormat::json);
  EXPECT_EQ(format_of("/etc/choregos/targets.toml"), ListFormat::toml);
  EXPECT_EQ(format_of("targets"), ListFormat::toml);
}

}  // namespace
}  // namespace choregos::source
