#include "choregos/sdk/registrant.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace choregos::sdk {
namespace {

using testing::HasSubstr;
using Kind = Registrant::Action::Kind;
using Event = Announcer::Event;
using Registration = Announcer::Registration;

wire::RegisteredDocument grant(Duration ttl = 30s) {
  wire::RegisteredDocument document;
  document.ttl = ttl;
  document.beacon_interval = 1s;
  return document;
}

/// A registrant with a clock that only the test moves.
struct RegistrantTest : testing::Test {
  Self self;
  Instant now{1'000'000'000'000};
  Registrant::Actions actions;
  std::vector<Event> events;
  std::optional<Registrant> made;

  RegistrantTest() {
    self.id = "a1";
    self.incarnation = 7;
    self.claims.name = "A";
    self.claims.status = Status::idle;
  }
  Registrant& make(std::vector<std::string> names = {"r0"}) {
    made.emplace(std::move(names), 1);
    made->start(self, now);
    tick();
    return *made;
  }
  void tick() {
    made->tick(now, actions);
    for (auto& event : made->take_events()) events.push_back(event);
  }
  /// Takes the one action that is expected to be there.
  Registrant::Action take(Kind kind) {
    for (auto& event : made->take_events()) events.push_back(event);
    if (actions.empty()) {
      ADD_FAILURE() << "nothing was to be sent";
      return {};
    }
    auto action = actions.front();
    actions.erase(actions.begin());
    EXPECT_EQ(action.kind, kind);
    return action;
  }
  /// Moves the clock to the next deadline and acts.
  Duration advance() {
    const Instant before = now;
    EXPECT_NE(made->next_deadline(), Instant::never());
    now = std::max(now, made->next_deadline());
    tick();
    return now - before;
  }
  std::uint64_t tethered() {
    made->put_done(take(Kind::put).ticket, grant(), now, actions);
    const auto ticket = take(Kind::open_tether).ticket;
    made->tether_opened(ticket, now);
    return ticket;
  }
  Announcer::State state() const {
    Announcer::State out;
    made->describe(out);
    return out;
  }
  bool told(Event::Kind kind) {
    for (auto& event : made->take_events()) events.push_back(event);
    for (const auto& event : events)
      if (event.kind == kind) return true;
    return false;
  }
};

TEST_F(RegistrantTest, RegistersThenOpensTheTether) {
  make();
  EXPECT_EQ(state().registration, Registration::connecting);
  const auto put = take(Kind::put);
  EXPECT_THAT(put.body, HasSubstr("\"name\":\"A\""));
  made->put_done(put.ticket, grant(), now, actions);
  EXPECT_EQ(state().registration, Registration::registered);
  made->tether_opened(take(Kind::open_tether).ticket, now);
  EXPECT_EQ(state().registration, Registration::tethered);
  EXPECT_TRUE(told(Event::Kind::registered));
  EXPECT_TRUE(told(Event::Kind::tethered));
  EXPECT_EQ(state().last_error, "");
}

TEST_F(RegistrantTest, RenewsAtAThirdOfTheLease) {
  make();
  tethered();
  for (int i = 0; i < 20; ++i) {
    const Duration waited = advance();
    EXPECT_GE(waited, 9s);
    EXPECT_LE(waited, 11s);
    made->renew_done(take(Kind::renew).ticket, grant(), now, actions);
  }
  EXPECT_EQ(state().renewals, 20u);
}

TEST_F(RegistrantTest, RegistersAgainSoonAfterTheTetherEnds) {
  make();
  const auto tether = tethered();
  now = now + 60s;
  tick();
  made->renew_done(take(Kind::renew).ticket, grant(), now, actions);
  made->tether_closed(tether, {ErrorCode::unavailable, "closed"}, now, actions);
  EXPECT_EQ(state().registration, Registration::connecting);
  EXPECT_EQ(state().tethers_lost, 1u);
  EXPECT_TRUE(told(Event::Kind::tether_lost));
  EXPECT_LE(advance(), 100ms);
  take(Kind::put);
}

TEST_F(RegistrantTest, BacksOffWhileTheRegistryIsAwayAndTellsOnce) {
  make();
  Duration longest{};
  for (int i = 0; i < 20; ++i) {
    made->put_done(take(Kind::put).ticket, Error{ErrorCode::unavailable, "refused"}, now, actions);
    longest = std::max(longest, advance());
  }
  EXPECT_GE(longest, 2500ms);
  EXPECT_LE(longest, 5s);
  take(Kind::put);
  EXPECT_EQ(std::count_if(events.begin(), events.end(), [](auto& e) { return e.kind == Event::Kind::failed; }), 1);
  EXPECT_THAT(state().last_error, HasSubstr("refused"));
}

TEST_F(RegistrantTest, ATetherThatBreaksAtOnceDoesNotResetTheBackOff) {
  make();
  Duration longest{};
  for (int i = 0; i < 12; ++i) {
    const auto tether = tethered();
    made->tether_closed(tether, {ErrorCode::unavailable, "closed"}, now, actions);
    longest = std::max(longest, advance());
  }
  EXPECT_GE(longest, 2500ms);
}

TEST_F(RegistrantTest, TriesTheNextRegistryAtOnceAndWaitsAfterARound) {
  make({"r0", "r1"});
  auto put = take(Kind::put);
  EXPECT_EQ(put.registry, 0u);
  made->put_done(put.ticket, Error{ErrorCode::unavailable, "refused"}, now, actions);
  EXPECT_EQ(advance(), Duration{});
  put = take(Kind::put);
  EXPECT_EQ(put.registry, 1u);
  made->put_done(put.ticket, Error{ErrorCode::timeout, "silent"}, now, actions);
  EXPECT_GE(advance(), 50ms);
  EXPECT_EQ(take(Kind::put).registry, 0u);
}

TEST_F(RegistrantTest, AConflictIsVisibleAndTriedAgainEveryFiveSeconds) {
  make();
  for (int i = 0; i < 3; ++i) {
    made->put_done(take(Kind::put).ticket, Error{ErrorCode::conflict, "held by 10.0.0.9"}, now, actions);
    EXPECT_EQ(state().registration, Registration::conflict);
    EXPECT_THAT(state().last_error, HasSubstr("held by 10.0.0.9"));
    const Duration waited = advance();
    EXPECT_GE(waited, 4500ms);
    EXPECT_LE(waited, 5500ms);
  }
  EXPECT_EQ(std::count_if(events.begin(), events.end(), [](auto& e) { return e.kind == Event::Kind::conflict; }), 1);
  made->put_done(take(Kind::put).ticket, grant(), now, actions);
  EXPECT_EQ(state().registration, Registration::registered);
}

TEST_F(RegistrantTest, SaysNoGoodbyeForARecordThatIsAnothers) {
  make();
  made->put_done(take(Kind::put).ticket, Error{ErrorCode::conflict, "held"}, now, actions);
  made->stop(actions);
  EXPECT_TRUE(actions.empty());
}

TEST_F(RegistrantTest, TellsAChangeAtOnceAndOnlyWhatChanged) {
  make();
  tethered();
  now = now + 1s;
  self.claims.status = Status::working;
  made->changed(self, now);
  EXPECT_EQ(advance(), Duration{});
  const auto renew = take(Kind::renew);
  EXPECT_THAT(renew.body, HasSubstr("working"));
  EXPECT_THAT(renew.body, testing::Not(HasSubstr("name")));
  made->renew_done(renew.ticket, grant(), now, actions);
  tick();
  EXPECT_TRUE(actions.empty());
}

TEST_F(RegistrantTest, TakesBackAFieldWithAWholeStatement) {
  make();
  tethered();
  now = now + 1s;
  self.claims.status.reset();
  made->changed(self, now);
  advance();
  const auto put = take(Kind::put);
  EXPECT_THAT(put.body, testing::Not(HasSubstr("status")));
  made->put_done(put.ticket, grant(), now, actions);
  EXPECT_TRUE(actions.empty()) << "the tether stays as it is";
  EXPECT_EQ(state().registration, Registration::tethered);
}

TEST_F(RegistrantTest, TellsWhatChangedWhileAnAnswerWasAwaited) {
  make();
  tethered();
  now = now + 1s;
  self.claims.status = Status::working;
  made->changed(self, now);
  advance();
  const auto first = take(Kind::renew);
  self.claims.status = Status::online;
  made->changed(self, now);
  tick();
  EXPECT_TRUE(actions.empty()) << "one at a time";
  made->renew_done(first.ticket, grant(), now, actions);
  EXPECT_LE(advance(), Registrant::kPushGap);
  EXPECT_THAT(take(Kind::renew).body, HasSubstr("online"));
}

TEST_F(RegistrantTest, AChangeThatIsTakenBackInTimeIsNotTold) {
  make();
  tethered();
  now = now + 1s;
  const auto before = made->next_deadline();
  self.claims.status = Status::working;
  made->changed(self, now);
  self.claims.status = Status::idle;
  made->changed(self, now);
  EXPECT_EQ(made->next_deadline(), before);
}

TEST_F(RegistrantTest, ObeysThePace) {
  make();
  const auto tether = tethered();
  made->tether_event(tether, "pace", R"({"ttl_ms":3000,"beacon_interval_ms":4000})", now);
  EXPECT_EQ(made->beacon_interval(), 4s);
  EXPECT_TRUE(told(Event::Kind::paced));
  EXPECT_LE(advance(), 1100ms);
  take(Kind::renew);
  // Nonsense changes nothing.
  for (const char* text : {"", "{", "[]", R"({"beacon_interval_ms":-1})", R"({"beacon_interval_ms":"x"})", R"({"beacon_interval_ms":9e99})"})
    made->tether_event(tether, "pace", text, now);
  EXPECT_EQ(made->beacon_interval(), 4s);
}

TEST_F(RegistrantTest, AnswersAPingAtOnceAndOfManyTheNewest) {
  make();
  const auto tether = tethered();
  made->tether_event(tether, "ping", R"({"nonce":7})", now);
  EXPECT_EQ(advance(), Duration{});
  const auto first = take(Kind::renew);
  EXPECT_THAT(first.body, HasSubstr("\"answer\":7"));
  for (const char* text : {R"({"nonce":8})", R"({"nonce":9})"}) made->tether_event(tether, "ping", text, now);
  tick();
  EXPECT_TRUE(actions.empty()) << "one is under way";
  made->renew_done(first.ticket, grant(), now, actions);
  EXPECT_EQ(advance(), Duration{});
  const auto second = take(Kind::renew);
  EXPECT_THAT(second.body, HasSubstr("\"answer\":9"));
  made->renew_done(second.ticket, grant(), now, actions);
  for (const char* text : {"", "{", "[]", "{}", R"({"nonce":-1})", R"({"nonce":0})", R"({"nonce":"7"})", R"({"nonce":1e99})"}) made->tether_event(tether, "ping", text, now);
  EXPECT_GT(advance(), 5s) << "nonsense is no question";
  EXPECT_THAT(take(Kind::renew).body, testing::Not(HasSubstr("answer")));
}

TEST_F(RegistrantTest, APingOfATetherThatBrokeIsNotAnswered) {
  make();
  const auto tether = tethered();
  made->tether_event(tether, "ping", R"({"nonce":7})", now);
  made->tether_closed(tether, Error{ErrorCode::unavailable, "gone"}, now, actions);
  advance();
  made->put_done(take(Kind::put).ticket, grant(), now, actions);
  take(Kind::open_tether);
  EXPECT_GT(advance(), 5s);
}

TEST_F(RegistrantTest, HandsOnOtherEventsOfTheTether) {
  make();
  const auto tether = tethered();
  made->tether_event(tether, "offer", R"({"task":"t1"})", now);
  ASSERT_TRUE(told(Event::Kind::message));
  EXPECT_EQ(events.back().name, "offer");
  EXPECT_EQ(events.back().detail, R"({"task":"t1"})");
}

TEST_F(RegistrantTest, ARegistryThatForgotUsIsToldAgain) {
  make({"r0", "r1"});
  tethered();
  advance();
  made->renew_done(take(Kind::renew).ticket, Error{ErrorCode::not_found, "unknown"}, now, actions);
  EXPECT_EQ(take(Kind::close_tether).kind, Kind::close_tether);
  EXPECT_LE(advance(), 100ms);
  EXPECT_EQ(take(Kind::put).registry, 0u);
}

TEST_F(RegistrantTest, StaysRegisteredWhenThereIsNoRoomForATether) {
  make();
  made->put_done(take(Kind::put).ticket, grant(), now, actions);
  made->tether_closed(take(Kind::open_tether).ticket, {ErrorCode::exhausted, "full"}, now, actions);
  EXPECT_EQ(state().registration, Registration::registered);
  EXPECT_GE(advance(), 1s);
  take(Kind::open_tether);
}

TEST_F(RegistrantTest, IgnoresReportsOfOlderTickets) {
  make();
  const auto put = take(Kind::put);
  made->put_done(put.ticket, Error{ErrorCode::timeout, "silent"}, now, actions);
  advance();
  take(Kind::put);
  made->put_done(put.ticket, grant(), now, actions);
  EXPECT_EQ(state().registration, Registration::connecting);
  made->tether_opened(999, now);
  made->tether_closed(999, {ErrorCode::io, ""}, now, actions);
  EXPECT_TRUE(actions.empty());
}

TEST_F(RegistrantTest, SaysGoodbyeBeforeItDropsTheTether) {
  make();
  const auto tether = tethered();
  made->stop(actions);
  EXPECT_EQ(take(Kind::leave).registry, 0u);
  EXPECT_EQ(take(Kind::close_tether).ticket, tether);
  EXPECT_EQ(state().registration, Registration::off);
  made->stop(actions);
  EXPECT_TRUE(actions.empty());
  EXPECT_EQ(made->next_deadline(), Instant::never());
}

TEST_F(RegistrantTest, DoesNothingWithoutARegistry) {
  make({});
  EXPECT_TRUE(actions.empty());
  EXPECT_EQ(made->next_deadline(), Instant::never());
  EXPECT_EQ(state().registration, Registration::off);
}

TEST_F(RegistrantTest, DoesNotBelieveAnAbsurdLease) {
  make();
  made->put_done(take(Kind::put).ticket, grant(Duration{}), now, actions);
  made->tether_opened(take(Kind::open_tether).ticket, now);
  EXPECT_GE(advance(), 300ms) << "a lease of nothing would make it renew without end";
}

}  // namespace
}  // namespace choregos::sdk
