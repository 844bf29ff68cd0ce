#include "choregos/source/registration/holders.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "choregos/base/limits.hpp"
#include "choregos/registry/registry.hpp"

namespace choregos::source {
namespace {

const SocketAddress kHome{IpAddress::v4(10, 0, 0, 1), 50001};
const SocketAddress kAway{IpAddress::v4(10, 0, 0, 2), 50002};

/// Holders in front of a registry, on one virtual clock.
struct World {
  RegistrationSettings settings;
  Holders holders;
  Registry registry{RegistrySettings{}, Revision{1, 0}};
  Instant now{1'000'000'000'000};
  std::vector<Change> changes;
  std::vector<Observation> told;

  explicit World(Holders::Allowed allowed = {}) : holders(settings, "registration", std::move(allowed)) {}

  Holders::Moment at() const { return {now, WallTime{1'700'000'000'000 + now.ns / 1'000'000}}; }
  void pass(Duration d) {
    const Instant end = now + d;
    while (registry.next_deadline() <= end) {
      now = std::max(now, registry.next_deadline());
      registry.tick(now, at().wall, changes);
    }
    now = end;
    registry.tick(now, at().wall, changes);
  }
  void tell(const Observation& o) {
    told.push_back(o);
    const auto applied = registry.apply(o, now, at().wall, changes);
    EXPECT_TRUE(applied) << applied.error().message;
  }
  AgentRecordPtr record(const std::string& id = "a1") const { return registry.find(id); }
  Liveness liveness(const std::string& id = "a1") const { return record(id)->agent.liveness; }
  std::int64_t last_seen() const { return record()->vitals->last_seen_ms.load(); }

