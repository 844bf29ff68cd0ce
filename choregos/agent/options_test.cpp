#include "choregos/agent/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace choregos::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::variant<Settings, Exit> parse(std::vector<std::string> arguments, std::map<std::string, std::string> variables = {}) {
  // CLI11 reads the process's own environment.
  for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  auto parsed = parse_options(arguments, process_environment(), "f00dcafe");
  for (const auto& [name, value] : variables) unsetenv(name.c_str());
  return parsed;
}
Settings good(std::vector<std::string> arguments, std::map<std::string, std::string> variables = {}) {
  auto parsed = parse(std::move(arguments), std::move(variables));
  if (auto* exit = std::get_if<Exit>(&parsed)) {
    ADD_FAILURE() << exit->text;
    return {};
  }
  return std::get<Settings>(std::move(parsed));
}
Exit bad(std::vector<std::string> arguments) {
  auto parsed = parse(std::move(arguments));
  if (auto* exit = std::get_if<Exit>(&parsed)) return *exit;
  ADD_FAILURE() << "was accepted";
  return {};
}

TEST(Options, TakeTheWholeStatementFromFlags) {
  const auto settings = good({"--id", "a1", "--name", "Writer", "--capability", "go", "--capability", "sql,rust", "--model", "llama3", "--endpoint",
                              "http://10.0.0.4:9000", "--p2p-addr", "10.0.0.4:9000", "--cluster", "c", "--label", "zone=eu", "--registry",
                              "http://127.0.0.1:4470", "--health", "127.0.0.1:0", "--no-beacon"});
  const auto& out = settings.announcer;
  EXPECT_EQ(out.id, "a1");
  EXPECT_EQ(out.name, "Writer");
  EXPECT_THAT(out.capabilities, ElementsAre("go", "sql", "rust"));
  EXPECT_EQ(out.model, "llama3");
  EXPECT_THAT(out.labels, ElementsAre(std::pair<std::string, std::string>("zone", "eu")));
  EXPECT_THAT(out.registries, ElementsAre("http://127.0.0.1:4470"));
  EXPECT_EQ(out.health.listen, "127.0.0.1:0");
  EXPECT_FALSE(out.beacon.enabled);
  EXPECT_FALSE(out.status);
  EXPECT_TRUE(settings.command.empty());
}

TEST(Options, ComeFromTheEnvironmentAndFlagsWin) {
  const std::map<std::string, std::string> variables{{"CHOREGOS_ID", "env"}, {"CHOREGOS_CAPABILITIES", "a,b"}, {"CHOREGOS_BEACON", "on"}};
  EXPECT_EQ(good({}, variables).announcer.id, "env");
  EXPECT_THAT(good({}, variables).announcer.capabilities, ElementsAre("a", "b"));
  EXPECT_TRUE(good({}, variables).announcer.beacon.enabled);
  EXPECT_EQ(good({"--id", "flag"}, variables).announcer.id, "flag");
  EXPECT_FALSE(good({"--no-beacon", "--registry", "http://127.0.0.1:4470"}, variables).announcer.beacon.enabled);
  EXPECT_FALSE(good({"--registry", "http://127.0.0.1:4470"}, {{"CHOREGOS_BEACON", "false"}}).announcer.beacon.enabled);
  EXPECT_FALSE(good({"--beacon", "--beacon-to", "10.0.0.1:4471"}, {{"CHOREGOS_MULTICAST", "off"}}).announcer.beacon.multicast);
}

TEST(Options, UseTheHostNameAsTheIdWhenNobodyGivesOne) { EXPECT_EQ(good({"--beacon"}).announcer.id, "f00dcafe"); }

