#include "choregos/source/beacon/receiver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "choregos/base/limits.hpp"
#include "choregos/base/rng.hpp"
#include "choregos/source/beacon/evidence.hpp"
#include "choregos/source/beacon/sender_for_tests.hpp"

namespace choregos::source::beacon {
namespace {

const SocketAddress kHere{IpAddress::v4(127, 0, 0, 1), 40000};
const SocketAddress kElsewhere{IpAddress::v4(10, 0, 0, 7), 40000};
const std::string kSecret(32, 's');
const std::string kOther(32, 'o');

struct World {
  ReceiverSettings settings;
  Receiver receiver;
  Instant now{1'000'000'000'000};

  explicit World(ReceiverSettings s = {}) : settings(s), receiver(std::move(s)) {}
  Taken hear(const std::string& datagram, SocketAddress from = kHere, bool multicast = false) { return receiver.take({datagram, from, now, multicast}); }
};

ReceiverSettings with_keys() {
  ReceiverSettings settings;
  EXPECT_TRUE(settings.keys.add({1, kSecret, "a1"}));
  EXPECT_TRUE(settings.keys.add({2, kOther, "b*"}));
  return settings;
}

// ---- frames -------------------------------------------------------------------------------------------------------------

TEST(Receiver, HearsAnAnnounceAsAWholeStatement) {
  World world;
  Sender a1;
  Claims claims;
  claims.model = "llama3";
  claims.capabilities = {{"go_development"}};
  const Taken taken = world.hear(a1.announce(claims));
  ASSERT_TRUE(taken.heard);
  EXPECT_EQ(taken.heard->id, "a1");
  EXPECT_EQ(taken.heard->incarnation, 1000U);
  EXPECT_EQ(taken.heard->claims, claims);
  EXPECT_TRUE(taken.heard->new_session);
  EXPECT_FALSE(taken.heard->verified);
  EXPECT_FALSE(taken.heard->proven);
  EXPECT_EQ(taken.heard->at, world.now);
  const Observation o = observe(*taken.heard, "beacon", {3s, 10s}, world.now + 20ms, WallTime{5000});
  EXPECT_EQ(o.kind, ObservationKind::heard);
  EXPECT_EQ(o.subject, "a1");
  EXPECT_FALSE(o.partial);
  EXPECT_EQ(o.claims, claims);
  EXPECT_EQ(o.heard_at, world.now);
  EXPECT_EQ(o.wall_at.ms, 4980);
  EXPECT_FALSE(o.names.address);
  EXPECT_TRUE(check(o, world.now));
}

TEST(Receiver, HearsAnAliveAsStatusAndLoadAlone) {
  World world;
  Sender a1;
  wire::AliveBody body{"a1", 1000, Status::working, 2, 3, 500};
  a1.flags = wire::kBeaconDraining;
  auto taken = world.hear(a1.frame(wire::BeaconType::alive, wire::write_alive(body)));
  ASSERT_TRUE(taken.heard);
  const Observation o = observe(*taken.heard, "beacon", {}, world.now, {});
  EXPECT_TRUE(o.partial);
  EXPECT_TRUE(o.draining);
  EXPECT_EQ(o.claims->status, Status::working);
  EXPECT_EQ(o.claims->running, 2U);
  EXPECT_EQ(o.claims->capacity, 3U);
  taken = world.hear(a1.alive());
  EXPECT_FALSE(observe(*taken.heard, "beacon", {}, world.now, {}).claims) << "nothing was said but life";
}

TEST(Receiver, HearsAGoodbye) {
  World world;
  Sender a1;
  world.hear(a1.announce());
  const auto taken = world.hear(a1.bye("scaled down"));
  ASSERT_TRUE(taken.heard);
  const Observation o = observe(*taken.heard, "beacon", {}, world.now, {});
  EXPECT_EQ(o.kind, ObservationKind::goodbye);
  EXPECT_EQ(o.reason, "scaled down");
}

TEST(Receiver, CountsEachWayToBeNoBeacon) {
  World world;
  Sender a1;
  const std::string good = a1.announce();
  const auto with = [&](std::size_t at, char byte) {
    std::string bad = good;
    bad[at] = byte;
    return bad;
  };
  EXPECT_EQ(world.hear("").drop, Drop::length);
  EXPECT_EQ(world.hear("C").drop, Drop::length);
  EXPECT_EQ(world.hear(good.substr(0, good.size() - 1)).drop, Drop::length);
  EXPECT_EQ(world.hear(good + "x").drop, Drop::length);
  EXPECT_EQ(world.hear(std::string(65507, 'C')).drop, Drop::length);
  EXPECT_EQ(world.hear(with(0, 'X')).drop, Drop::magic);
  EXPECT_EQ(world.hear(with(4, 2)).drop, Drop::version);
  EXPECT_EQ(world.hear(with(5, 8)).drop, Drop::type);
  EXPECT_EQ(world.hear(with(good.size() - 1, 1)).drop, Drop::mac_on_unsigned);
  EXPECT_EQ(world.hear(a1.frame(wire::BeaconType::announce, "{}")).drop, Drop::malformed);
  EXPECT_EQ(world.hear(a1.frame(wire::BeaconType::announce, R"({"id":"a1","last_seen":"x"})")).drop, Drop::malformed);
  EXPECT_EQ(world.hear(a1.frame(wire::BeaconType::alive, "x")).drop, Drop::malformed);
  EXPECT_EQ(world.receiver.dropped(Drop::length), 5U);
  EXPECT_EQ(world.receiver.sessions(), 0U) << "nothing of it left a trace";
  EXPECT_TRUE(world.hear(good).heard);
}

TEST(Receiver, SurvivesAMillionthOfAllMutations) {
  World world(with_keys());
  Sender a1{.key_id = 1, .key = kSecret};
  Rng rng(5);
  std::uint64_t heard = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string datagram = i % 2 == 0 ? a1.announce() : a1.ping();
    for (auto edits = 1 + rng.below(4); edits > 0; --edits) datagram[rng.below(datagram.size())] ^= static_cast<char>(1 + rng.below(255));
    const Taken taken = world.hear(datagram, kElsewhere);
    heard += taken.heard.has_value() || taken.question.has_value();
  }
  EXPECT_EQ(heard, 0U);
  EXPECT_EQ(world.receiver.sessions(), 0U);
}

// ---- keys and the rule for unsigned ones --------------------------------------------------------------------------------

TEST(Receiver, BelievesUnsignedBeaconsFromWhereItMay) {
  World strict;
  Sender a1;
  EXPECT_EQ(strict.hear(a1.announce(), kElsewhere).drop, Drop::unsigned_refused);
  EXPECT_TRUE(strict.hear(a1.announce(), kHere).heard);
  ReceiverSettings settings;
  settings.accept_unsigned = UnsignedRule::parse("10.0.0.0/8").value();
  World open(settings);
  EXPECT_TRUE(open.hear(a1.announce(), kElsewhere).heard);
  EXPECT_EQ(open.hear(a1.announce(), kHere).drop, Drop::unsigned_refused);
}

TEST(Receiver, AKeyProvesTheIdThatItIsBoundTo) {
  World world(with_keys());
  Sender a1{.key_id = 1, .key = kSecret};
  const auto taken = world.hear(a1.announce(), kElsewhere);
  ASSERT_TRUE(taken.heard);
  EXPECT_TRUE(taken.heard->verified);
  EXPECT_TRUE(taken.heard->proven);
  EXPECT_TRUE(observe(*taken.heard, "beacon", {}, world.now, {}).names.proven);
}

TEST(Receiver, AKeyForAPatternVerifiesButProvesNoId) {
  World world(with_keys());
  Sender b1{.id = "b1", .key_id = 2, .key = kOther};
  const auto taken = world.hear(b1.announce(), kElsewhere);
  ASSERT_TRUE(taken.heard);
  EXPECT_TRUE(taken.heard->verified);
  EXPECT_FALSE(taken.heard->proven);
}

TEST(Receiver, ForgeriesTouchNothing) {
  World world(with_keys());
  Sender wrong_key{.key_id = 1, .key = kOther};
  Sender unknown_key{.key_id = 9, .key = kSecret};
  Sender not_its_id{.key_id = 2, .key = kOther};
  Sender no_key{};
  EXPECT_EQ(world.hear(wrong_key.announce()).drop, Drop::wrong_mac);
  EXPECT_EQ(world.hear(unknown_key.announce()).drop, Drop::unknown_key);
  EXPECT_EQ(world.hear(not_its_id.announce()).drop, Drop::key_not_for_id);
  EXPECT_EQ(world.hear(no_key.announce()).drop, Drop::id_has_key) << "even from loopback";
  EXPECT_EQ(world.receiver.sessions(), 0U);

  // Nor do they disturb the session that they imitate.
  Sender a1{.key_id = 1, .key = kSecret};
  EXPECT_TRUE(world.hear(a1.announce(), kElsewhere).heard);
  wrong_key.sequence = 1'000'000;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(world.hear(i % 2 == 0 ? wrong_key.bye() : wrong_key.alive(), kElsewhere).drop, Drop::wrong_mac);
  EXPECT_TRUE(world.hear(a1.alive(), kElsewhere).heard);
  EXPECT_EQ(world.receiver.dropped(Drop::wrong_mac), 1001U);
}

TEST(Receiver, AReplayCostsNoHash) {
  World world(with_keys());
  Sender a1{.key_id = 1, .key = kSecret};
  std::string datagram = a1.announce();
  EXPECT_TRUE(world.hear(datagram).heard);
  datagram.back() = static_cast<char>(datagram.back() ^ 1);
  EXPECT_EQ(world.hear(datagram).drop, Drop::replayed) << "its MAC is wrong, too, but nobody looked";
}

TEST(Receiver, RevokedKeysCountNoMoreFromTheNextDatagram) {
  World world(with_keys());
  Sender a1{.key_id = 1, .key = kSecret};
  Sender b1{.id = "b1", .session = 7, .key_id = 2, .key = kOther};
  EXPECT_TRUE(world.hear(a1.announce()).heard);
  EXPECT_TRUE(world.hear(b1.announce()).heard);
  KeyRing fewer;
  ASSERT_TRUE(fewer.add({2, kOther, "b*"}));
  world.receiver.set_keys(fewer);
  EXPECT_EQ(world.hear(a1.alive()).drop, Drop::unknown_key);
  EXPECT_TRUE(world.hear(b1.alive()).heard);
  EXPECT_EQ(world.receiver.sessions(), 1U);
}

TEST(Receiver, AListenerWithoutKeysMayShowWhatItCannotVerify) {
  ReceiverSettings settings;
  settings.show_unverified = true;
  World world(settings);
  Sender a1{.key_id = 1, .key = kSecret};
  const auto taken = world.hear(a1.announce(), kElsewhere);
  ASSERT_TRUE(taken.heard);
  EXPECT_FALSE(taken.heard->verified);
}

// ---- sequences, sessions, lives -----------------------------------------------------------------------------------------

TEST(Receiver, TakesEachDatagramOnce) {
  World world;
  Sender a1;
  const std::string first = a1.announce(), second = a1.alive();
  EXPECT_TRUE(world.hear(second).heard);
  EXPECT_TRUE(world.hear(first).heard) << "overtaken, not replayed";
  EXPECT_EQ(world.hear(first).drop, Drop::replayed);
  EXPECT_EQ(world.hear(second).drop, Drop::replayed);
  for (int i = 0; i < 100; ++i) world.hear(a1.alive());
  EXPECT_EQ(world.hear(first).drop, Drop::replayed);
  Sender zero{.id = "z", .session = 3};
  zero.sequence = UINT64_MAX;
  EXPECT_EQ(world.hear(zero.alive()).drop, Drop::replayed) << "sequence 0";
  zero.sequence = UINT64_MAX - 1;
  EXPECT_EQ(world.hear(zero.alive()).drop, Drop::malformed) << "a number no honest sender reaches";
}

TEST(Receiver, TenfoldAndReorderedBeaconsLeaveTheStateOfACleanRun) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Rng rng(seed);
    struct Flight {
      Instant at;
      std::uint64_t order;
      std::string bytes;
    };
    std::vector<Flight> clean, noisy;
    std::vector<Sender> senders;
    for (int i = 0; i < 3; ++i) senders.push_back({.id = "a" + std::to_string(i), .session = rng.next()});
    const Instant begin{1'000'000'000'000};
    for (int second = 0; second < 12; ++second)
      for (auto& sender : senders) {
        const auto status = static_cast<Status>(rng.below(3));
        Claims claims;
        claims.status = status;
        claims.model = "m" + std::to_string(rng.below(3));
        const std::string bytes = second == 0 || rng.chance(0.2) ? sender.announce(claims) : sender.alive(status);
        const Instant at = begin + second * Duration(1s);
        clean.push_back({at, clean.size(), bytes});
        for (int copy = 0; copy < 10; ++copy) noisy.push_back({at + Duration(static_cast<std::int64_t>(rng.below(1'000'000'000))), rng.next(), bytes});
      }
    std::sort(noisy.begin(), noisy.end(), [](const Flight& a, const Flight& b) { return a.at != b.at ? a.at < b.at : a.order < b.order; });

    // What each id is believed to say: as the registry folds it, the newest of each part by sequence.
    struct State {
      std::uint64_t count = 0;
      std::map<std::uint64_t, std::pair<bool, Claims>> said;  // by sequence within the session
    };
    const auto run = [&](const std::vector<Flight>& flights) {
      Receiver receiver({});
      std::map<std::string, State> states;
      std::map<std::string, std::uint64_t> bases;
      for (const auto& flight : flights) {
        const Taken taken = receiver.take({flight.bytes, kHere, flight.at, false});
        if (!taken.heard) continue;
        State& state = states[taken.heard->id];
        ++state.count;
        // Bases differ with the time of the first arrival; differences within a session do not.
        wire::BeaconView view;
        EXPECT_EQ(wire::decode_beacon(flight.bytes, view), wire::BeaconFault::none);
        const auto base = bases.try_emplace(taken.heard->id, taken.heard->sequence - view.sequence).first->second;
        EXPECT_EQ(taken.heard->sequence - base, view.sequence);
        state.said[view.sequence] = {taken.heard->type == wire::BeaconType::alive, taken.heard->claims};
      }
      return states;
    };
    const auto expected = run(clean), got = run(noisy);
    ASSERT_EQ(expected.size(), got.size());
    for (const auto& [id, state] : expected) {
      EXPECT_EQ(state.count, got.at(id).count) << "seed " << seed;
      EXPECT_EQ(state.said, got.at(id).said) << "seed " << seed;
    }
  }
}

TEST(Receiver, AHigherIncarnationIsARestartAndTheOlderMaySpeakOn) {
  World world;
  Sender old_life{.session = 1}, new_life{.incarnation = 2000, .session = 2};
  world.hear(old_life.announce());
  world.now = world.now + 2s;
  EXPECT_TRUE(world.hear(new_life.announce()).heard);
  const auto still = world.hear(old_life.alive());
  ASSERT_TRUE(still.heard) << "two living processes: the registry must see both";
  EXPECT_EQ(still.heard->incarnation, 1000U);
}

TEST(Receiver, RecordingsOfAnOlderLifeAreRefused) {
  World world;
  std::vector<std::string> recorded;
  Sender first{.session = 1};
  for (int i = 0; i < 600; ++i) recorded.push_back(i == 0 ? first.announce() : first.alive());
  Sender second{.incarnation = 2000, .session = 2};
  world.hear(second.announce());
  for (const auto& datagram : recorded) EXPECT_EQ(world.hear(datagram).drop, Drop::older_life);
  EXPECT_TRUE(world.hear(second.alive()).heard);
}

TEST(Receiver, TenMinutesOfADeadAgentReplayedAThousandTimesWakeNobody) {
  World world(with_keys());
  Sender a1{.key_id = 1, .key = kSecret}, b1{.id = "b1", .session = 7, .key_id = 2, .key = kOther};
  std::vector<std::string> recorded;
  for (int i = 0; i < 600; ++i) {
    recorded.push_back(i % 10 == 0 ? a1.announce() : a1.alive());
    world.hear(recorded.back());
    world.hear(b1.alive());
    world.now = world.now + 1s;
    world.receiver.sweep(world.now);
  }
  world.now = world.now + 1h;
  world.receiver.sweep(world.now);
  std::uint64_t heard = 0;
  for (int round = 0; round < 1000; ++round)
    for (const auto& datagram : recorded) heard += world.hear(datagram, kElsewhere).heard.has_value();
  EXPECT_EQ(heard, 0U);
  EXPECT_EQ(world.receiver.dropped(Drop::replayed), 600'000U);
  EXPECT_TRUE(world.hear(b1.alive()).heard);
}

TEST(Receiver, AfterARestartALifeKnownToHaveEndedStaysEnded) {
  World world(with_keys());
  world.receiver.expect("a1", 1000, true);
  world.receiver.expect("b1", 1000, false);
  Sender ended{.key_id = 1, .key = kSecret}, older{.id = "b1", .incarnation = 999, .session = 7, .key_id = 2, .key = kOther};
  EXPECT_EQ(world.hear(ended.announce()).drop, Drop::older_life);
  EXPECT_EQ(world.hear(older.announce()).drop, Drop::older_life);
  Sender next{.incarnation = 1001, .session = 8, .key_id = 1, .key = kSecret}, same{.id = "b1", .session = 9, .key_id = 2, .key = kOther};
  EXPECT_TRUE(world.hear(next.announce()).heard);
  EXPECT_TRUE(world.hear(same.announce()).heard) << "it lived through our restart";
}

TEST(Receiver, ANewSessionOfTheSameIncarnationHasAVoiceOfItsOwn) {
  World world;
  Sender one{.session = 1}, clone{.session = 2};
  EXPECT_EQ(world.hear(one.announce()).heard->voice, "a1") << "the first of a life";
  for (int i = 0; i < 500; ++i) world.hear(one.alive());
  world.now = world.now + 5s;
  const std::string voice = "a1 from " + to_string(kHere);
  EXPECT_EQ(world.hear(clone.announce()).heard->voice, voice);
  for (int i = 0; i < 10; ++i) {
    world.now = world.now + 1s;
    EXPECT_EQ(world.hear(one.alive()).heard->voice, "a1") << "which of the two lives is not for the receiver to say";
    EXPECT_EQ(world.hear(clone.alive()).heard->voice, voice);
  }
  EXPECT_EQ(observe(*world.hear(clone.alive()).heard, "beacon", {}, world.now, {}).subject, voice);
  EXPECT_EQ(observe(*world.hear(clone.alive()).heard, "beacon", {}, world.now, {}).names.id, "a1");
  world.now = world.now + 1s;
  EXPECT_EQ(world.hear(Sender{.incarnation = 5000, .session = 3}.announce()).heard->voice, "a1") << "a life of its own";
}

TEST(Receiver, EachVoiceIsAskedForItself) {
  World world;
  Sender one{.session = 1}, clone{.session = 2};
  one.flags = clone.flags = wire::kBeaconAnswers;
  world.hear(one.announce());
  world.now = world.now + 5s;
  const SocketAddress there{kHere.ip, 40001};
  world.hear(clone.announce(), there);
  const std::string voice = "a1 from " + to_string(there);
  ASSERT_TRUE(world.receiver.ask("a1", "a1", 0, world.now));
  EXPECT_EQ(world.receiver.ask("a1", "a1", 0, world.now)->to, kHere);
  ASSERT_TRUE(world.receiver.ask("a1", voice, 0, world.now));
  EXPECT_EQ(world.receiver.ask("a1", voice, 0, world.now)->to, there);
  EXPECT_FALSE(world.receiver.ask("a1", "a1 from nowhere", 0, world.now));
}

TEST(Receiver, ASessionSpeaksForOneIdAndOneLife) {
  World world;
  Sender a1;
  world.hear(a1.announce());
  a1.id = "a2";
  EXPECT_EQ(world.hear(a1.announce()).drop, Drop::foreign_session);
  a1.id = "a1";
  a1.incarnation = 1001;
  EXPECT_EQ(world.hear(a1.announce()).drop, Drop::foreign_session);
  a1.incarnation = 0;
  const auto unsaid = world.hear(a1.alive());
  ASSERT_TRUE(unsaid.heard);
  EXPECT_EQ(unsaid.heard->incarnation, 1000U) << "what one beacon leaves out another said";
}

// ---- floods -------------------------------------------------------------------------------------------------------------

TEST(Receiver, AFloodOfUnknownIdsCrowdsOutNobodyWhoIsKnown) {
  World world;
  std::vector<Sender> known;
  for (std::uint64_t i = 0; i < 50; ++i) known.push_back({.id = "known-" + std::to_string(i), .session = 1 + i});
  for (auto& sender : known) ASSERT_TRUE(world.hear(sender.announce()).heard);
  world.receiver.expect("returning", 1, false);
  Rng rng(3);
  std::uint64_t strangers = 0;
  for (int second = 0; second < 20; ++second) {
    for (int i = 0; i < 5000; ++i) {
      Sender stranger{.id = "s" + std::to_string(rng.next()), .session = rng.next()};
      strangers += world.hear(stranger.announce()).heard.has_value();
      world.now = world.now + 200us;
    }
    for (auto& sender : known) ASSERT_TRUE(world.hear(sender.alive()).heard);
    world.receiver.sweep(world.now);
  }
  EXPECT_LE(strangers, 2000U + 20 * 200);
  EXPECT_GT(world.receiver.dropped(Drop::rate_limited), 90'000U);
  Sender returning{.id = "returning", .session = 123};
  EXPECT_TRUE(world.hear(returning.announce()).heard) << "known from before a restart";
  Sender restarted{.id = "known-3", .incarnation = 2000, .session = 456};
  EXPECT_TRUE(world.hear(restarted.announce()).heard);
}

TEST(Receiver, AFloodOfSessionsOfOneIdIsSlowedDown) {
  World world;
  Rng rng(4);
  std::uint64_t heard = 0;
  for (int i = 0; i < 10'000; ++i) {
    Sender forged{.incarnation = 1000U + static_cast<std::uint64_t>(i), .session = rng.next()};
    heard += world.hear(forged.announce()).heard.has_value();
    world.now = world.now + 1ms;
  }
  EXPECT_LE(heard, 11U);
}

TEST(Receiver, AFullTableKeepsThoseWhoAreHeard) {
  ReceiverSettings settings;
  settings.session_count_max = 3;
  World world(settings);
  Sender a{.id = "a", .session = 1}, b{.id = "b", .session = 2}, c{.id = "c", .session = 3}, d{.id = "d", .session = 4};
  for (auto* sender : {&a, &b, &c}) EXPECT_TRUE(world.hear(sender->announce()).heard);
  EXPECT_EQ(world.hear(d.announce()).drop, Drop::table_full);
  world.now = world.now + 61s;
  world.hear(b.alive());
  world.hear(c.alive());
  world.receiver.sweep(world.now);
  EXPECT_TRUE(world.hear(d.announce()).heard) << "a was silent and makes room";
  EXPECT_EQ(world.receiver.sessions(), 3U);
  EXPECT_TRUE(world.hear(b.alive()).heard);
}

TEST(Receiver, ForgetsTheSilentInTheirTime) {
  World world(with_keys());
  Sender unsigned_one{.id = "u", .session = 1}, signed_one{.id = "a1", .session = 2, .key_id = 1, .key = kSecret};
  world.hear(unsigned_one.announce());
  world.hear(signed_one.announce());
  EXPECT_EQ(world.receiver.agents(), 2U);
  const auto later = [&](Duration d) {
    world.now = world.now + d;
    world.receiver.sweep(world.now);
  };
  later(61s);
  EXPECT_EQ(world.receiver.agents(), 0U);
  EXPECT_EQ(world.receiver.sessions(), 2U);
  later(10min);
  EXPECT_EQ(world.receiver.sessions(), 1U);
  later(24h);
  EXPECT_EQ(world.receiver.sessions(), 0U);
}

// ---- questions ----------------------------------------------------------------------------------------------------------

TEST(Receiver, AnswersThePingOfAKnownAgentWithNoMoreBytesThanItTook) {
  for (const bool with_key : {false, true}) {
    World world(with_keys());
    Sender sender{.id = with_key ? "a1" : "u1", .key_id = with_key ? 1U : 0U, .key = with_key ? kSecret : ""};
    world.hear(sender.announce());
    const std::string ping = sender.ping(4711);
    const Taken taken = world.hear(ping);
    ASSERT_TRUE(taken.question);
    const std::string ack = world.receiver.answer(*taken.question, {taken.question->nonce, 2000, 42, 77});
    ASSERT_FALSE(ack.empty());
    EXPECT_LE(ack.size(), ping.size());
    wire::BeaconView view;
    ASSERT_EQ(wire::decode_beacon(ack, view), wire::BeaconFault::none);
    EXPECT_EQ(view.type, wire::BeaconType::ack);
    EXPECT_EQ(view.key_id, sender.key_id);
    EXPECT_EQ(wire::verify_beacon(view, kSecret), with_key);
    EXPECT_EQ(wire::read_ack(view.payload).value(), (wire::AckBody{4711, 2000, 42, 77}));
  }
}

TEST(Receiver, AnswersNoStranger) {
  World world(with_keys());
  Sender stranger{.id = "u1"};
  EXPECT_EQ(world.hear(stranger.ping()).drop, Drop::unknown_sender);
  world.hear(stranger.announce());
  EXPECT_TRUE(world.hear(stranger.ping()).question);
  world.now = world.now + 61s;
  EXPECT_EQ(world.hear(stranger.ping()).drop, Drop::unknown_sender) << "known for a minute after its last beacon";
  Sender forger{.session = stranger.session, .key_id = 1, .key = kOther};
  EXPECT_EQ(world.hear(forger.ping()).drop, Drop::wrong_mac);
}

TEST(Receiver, AnswersNoOddAddressNoGroupAndNoFlood) {
  World world;
  world.settings.accept_unsigned = UnsignedRule::parse("any").value();
  world.receiver = Receiver(world.settings);
  Sender a1;
  world.hear(a1.announce());
  const auto asks = [&](const char* address, bool multicast = false) {
    world.now = world.now + 100ms;
    return world.hear(a1.ping(), *parse_socket_address(address), multicast).question.has_value();
  };
  for (const auto* odd : {"255.255.255.255:5000", "224.0.0.1:5000", "0.0.0.0:5000", "[ff02::1]:5000", "[fe80::1]:5000", "10.0.0.1:7", "10.0.0.1:19", "10.0.0.1:53"}) EXPECT_FALSE(asks(odd)) << odd;
  EXPECT_FALSE(world.hear(a1.ping(), {IpAddress::v4(10, 0, 0, 1), 0}).question);
  EXPECT_FALSE(asks("10.0.0.1:5000", true));
  EXPECT_TRUE(asks("10.0.0.1:5000"));
  int answers = 0;
  for (int i = 0; i < 1000; ++i) answers += world.hear(a1.ping()).question.has_value();
  EXPECT_EQ(answers, 0) << "50 ms apart at least";
  EXPECT_TRUE(world.hear(a1.alive()).heard) << "life is not limited";
}

TEST(Receiver, AShortPingGetsNothing) {
  World world;
  Sender a1;
  world.hear(a1.announce());
  EXPECT_EQ(world.hear(a1.frame(wire::BeaconType::ping, "12345678")).drop, Drop::malformed);
}

TEST(Receiver, AForgedGoodbyeOfAnUnknownSessionIsDropped) {
  World world;
  Sender a1, forger{.session = 0xbad};
  world.hear(a1.announce());
  for (int i = 0; i < 1000; ++i) {
    world.now = world.now + 10ms;
    EXPECT_EQ(world.hear(forger.bye()).drop, Drop::unknown_sender);
  }
  EXPECT_TRUE(world.hear(a1.alive()).heard);
}

// ---- questions of ours ---------------------------------------------------------------------------------------------------

constexpr std::uint16_t kAnswers = wire::kBeaconAnswers;
constexpr std::uint16_t kHelps = wire::kBeaconAnswers | wire::kBeaconHelps;
const SocketAddress kHelperAt{IpAddress::v4(127, 0, 0, 1), 40001};

std::uint64_t nonce_of(const std::string& ping) {
  wire::BeaconView view;
  EXPECT_EQ(wire::decode_beacon(ping, view), wire::BeaconFault::none);
  EXPECT_EQ(view.type, wire::BeaconType::ping);
  return wire::read_ping(view.payload).value();
}
/// The ping inside of what goes to a helper.
wire::AskBody asked_of(const std::string& ask) {
  wire::BeaconView view;
  EXPECT_EQ(wire::decode_beacon(ask, view), wire::BeaconFault::none);
  EXPECT_EQ(view.type, wire::BeaconType::ask);
  return wire::read_ask(view.payload).value();
}

TEST(Receiver, AsksWhereTheAgentSpeaksFromSignedAsItSigns) {
  for (const bool with_key : {false, true}) {
    World world(with_keys());
    Sender sender{.id = with_key ? "a1" : "u1", .key_id = with_key ? 1U : 0U, .key = with_key ? kSecret : "", .flags = kAnswers};
    EXPECT_FALSE(world.receiver.ask(sender.id, sender.id, 0, world.now)) << "unknown";
    world.hear(sender.announce());
    const auto asking = world.receiver.ask(sender.id, sender.id, 1000, world.now);
    ASSERT_TRUE(asking);
    EXPECT_EQ(asking->to, kHere);
    EXPECT_EQ(asking->incarnation, 1000U);
    EXPECT_EQ(asking->proven, with_key);
    EXPECT_EQ(asking->bytes.size(), wire::kBeaconPingBytes);
    wire::BeaconView view;
    ASSERT_EQ(wire::decode_beacon(asking->bytes, view), wire::BeaconFault::none);
    EXPECT_EQ(view.cookie, sender.session) << "shows that we hear it";
    EXPECT_EQ(view.key_id, sender.key_id);
    EXPECT_EQ(wire::verify_beacon(view, kSecret), with_key);

    const Taken taken = world.hear(sender.ack(nonce_of(asking->bytes)));
    ASSERT_TRUE(taken.heard) << to_string(taken.drop);
    const Observation o = observe(*taken.heard, "beacon", {3s, 10s, 1s}, world.now, {});
    EXPECT_EQ(o.kind, ObservationKind::heard);
    EXPECT_TRUE(o.answer);
    EXPECT_FALSE(o.claims);
    EXPECT_EQ(o.incarnation, 1000U);
    EXPECT_EQ(o.from, kHere.ip);
    EXPECT_TRUE(check(o, world.now));
    EXPECT_TRUE(check(observe(*asking, sender.id, sender.id, "beacon", world.now, {}), world.now));
  }
}

TEST(Receiver, AsksNobodyWhoNeverSaidThatItAnswers) {
  World world;
  Sender old_agent{.id = "old"};
  world.hear(old_agent.announce());
  EXPECT_FALSE(world.receiver.ask("old", "old", 0, world.now));
  old_agent.flags = kAnswers;
  world.hear(old_agent.alive());
  EXPECT_TRUE(world.receiver.ask("old", "old", 0, world.now));
  EXPECT_FALSE(world.receiver.ask("old", "old", 999, world.now)) << "another life";
  old_agent.flags = 0;
  world.hear(old_agent.alive());
  EXPECT_FALSE(world.receiver.ask("old", "old", 0, world.now));
}

TEST(Receiver, AnAckAnswersOnceInTimeAndForItsOwnAgentAlone) {
  World world(with_keys());
  Sender a1{.key_id = 1, .key = kSecret, .flags = kAnswers}, u1{.id = "u1", .session = 7, .flags = kAnswers};
  world.hear(a1.announce());
  world.hear(u1.announce());
  const auto ask = [&] { return nonce_of(world.receiver.ask("a1", "a1", 0, world.now)->bytes); };

  EXPECT_EQ(world.hear(a1.ack(4711)).drop, Drop::unasked) << "nobody asked";
  EXPECT_EQ(world.hear(u1.ack(ask())).drop, Drop::unasked) << "another one's, without the key";
  Sender forger{.session = a1.session, .key_id = 1, .key = kOther};
  forger.sequence = 50;
  EXPECT_EQ(world.hear(forger.ack(ask())).drop, Drop::wrong_mac);
  Sender unsigned_forger{.session = a1.session};
  unsigned_forger.sequence = 50;
  EXPECT_EQ(world.hear(unsigned_forger.ack(ask())).drop, Drop::unasked) << "asked with a key";
  Sender elsewhere{.session = 0x77, .key_id = 1, .key = kSecret};
  EXPECT_EQ(world.hear(elsewhere.ack(ask())).drop, Drop::unknown_sender) << "a session that was never heard";

  const std::uint64_t nonce = ask();
  const std::string ack = a1.ack(nonce);
  ASSERT_TRUE(world.hear(ack).heard);
  EXPECT_EQ(world.hear(ack).drop, Drop::replayed);
  EXPECT_EQ(world.hear(a1.ack(nonce)).drop, Drop::unasked) << "once";

  const std::uint64_t late = ask();
  world.now = world.now + Receiver::kAnswerTime + 1s;
  ask();
  EXPECT_EQ(world.hear(a1.ack(late)).drop, Drop::unasked);
}

TEST(Receiver, NobodyAnswersForAnotherOfTheSameKey) {
  for (const bool with_key : {false, true}) {
    World world(with_keys());
    const std::uint64_t key_id = with_key ? 2 : 0;
    const std::string key = with_key ? kOther : "";
    Sender b1{.id = "b1", .session = 1, .key_id = key_id, .key = key, .flags = kAnswers}, b2{.id = "b2", .session = 2, .key_id = key_id, .key = key, .flags = kAnswers};
    world.hear(b1.announce());
    world.hear(b2.announce());
    const std::uint64_t nonce = nonce_of(world.receiver.ask("b1", "b1", 0, world.now)->bytes);
    EXPECT_EQ(world.hear(b2.ack(nonce)).drop, Drop::unknown_sender);
    EXPECT_TRUE(world.hear(b1.ack(nonce)).heard);
  }
}

TEST(Receiver, AnswersAndQuestionsKeepWhatAnAgentSaidOfItself) {
  World world;
  Sender a1{.flags = static_cast<std::uint16_t>(kAnswers | wire::kBeaconDraining)};
  const auto first = world.hear(a1.announce()).heard;
  a1.flags = 0;
  const Taken ping = world.hear(a1.ping());
  ASSERT_TRUE(ping.heard);
  EXPECT_TRUE(ping.heard->draining) << "pings carry no flags, which is no word about draining";
  EXPECT_EQ(ping.heard->sequence, first->sequence + 1) << "no beacon was lost";
  EXPECT_FALSE(ping.heard->answer);
  EXPECT_TRUE(world.hear(a1.ack(nonce_of(world.receiver.ask("a1", "a1", 0, world.now)->bytes))).heard->draining);
}

TEST(Receiver, QuestionsHaveABound) {
  World world;
  Sender a1{.flags = kAnswers};
  world.hear(a1.announce());
  for (std::size_t i = 0; i < limits::question_count_max; ++i) ASSERT_TRUE(world.receiver.ask("a1", "a1", 0, world.now));
  EXPECT_FALSE(world.receiver.ask("a1", "a1", 0, world.now));
  world.now = world.now + Receiver::kAnswerTime + 1s;
  EXPECT_TRUE(world.receiver.ask("a1", "a1", 0, world.now));
}

struct Helped : World {
  Sender a1{.key_id = 1, .key = kSecret, .flags = kAnswers};
  Sender helper{.id = "b1", .session = 0xb1, .key_id = 2, .key = kOther, .flags = kHelps};
  Helped() : World(with_keys()) {
    hear(a1.announce());
    hear(helper.announce(), kHelperAt);
  }
  std::uint64_t ask() {
    const auto asking = receiver.ask_through("b1", "a1", "a1", 1000, now);
    EXPECT_TRUE(asking);
    EXPECT_EQ(asking->to, kHelperAt);
    const wire::AskBody body = asked_of(asking->bytes);
    EXPECT_EQ(body.target, kHere);
    EXPECT_LE(helper.told(0, a1.ack(0)).size(), asking->bytes.size()) << "never longer than the request";
    return nonce_of(body.ping);
  }
};

TEST(Receiver, AHelperHandsBackTheAnswerItselfSoItIsProven) {
  Helped w;
  const std::uint64_t nonce = w.ask();
  const Taken taken = w.hear(w.helper.told(nonce, w.a1.ack(nonce)), kHelperAt);
  ASSERT_TRUE(taken.heard) << to_string(taken.drop);
  EXPECT_EQ(taken.heard->id, "b1") << "it lives, too";
  ASSERT_TRUE(taken.relayed);
  EXPECT_EQ(taken.relayed->id, "a1");
  EXPECT_TRUE(taken.relayed->answer);
  EXPECT_TRUE(taken.relayed->proven);
  EXPECT_EQ(taken.relayed->via, "b1");
  EXPECT_EQ(w.hear(w.helper.told(nonce), kHelperAt).drop, Drop::unasked) << "once";
}

TEST(Receiver, AHelperThatLiesCanNeitherMakeSomebodyLiveNorSpeakUnasked) {
  Helped w;
  const std::uint64_t nonce = w.ask();
  Sender forger{.session = w.a1.session, .key_id = 1, .key = kOther};
  forger.sequence = 40;
  EXPECT_FALSE(w.hear(w.helper.told(nonce, forger.ack(nonce)), kHelperAt).relayed) << "it lacks the key";
  EXPECT_FALSE(w.hear(w.helper.told(nonce, w.helper.ack(nonce)), kHelperAt).relayed) << "its own answer";
  EXPECT_EQ(w.hear(w.helper.told(4711), kHelperAt).drop, Drop::unasked);
  Sender other{.id = "b2", .session = 0xb2, .key_id = 2, .key = kOther, .flags = kHelps};
  w.hear(other.announce(), kHelperAt);
  EXPECT_EQ(w.hear(other.told(nonce), kHelperAt).drop, Drop::unasked) << "somebody else was asked";
  EXPECT_FALSE(w.hear(w.a1.ack(nonce)).heard) << "the answer to a helper's ping comes by way of the helper";
  Sender stranger{.id = "b3", .session = 0xb3, .key_id = 2, .key = kOther};
  EXPECT_EQ(w.hear(stranger.told(nonce), kHelperAt).drop, Drop::unknown_sender);
}

TEST(Receiver, InVainCountsOnlyForThoseWhomSomeHelperHasReached) {
  Helped w;
  EXPECT_FALSE(w.hear(w.helper.told(w.ask()), kHelperAt).unanswered) << "it may be that nobody else can reach it";
  const std::uint64_t nonce = w.ask();
  ASSERT_TRUE(w.hear(w.helper.told(nonce, w.a1.ack(nonce)), kHelperAt).relayed);
  const Taken taken = w.hear(w.helper.told(w.ask()), kHelperAt);
  ASSERT_TRUE(taken.unanswered);
  const Observation o = observe(*taken.unanswered, "beacon", {});
  EXPECT_EQ(o.kind, ObservationKind::unanswered);
  EXPECT_EQ(o.subject, "a1");
  EXPECT_EQ(o.names.id, "a1");
  EXPECT_EQ(o.incarnation, 1000U);
  EXPECT_EQ(o.via, "b1");
  EXPECT_TRUE(check(o, w.now));
}

TEST(Receiver, AsksNobodyToHelpWhoDidNotOfferOrIsTheAskedOne) {
  Helped w;
  EXPECT_FALSE(w.receiver.ask_through("a1", "b1", "b1", 0, w.now)) << "never said that it helps";
  EXPECT_FALSE(w.receiver.ask_through("b1", "b1", "b1", 0, w.now));
  EXPECT_FALSE(w.receiver.ask_through("nobody", "a1", "a1", 0, w.now));
  w.hear(w.helper.alive(), kElsewhere);
  EXPECT_FALSE(w.receiver.ask_through("b1", "a1", "a1", 0, w.now)) << "our loopback is not the helper's";
}

TEST(Receiver, RehearsesOnceWithEachUntilAHelperReachedIt) {
  Helped w;
  const auto asking = w.receiver.rehearse(w.now);
  ASSERT_TRUE(asking);
  const std::uint64_t nonce = nonce_of(asked_of(asking->bytes).ping);
  EXPECT_FALSE(w.receiver.rehearse(w.now)) << "not again so soon, and the helper is alone with it";
  ASSERT_TRUE(w.hear(w.helper.told(nonce, w.a1.ack(nonce)), kHelperAt).relayed);
  w.now = w.now + 11min;
  w.hear(w.a1.alive());
  w.hear(w.helper.alive(), kHelperAt);
  EXPECT_FALSE(w.receiver.rehearse(w.now)) << "known";
}

}  // namespace
}  // namespace choregos::source::beacon