  Result<void> put(std::uint64_t incarnation, SocketAddress peer = kHome, Claims claims = {}, Duration ttl = {}) {
    RegisterRequest request;
    request.id = "a1";
    request.incarnation = incarnation;
    request.peer = peer;
    request.claims = std::move(claims);
    request.ttl = ttl;
    auto taken = holders.take(request, record(), 1s, at());
    if (!taken) return taken.error();
    tell(taken->observation);
    granted = taken->ttl;
    return {};
  }
  Result<void> renew(std::uint64_t incarnation, SocketAddress peer = kHome, Claims claims = {}) {
    RenewRequest request;
    request.id = "a1";
    request.incarnation = incarnation;
    request.peer = peer;
    request.claims = std::move(claims);
    auto taken = holders.renew(request, record(), at());
    if (!taken) return taken.error();
    tell(taken->observation);
    return {};
  }
  Result<Holders::Opened> tether(std::uint64_t incarnation, SocketAddress peer = kHome) {
    auto opened = holders.open_tether({"a1", incarnation, peer, false}, at());
    if (opened) tell(opened->observation);
    return opened;
  }
  std::optional<Holders::Broken> cut(TetherId id) {
    auto broken = holders.tether_closed(id, "reset by peer", at());
    if (broken) tell(broken->doubt);
    return broken;
  }
  Result<void> leave(std::uint64_t incarnation, SocketAddress peer = kHome) {
    auto left = holders.leave({"a1", incarnation, "done", peer, false}, at());
    if (!left) return left.error();
    tell(left->observation);
    return {};
  }
  Duration granted{};
};

Claims health_at(const std::string& url) {
  Claims claims;
  claims.health_url = url;
  return claims;
}

// ---- who may take an id -------------------------------------------------------------------------------------------------

TEST(Holders, DecideWhoMayTakeAnId) {
  enum class Held { fresh, tethered, broken, stale, dead };
  const struct {
    const char* name;
    std::uint64_t held, asked;
    bool away;
    Held how;
    bool allowed;
  } kCases[] = {
      // clang-format off
      {"the holder itself",                         5, 5, false, Held::fresh,    true},
      {"the holder itself, tethered",               5, 5, false, Held::tethered, true},
      {"the same incarnation elsewhere",            5, 5, true,  Held::fresh,    false},
      {"the same elsewhere, tethered",              5, 5, true,  Held::tethered, false},
      {"the same elsewhere, stale",                 5, 5, true,  Held::stale,    true},
      {"a higher one: restart",                     5, 6, false, Held::fresh,    true},
      {"a higher one elsewhere: moved",             5, 6, true,  Held::fresh,    true},
      {"a higher one against an open tether",       5, 6, false, Held::tethered, false},
      {"a higher one elsewhere against a tether",   5, 6, true,  Held::tethered, false},
      {"a higher one after its death",              5, 6, false, Held::dead,     true},
      {"a lower one",                               5, 4, false, Held::fresh,    false},
      {"a lower one elsewhere",                     5, 4, true,  Held::fresh,    false},
      {"a lower one against a tether",              5, 4, true,  Held::tethered, false},
      {"a lower one, tether just broken",            5, 4, false, Held::broken,   false},
      {"the same elsewhere, tether just broken",     5, 5, true,  Held::broken,   false},
      {"the holder itself, tether just broken",      5, 5, false, Held::broken,   true},
      {"a higher one, tether just broken",           5, 6, true,  Held::broken,   true},
      {"a lower one, holder stale",                 5, 4, false, Held::stale,    true},
      {"a lower one after its death",               5, 4, true,  Held::dead,     true},
      {"none said, same place",                     5, 0, false, Held::fresh,    true},
      {"none said, same place, tethered",           5, 0, false, Held::tethered, true},
      {"none said, elsewhere",                      5, 0, true,  Held::fresh,    false},
      {"none said, elsewhere, stale",               5, 0, true,  Held::stale,    true},
      {"said against a holder without, same place", 0, 6, false, Held::fresh,    true},
      {"said against a holder without, elsewhere",  0, 6, true,  Held::fresh,    false},
      {"neither said, same place",                  0, 0, false, Held::tethered, true},
      {"neither said, elsewhere",                   0, 0, true,  Held::fresh,    false},
      {"neither said, elsewhere, tethered",         0, 0, true,  Held::tethered, false},
      {"neither said, elsewhere, dead",             0, 0, true,  Held::dead,     true},
      // clang-format on
  };
  for (const auto& c : kCases) {
    World w;
    ASSERT_TRUE(w.put(c.held, kHome, health_at("http://10.0.0.1:8081/health")));
    if (c.how == Held::tethered) {
      ASSERT_TRUE(w.tether(c.held)) << c.name;
    }
    if (c.how == Held::broken) {
      ASSERT_TRUE(w.cut(w.tether(c.held)->tether)) << c.name;
    }
    if (c.how == Held::dead) {
      const auto broken = w.cut(w.tether(c.held)->tether);
      w.tell(*w.holders.verdict(*broken, DeathCheck::refused, w.at()));
      ASSERT_EQ(w.liveness(), Liveness::lost) << c.name;
    }
    w.pass(c.how == Held::stale ? 35s : 3s);
    const auto answer = w.put(c.asked, c.away ? kAway : kHome);
    EXPECT_EQ(answer.has_value(), c.allowed) << c.name << (answer ? "" : ": " + answer.error().message);
    if (answer) {
      EXPECT_EQ(w.liveness(), Liveness::alive) << c.name;
    } else {
      EXPECT_EQ(answer.error().code, ErrorCode::conflict) << c.name;
    }
    EXPECT_FALSE(w.record()->agent.conflict) << c.name;
  }
}

TEST(Holders, AConflictSaysWhereAndSinceWhen) {
  World w;
  ASSERT_TRUE(w.put(5));
  ASSERT_TRUE(w.tether(5));
  w.pass(4min);
  const auto answer = w.put(6, kAway);
  ASSERT_FALSE(answer);
  for (const auto* part : {"a1", "10.0.0.1", "incarnation 5", "4 min", "tether is open"}) EXPECT_NE(answer.error().message.find(part), std::string::npos) << answer.error().message;
}

TEST(Holders, ALifeHeardByBeaconIsNotTakenOverByAnOlderOne) {
  World w;
  Observation beacon;
  beacon.source = "beacon";
  beacon.subject = beacon.names.id = "a1";
  beacon.incarnation = 7;
  beacon.heard_at = w.now;
  w.tell(beacon);
  EXPECT_EQ(w.put(6).error().code, ErrorCode::conflict);
  EXPECT_TRUE(w.put(7)) << "the same process on another way";
}

TEST(Holders, AllLoopbackAddressesAreOnePlace) {
  World w;
  ASSERT_TRUE(w.put(0, {IpAddress::v4(127, 0, 0, 1), 1}));
  EXPECT_TRUE(w.put(0, {*parse_ip("::1"), 1}));
  EXPECT_TRUE(w.renew(0, {*parse_ip("::1"), 1}));
}

TEST(Holders, WhoeverLeavesTheIncarnationOutIsTakenForTheFreshHolder) {
  World w;
  ASSERT_TRUE(w.put(5));
  ASSERT_TRUE(w.put(0));
  EXPECT_EQ(w.holders.find("a1")->incarnation, 5U);
  EXPECT_EQ(w.told.back().incarnation, 5U);
}

TEST(Holders, ARefusedRegistrationLeavesNothingBehind) {
  World w;
  RegisterRequest request;
  request.id = "a1";
  request.incarnation = 5;
  request.peer = kHome;
  auto first = w.holders.take(request, nullptr, 1s, w.at());
  w.holders.undo("a1", *first);
  EXPECT_EQ(w.holders.size(), 0U);

  ASSERT_TRUE(w.put(5));
  request.incarnation = 6;
  auto second = w.holders.take(request, w.record(), 1s, w.at());
  w.holders.undo("a1", *second);
  EXPECT_EQ(w.holders.find("a1")->incarnation, 5U);

  auto third = w.holders.take(request, w.record(), 1s, w.at());
  ASSERT_TRUE(w.renew(6));
  w.holders.undo("a1", *third);
  EXPECT_EQ(w.holders.find("a1")->incarnation, 6U) << "more has happened since";
}

// ---- leases and words ---------------------------------------------------------------------------------------------------

TEST(Holders, GrantALeaseWithinBoundsAndTheFleetsPace) {
  World w;
  const auto granted = [&](Duration wish, Duration interval) {
    RegisterRequest request;
    request.id = "a1";
    request.peer = kHome;
    request.ttl = wish;
    return w.holders.take(request, nullptr, interval, w.at())->ttl;
  };
  EXPECT_EQ(granted(Duration{}, 1s), 30s);
  EXPECT_EQ(granted(1s, 1s), 3s);
  EXPECT_EQ(granted(24h, 1s), 1h);
  EXPECT_EQ(granted(45s, 1s), 45s);
  EXPECT_EQ(granted(45s, 200s), 600s);
}

TEST(Holders, SilenceIsSuspectAfterTheLeaseAndLostTenSecondsLater) {
  World w;
  ASSERT_TRUE(w.put(5, kHome, {}, 6s));
  w.pass(5900ms);
  EXPECT_EQ(w.liveness(), Liveness::alive);
  w.pass(200ms);
  EXPECT_EQ(w.liveness(), Liveness::suspect);
  w.pass(9800ms);
  EXPECT_EQ(w.liveness(), Liveness::suspect);
  w.pass(200ms);
  EXPECT_EQ(w.liveness(), Liveness::lost);
  ASSERT_TRUE(w.renew(5)) << "lost costs nothing to undo";
  EXPECT_EQ(w.liveness(), Liveness::alive);
}

TEST(Holders, ARenewalThatSaysNothingNewMakesNoRevision) {
  World w;
  Claims claims;
  claims.model = "llama3";
  ASSERT_TRUE(w.put(5, kHome, claims));
  const auto revision = w.registry.revision();
  const auto seen = w.last_seen();
  w.pass(5s);
  ASSERT_TRUE(w.renew(5));
  EXPECT_EQ(w.registry.revision(), revision);
  EXPECT_EQ(w.last_seen(), seen + 5000);
  Claims busy;
  busy.status = Status::working;
  ASSERT_TRUE(w.renew(5, kHome, busy));
  EXPECT_EQ(w.record()->agent.status, Status::working);
  EXPECT_EQ(w.record()->agent.model, "llama3") << "what is left out stays";
  ASSERT_TRUE(w.put(5));
  EXPECT_EQ(w.record()->agent.model, "") << "a whole statement withdraws what it leaves out";
}

TEST(Holders, RenewalsOfTheUnknownAreToldToRegisterFirst) {
  World w;
  for (const auto& answer : {w.renew(5), w.leave(5)}) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::not_found);
    EXPECT_NE(answer.error().message.find("register first"), std::string::npos);
  }
  EXPECT_EQ(w.tether(5).error().code, ErrorCode::not_found);
}

