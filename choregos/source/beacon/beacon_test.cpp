// The beacon source on real sockets, on loopback.
#include "choregos/source/beacon/beacon.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "choregos/net/sockets.hpp"
#include "choregos/source/beacon/sender_for_tests.hpp"

namespace choregos::source {
namespace {

using beacon::Sender;
const std::string kSecret(32, 's');

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

struct Listening : testing::Test {
  net::Loop loop;
  std::vector<Observation> heard;
  std::vector<std::string> answers;
  std::unique_ptr<net::UdpSocket> mouth;  ///< an agent's socket

  Beacon::Options options() {
    Beacon::Options out;
    out.ears.port = 0;
    out.ears.interfaces = {"lo"};
    out.receiver.seed = 11;
    out.epoch = 42;
    out.cookie = 77;
    return out;
  }
  std::unique_ptr<Beacon> start(Beacon::Options from) {
    auto source = std::make_unique<Beacon>(loop, std::move(from), [this](Observation o) { heard.push_back(std::move(o)); });
    source->start();
    return source;
  }
  net::UdpSocket& agent(const char* address = "127.0.0.1") {
    net::UdpSocket::Options mine;
    mine.bind = {*parse_ip(address), 0};
    mine.interfaces = {"lo"};
    mouth = net::UdpSocket::open(loop, mine, [this](std::span<const net::Datagram> batch) {
              for (const auto& d : batch) answers.emplace_back(reinterpret_cast<const char*>(d.bytes.data()), d.bytes.size());
            }).value();
    return *mouth;
  }
  bool wait(const std::function<bool()>& done) { return loop.run_until(done, 5s); }
  static std::uint64_t counter(const SourceHealth& health, const std::string& name) {
    for (const auto& [key, value] : health.counters)
      if (key == name) return value;
    ADD_FAILURE() << "no counter " << name;
    return 0;
  }
};

TEST_F(Listening, HearsUnicastAndStampsItWithTheKernelsTime) {
  auto source = start(options());
  ASSERT_NE(source->port(), 0);
  Sender a1;
  // The first socket that asks the kernel for stamps gets them a moment later (net_enable_timestamp defers the switch to
  // a worker), and a datagram that came before that is stamped when it is read. So the first few may not show it.
  bool stamped = false;
  for (int attempt = 0; attempt < 10 && !stamped; ++attempt) {
    heard.clear();
    const Instant before = loop.now();
    ASSERT_TRUE(agent().send({IpAddress::v4(127, 0, 0, 1), source->port()}, bytes_of(a1.announce()), true));
    // The loop stands still here, as a stopped process does: the datagram came before that.
    ::usleep(300'000);
    const Instant thawed = loop.now();
    ASSERT_TRUE(wait([&] { return heard.size() == 1; }));
    EXPECT_GE(heard[0].heard_at, before);
    stamped = heard[0].heard_at < thawed - 100ms && heard[0].wall_at.ms <= loop.wall_now().ms - 100;
  }
  EXPECT_TRUE(stamped) << "each datagram was stamped when it was read, not when it came";
  EXPECT_EQ(heard[0].source, "beacon");
  EXPECT_EQ(heard[0].names.id, "a1");
  EXPECT_EQ(heard[0].lease, (Lease{3050ms, 10s, 1s}));
  EXPECT_EQ(heard[0].from, IpAddress::v4(127, 0, 0, 1));
}

TEST_F(Listening, HearsIpv6Unicast) {
  auto source = start(options());
  if (source->health().detail.find("IPv6") == std::string::npos) GTEST_SKIP() << "this machine has no IPv6";
  Sender a1;
  ASSERT_TRUE(agent("::1").send({*parse_ip("::1"), source->port()}, bytes_of(a1.announce()), true));
  EXPECT_TRUE(wait([&] { return heard.size() == 1; }));
}

TEST_F(Listening, HearsMulticastAndCountsItByInterface) {
  auto source = start(options());
  Sender a1;
  const auto sent = agent().send_multicast({beacon::group_v4(), source->port()}, bytes_of(a1.announce()));
  if (!sent) {
    ASSERT_EQ(std::getenv("CHOREGOS_NO_SKIP"), nullptr);
    GTEST_SKIP() << "no multicast on loopback here: " << sent.error().message;
  }
  ASSERT_TRUE(wait([&] { return heard.size() == 1; }));
  EXPECT_EQ(counter(source->health(), "heard_on_lo"), 1U);
  EXPECT_GE(source->health().gauges[3].second, 1U);
}

TEST_F(Listening, AGuestOnTheSamePortTakesNoUnicastAway) {
  auto source = start(options());
  std::vector<std::string> guest_heard;
  beacon::Ears::Options guest_options{source->port(), true, {"lo"}, true};
  auto guest = beacon::Ears::open(loop, guest_options, [&](const beacon::Packet& p, unsigned) { guest_heard.emplace_back(p.bytes); });
  ASSERT_TRUE(guest) << guest.error().message;
  Sender a1;
  ASSERT_TRUE(agent().send({IpAddress::v4(127, 0, 0, 1), source->port()}, bytes_of(a1.announce()), true));
  ASSERT_TRUE(wait([&] { return heard.size() == 1; }));
  if (!mouth->send_multicast({beacon::group_v4(), source->port()}, bytes_of(a1.alive()))) GTEST_SKIP() << "no multicast on loopback here";
  ASSERT_TRUE(wait([&] { return heard.size() == 2 && guest_heard.size() == 1; }));
}

TEST_F(Listening, AcksThePingOfAKnownAgentAlone) {
  auto source = start(options());
  const SocketAddress there{IpAddress::v4(127, 0, 0, 1), source->port()};
  Sender stranger{.id = "nobody", .session = 9}, a1;
  auto& socket = agent();
  ASSERT_TRUE(socket.send(there, bytes_of(stranger.ping()), true));
  ASSERT_TRUE(socket.send(there, bytes_of(a1.announce()), true));
  const std::string ping = a1.ping(4711);
  ASSERT_TRUE(socket.send(there, bytes_of(ping), true));
  ASSERT_TRUE(wait([&] { return !answers.empty(); }));
  wire::BeaconView view;
  ASSERT_EQ(wire::decode_beacon(answers[0], view), wire::BeaconFault::none);
  EXPECT_EQ(wire::read_ack(view.payload).value(), (wire::AckBody{4711, 1000, 42, 77}));
  EXPECT_EQ(answers.size(), 1U);
  EXPECT_LE(answers[0].size(), ping.size());
  EXPECT_EQ(counter(source->health(), "acks_sent"), 1U);
  EXPECT_EQ(counter(source->health(), "dropped_unknown_sender"), 1U);
}

TEST_F(Listening, AsksOnlyThoseWhoAnswerAndTakesTheirAnswerAsLife) {
  auto source = start(options());
  const SocketAddress there{IpAddress::v4(127, 0, 0, 1), source->port()};
  Sender mute{.id = "mute", .session = 5}, a1{.flags = wire::kBeaconAnswers};
  auto& socket = agent();
  ASSERT_TRUE(socket.send(there, bytes_of(mute.announce()), true));
  ASSERT_TRUE(socket.send(there, bytes_of(a1.announce()), true));
  ASSERT_TRUE(wait([&] { return heard.size() == 2; }));
  source->ask({"beacon", "mute", "mute", 1000, {}});
  source->ask({"beacon", "nobody", "nobody", 0, {}});
  source->ask({"registration", "a1", "a1", 1000, {}});
  source->ask({"beacon", "a1", "a1", 1000, {"mute"}});
  EXPECT_EQ(heard.size(), 2U) << "who cannot be asked was not asked";
  source->ask({"beacon", "a1", "a1", 1000, {}});
  ASSERT_EQ(heard.size(), 3U);
  EXPECT_EQ(heard[2].kind, ObservationKind::asked);
  EXPECT_EQ(heard[2].subject, "a1");
  EXPECT_EQ(heard[2].incarnation, 1000U);
  ASSERT_TRUE(wait([&] { return !answers.empty(); }));
  wire::BeaconView ping;
  ASSERT_EQ(wire::decode_beacon(answers.back(), ping), wire::BeaconFault::none);
  const std::string ack = a1.ack(wire::read_ping(ping.payload).value());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(socket.send(there, bytes_of(ack), true));
  ASSERT_TRUE(wait([&] { return counter(source->health(), "dropped_replayed") == 2; }));
  ASSERT_EQ(heard.size(), 4U) << "once";
  EXPECT_EQ(heard[3].kind, ObservationKind::heard);
  EXPECT_TRUE(heard[3].answer);
  EXPECT_GE(source->drain(), heard[3].heard_at);
}

struct Signing : Listening {
  std::vector<Sign> signs;
  std::unique_ptr<Beacon> start_signing() {
    auto source = std::make_unique<Beacon>(
        loop, options(), [this](Observation o) { heard.push_back(std::move(o)); }, [this](Sign s) { signs.push_back(std::move(s)); });
    source->start();
    return source;
  }
  std::size_t count(SignKind kind) const {
    return static_cast<std::size_t>(std::count_if(signs.begin(), signs.end(), [kind](const Sign& s) { return s.kind == kind; }));
  }
};

TEST_F(Signing, HearsItsOwnCanaryThoughItWasStoppedForAWhile) {
  auto source = start_signing();
  ASSERT_TRUE(wait([&] { return count(SignKind::canary_heard) >= 1; }));
  ::usleep(1'500'000);
  ASSERT_TRUE(wait([&] { return count(SignKind::canary_heard) >= 3; }));
  EXPECT_EQ(count(SignKind::canary_lost), 0U);
  EXPECT_TRUE(heard.empty()) << "it is nobody's beacon";
}

TEST_F(Signing, MissesTheCanaryThatAnotherProgramTook) {
  auto source = start_signing();
  ASSERT_TRUE(wait([&] { return count(SignKind::canary_heard) >= 1; }));
  net::UdpSocket::Options options;
  options.bind = {IpAddress::v4(0), source->port()};
  options.share_port = true;
  auto thief = net::UdpSocket::open(loop, options, {});
  ASSERT_TRUE(thief) << thief.error().message;
  ASSERT_TRUE(wait([&] { return count(SignKind::canary_lost) >= 2; }));
  thief->reset();
  signs.clear();
  EXPECT_TRUE(wait([&] { return count(SignKind::canary_heard) >= 1; }));
}

TEST_F(Signing, AsksNobodyWhileStopped) {
  auto source = start_signing();
  Sender a1{.flags = wire::kBeaconAnswers};
  ASSERT_TRUE(agent().send({IpAddress::v4(127, 0, 0, 1), source->port()}, bytes_of(a1.announce()), true));
  ASSERT_TRUE(wait([&] { return !heard.empty(); }));
  source->stop();
  source->ask({"beacon", "a1", "a1", 1000, {}});
  EXPECT_EQ(heard.size(), 1U);
  EXPECT_EQ(source->drain(), Instant::never());
}

TEST_F(Listening, DropsJunkOfEverySizeWithACount) {
  auto source = start(options());
  const SocketAddress there{IpAddress::v4(127, 0, 0, 1), source->port()};
  agent();
  // Beyond what our own socket sends: plain ones of the system.
  net::FdGuard fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const net::RawAddress raw = net::raw_address(there);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{57}, std::size_t{1201}, std::size_t{1501}, std::size_t{65507}}) {
    const std::string junk(size, 'C');
    ASSERT_EQ(::sendto(fd.get(), junk.data(), junk.size(), 0, raw.get(), raw.size), static_cast<ssize_t>(size));
  }
  Sender a1;
  ASSERT_TRUE(mouth->send(there, bytes_of(a1.announce()), true));
  ASSERT_TRUE(wait([&] { return heard.size() == 1; }));
  EXPECT_EQ(counter(source->health(), "dropped_length"), 6U);
}

TEST_F(Listening, SaysWhoIsRefusedAndWhatToDo) {
  auto from = options();
  ASSERT_TRUE(from.receiver.keys.add({1, kSecret, "a1"}));
  auto source = start(std::move(from));
  const SocketAddress there{IpAddress::v4(127, 0, 0, 1), source->port()};
  Sender forger{.key_id = 1, .key = std::string(32, 'x')}, a1{.session = 8, .key_id = 1, .key = kSecret};
  auto& socket = agent();
  ASSERT_TRUE(socket.send(there, bytes_of(forger.announce()), true));
  ASSERT_TRUE(socket.send(there, bytes_of(a1.announce()), true));
  ASSERT_TRUE(wait([&] { return heard.size() == 1; }));
  EXPECT_TRUE(heard[0].names.proven);
  const auto health = source->health();
  EXPECT_EQ(health.state, SourceState::degraded);
  EXPECT_NE(health.last_error.find("127.0.0.1"), std::string::npos);
  EXPECT_NE(health.last_error.find("wrong_mac"), std::string::npos);
  EXPECT_NE(health.advice.find("key_file"), std::string::npos);
}

TEST_F(Listening, SaysThatTheKernelDropsWhatItCannotKeep) {
  auto source = start(options());
  Sender a1;
  auto& socket = agent();
  const SocketAddress there{IpAddress::v4(127, 0, 0, 1), source->port()};
  const std::string junk(1000, 'x');
  // The loop stands still: nobody empties the queue.
  for (int i = 0; i < 30'000; ++i) (void)socket.send(there, bytes_of(junk), true).has_value();
  // The count comes with the datagrams that found room afterwards.
  ASSERT_TRUE(wait([&] {
    (void)socket.send(there, bytes_of(a1.alive()), true).has_value();
    return source->health().state == SourceState::degraded;
  }));
  EXPECT_NE(source->health().advice.find("rmem_max"), std::string::npos) << source->health().advice;
  EXPECT_GT(counter(source->health(), "dropped_by_kernel"), 0U);
  EXPECT_FALSE(heard.empty());
}

TEST_F(Listening, StopsAtOnceAndStartsAgain) {
  auto source = start(options());
  Sender a1;
  auto& socket = agent();
  ASSERT_TRUE(socket.send({IpAddress::v4(127, 0, 0, 1), source->port()}, bytes_of(a1.announce()), true));
  source->stop();
  source->stop();
  loop.run_until([] { return false; }, 50ms);
  EXPECT_TRUE(heard.empty());
  EXPECT_EQ(source->health().state, SourceState::off);
  source->start();
  ASSERT_TRUE(socket.send({IpAddress::v4(127, 0, 0, 1), source->port()}, bytes_of(a1.announce()), true));
  EXPECT_TRUE(wait([&] { return heard.size() == 1; }));
}

TEST_F(Listening, MayBeDestroyedByWhoeverTakesAnObservation) {
  std::unique_ptr<Beacon> source;
  source = std::make_unique<Beacon>(loop, options(), [&](Observation o) {
    heard.push_back(std::move(o));
    source->stop();
  });
  source->start();
  Sender a1;
  auto& socket = agent();
  const SocketAddress there{IpAddress::v4(127, 0, 0, 1), source->port()};
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(socket.send(there, bytes_of(a1.announce()), true));
  ASSERT_TRUE(wait([&] { return !heard.empty(); }));
  loop.run_until([] { return false; }, 50ms);
  EXPECT_EQ(heard.size(), 1U);
}

TEST_F(Listening, APortThatIsTakenShowsAndIsTriedAgain) {
  net::UdpSocket::Options hog_options;
  hog_options.bind = {IpAddress::v4(0), 0};  // not shared
  auto hog = net::UdpSocket::open(loop, hog_options, {}).value();
  auto from = options();
  from.ears.port = hog->local().port;
  auto source = start(std::move(from));
  auto health = source->health();
  EXPECT_EQ(health.state, SourceState::failed);
  EXPECT_NE(health.advice.find("beacon.port"), std::string::npos);
  EXPECT_NE(health.last_error.find("bind UDP"), std::string::npos);
  hog.reset();
  EXPECT_TRUE(loop.run_until([&] { return source->port() != 0; }, 10s));
  EXPECT_EQ(source->health().state, SourceState::ok);
}

}  // namespace
}  // namespace choregos::source
