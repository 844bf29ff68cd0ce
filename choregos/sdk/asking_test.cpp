// Questions all the way: the registry's beacon source asks real announcers, by itself and by way of one another.
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "choregos/sdk/announcer.hpp"
#include "choregos/sdk/ping_relay.hpp"
#include "choregos/source/beacon/beacon.hpp"
#include "choregos/source/beacon/sender_for_tests.hpp"

namespace choregos {
namespace {

const std::string kSecret(32, 's');

struct AskingTest : testing::Test {
  net::Loop loop;
  std::vector<Observation> heard;
  std::unique_ptr<source::Beacon> source;

  void SetUp() override {
    source::Beacon::Options options;
    options.ears.port = 0;
    options.ears.multicast = false;
    options.receiver.seed = 7;
    ASSERT_TRUE(options.receiver.keys.add({1, kSecret, "signed"}));
    source = std::make_unique<source::Beacon>(loop, options, [this](Observation o) { heard.push_back(std::move(o)); });
    source->start();
  }
  std::unique_ptr<Announcer> agent(const std::string& id, bool help = true) {
    Announcer::Options options;
    options.id = id;
    options.incarnation = 5;
    options.beacon.enabled = true;
    options.beacon.multicast = false;
    options.beacon.unicast = {"127.0.0.1:" + std::to_string(source->port())};
    options.beacon.help = help;
    if (id == "signed") {
      options.beacon.key_id = 1;
      options.beacon.key = kSecret;
    }
    auto out = std::make_unique<Announcer>(options);
    EXPECT_TRUE(out->start());
    EXPECT_TRUE(wait([&] { return last(id, ObservationKind::heard) != nullptr; }));
    return out;
  }
  bool wait(const std::function<bool()>& done) { return loop.run_until(done, 5s); }
  const Observation* last(const std::string& id, ObservationKind kind) const {
    const auto it = std::find_if(heard.rbegin(), heard.rend(), [&](const Observation& o) { return o.subject == id && o.kind == kind; });
    return it == heard.rend() ? nullptr : &*it;
  }
  bool answered(const std::string& id, const std::string& via = {}) const {
    return std::any_of(heard.begin(), heard.end(), [&](const Observation& o) { return o.subject == id && o.answer && o.via == via; });
  }
};

TEST_F(AskingTest, AnAgentAnswersTheRegistryThatHearsIt) {
  const auto plain = agent("plain"), with_key = agent("signed");
  for (const std::string id : {"plain", "signed"}) {
    source->ask({"beacon", id, id, 5, {}});
    EXPECT_TRUE(wait([&] { return answered(id); })) << id;
    EXPECT_TRUE(last(id, ObservationKind::asked));
  }
  EXPECT_TRUE(last("signed", ObservationKind::heard)->names.proven);
}

TEST_F(AskingTest, AHelperPingsForTheRegistryAndItsSilenceCounts) {
  const auto helper = agent("helper");
  auto with_key = agent("signed", false);
  source->ask({"beacon", "signed", "signed", 5, {"helper"}});
  ASSERT_TRUE(wait([&] { return answered("signed", "helper"); }));
  with_key->stop();  // its socket is closed: nobody answers there any more
  source->ask({"beacon", "signed", "signed", 5, {"helper"}});
  ASSERT_TRUE(wait([&] { return last("signed", ObservationKind::unanswered) != nullptr; }));
  EXPECT_EQ(last("signed", ObservationKind::unanswered)->via, "helper");
}

TEST_F(AskingTest, AHelperThatIsDeadProvesNothing) {
  auto helper = agent("helper");
  const auto with_key = agent("signed", false);
  source->ask({"beacon", "signed", "signed", 5, {"helper"}});
  ASSERT_TRUE(wait([&] { return answered("signed", "helper"); }));
  helper->stop();
  source->ask({"beacon", "signed", "signed", 5, {"helper"}});
  const Instant end = loop.now() + 1500ms;
  wait([&] { return loop.now() > end; });
  EXPECT_FALSE(last("signed", ObservationKind::unanswered));
}

/// A stranger's socket, and one that he would like to see hit.
struct Attacker : AskingTest {
  std::size_t bytes_in = 0, bytes_out = 0, hits = 0;
  std::unique_ptr<net::UdpSocket> socket, victim;
  SocketAddress agent_at;
  std::uint64_t agent_session = 0;
  source::beacon::Sender me{.id = "registry", .session = 0xbad};