TEST(Options, OfTheProfileChorusAreThoseOfThatStackWhereNobodySaysOtherwise) {
  const auto out = good({"--profile", "chorus"}).announcer;
  EXPECT_EQ(out.endpoint, "http://f00dcafe:8080");
  EXPECT_EQ(out.p2p_addr, "f00dcafe:9000");
  EXPECT_EQ(out.cluster_id, "docker-unified-stack");
  EXPECT_EQ(out.health.listen, "0.0.0.0:8081");
  EXPECT_EQ(out.health.path, "/health");
  EXPECT_EQ(good({}, {{"CHOREGOS_PROFILE", "chorus"}, {"CHOREGOS_TASK_NAME", "chorus.3.abc"}}).announcer.p2p_addr, "chorus.3.abc:9000");
  const auto own = good({"--profile", "chorus", "--endpoint", "http://h:1", "--p2p-addr", "h:2", "--cluster", "c", "--health", "127.0.0.1:3", "--health-path", "/up"}).announcer;
  EXPECT_EQ(own.endpoint, "http://h:1");
  EXPECT_EQ(own.p2p_addr, "h:2");
  EXPECT_EQ(own.cluster_id, "c");
  EXPECT_EQ(own.health.listen, "127.0.0.1:3");
  EXPECT_EQ(own.health.path, "/up");
  const auto without = good({"--beacon"}).announcer;
  EXPECT_EQ(without.endpoint + without.p2p_addr + without.cluster_id + without.health.listen, "") << "nothing is made up unasked";
  EXPECT_THAT(bad({"--profile", "chorsu"}).text, HasSubstr("chorus or none"));
}

TEST(Options, LeaveTheCommandAlone) {
  const auto settings = good({"--beacon", "--", "sh", "-c", "exit 1", "--id", "--"});
  EXPECT_THAT(settings.command, ElementsAre("sh", "-c", "exit 1", "--id", "--"));
  EXPECT_EQ(settings.announcer.status, Status::online);
}

TEST(Options, OpenAHealthPortByThemselvesOnlyWithARegistry) {
  EXPECT_EQ(good({"--registry", "http://127.0.0.1:4470"}).announcer.health.listen, "auto");
  EXPECT_EQ(good({"--registry", "http://127.0.0.1:4470", "--health", "none"}).announcer.health.listen, "");
  EXPECT_EQ(good({"--beacon"}).announcer.health.listen, "");
}

TEST(Options, NameTheNearestFlag) {
  const auto exit = bad({"--capabilty", "go"});
  EXPECT_EQ(exit.code, 2);
  EXPECT_THAT(exit.text, HasSubstr("unknown flag --capabilty; did you mean --capability?"));
}

TEST(Options, RefuseMistakesAndSayWhatWouldBeRight) {
  EXPECT_THAT(bad({"--beacon", "run-me"}).text, HasSubstr("a command goes after --"));
  EXPECT_THAT(bad({"--beacon", "--"}).text, HasSubstr("no command after --"));
  EXPECT_THAT(bad({"--id", "two words", "--beacon"}).text, HasSubstr("--id"));
  EXPECT_THAT(bad({"--label", "zone", "--beacon"}).text, HasSubstr("KEY=VALUE"));
  EXPECT_THAT(bad({}).text, HasSubstr("--registry, --health or --beacon"));
  EXPECT_THAT(bad({"--beacon", "--ttl", "30"}).text, HasSubstr("--ttl"));
  EXPECT_THAT(bad({"--beacon", "--token-file", "/no/such"}).text, HasSubstr("/no/such"));
  EXPECT_THAT(bad({"--beacon", "--beacon-key-id", "1"}).text, HasSubstr("belong together"));
  for (const auto& exit : {bad({}), bad({"--id"}), bad({"--beacon-port", "x"})}) EXPECT_EQ(exit.code, 2);
}

TEST(Options, ReadKeyAndTokenFromFiles) {
  const auto path = std::filesystem::path(testing::TempDir()) / ("secret-" + std::to_string(getpid()));
  std::ofstream(path) << "00ff10\n";
  const auto settings = good({"--beacon", "--beacon-key-id", "7", "--beacon-key-file", path, "--token-file", path});
  EXPECT_EQ(settings.announcer.beacon.key, std::string("\x00\xff\x10", 3));
  EXPECT_EQ(settings.announcer.token, "00ff10");
  std::ofstream(path) << "zz\n";
  EXPECT_THAT(bad({"--beacon", "--beacon-key-id", "7", "--beacon-key-file", path}).text, HasSubstr("hexadecimal"));
  std::filesystem::remove(path);
}

TEST(Options, HelpTellsEveryFlagAndItsVariable) {
  const auto exit = bad({"--help"});
  EXPECT_EQ(exit.code, 0);
  for (const char* word : {"--id", "CHOREGOS_ID", "--registry", "--health", "--beacon", "--status-file", "--status-url", "Exit code"})
    EXPECT_THAT(exit.text, HasSubstr(word));
  EXPECT_EQ(exit.text.find('{'), std::string::npos);
}

}  // namespace
}  // namespace choregos::agent
