#include "choregos/sdk/discovery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <mutex>
#include <thread>

#include "choregos/sdk/announcer.hpp"

namespace choregos {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class Condition>
bool comes_true(Condition condition) {
  for (const auto end = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(5ms))
    if (condition()) return true;
  return condition();
}

/// An agent that answers /health and does nothing else.
struct Agent {
  explicit Agent(const std::string& id) : announcer(options(id)) { EXPECT_TRUE(announcer.start()); }
  static Announcer::Options options(const std::string& id) {
    Announcer::Options out;
    out.id = id;
    out.capabilities = {"go"};
    out.health.listen = "127.0.0.1:0";
    return out;
  }
  std::string address() const { return to_string(*announcer.health_address()); }
  Announcer announcer;
};

Discovery::Options watching(const std::vector<const Agent*>& agents) {
  Discovery::Options options;
  for (const auto* agent : agents) options.static_targets.push_back(agent->address());
  options.probe_period = 1s;
  return options;
}
std::vector<std::string> ids(const Discovery& discovery) {
  std::vector<std::string> found;
  if (const auto page = discovery.agents())
    for (const auto& view : page->agents) found.push_back(view.agent.id);
  return found;
}

TEST(Discovery, ListsTheAgentsBehindItsTargets) {
  Agent a("agent-1"), b("agent-2"), c("agent-10");
  Discovery discovery(watching({&a, &b, &c}));
  ASSERT_TRUE(discovery.start());
  ASSERT_TRUE(comes_true([&] { return ids(discovery).size() == 3; }));
  EXPECT_THAT(ids(discovery), ElementsAre("agent-1", "agent-2", "agent-10"));
  const auto view = discovery.agent("agent-2");
  ASSERT_TRUE(view);
  EXPECT_EQ(view->agent.liveness, Liveness::alive);
  EXPECT_THAT(view->agent.capabilities, ElementsAre("go"));
  EXPECT_GT(view->last_seen.ms, 0);
  EXPECT_LT(view->age, 10s);
  EXPECT_EQ(discovery.agent("nobody").error().code, ErrorCode::not_found);
  Query query;
  query.capabilities = {"sql"};
  EXPECT_EQ(discovery.agents(query)->total, 0u);
}

TEST(Discovery, TellsEveryChangeInOrder) {
  Agent a("a1");
  Discovery discovery(watching({&a}));
  std::mutex mutex;
  std::vector<std::pair<Revision, std::string>> seen;
  discovery.watch([&](const Change& change) {
    std::lock_guard lock(mutex);
    seen.emplace_back(change.revision, std::string(to_string(change.kind)) + " " + change.record->agent.id);
  });
  ASSERT_TRUE(discovery.start());
  ASSERT_TRUE(comes_true([&] { return ids(discovery).size() == 1; }));
  a.announcer.set_status(Status::working);
  ASSERT_TRUE(comes_true([&] { return discovery.agent("a1")->agent.status == Status::working; }));
  discovery.stop();
  std::lock_guard lock(mutex);
  ASSERT_GE(seen.size(), 2u);
  EXPECT_EQ(seen[0].second, "appeared a1");
  for (std::size_t i = 1; i < seen.size(); ++i) EXPECT_EQ(seen[i].first.number, seen[i - 1].first.number + 1);
}

TEST(Discovery, NoCallbackRunsAfterUnwatch) {
  Agent a("a1");
  Discovery discovery(watching({&a}));
  int told = 0;
  const auto subscription = discovery.watch([&](const Change&) { ++told; });
  discovery.unwatch(subscription);
  ASSERT_TRUE(discovery.start());
  ASSERT_TRUE(comes_true([&] { return ids(discovery).size() == 1; }));
  discovery.stop();
  EXPECT_EQ(told, 0);
}

TEST(Discovery, SeesThatAnAgentStopped) {
  auto a = std::make_unique<Agent>("a1");
  Discovery discovery(watching({a.get()}));
  ASSERT_TRUE(discovery.start());
  ASSERT_TRUE(comes_true([&] { return ids(discovery).size() == 1; }));
  a.reset();
  // Its port refuses: that is evidence, not silence.
  EXPECT_TRUE(comes_true([&] { return discovery.agent("a1")->agent.liveness == Liveness::lost; }));
}

TEST(Discovery, StartingTwiceIsAnErrorStoppingTwiceIsNot) {
  Discovery discovery({});
  discovery.stop();
  EXPECT_EQ(discovery.agents().error().code, ErrorCode::unavailable);
  ASSERT_TRUE(discovery.start());
  EXPECT_EQ(discovery.start().error().code, ErrorCode::conflict);
  std::thread other([&] { discovery.stop(); });
  discovery.stop();
  other.join();
  discovery.stop();
  EXPECT_TRUE(discovery.agents()) << "the last belief can still be read";
}

TEST(Discovery, AfterStopNobodyIsAskedAnyMore) {
  Agent a("a1"), b("b1");
  Discovery discovery(watching({&a})), other(watching({&b}));
  ASSERT_TRUE(discovery.start());
  ASSERT_TRUE(comes_true([&] { return ids(discovery).size() == 1; }));
  discovery.stop();
  // One that probes as often tells the time. What was under way when it stopped is answered before the first round of that one ends.
  const auto other_was_asked = [&](std::uint64_t times) { return comes_true([&] { return b.announcer.state().health_answers >= times; }); };
  ASSERT_TRUE(other.start());
  ASSERT_TRUE(other_was_asked(1));
  const auto answers = a.announcer.state().health_answers;
  const auto revision = discovery.revision();
  ASSERT_TRUE(other_was_asked(3)) << "two periods later";
  EXPECT_EQ(a.announcer.state().health_answers, answers);
  EXPECT_EQ(discovery.revision(), revision);
  EXPECT_THAT(ids(discovery), ElementsAre("a1"));
}

TEST(Discovery, MayBeStartedAgainAsANewEpoch) {
  Agent a("a1");
  Discovery discovery(watching({&a}));
  int told = 0;
  std::mutex mutex;
  discovery.watch([&](const Change&) {
    std::lock_guard lock(mutex);
    ++told;
  });
  ASSERT_TRUE(discovery.start());
  ASSERT_TRUE(comes_true([&] { return ids(discovery).size() == 1; }));
  discovery.stop();
  const auto before = discovery.revision();
  const int told_before = told;
  ASSERT_TRUE(discovery.start());
  EXPECT_GT(discovery.revision().epoch, before.epoch);
  ASSERT_TRUE(comes_true([&] { return ids(discovery).size() == 1; }));
  EXPECT_GT(discovery.revision().number, before.number);
  discovery.stop();
  EXPECT_GT(told, told_before) << "watchers stay";
}

TEST(Discovery, StopsAtOnceWhileItProbes) {
  for (int i = 0; i < 20; ++i) {
    Agent a("a1");
    Discovery discovery(watching({&a}));
    ASSERT_TRUE(discovery.start());
    std::this_thread::sleep_for(i * 200us);
  }
}

TEST(Discovery, FollowsAFileOfTargets) {
  Agent a("a1"), b("b1");
  const std::string path = testing::TempDir() + "choregos-targets-" + std::to_string(getpid()) + ".toml";
  std::ofstream(path) << "[[target]]\naddress = \"" << a.address() << "\"\n";
  Discovery::Options options;
  options.targets_file = path;
  options.probe_period = 1s;
  Discovery discovery(options);
  ASSERT_TRUE(discovery.start());
  ASSERT_TRUE(comes_true([&] { return ids(discovery) == std::vector<std::string>{"a1"}; }));
  std::ofstream(path, std::ios::app) << "[[target]]\naddress = \"" << b.address() << "\"\n";
  EXPECT_TRUE(comes_true([&] { return ids(discovery) == std::vector<std::string>{"a1", "b1"}; }));
  std::remove(path.c_str());
}

TEST(Discovery, HearsBeaconsAndGoodbyes) {
  Discovery::Options options;
  options.beacon = true;
  options.beacon_port = 0;
  options.beacon_multicast = false;
  Discovery discovery(options);
  ASSERT_TRUE(discovery.start());
  ASSERT_NE(discovery.beacon_port(), 0);
  Announcer::Options me;
  me.id = "beaconing";
  me.capabilities = {"sql"};
  me.beacon.enabled = true;
  me.beacon.multicast = false;
  me.beacon.unicast = {"127.0.0.1:" + std::to_string(discovery.beacon_port())};
  me.beacon.interval = 200ms;
  Announcer announcer(me);
  ASSERT_TRUE(announcer.start());
  ASSERT_TRUE(comes_true([&] { return ids(discovery) == std::vector<std::string>{"beaconing"}; }));
  EXPECT_THAT(discovery.agent("beaconing")->agent.sources, ElementsAre("beacon"));
  // The registry's pace arrives by ack.
  EXPECT_TRUE(comes_true([&] { return announcer.state().beacon_interval == 1s; }));
  announcer.set_status(Status::working);
  EXPECT_TRUE(comes_true([&] { return discovery.agent("beaconing")->agent.status == Status::working; }));
  announcer.stop();
  EXPECT_TRUE(comes_true([&] { return discovery.agent("beaconing")->agent.liveness == Liveness::left; }));
  discovery.stop();
  EXPECT_EQ(discovery.beacon_port(), 0);
}

TEST(Discovery, BelievesSignedBeaconsByItsKeysOnly) {
  const std::string path = testing::TempDir() + "choregos-keys-" + std::to_string(getpid());
  std::ofstream(path) << "7 hex:000102030405060708090a0b0c0d0e0f signer\n";
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  Discovery::Options options;
  options.beacon = true;
  options.beacon_port = 0;
  options.beacon_multicast = false;
  options.beacon_accept_unsigned = "none";
  options.beacon_keys_file = path;
  Discovery discovery(options);
  const auto started = discovery.start();
  ASSERT_TRUE(started) << started.error().message;
  const auto announce = [&](const std::string& id, std::uint64_t key_id, const std::string& key) {
    Announcer::Options me;
    me.id = id;
    me.beacon.enabled = true;
    me.beacon.multicast = false;
    me.beacon.unicast = {"127.0.0.1:" + std::to_string(discovery.beacon_port())};
    me.beacon.key_id = key_id;
    me.beacon.key = key;
    auto announcer = std::make_unique<Announcer>(me);
    EXPECT_TRUE(announcer->start());
    return announcer;
  };
  std::string key;
  for (char c = 0; c < 16; ++c) key.push_back(c);
  auto stranger = announce("stranger", 0, "");
  auto forger = announce("forger", 7, std::string(16, 'x'));
  ASSERT_TRUE(comes_true([&] { return stranger->state().beacons_sent > 2 && forger->state().beacons_sent > 2; }));
  auto signer = announce("signer", 7, key);
  ASSERT_TRUE(comes_true([&] { return !ids(discovery).empty(); }));
  EXPECT_THAT(ids(discovery), ElementsAre("signer"));
  EXPECT_EQ(discovery.agent("signer")->agent.identity, IdentityKind::proven);
  std::remove(path.c_str());
}

TEST(Discovery, ShowsHowItsSourcesDo) {
  Agent a("a1");
  Discovery discovery(watching({&a}));
  ASSERT_TRUE(discovery.start());
  EXPECT_TRUE(comes_true([&] {
    for (const auto& health : discovery.sources())
      if (health.name == "http_probe" && health.state == SourceState::ok) return true;
    return false;
  }));
  discovery.stop();
  for (const auto& health : discovery.sources()) EXPECT_EQ(health.state, SourceState::off);
}

TEST(Discovery, NamesTheOptionThatIsWrong) {
  const auto refused = [](auto change) {
    Discovery::Options options;
    change(options);
    Discovery discovery(options);
    const auto started = discovery.start();
    if (started) return std::string("was accepted");
    EXPECT_EQ(started.error().code, ErrorCode::invalid);
    return started.error().message;
  };
  EXPECT_THAT(refused([](auto& o) { o.static_targets = {"agents.lan"}; }), HasSubstr("address:port"));
  EXPECT_THAT(refused([](auto& o) { o.swarm_services = {"chorus"}, o.dns_server = "here"; }), HasSubstr("dns_server"));
  EXPECT_THAT(refused([](auto& o) { o.swarm_services = {"two words"}; }), HasSubstr("two words"));
  EXPECT_THAT(refused([](auto& o) { o.allowed_ranges = {"10.0.0.0/99"}; }), HasSubstr("range"));
  EXPECT_THAT(refused([](auto& o) { o.probe_period = 0s; }), HasSubstr("period"));
  EXPECT_THAT(refused([](auto& o) { o.beacon = true, o.beacon_accept_unsigned = "some"; }), HasSubstr("beacon_accept_unsigned"));
}

}  // namespace
}  // namespace choregos