  std::unique_ptr<Announcer> attacked;
  void SetUp() override {
    AskingTest::SetUp();
    net::UdpSocket::Options on_loopback;
    on_loopback.bind = {IpAddress::v4(127, 0, 0, 1), 0};
    std::vector<std::string> beacons;
    socket = net::UdpSocket::open(loop, on_loopback, [this](std::span<const net::Datagram> batch) {
               for (const auto& d : batch) {
                 wire::BeaconView view;
                 const std::string_view bytes(reinterpret_cast<const char*>(d.bytes.data()), d.bytes.size());
                 if (wire::decode_beacon(bytes, view) != wire::BeaconFault::none) continue;
                 agent_at = d.from;
                 agent_session = view.session;
                 if (view.type == wire::BeaconType::ack || view.type == wire::BeaconType::told) bytes_in += bytes.size();
               }
             }).value();
    victim = net::UdpSocket::open(loop, on_loopback, [this](std::span<const net::Datagram> batch) { hits += batch.size(); }).value();
    Announcer::Options options;
    options.id = "attacked";
    options.beacon.enabled = true;
    options.beacon.multicast = false;
    options.beacon.interval = 100ms;
    options.beacon.unicast = {to_string(socket->local())};
    attacked = std::make_unique<Announcer>(options);
    ASSERT_TRUE(attacked->start());
    ASSERT_TRUE(wait([&] { return agent_session != 0; }));
  }
  void send(wire::BeaconType type, std::string payload, std::uint64_t cookie) {
    wire::BeaconFrame frame;
    frame.type = type;
    frame.cookie = cookie;
    frame.session = 0xbad;
    frame.sequence = ++me.sequence;
    frame.payload = std::move(payload);
    const std::string bytes = wire::encode_beacon(frame).value();
    bytes_out += bytes.size();
    ASSERT_TRUE(socket->send(agent_at, std::as_bytes(std::span(bytes)), true));
  }
  std::string ping_for(std::uint64_t nonce) { return me.ping(nonce); }
  void settle() {
    const Instant end = loop.now() + 400ms;
    wait([&] { return loop.now() > end; });
  }
};

TEST_F(Attacker, GetsNothingWithoutTheSessionThatOnlyHearersKnow) {
  for (std::uint64_t i = 0; i < 50; ++i) {
    send(wire::BeaconType::ping, wire::write_ping(i + 1), i % 2 == 0 ? 0 : i);
    send(wire::BeaconType::ask, wire::write_ask({victim->local(), 1000, ping_for(i + 1)}), 0);
  }
  settle();
  EXPECT_EQ(bytes_in, 0u);
  EXPECT_EQ(hits, 0u);
}

TEST_F(Attacker, ThatHearsItGetsNoMoreThanItSendsAndNotMany) {
  for (std::uint64_t i = 0; i < 400; ++i) send(wire::BeaconType::ping, wire::write_ping(1000 + i), agent_session);
  for (int i = 0; i < 10; ++i) send(wire::BeaconType::ping, wire::write_ping(1000), agent_session);
  settle();
  EXPECT_GT(bytes_in, 0u);
  EXPECT_LE(bytes_in, bytes_out);
  EXPECT_LE(bytes_in / wire::kBeaconPingBytes, 60u) << "a flood gets 32 and then 32 a second";
}

TEST_F(Attacker, CannotMakeTheHelperHitManyOrOddPlaces) {
  for (std::uint64_t i = 0; i < 400; ++i) send(wire::BeaconType::ask, wire::write_ask({victim->local(), 100, ping_for(1 + i)}), agent_session);
  settle();
  EXPECT_GT(hits, 0u) << "who hears it may ask";
  EXPECT_LE(hits, sdk::PingRelay::kPerSecond * 2u);
  EXPECT_LE(bytes_in, bytes_out);
}

TEST(PingRelay, SendsPingsToSingleHostsAndUnprivilegedPortsAlone) {
  net::Loop loop;
  std::vector<SocketAddress> sent;
  std::vector<wire::ToldBody> told;
  sdk::PingRelay relay(
      loop, [&](const SocketAddress& to, const std::string&) { return sent.push_back(to), true; }, [&](const SocketAddress&, const wire::ToldBody& t) { told.push_back(t); });
  const SocketAddress asker = *parse_socket_address("10.0.0.1:4471"), local = *parse_socket_address("127.0.0.1:4471");
  source::beacon::Sender sender;
  std::uint64_t nonce = 0;
  const auto take = [&](const char* target, const SocketAddress& from) { return relay.take({*parse_socket_address(target), 100, sender.ping(++nonce)}, from); };
  for (const char* odd : {"255.255.255.255:5000", "224.0.0.1:5000", "0.0.0.0:5000", "[ff02::1]:5000", "[fe80::1]:5000", "10.0.0.2:53", "10.0.0.2:1023", "127.0.0.1:5000", "[::1]:5000"}) EXPECT_FALSE(take(odd, asker)) << odd;
  EXPECT_TRUE(sent.empty());
  EXPECT_TRUE(take("127.0.0.1:5000", local)) << "of this machine, for somebody on it";
  EXPECT_TRUE(take("10.0.0.2:5000", asker));
  EXPECT_FALSE(relay.take({sent[0], 100, sender.alive()}, local)) << "no ping";
  EXPECT_FALSE(relay.take({sent[0], 100, sender.ping(nonce)}, local)) << "under way already";

  // Answers: from another address, of another nonce, longer than a ping; then the right one.
  const auto ack = [&](const std::string& bytes, const char* from) {
    wire::BeaconView view;
    EXPECT_EQ(wire::decode_beacon(bytes, view), wire::BeaconFault::none);
    return relay.take_ack(bytes, view, *parse_socket_address(from));
  };
  EXPECT_FALSE(ack(sender.ack(nonce), "10.0.0.3:5000"));
  EXPECT_FALSE(ack(sender.ack(nonce + 1), "10.0.0.2:5000"));
  EXPECT_TRUE(ack(sender.ack(nonce), "10.0.0.2:5000"));
  EXPECT_FALSE(ack(sender.ack(nonce), "10.0.0.2:5000")) << "once";
  ASSERT_EQ(told.size(), 1u);
  EXPECT_FALSE(told[0].ack.empty());
  ASSERT_TRUE(loop.run_until([&] { return told.size() == 2; }, 5s));
  EXPECT_TRUE(told[1].ack.empty()) << "nobody answered the other";
}

TEST(PingRelay, SaysNothingOfWhatItCouldNotSend) {
  net::Loop loop;
  std::size_t told = 0;
  sdk::PingRelay relay(loop, [](const SocketAddress&, const std::string&) { return false; }, [&](const SocketAddress&, const wire::ToldBody&) { ++told; });
  source::beacon::Sender sender;
  EXPECT_FALSE(relay.take({*parse_socket_address("10.0.0.2:5000"), 100, sender.ping(1)}, *parse_socket_address("10.0.0.1:4471")));
  loop.run_until([] { return false; }, 200ms);
  EXPECT_EQ(told, 0u);
}

}  // namespace
}  // namespace choregos
