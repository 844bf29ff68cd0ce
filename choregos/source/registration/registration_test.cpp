// The registration source on a real loop, with a registry behind it.
#include "choregos/source/registration/registration.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "choregos/registry/registry.hpp"

namespace choregos::source {
namespace {

const SocketAddress kPeer{IpAddress::v4(127, 0, 0, 1), 50001};

/// What the API would hold. Its end is reported at once when it is closed, as the API does.
struct Channel final : TetherChannel {
  RegistrationDoor* door = nullptr;
  TetherId id = 0;
  std::vector<std::string> events;
  bool writable = true, closed = false;
  bool send(std::string_view event, std::string_view data) override {
    if (writable) events.push_back(std::string(event) + " " + std::string(data));
    return writable;
  }
  void close() override {
    if (std::exchange(closed, true)) return;
    if (door != nullptr && id != 0) door->tether_closed(id, "closed here");
  }
};

struct Source : testing::Test {
  net::Loop loop;
  Registry registry{RegistrySettings{}, Revision{1, 0}};
  std::vector<Change> changes;
  std::vector<Observation> told;
  std::vector<std::vector<Target>> published;
  std::vector<std::pair<SocketAddress, std::function<void(DeathCheck)>>> asked;
  std::optional<Error> refuse_with;
  std::unique_ptr<Registration> source;