TEST(Holders, OthersMayNeitherRenewNorLeaveNorTether) {
  World w;
  ASSERT_TRUE(w.put(5));
  EXPECT_EQ(w.renew(6).error().code, ErrorCode::conflict);
  EXPECT_EQ(w.renew(0, kAway).error().code, ErrorCode::conflict);
  EXPECT_EQ(w.leave(4).error().code, ErrorCode::conflict);
  EXPECT_EQ(w.leave(0, kAway).error().code, ErrorCode::conflict);
  EXPECT_EQ(w.tether(6).error().code, ErrorCode::conflict);
  EXPECT_EQ(w.liveness(), Liveness::alive);
  EXPECT_TRUE(w.renew(5, kAway)) << "its own incarnation, on another way";
}

TEST(Holders, AGoodbyeIsFinalAndFreesTheId) {
  World w;
  ASSERT_TRUE(w.put(5));
  ASSERT_TRUE(w.leave(5));
  EXPECT_EQ(w.liveness(), Liveness::left);
  EXPECT_EQ(w.holders.size(), 0U);
  EXPECT_EQ(w.renew(5).error().code, ErrorCode::not_found);
  ASSERT_TRUE(w.put(6, kAway));
  EXPECT_EQ(w.liveness(), Liveness::alive);
}

