#include "choregos/daemon/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace choregos::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

CommandLine parse(std::vector<std::string_view> arguments) { return parse_command_line(arguments); }

std::string words(const CommandLine& line, std::string_view key) {
  std::string out = "absent";
  for (const Given& given : line.given)
    if (given.row->key == key) {
      out.clear();
      for (const auto& word : given.words) out += (out.empty() ? "" : "|") + word;
    }
  return out;
}

TEST(CommandLine, TakesValuesAfterABlankOrAnEqualsSign) {
  const CommandLine line = parse({"--http", "127.0.0.1:1", "--log-level=debug", "--memory", "--no-beacon", "--registration"});
  EXPECT_THAT(line.errors, IsEmpty());
  EXPECT_EQ(words(line, "http.listen"), "127.0.0.1:1");
  EXPECT_EQ(words(line, "log.level"), "debug");
  EXPECT_EQ(words(line, "state.store"), "memory");
  EXPECT_EQ(words(line, "beacon.enabled"), "false");
  EXPECT_EQ(words(line, "registration.enabled"), "true");
}

TEST(CommandLine, AddsUpListsAndLetsTheLastOfOthersCount) {
  const CommandLine line = parse({"--swarm-service", "a, b", "--swarm-service=c", "--udp", "1", "--udp", "2"});
  EXPECT_EQ(words(line, "swarm_dns.services"), "a|b|c");
  EXPECT_EQ(words(line, "beacon.port"), "2");
}

TEST(CommandLine, ClearsAListWithAnEmptyValue) { EXPECT_EQ(words(parse({"--swarm-service="}), "swarm_dns.services"), ""); }

TEST(CommandLine, NamesTheNearestFlagAndComplainsOnce) {
  EXPECT_THAT(parse({"--htp", "127.0.0.1:1", "--memory"}).errors, ElementsAre("--htp is not known; did you mean --http?"));
  EXPECT_THAT(parse({"--no-bacon"}).errors, ElementsAre(HasSubstr("--no-bacon is not known")));
  EXPECT_THAT(parse({"fleet.toml"}).errors, ElementsAre(HasSubstr("'fleet.toml' is no flag")));
  EXPECT_THAT(parse({"--http"}).errors, ElementsAre(HasSubstr("--http needs a value: an address with a port")));
  EXPECT_THAT(parse({"--http", "--memory"}).errors, ElementsAre(HasSubstr("--http needs a value")));
  EXPECT_THAT(parse({"--memory=yes"}).errors, ElementsAre("--memory takes no value"));
}

TEST(CommandLine, RefusesSecretsWithoutRepeatingThem) {
  for (const std::string_view flag : {"--token", "--password", "--beacon-key"}) {
    const CommandLine line = parse({flag, "s3cr3t"});
    ASSERT_EQ(line.errors.size(), 1u);
    EXPECT_THAT(line.errors[0], HasSubstr("a command line can be read by everybody"));
    EXPECT_THAT(line.errors[0], Not(HasSubstr("s3cr3t")));
    EXPECT_THAT(parse({std::string(flag) + "=s3cr3t"}).errors.at(0), Not(HasSubstr("s3cr3t")));
  }
}

TEST(CommandLine, ListsEveryFlagInItsHelp) {
  const std::string help = help_text("1.2.3");
  for (const Row& row : settings_table()) EXPECT_THAT(help, HasSubstr("  " + std::string(row.flag))) << row.key;
  EXPECT_THAT(help, HasSubstr("--config FILE"));
  EXPECT_THAT(help, HasSubstr("choregosd 1.2.3"));
}

}  // namespace
}  // namespace choregos::daemon