  void SetUp() override { make({}); }
  void make(RegistrationSettings settings) {
    Registration::Options options;
    options.settings = settings;
    options.submit = [this](Observation o, std::function<void(Result<AgentRecordPtr>)> done) {
      told.push_back(o);
      auto applied = registry.apply(o, loop.now(), loop.wall_now(), changes);
      Result<AgentRecordPtr> result = !applied ? Result<AgentRecordPtr>(applied.error()) : refuse_with ? Result<AgentRecordPtr>(*refuse_with) : Result<AgentRecordPtr>(applied->record);
      loop.post([done, result] { done(result); });
    };
    options.find = [this](std::string_view id) { return registry.find(id); };
    options.publish = [this](const std::string&, std::vector<Target> targets) { published.push_back(std::move(targets)); };
    options.check_death = [this](const SocketAddress& address, bool, std::function<void(DeathCheck)> done) { asked.emplace_back(address, std::move(done)); };
    options.agent_count = [] { return std::size_t{10'000}; };
    options.epoch = 3;
    source = std::make_unique<Registration>(loop, std::move(options));
    source->start();
  }
  Result<RegisterReply> put(const std::string& id = "a1", std::uint64_t incarnation = 5) {
    RegisterRequest request;
    request.id = id;
    request.incarnation = incarnation;
    request.peer = kPeer;
    request.claims.health_url = "http://127.0.0.1:8081/health";
    std::optional<Result<RegisterReply>> answer;
    source->register_agent(std::move(request), [&](Result<RegisterReply> r) { answer = std::move(r); });
    EXPECT_TRUE(wait([&] { return answer.has_value(); }));
    return std::move(*answer);
  }
  std::shared_ptr<Channel> tether(const std::string& id = "a1") {
    auto channel = std::make_shared<Channel>();
    channel->door = source.get();
    const auto opened = source->open_tether({id, 5, kPeer, false}, channel);
    EXPECT_TRUE(opened);
    channel->id = *opened;
    return channel;
  }
  bool wait(const std::function<bool()>& done) { return loop.run_until(done, 5s); }
  Liveness liveness() const { return registry.find("a1")->agent.liveness; }
  std::uint64_t counter(const std::string& name) const {
    for (const auto& [key, value] : source->health().counters)
      if (key == name) return value;
    ADD_FAILURE() << name;
    return 0;
  }
};

TEST_F(Source, AnswersWithRecordLeaseAndPace) {
  const auto first = put();
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->created);
  EXPECT_EQ(first->record->agent.id, "a1");
  EXPECT_EQ(first->ttl, 30s);
  EXPECT_EQ(first->beacon_interval, 2s);
  EXPECT_FALSE(put()->created);
  RenewRequest renewal{"a1", 5, {}, kPeer, false};
  std::optional<Result<RegisterReply>> answer;
  source->renew(renewal, [&](Result<RegisterReply> r) { answer = std::move(r); });
  ASSERT_TRUE(wait([&] { return answer.has_value(); }));
  EXPECT_EQ((*answer)->ttl, 30s);
  EXPECT_EQ(counter("registered"), 2U);
  EXPECT_EQ(counter("renewed"), 1U);
}

TEST_F(Source, PublishesTargetsOnceForManyRegistrations) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(put("a" + std::to_string(i)));
  ASSERT_TRUE(wait([&] { return !published.empty() && published.back().size() == 20; }));
  EXPECT_LT(published.size(), 20U);
  EXPECT_EQ(published.back()[0].expected_id, "a0");
}

TEST_F(Source, ARefusedRegistrationHoldsNothing) {
  refuse_with = Error{ErrorCode::exhausted, "full"};
  EXPECT_EQ(put().error().code, ErrorCode::exhausted);
  EXPECT_EQ(source->health().gauges[0].second, 0U);
  refuse_with = Error{ErrorCode::io, "disk"};
  EXPECT_EQ(put().error().code, ErrorCode::io);
  EXPECT_EQ(source->health().gauges[0].second, 1U) << "it is believed, only not yet durable";
}

TEST_F(Source, ATetherIsToldThePaceAtOnceAndAgain) {
  RegistrationSettings settings;
  settings.pace_every = 30ms;
  make(settings);
  ASSERT_TRUE(put());
  const auto channel = tether();
  ASSERT_GE(channel->events.size(), 1U);
  EXPECT_EQ(channel->events[0], R"(pace {"beacon_interval_ms":2000,"ttl_ms":30000,"epoch":3})");
  EXPECT_TRUE(wait([&] { return channel->events.size() >= 3; }));
}

TEST_F(Source, AsksDownTheTetherAndTakesOnlyAnswersToWhatItAsked) {
  ASSERT_TRUE(put());
  source->ask({"registration", "a1", "a1", 5, {}});
  EXPECT_EQ(counter("asked"), 0U) << "no tether, no channel";
  const auto channel = tether();
  ASSERT_EQ(channel->events.size(), 2U);
  EXPECT_EQ(channel->events[1], R"(ping {"nonce":1})") << "once at the start, so that it is known who answers";
  EXPECT_EQ(told.back().kind, ObservationKind::heard);
  EXPECT_EQ(told.back().lease, (Lease{Duration::max(), Duration::max(), 2s}));
  EXPECT_EQ(told.back().from, kPeer.ip);
  const auto answer_with = [&](std::uint64_t nonce, std::uint64_t incarnation = 5) {
    RenewRequest renewal{"a1", incarnation, {}, kPeer, false};
    renewal.answer = nonce;
    std::optional<Result<RegisterReply>> answer;
    source->renew(renewal, [&](Result<RegisterReply> r) { answer = std::move(r); });
    EXPECT_TRUE(wait([&] { return answer.has_value(); }));
    return told.back().answer;
  };
  EXPECT_FALSE(answer_with(2)) << "never asked";
  EXPECT_FALSE(answer_with(0));
  EXPECT_TRUE(answer_with(1));
  EXPECT_FALSE(answer_with(1)) << "once";
  for (int i = 0; i < 3; ++i) source->ask({"registration", "a1", "a1", 5, {}});
  EXPECT_EQ(channel->events.back(), R"(ping {"nonce":4})");
  EXPECT_EQ(counter("asked"), 3U);
  EXPECT_EQ(told.back().kind, ObservationKind::asked);
  EXPECT_EQ(told.back().incarnation, 5U);
  EXPECT_TRUE(answer_with(3)) << "who was stopped finds several and may answer any";
  EXPECT_FALSE(answer_with(2)) << "an older one than it answered";
  source->ask({"registration", "a1", "a1", 6, {}});
  source->ask({"registration", "a1", "a1", 5, {"helper"}});
  source->ask({"registration", "nobody", "nobody", 0, {}});
  EXPECT_EQ(counter("asked"), 3U) << "another life, another path, nobody";
  channel->writable = false;
  source->ask({"registration", "a1", "a1", 5, {}});
  EXPECT_EQ(counter("asked"), 3U) << "what could not be sent does not count";
  const auto newer = tether();
  EXPECT_FALSE(answer_with(4)) << "it went down another tether";
}

TEST_F(Source, AnAgentThatReadsNothingHasABrokenTether) {
  RegistrationSettings settings;
  settings.pace_every = 20ms;
  make(settings);
  ASSERT_TRUE(put());
  const auto channel = tether();
  channel->writable = false;
  ASSERT_TRUE(wait([&] { return channel->closed; }));
  EXPECT_EQ(counter("tethers_broken"), 1U) << "once, though the API tells of it, too";
  EXPECT_EQ(liveness(), Liveness::suspect);
}

TEST_F(Source, ABrokenTetherAndARefusingPortAreDeath) {
  ASSERT_TRUE(put());
  const auto channel = tether();
  source->tether_closed(channel->id, "peer closed");
  EXPECT_EQ(liveness(), Liveness::suspect);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].first, (SocketAddress{IpAddress::v4(127, 0, 0, 1), 8081}));
  asked[0].second(DeathCheck::refused);
  EXPECT_EQ(liveness(), Liveness::lost);
  EXPECT_EQ(counter("deaths_confirmed"), 1U);
}