// ---- tethers ------------------------------------------------------------------------------------------------------------

TEST(Tether, HoldsAnAgentAliveWithoutRenewalsAndLastSeenStaysTrue) {
  World w;
  ASSERT_TRUE(w.put(5));
  w.pass(1s);
  ASSERT_TRUE(w.tether(5));
  const auto seen = w.last_seen();
  w.pass(1h);
  EXPECT_EQ(w.liveness(), Liveness::alive);
  EXPECT_EQ(w.last_seen(), seen) << "an open connection is no word of the agent";
  ASSERT_TRUE(w.renew(5));
  EXPECT_EQ(w.last_seen(), seen + 3'600'000);
  w.pass(1h);
  EXPECT_EQ(w.liveness(), Liveness::alive) << "a renewal does not shorten what the tether holds";
}

TEST(Tether, BrokenIsDoubtedAtOnceDespiteTheLease) {
  World w;
  ASSERT_TRUE(w.put(5));
  const auto opened = w.tether(5);
  w.pass(1s);
  ASSERT_TRUE(w.renew(5));
  ASSERT_TRUE(w.cut(opened->tether));
  EXPECT_EQ(w.liveness(), Liveness::suspect);
  EXPECT_NE(w.record()->agent.reason.find("tether closed: reset by peer"), std::string::npos) << w.record()->agent.reason;
  w.pass(9900ms);
  EXPECT_EQ(w.liveness(), Liveness::suspect);
  w.pass(200ms);
  EXPECT_EQ(w.liveness(), Liveness::lost) << "ten seconds after the break, not after the lease";
}

TEST(Tether, BrokenAndThenRefusedTwiceIsDeath) {
  World w;
  ASSERT_TRUE(w.put(5, kHome, health_at("http://10.0.0.1:8081/health")));
  const auto broken = w.cut(w.tether(5)->tether);
  ASSERT_TRUE(broken);
  EXPECT_EQ(broken->ask, (SocketAddress{IpAddress::v4(10, 0, 0, 1), 8081}));
  EXPECT_TRUE(broken->own);
  w.pass(200ms);
  const auto dead = w.holders.verdict(*broken, DeathCheck::refused, w.at());
  ASSERT_TRUE(dead);
  EXPECT_EQ(dead->kind, ObservationKind::dead);
  w.tell(*dead);
  EXPECT_EQ(w.liveness(), Liveness::lost);
  EXPECT_NE(w.record()->agent.reason.find("refused twice"), std::string::npos);
}

TEST(Tether, BrokenButAnsweredOrUnknownStaysSuspect) {
  for (const auto check : {DeathCheck::answered, DeathCheck::unknown}) {
    World w;
    ASSERT_TRUE(w.put(5, kHome, health_at("http://10.0.0.1:8081/health")));
    const auto broken = w.cut(w.tether(5)->tether);
    EXPECT_FALSE(w.holders.verdict(*broken, check, w.at()));
    EXPECT_EQ(w.liveness(), Liveness::suspect);
  }
}

TEST(Tether, AVerdictThatComesTooLateKillsNobody) {
  for (int how = 0; how < 4; ++how) {
    World w;
    ASSERT_TRUE(w.put(5, kHome, health_at("http://10.0.0.1:8081/health")));
    const auto broken = w.cut(w.tether(5)->tether);
    w.pass(100ms);
    const bool done = how == 0 ? w.renew(5).has_value() : how == 1 ? w.tether(5).has_value() : how == 2 ? w.put(6).has_value() : w.leave(5).has_value();
    ASSERT_TRUE(done) << how;
    EXPECT_FALSE(w.holders.verdict(*broken, DeathCheck::refused, w.at())) << how;
    EXPECT_EQ(w.liveness(), how == 3 ? Liveness::left : Liveness::alive) << how;
  }
}

