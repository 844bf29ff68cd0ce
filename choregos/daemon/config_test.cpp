#include "choregos/daemon/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "choregos/daemon/config_file.hpp"
#include "choregos/daemon/config_print.hpp"

namespace choregos::daemon {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Case {
  std::vector<std::string_view> flags = {};
  std::map<std::string, std::string, std::less<>> environment = {};
  std::optional<std::string> file = {};
};

Loaded load(const Case& c) {
  Machine machine;
  machine.environment = c.environment;
  machine.read_file = [&](const std::string&) { return Result<std::optional<std::string>>(c.file); };
  return load_config(parse_command_line(c.flags), machine);
}

std::string the_error(const Case& c) {
  const Loaded loaded = load(c);
  EXPECT_EQ(loaded.errors.size(), 1u) << ::testing::PrintToString(loaded.errors);
  return loaded.errors.empty() ? std::string() : loaded.errors.front();
}

TEST(Config, HoldsTheDefaultsWhenNobodySaysAnything) {
  const Loaded loaded = load({});
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_EQ(to_string(loaded.config.settings.http_listen.at(0)), "127.0.0.1:4470");
  EXPECT_EQ(loaded.config.settings.beacon_port, 4471);
  EXPECT_TRUE(loaded.config.settings.swarm_dns_services.empty());
  EXPECT_EQ(loaded.config.origins.at("http.listen"), "default");
  EXPECT_EQ(loaded.config.file, "");
}

TEST(Config, ProbesEveryTenSecondsWaitsTwoAndAtMostFive) {
  const Loaded loaded = load({});
  EXPECT_EQ(loaded.config.settings.http_probe_period, 10s);
  EXPECT_EQ(loaded.config.settings.http_probe_timeout, 2s);
  EXPECT_EQ(loaded.config.settings.liveness_forget_after, 5min);
  EXPECT_THAT(load({{"--probe-timeout", "5s"}}).errors, IsEmpty());
  EXPECT_THAT(the_error({{"--probe-timeout", "5001ms"}}), HasSubstr("5s"));
}

TEST(Config, LetsFlagsBeatTheEnvironmentAndTheEnvironmentBeatTheFile) {
  const std::string file = "[http_probe]\nperiod = \"3s\"\n[log]\nlevel = \"warn\"\n[liveness]\nforget_after = \"1m\"\n";
  const Loaded loaded = load({{"--probe-period", "5s"}, {{"CHOREGOS_HTTP_PROBE_PERIOD", "4s"}, {"CHOREGOS_LOG_LEVEL", "error"}}, file});
  ASSERT_THAT(loaded.errors, IsEmpty());
  EXPECT_EQ(loaded.config.settings.http_probe_period, 5s);
  EXPECT_EQ(loaded.config.origins.at("http_probe.period"), "--probe-period");
  EXPECT_EQ(loaded.config.settings.log_level, "error");
  EXPECT_EQ(loaded.config.origins.at("log.level"), "CHOREGOS_LOG_LEVEL");
  EXPECT_EQ(loaded.config.settings.liveness_forget_after, 1min);
  EXPECT_THAT(loaded.config.origins.at("liveness.forget_after"), HasSubstr("choregosd.toml: line 6, column"));
}

TEST(Config, PutsAProfileBelowEverythingElseWhereverItWasNamed) {
  const Loaded plain = load({{"--profile", "chorus"}});
  ASSERT_EQ(plain.config.settings.swarm_dns_services.size(), 1u);
  EXPECT_EQ(plain.config.settings.swarm_dns_services[0].service, "chorus");
  EXPECT_EQ(plain.config.settings.swarm_dns_services[0].port, 8081);
  EXPECT_EQ(plain.config.settings.swarm_dns_services[0].path, "/health");
  EXPECT_EQ(plain.config.origins.at("swarm_dns.services"), "profile chorus");
  const Loaded mixed = load({{"--profile=chorus"}, {}, "[swarm_dns]\nport = 9090\n"});
  EXPECT_EQ(mixed.config.settings.swarm_dns_services.at(0).port, 9090);
}

TEST(Config, ReadsServicesWithPortPathAndCount) {
  const Loaded loaded = load({{"--swarm-service", "chorus=9", "--swarm-service", "b:9000/up,c/alive"}});
  ASSERT_THAT(loaded.errors, IsEmpty());
  const auto& services = loaded.config.settings.swarm_dns_services;
  ASSERT_EQ(services.size(), 3u);
  EXPECT_EQ(services[0].expected, 9u);
  EXPECT_EQ(services[0].port, 8081);
  EXPECT_EQ(services[1].port, 9000);
  EXPECT_EQ(services[1].path, "/up");
  EXPECT_FALSE(services[1].expected);
  EXPECT_EQ(services[2].path, "/alive");
}

TEST(Config, NamesPlaceAndRemedyOfEveryMistake) {
  struct Mistake {
    const char* file;
    std::vector<const char*> says;
  };
  const Mistake mistakes[] = {
      {"[http]\nlistn = \"127.0.0.1:1\"\n", {"line 2, column 1", "'http.listn' is not known", "did you mean 'http.listen'?"}},
      {"\n\n[swarm_dns]\nservce = \"chorus\"\n", {"line 4", "'swarm_dns.servce'", "did you mean 'swarm_dns.services'?"}},
      {"[htpp]\nlisten = \"127.0.0.1:1\"\n", {"line 1, column 2", "'htpp' is not known", "did you mean 'http'?"}},
      {"listen = \"127.0.0.1:1\"\n", {"line 1", "did you mean 'http.listen'?"}},
      {"http = 4\n", {"'http' is a section", "[http]"}},
      {"[log]\nlevel = \"verbos\"\n", {"line 2", "log.level: 'verbos' is not one of debug, info, warn and error"}},
      {"[log]\nlevel = 3\n", {"line 2", "log.level: one of debug, info, warn and error is wanted, not a number"}},
      {"[log]\nformat = \"josn\"\n", {"did you mean 'json'?"}},
      {"[http_probe]\nperiod = 10\n", {"http_probe.period", "a number alone has no unit"}},
      {"[http_probe]\nperiod = \"10\"\n", {"'10' is not a duration from 1s to 1h"}},
      {"[http_probe]\nperiod = \"10ms\"\n", {"'10ms' is not a duration from 1s to 1h"}},
      {"[http_probe]\ntimeout = \"5s\"\nperiod = \"2s\"\n", {"http_probe.timeout", "line 2", "longer than http_probe.period, which is 2s"}},
      {"[http_probe]\nallow = [\"10.0.0.1/8\"]\n", {"http_probe.allow", "line 2"}},
      {"[beacon]\nport = 70000\n", {"beacon.port: '70000' is not a port number from 0 to 65535"}},
      {"[beacon]\nport = \"4471\"\n", {"a port number from 0 to 65535 is wanted, not a text"}},
      {"[beacon]\nenabled = \"yes\"\n", {"true or false is wanted, not a text"}},
      {"[beacon]\naccept_unsigned = \"some\"\n", {"beacon.accept_unsigned"}},
      {"[http]\nlisten = [4470]\n", {"a list of texts is wanted, but it holds a number"}},
      {"[http]\nlisten = \"localhost:4470\"\n", {"'localhost:4470' is not an address with a port"}},
      {"[http]\nlisten = []\n", {"no address and no socket file is left"}},
      {"[http]\nallowed_hosts = [\"http://x\"]\n", {"a name without scheme and port is wanted"}},
      {"[swarm_dns]\nservices = [\"tasks.chorus\"]\n", {"the name of a Swarm service"}},
      {"[swarm_dns]\nservices = [\"a\", \"a\"]\n", {"a is named twice"}},
      {"[swarm_dns]\nservices = [\"a:0\"]\n", {"the port must be a number from 1 to 65535"}},
      {"[swarm_dns]\npath = \"health\"\n", {"a path begins with '/'"}},
      {"[log]\nlevel = \"info\"\nlevel = \"warn\"\n", {"line 3"}},
      {"[log\n", {"line 1"}},
  };
  for (const Mistake& mistake : mistakes) {
    const std::string error = the_error({{}, {}, mistake.file});
    for (const char* part : mistake.says) EXPECT_THAT(error, HasSubstr(part)) << mistake.file;
  }
}

TEST(Config, ReportsAllMistakesOfAFileFromTopToBottom) {
  const Loaded loaded = load({{}, {}, "[log]\nlvel = 1\n[http]\nlistn = 1\n[beacon]\nprt = 1\n"});
  ASSERT_EQ(loaded.errors.size(), 3u);
  EXPECT_THAT(loaded.errors, ElementsAre(HasSubstr("line 2"), HasSubstr("line 4"), HasSubstr("line 6")));
}

TEST(Config, NeverRepeatsTheValueOfAnUnknownKey) {
  EXPECT_THAT(the_error({{}, {}, "[http]\ntoken = \"s3cr3t-s3cr3t-s3cr3t\"\n"}), AllOf(HasSubstr("'http.token'"), Not(HasSubstr("s3cr3t"))));
}

TEST(Config, RefusesAnAddressThatOthersReachUntilThereIsATokenFile) {
  EXPECT_THAT(the_error({{"--http", "0.0.0.0:4470"}}), AllOf(HasSubstr("0.0.0.0:4470 can be reached from other machines"), HasSubstr("http.token_file"), HasSubstr("127.0.0.1")));
  EXPECT_THAT(the_error({{"--http", "127.0.0.1:1,[2001:db8::1]:1"}}), HasSubstr("[2001:db8::1]:1"));
  EXPECT_THAT(load({{"--http", "0.0.0.0:4470", "--token-file", "/t"}}).errors, IsEmpty());
  EXPECT_THAT(load({{"--http", "127.9.9.9:4470,[::1]:0"}}).errors, IsEmpty());
}

TEST(Config, NamesASlipInAVariableAndLeavesThoseOfOtherProgramsAlone) {
  EXPECT_EQ(the_error({{}, {{"CHOREGOS_HTTP_LISTN", "x"}}}), "CHOREGOS_HTTP_LISTN is not known; did you mean CHOREGOS_HTTP_LISTEN?");
  Case others;
  for (const char* name : {"CHOREGOS_ADDR", "CHOREGOS_TOKEN_FILE", "CHOREGOS_TIMEOUT", "CHOREGOS_CLI_CONFIG", "CHOREGOS_REGISTRY", "CHOREGOS_BEACON", "CHOREGOS_BEACON_TO",
                           "CHOREGOS_BEACON_INTERVAL", "CHOREGOS_BEACON_KEY_ID", "CHOREGOS_MULTICAST", "CHOREGOS_HEALTH", "CHOREGOS_HEALTH_PATH", "CHOREGOS_STATUS_FILE", "CHOREGOS_TTL",
                           "CHOREGOS_ID", "CHOREGOS_BIN_DIR", "CHOREGOS_NO_SKIP"})
    others.environment[name] = "x";
  EXPECT_THAT(load(others).errors, IsEmpty());
}

TEST(Config, TakesAnEmptyVariableForAnAbsentOne) {
  const Loaded loaded = load({{}, {{"CHOREGOS_LOG_LEVEL", ""}}});
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_EQ(loaded.config.settings.log_level, "info");
}

TEST(Config, CutsTheDefaultTimeoutToAShorterPeriod) {
  const Loaded loaded = load({{"--probe-period", "1s"}});
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_EQ(loaded.config.settings.http_probe_timeout, 1s);
  EXPECT_THAT(loaded.config.origins.at("http_probe.timeout"), HasSubstr("http_probe.period"));
  EXPECT_THAT(the_error({{"--probe-period", "1s", "--probe-timeout", "3s"}}), HasSubstr("http_probe.timeout (--probe-timeout)"));
}

TEST(Config, SaysThatANamedFileIsMissing) { EXPECT_THAT(the_error({{"--config", "/nowhere.toml"}}), HasSubstr("/nowhere.toml: there is no such file")); }

TEST(Config, FindsTheStateFolderWhereTheSystemWantsIt) {
  Machine machine;
  EXPECT_EQ(default_state_dir(machine), "/var/lib/choregos");
  machine.environment["HOME"] = "/home/a";
  EXPECT_EQ(default_state_dir(machine), "/home/a/.local/state/choregos");
  machine.root = true;
  EXPECT_EQ(default_state_dir(machine), "/var/lib/choregos");
  machine.environment["XDG_STATE_HOME"] = "/x";
  EXPECT_EQ(default_state_dir(machine), "/x/choregos");
  machine.environment["STATE_DIRECTORY"] = "/var/lib/private/c:/second";
  EXPECT_EQ(default_state_dir(machine), "/var/lib/private/c");
}

TEST(Config, PrintsWhatReadsBackToTheSameSettings) {
  const Loaded loaded = load({{"--http", "127.0.0.1:0,[::1]:4470", "--swarm-service", "chorus:1/x=3", "--no-beacon", "--memory", "--probe-allow", "10.0.0.0/8", "--accept-unsigned",
                               "10.0.0.0/8, loopback", "--state", "/a \"b\"/c"}});
  ASSERT_THAT(loaded.errors, IsEmpty());
  const std::string text = print_config(loaded.config, "1");
  EXPECT_THAT(text, HasSubstr("# --memory"));
  EXPECT_THAT(text, HasSubstr("# header_bytes_max = 8192 bytes"));
  const Loaded again = load({{}, {}, text});
  EXPECT_THAT(again.errors, IsEmpty());
  EXPECT_THAT(changed_keys(loaded.config.settings, again.config.settings), IsEmpty());
}

TEST(Config, WritesAnExampleThatIsRightWithAndWithoutItsComments) {
  std::string example = config_example();
  EXPECT_THAT(load({{}, {}, example}).errors, IsEmpty());
  std::string open;
  for (std::size_t at = 0; at < example.size(); ++at)
    if (!(example[at] == '#' && at + 1 < example.size() && example[at + 1] != ' ' && example[at + 1] != '\n')) open += example[at];
  const Loaded loaded = load({{}, {}, open});
  EXPECT_THAT(loaded.errors, IsEmpty());
  Loaded defaults = load({});
  defaults.config.settings.state_dir = loaded.config.settings.state_dir;
  EXPECT_THAT(changed_keys(loaded.config.settings, defaults.config.settings), IsEmpty());
}

TEST(Config, GivesEverySettingAFlagAVariableAndASentence) {
  std::vector<std::string> names;
  for (const Row& row : settings_table()) {
    names.emplace_back(row.flag);
    names.push_back(row.environment());
    EXPECT_TRUE(row.doc.ends_with('.')) << row.key;
    EXPECT_TRUE(assign(*std::make_unique<Settings>(), row, {}).has_value() == row.is_list()) << row.key;
    if (std::holds_alternative<Duration Settings::*>(row.slot)) {
      EXPECT_LT(row.least, row.most) << row.key;
    }
    EXPECT_THAT(config_reference(), HasSubstr("`" + row.environment() + "`"));
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace choregos::daemon