TEST_F(Source, ABrokenTetherAndAnOpenPortAreNot) {
  ASSERT_TRUE(put());
  const auto channel = tether();
  source->tether_closed(channel->id, "peer closed");
  asked.at(0).second(DeathCheck::answered);
  EXPECT_EQ(liveness(), Liveness::suspect);
  EXPECT_EQ(counter("answered_after_break"), 1U);
}

TEST_F(Source, LeavingClosesTheTetherWithoutDoubt) {
  ASSERT_TRUE(put());
  const auto channel = tether();
  std::optional<Result<void>> answer;
  source->leave({"a1", 5, "scaled down", kPeer, false}, [&](Result<void> r) { answer = r; });
  ASSERT_TRUE(wait([&] { return answer.has_value(); }));
  EXPECT_TRUE(*answer);
  EXPECT_TRUE(channel->closed);
  EXPECT_EQ(liveness(), Liveness::left);
  EXPECT_EQ(counter("tethers_broken"), 0U);
}

TEST_F(Source, ANewerTetherClosesTheOlderWithoutDoubt) {
  ASSERT_TRUE(put());
  const auto older = tether();
  const auto newer = tether();
  EXPECT_TRUE(older->closed);
  EXPECT_FALSE(newer->closed);
  EXPECT_EQ(liveness(), Liveness::alive);
  EXPECT_EQ(counter("tethers_broken"), 0U);
}

TEST_F(Source, StoppingClosesTethersAndSaysNothingOfTheirAgents) {
  ASSERT_TRUE(put());
  const auto channel = tether();
  const auto before = told.size();
  std::optional<Result<RegisterReply>> late;
  source->register_agent({"a2", 5, {}, {}, kPeer, false}, [&](Result<RegisterReply> r) { late = std::move(r); });
  source->stop();
  EXPECT_TRUE(channel->closed);
  EXPECT_EQ(told.size(), before + 1);
  EXPECT_EQ(source->health().state, SourceState::off);
  EXPECT_EQ(put("a3").error().code, ErrorCode::unavailable);
  ASSERT_TRUE(wait([&] { return late.has_value(); }));
  EXPECT_EQ(late->error().code, ErrorCode::unavailable);
  source->tether_closed(channel->id, "again");
  EXPECT_EQ(told.size(), before + 1);
}

TEST_F(Source, AVerdictAfterTheEndTouchesNothing) {
  ASSERT_TRUE(put());
  const auto channel = tether();
  source->tether_closed(channel->id, "peer closed");
  channel->door = nullptr;
  source.reset();
  asked.at(0).second(DeathCheck::refused);
  EXPECT_EQ(liveness(), Liveness::suspect);
}

}  // namespace
}  // namespace choregos::source