TEST(Tether, AnotherChannelThatHearsTheAgentOutweighsTheBreak) {
  World w;
  ASSERT_TRUE(w.put(5));
  Observation beacon;
  beacon.source = "beacon";
  beacon.subject = beacon.names.id = "a1";
  beacon.incarnation = 5;
  beacon.heard_at = w.now;
  w.tell(beacon);
  w.cut(w.tether(5)->tether);
  EXPECT_EQ(w.liveness(), Liveness::alive);
}

TEST(Tether, TheNewerOneOfTheSameProcessReplacesTheOlder) {
  World w;
  ASSERT_TRUE(w.put(5));
  const auto first = w.tether(5);
  const auto second = w.tether(5);
  EXPECT_EQ(second->replaced, first->tether);
  EXPECT_FALSE(w.cut(first->tether)) << "its end means nothing any more";
  EXPECT_EQ(w.liveness(), Liveness::alive);
  EXPECT_EQ(w.holders.tethers(), 1U);
  ASSERT_TRUE(w.cut(second->tether));
  EXPECT_EQ(w.liveness(), Liveness::suspect);
}

TEST(Tether, EndsWithoutDoubtAfterAGoodbye) {
  World w;
  ASSERT_TRUE(w.put(5));
  const auto opened = w.tether(5);
  auto left = w.holders.leave({"a1", 5, "done", kHome, false}, w.at());
  ASSERT_TRUE(left);
  EXPECT_EQ(left->tether, opened->tether);
  w.tell(left->observation);
  EXPECT_FALSE(w.cut(opened->tether));
  EXPECT_EQ(w.liveness(), Liveness::left);
}

TEST(Tether, StaysWithAProcessThatRegistersAnew) {
  World w;
  ASSERT_TRUE(w.put(5));
  const auto opened = w.tether(5);
  ASSERT_TRUE(w.put(5));
  w.pass(1h);
  EXPECT_EQ(w.liveness(), Liveness::alive);
  ASSERT_TRUE(w.cut(opened->tether));
  EXPECT_EQ(w.liveness(), Liveness::suspect);
}

TEST(Tether, BoundsTheirNumber) {
  Holders holders({}, "registration", {});
  const Holders::Moment at{Instant{1}, {}};
  const auto open = [&](std::size_t i) {
    RegisterRequest request;
    request.id = "a" + std::to_string(i);
    request.peer = kHome;
    EXPECT_TRUE(holders.take(request, nullptr, 1s, at));
    return holders.open_tether({request.id, 0, kHome, false}, at);
  };
  for (std::size_t i = 0; i < limits::tether_count_max; ++i) ASSERT_TRUE(open(i));
  EXPECT_EQ(open(limits::tether_count_max).error().code, ErrorCode::exhausted);
  EXPECT_TRUE(holders.open_tether({"a1", 0, kHome, false}, at)) << "a replacement takes no more room";
}

// ---- addresses ----------------------------------------------------------------------------------------------------------

TEST(Holders, OnlyAllowedLiteralAddressesBecomeTargets) {
  const auto lab = [](const SocketAddress& address, const SocketAddress&) { return parse_cidr("192.168.0.0/16")->contains(address.ip); };
  const struct {
    const char* url;
    ErrorCode error;  ///< internal = taken
    bool target;
  } kCases[] = {
      {"http://10.0.0.1:8081/health", ErrorCode::internal, true},   // its own
      {"http://192.168.3.4/h?x=1", ErrorCode::internal, true},      // a range that the operator allows
      {"http://10.0.0.2:8081/health", ErrorCode::forbidden, false},
      {"http://127.0.0.1:8081/health", ErrorCode::forbidden, false},
      {"http://169.254.169.254/latest", ErrorCode::forbidden, false},
      {"http://agent-1:8081/health", ErrorCode::internal, false},   // a name: kept, never dialled
      {"https://10.0.0.1/health", ErrorCode::internal, false},
      {"http://2130706433/", ErrorCode::invalid, false},
      {"http://0x7f.1/", ErrorCode::invalid, false},
      {"http://u:p@10.0.0.1/", ErrorCode::invalid, false},
      {"file:///etc/passwd", ErrorCode::invalid, false},
      {"", ErrorCode::internal, false},
  };
  for (const auto& c : kCases) {
    World w(lab);
    const auto answer = w.put(5, kHome, health_at(c.url));
    EXPECT_EQ(answer ? ErrorCode::internal : answer.error().code, c.error) << c.url << (answer ? "" : ": " + answer.error().message);
    EXPECT_EQ(w.holders.targets().size(), c.target ? 1U : 0U) << c.url;
    EXPECT_EQ(w.holders.size(), answer ? 1U : 0U) << c.url;
  }
}

TEST(Holders, TargetsSayWhomToExpectAndHowToAsk) {
  World w;
  ASSERT_TRUE(w.put(5, {IpAddress::v4(127, 0, 0, 1), 4}, health_at("http://127.0.0.1:8081/health?deep=1")));
  const auto targets = w.holders.targets();
  ASSERT_EQ(targets.size(), 1U);
  EXPECT_EQ(targets[0].address, (SocketAddress{IpAddress::v4(127, 0, 0, 1), 8081}));
  EXPECT_EQ(targets[0].host, "127.0.0.1:8081");
  EXPECT_EQ(targets[0].path, "/health?deep=1");
  EXPECT_EQ(targets[0].expected_id, "a1");
  EXPECT_TRUE(targets[0].configured) << "it came over loopback, so its own loopback address is meant";
}

TEST(Holders, TargetsFollowWhatIsSaid) {
  World w;
  ASSERT_TRUE(w.put(5));
  EXPECT_FALSE(w.holders.take_targets_changed());
  ASSERT_TRUE(w.renew(5, kHome, health_at("http://10.0.0.1:1/")));
  EXPECT_TRUE(w.holders.take_targets_changed());
  ASSERT_TRUE(w.renew(5));
  EXPECT_FALSE(w.holders.take_targets_changed()) << "a renewal that leaves it out keeps it";
  EXPECT_EQ(w.holders.targets().size(), 1U);
  ASSERT_TRUE(w.put(5));
  EXPECT_TRUE(w.holders.take_targets_changed()) << "a whole statement without it withdraws it";
  ASSERT_TRUE(w.put(5, kHome, health_at("http://10.0.0.1:1/")));
  w.holders.take_targets_changed();
  ASSERT_TRUE(w.leave(5));
  EXPECT_TRUE(w.holders.take_targets_changed());
  EXPECT_TRUE(w.holders.targets().empty());
}

TEST(Holders, DeathIsLookedForAtTheHealthPortElseAtTheEndpoint) {
  World w;
  Claims claims;
  claims.endpoint = "http://10.0.0.1:9000/tasks";
  ASSERT_TRUE(w.put(5, kHome, claims));
  EXPECT_TRUE(w.holders.targets().empty()) << "an endpoint is for tasks, not for probing";
  EXPECT_EQ(w.cut(w.tether(5)->tether)->ask, (SocketAddress{IpAddress::v4(10, 0, 0, 1), 9000}));
  claims.health_url = "http://10.0.0.1:8081/";
  ASSERT_TRUE(w.put(5, kHome, claims));
  EXPECT_EQ(w.cut(w.tether(5)->tether)->ask, (SocketAddress{IpAddress::v4(10, 0, 0, 1), 8081}));
  claims.health_url.reset();
  claims.endpoint = "http://10.9.9.9:9000/";
  ASSERT_TRUE(w.put(5, kHome, claims)) << "kept, though we would not dial it";
  EXPECT_EQ(w.cut(w.tether(5)->tether)->ask, std::nullopt);
}

TEST(Holders, AreForgottenWithTheRegistryInRounds) {
  Holders holders({}, "registration", {});
  const Holders::Moment at{Instant{1'000'000'000}, {}};
  for (int i = 0; i < 10; ++i) {
    RegisterRequest request;
    request.id = "a" + std::to_string(i);
    request.peer = kHome;
    ASSERT_TRUE(holders.take(request, nullptr, 1s, at));
  }
  ASSERT_TRUE(holders.open_tether({"a0", 0, kHome, false}, at));
  const auto known = [](const std::string& id) { return id == "a5"; };
  EXPECT_FALSE(holders.sweep(known, 100, at.now + 30s)) << "leases and their slack are not over";
  const Instant later = at.now + 1h;
  for (int i = 0; i < 4; ++i) holders.sweep(known, 3, later);
  EXPECT_EQ(holders.size(), 2U);
  EXPECT_TRUE(holders.find("a0"));
  EXPECT_TRUE(holders.find("a5"));
}

}  // namespace
}  // namespace choregos::source
