#include "choregos/sdk/announcer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "choregos/net/udp.hpp"
#include "choregos/sdk/client.hpp"
#include "choregos/sdk/fake_registry_for_tests.hpp"
#include "choregos/wire/beacon.hpp"
#include "choregos/wire/statement.hpp"

namespace choregos {
namespace {

using sdk::FakeRegistry;
using testing::HasSubstr;
using testing::Not;

Announcer::Options quiet_agent() {
  Announcer::Options options;
  options.id = "a1";
  options.name = "A";
  options.capabilities = {"go"};
  options.status = Status::idle;
  options.incarnation = 42;
  options.health.listen = "127.0.0.1:0";
  return options;
}

/// Waits for a condition, with a bound.
template <class Condition>
bool comes_true(Condition condition) {
  for (const auto end = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(2ms))
    if (condition()) return true;
  return condition();
}

std::string health_of(const Announcer& announcer) {
  Client client({.address = "http://" + to_string(*announcer.health_address())});
  auto body = client.get_raw("/health");
  return body ? *body : "error: " + body.error().message;
}

TEST(Announcer, RegistersOpensTheTetherAndSaysGoodbye) {
  FakeRegistry registry;
  auto options = quiet_agent();
  options.registries = {registry.url()};
  options.token = "secret-secret-secret";
  Announcer announcer(options);
  ASSERT_TRUE(announcer.start());
  const auto put = registry.wait_for("PUT", "/api/v1/agents/a1");
  const auto statement = wire::read_registration(put.body, "a1");
  ASSERT_TRUE(statement) << statement.error().message;
  EXPECT_EQ(statement->incarnation, 42u);
  EXPECT_EQ(statement->claims.status, Status::idle);
  EXPECT_EQ(statement->claims.health_url, "http://" + to_string(*announcer.health_address()) + "/health");
  EXPECT_EQ(put.authorization, "Bearer secret-secret-secret");
  EXPECT_EQ(registry.wait_for("GET", "/api/v1/agents/a1/tether").target, "/api/v1/agents/a1/tether?incarnation=42");
  EXPECT_TRUE(comes_true([&] { return announcer.state().tethered; }));

  announcer.stop("done for today");
  const auto bye = registry.wait_for("DELETE", "/api/v1/agents/a1");
  EXPECT_EQ(bye.target, "/api/v1/agents/a1?incarnation=42&reason=done%20for%20today");
  EXPECT_TRUE(registry.wait_for_tethers(0));
  EXPECT_EQ(announcer.state().registration, Announcer::Registration::off);
  // Whatever had been sent after the goodbye would have come before this question.
  ASSERT_TRUE(Client({.address = registry.url()}).get_raw("/last"));
  const auto asked = registry.asked();
  ASSERT_GE(asked.size(), 2U);
  EXPECT_EQ(asked.back().target, "/last");
  EXPECT_EQ(asked[asked.size() - 2].method, "DELETE") << "something was sent after stop";
}

TEST(Announcer, SaysGoodbyeWhenItIsDestroyed) {
  FakeRegistry registry;
  auto options = quiet_agent();
  options.registries = {registry.url()};
  {
    Announcer announcer(options);
    ASSERT_TRUE(announcer.start());
    ASSERT_TRUE(registry.wait_for_tethers(1));
  }
  EXPECT_EQ(registry.asked().back().method, "DELETE");
}

TEST(Announcer, AGoodbyeWaitsForTheRegistrationThatIsUnderWay) {
  FakeRegistry registry;
  registry.delay_puts(60ms);
  auto options = quiet_agent();
  options.registries = {registry.url()};
  Announcer announcer(options);
  ASSERT_TRUE(announcer.start());
  ASSERT_EQ(registry.wait_for("PUT", "/api/v1/agents/a1").method, "PUT");
  announcer.stop();
  std::string order;
  for (const auto& one : registry.asked()) order += one.method + " ";
  // Had it not waited, the registration would have been answered after the goodbye, and the agent be listed for its lease.
  EXPECT_EQ(order, "PUT DELETE ");
  EXPECT_TRUE(registry.put_answered_before_delete());
}

TEST(Announcer, StopsWithinItsTimeWhenNobodyAnswers) {
  // A listener that accepts and stays silent.
  net::Loop loop;
  net::HttpServer::Options patient;
  std::vector<net::Responder> kept;
  std::atomic<bool> asked = false;
  net::HttpServer silent(loop, patient, [&](net::HttpRequest&&, net::Responder responder) {
    kept.push_back(std::move(responder));
    asked = true;
  });
  const auto address = silent.listen({IpAddress::v4(127, 0, 0, 1), 0}).value();
  std::thread thread([&] { loop.run(); });
  auto options = quiet_agent();
  options.registries = {"http://" + to_string(address)};
  Announcer announcer(options);
  ASSERT_TRUE(announcer.start());
  ASSERT_TRUE(comes_true([&] { return asked.load(); }));
  const auto before = std::chrono::steady_clock::now();
  announcer.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, Announcer::kGoodbyeTimeMax + 250ms);
  loop.stop();
  thread.join();
  kept.clear();
}

TEST(Announcer, RegistersAgainWhenTheTetherBreaks) {
  FakeRegistry registry;
  auto options = quiet_agent();
  options.registries = {registry.url()};
  Announcer announcer(options);
  ASSERT_TRUE(announcer.start());
  ASSERT_TRUE(registry.wait_for_tethers(1));
  const auto before = registry.count();
  registry.cut_tethers();
  EXPECT_EQ(registry.wait_for("PUT", "/api/v1/agents/a1", before).method, "PUT");
  EXPECT_TRUE(comes_true([&] { return announcer.state().tethered && announcer.state().tethers_lost == 1; }));
}

TEST(Announcer, RenewsWithinTheLeaseAndTellsAChangeAtOnce) {
  FakeRegistry registry;
  auto options = quiet_agent();
  options.registries = {registry.url()};
  Announcer announcer(options);
  ASSERT_TRUE(announcer.start());
  ASSERT_TRUE(registry.wait_for_tethers(1));
  announcer.set_status(Status::working);
  EXPECT_THAT(registry.wait_for("POST", "/api/v1/agents/a1/renew").body, HasSubstr("working"));
  const auto before = registry.count();
  EXPECT_EQ(registry.wait_for("POST", "/api/v1/agents/a1/renew", before).method, "POST") << "the lease is 3 s";
}

TEST(Announcer, AConflictIsVisible) {
  FakeRegistry registry;
  registry.answer_with("PUT", 409, R"({"title":"Conflict","status":409,"detail":"held by 10.0.0.9","code":"conflict"})");
  auto options = quiet_agent();
  options.registries = {registry.url()};
  Announcer announcer(options);
  ASSERT_TRUE(announcer.start());
  EXPECT_TRUE(comes_true([&] { return announcer.state().registration == Announcer::Registration::conflict; }));
  EXPECT_THAT(announcer.state().last_error, HasSubstr("held by 10.0.0.9"));
  announcer.stop();
  for (const auto& asked : registry.asked()) EXPECT_NE(asked.method, "DELETE") << "the record belongs to the other";
}

TEST(Announcer, GoesToTheNextRegistryWhenOneIsAway) {
  FakeRegistry registry;
  auto options = quiet_agent();
  options.registries = {"http://127.0.0.1:1", registry.url()};
  Announcer announcer(options);
  ASSERT_TRUE(announcer.start());
  EXPECT_TRUE(comes_true([&] { return announcer.state().tethered; }));
  EXPECT_EQ(announcer.state().registry, registry.url());
}

TEST(Announcer, TellsItsEvents) {
  FakeRegistry registry;
  auto options = quiet_agent();
  options.registries = {registry.url()};
  Announcer announcer(options);
  std::mutex mutex;
  std::vector<Announcer::Event> events;
  announcer.on_event([&](const Announcer::Event& event) {
    std::lock_guard lock(mutex);
    events.push_back(event);
  });
  const auto told = [&](Announcer::Event::Kind kind) {
    return comes_true([&] {
      std::lock_guard lock(mutex);
      return std::any_of(events.begin(), events.end(), [&](const auto& event) { return event.kind == kind; });
    });
  };
  ASSERT_TRUE(announcer.start());
  using Kind = Announcer::Event::Kind;
  EXPECT_TRUE(told(Kind::registered));
  EXPECT_TRUE(told(Kind::tethered));
  ASSERT_TRUE(registry.wait_for_tethers(1));
  registry.send_down("event: pace\ndata: {\"ttl_ms\":30000,\"beacon_interval_ms\":7000}\n\n");
  EXPECT_TRUE(told(Kind::paced));
  EXPECT_EQ(announcer.state().beacon_interval, 7s);
  registry.send_down("event: offer\ndata: {}\n\n");
  EXPECT_TRUE(told(Kind::message));
  registry.cut_tethers();
  EXPECT_TRUE(told(Kind::tether_lost));
}

TEST(Announcer, AnswersHealthAndNothingElse) {
  Announcer announcer(quiet_agent());
  ASSERT_TRUE(announcer.start());
  const auto statement = wire::read_health_body(health_of(announcer));
  EXPECT_EQ(statement.id, "a1");
  EXPECT_EQ(statement.incarnation, 42u);
  EXPECT_EQ(statement.claims.status, Status::idle);
  Client client({.address = "http://" + to_string(*announcer.health_address())});
  EXPECT_EQ(client.get("/other")->status, 404);
  EXPECT_EQ(announcer.state().health_answers, 1u);

  announcer.set_status(Status::working);
  announcer.set_draining(true);
  EXPECT_TRUE(comes_true([&] { return health_of(announcer).find("\"draining\":true") != std::string::npos; }));
  EXPECT_THAT(health_of(announcer), HasSubstr("working"));
  announcer.set_status(std::nullopt);
  EXPECT_TRUE(comes_true([&] { return health_of(announcer).find("status") == std::string::npos; }));
}

TEST(Announcer, NamesTheOptionThatIsWrong) {
  const auto refused = [](auto change) {
    auto options = quiet_agent();
    change(options);
    auto started = Announcer(options).start();
    if (started) return std::string("was accepted");
    EXPECT_EQ(started.error().code, ErrorCode::invalid);
    return started.error().message;
  };
  EXPECT_THAT(refused([](auto& o) { o.id = ""; }), HasSubstr("id"));
  EXPECT_THAT(refused([](auto& o) { o.capabilities = {"two words"}; }), HasSubstr("capabilit"));
  EXPECT_THAT(refused([](auto& o) { o.endpoint = std::string(600, 'x'); }), HasSubstr("endpoint"));
  EXPECT_THAT(refused([](auto& o) { o.registries = {"127.0.0.1:4470"}; }), HasSubstr("http://host:port"));
  EXPECT_THAT(refused([](auto& o) { o.registries = {"https://127.0.0.1:4470"}; }), HasSubstr("http://"));
  EXPECT_THAT(refused([](auto& o) { o.health.listen = "8081"; }), HasSubstr("0.0.0.0:8081"));
  EXPECT_THAT(refused([](auto& o) { o.health.path = "health"; }), HasSubstr("begin with '/'"));
  EXPECT_THAT(refused([](auto& o) { o.beacon.key_id = 1; }), HasSubstr("belong together"));
  EXPECT_THAT(refused([](auto& o) { o.beacon.enabled = true, o.beacon.unicast = {"nowhere"}; }), HasSubstr("host:port"));
}

TEST(Announcer, ATakenHealthPortIsSaid) {
  Announcer first(quiet_agent());
  ASSERT_TRUE(first.start());
  auto options = quiet_agent();
  options.health.listen = to_string(*first.health_address());
  const auto started = Announcer(options).start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::io);
  EXPECT_THAT(started.error().message, HasSubstr(std::to_string(first.health_address()->port)));
}

TEST(Announcer, StartingTwiceIsAnErrorStoppingTwiceIsNot) {
  Announcer announcer(quiet_agent());
  announcer.stop();
  ASSERT_TRUE(announcer.start());
  const auto again = announcer.start();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
  std::thread other([&] { announcer.stop(); });
  announcer.stop();
  other.join();
  announcer.stop();
  EXPECT_FALSE(announcer.health_address());
  ASSERT_TRUE(announcer.start()) << "it may be started again";
  EXPECT_THAT(health_of(announcer), HasSubstr("a1"));
}

TEST(Announcer, ANewStartIsANewIncarnation) {
  auto options = quiet_agent();
  options.incarnation = 0;
  Announcer announcer(options);
  ASSERT_TRUE(announcer.start());
  const auto first = wire::read_health_body(health_of(announcer)).incarnation;
  announcer.stop();
  ASSERT_TRUE(announcer.start());
  EXPECT_GT(wire::read_health_body(health_of(announcer)).incarnation, first);
}

TEST(Announcer, RefusesClaimsThatAreWrongAndKeepsTheOld) {
  Announcer announcer(quiet_agent());
  ASSERT_TRUE(announcer.start());
  Claims claims;
  claims.capabilities = {"two words"};
  EXPECT_FALSE(announcer.set_claims(claims));
  claims.capabilities = {"sql"};
  claims.current_team = "t";
  EXPECT_FALSE(announcer.set_claims(claims));
  EXPECT_THAT(health_of(announcer), HasSubstr("\"go\""));
  claims.current_team.reset();
  EXPECT_TRUE(announcer.set_claims(claims));
  EXPECT_TRUE(comes_true([&] { return health_of(announcer).find("sql") != std::string::npos; }));
}

/// What a listener on a loopback port hears.
struct Ear {
  struct Heard {
    wire::BeaconType type;
    std::string payload;
    std::uint64_t key_id, sequence, session;
    std::uint16_t flags;
    SocketAddress from;
    bool genuine;
  };
  explicit Ear(std::string key_in = {}) : key(std::move(key_in)) {
    net::UdpSocket::Options options;
    options.bind = {IpAddress::v4(127, 0, 0, 1), 0};
    auto opened = net::UdpSocket::open(loop, options, [this](std::span<const net::Datagram> batch) {
      for (const auto& datagram : batch) {
        wire::BeaconView view;
        const std::string_view bytes(reinterpret_cast<const char*>(datagram.bytes.data()), datagram.bytes.size());
        if (wire::decode_beacon(bytes, view) != wire::BeaconFault::none) continue;
        std::lock_guard lock(mutex);
        heard.push_back({view.type, std::string(view.payload), view.key_id, view.sequence, view.session, view.flags, datagram.from, wire::verify_beacon(view, key)});
      }
    });
    socket = std::move(*opened);
    thread = std::thread([this] { loop.run(); });
  }
  ~Ear() {
    loop.stop();
    thread.join();
  }
  std::optional<Heard> wait_for(wire::BeaconType type, std::size_t nth = 0) {
    std::optional<Heard> found;
    comes_true([&] {
      std::lock_guard lock(mutex);
      std::size_t seen = 0;
      for (const auto& one : heard)
        if (one.type == type && seen++ == nth) return found = one, true;
      return false;
    });
    return found;
  }
  void send(const SocketAddress& to, const wire::BeaconFrame& frame) {
    loop.post([this, to, bytes = *wire::encode_beacon(frame, frame.key_id ? key : "")] { (void)socket->send(to, std::as_bytes(std::span(bytes)), true); });
  }
  std::string key;
  net::Loop loop;
  std::unique_ptr<net::UdpSocket> socket;
  std::mutex mutex;
  std::vector<Heard> heard;
  std::thread thread;
};

Announcer::Options beaconing(const Ear& ear) {
  auto options = quiet_agent();
  options.beacon.enabled = true;
  options.beacon.multicast = false;
  options.beacon.unicast = {to_string(ear.socket->local())};
  options.beacon.interval = 100ms;
  return options;
}

TEST(AnnouncerBeacon, AnnouncesItselfSaysThatItLivesAndLeaves) {
  Ear ear;
  Announcer announcer(beaconing(ear));
  ASSERT_TRUE(announcer.start());
  ASSERT_TRUE(ear.wait_for(wire::BeaconType::announce, 2)) << "three at the start";
  const auto statement = wire::read_registration(ear.wait_for(wire::BeaconType::announce)->payload);
  ASSERT_TRUE(statement) << statement.error().message;
  EXPECT_EQ(statement->id, "a1");
  EXPECT_EQ(statement->claims.capabilities, std::vector<std::string>{"go"});
  const auto alive = ear.wait_for(wire::BeaconType::alive);
  ASSERT_TRUE(alive);
  EXPECT_EQ(wire::read_alive(alive->payload)->incarnation, 42u);
  announcer.stop("bye now");
  const auto bye = ear.wait_for(wire::BeaconType::bye);
  ASSERT_TRUE(bye);
  EXPECT_EQ(wire::read_bye(bye->payload)->reason, "bye now");
}

TEST(AnnouncerBeacon, NumbersItsDatagramsWithinOneSession) {
  Ear ear;
  Announcer announcer(beaconing(ear));
  ASSERT_TRUE(announcer.start());
  ASSERT_TRUE(ear.wait_for(wire::BeaconType::alive, 5));
  std::lock_guard lock(ear.mutex);
  for (std::size_t i = 1; i < ear.heard.size(); ++i) {
    EXPECT_EQ(ear.heard[i].session, ear.heard[0].session);
    EXPECT_GT(ear.heard[i].sequence, ear.heard[i - 1].sequence);
  }
}

TEST(AnnouncerBeacon, AnnouncesAChangeAtOnce) {
  Ear ear;
  auto options = beaconing(ear);
  options.beacon.interval = 1h;
  Announcer announcer(options);
  ASSERT_TRUE(announcer.start());
  ASSERT_TRUE(ear.wait_for(wire::BeaconType::announce, 2));
  announcer.set_status(Status::working);
  const auto announce = ear.wait_for(wire::BeaconType::announce, 3);
  ASSERT_TRUE(announce);
  EXPECT_EQ(wire::read_registration(announce->payload)->claims.status, Status::working);
}

TEST(AnnouncerBeacon, SignsWithItsKey) {
  Ear ear(std::string(32, 'k'));
  auto options = beaconing(ear);
  options.beacon.key_id = 9;
  options.beacon.key = std::string(32, 'k');
  Announcer announcer(options);
  ASSERT_TRUE(announcer.start());
  const auto announce = ear.wait_for(wire::BeaconType::announce);
  ASSERT_TRUE(announce);
  EXPECT_EQ(announce->key_id, 9u);
  EXPECT_TRUE(announce->genuine);
}

TEST(AnnouncerBeacon, AnswersAPingAndTakesThePaceOfAnAck) {
  Ear ear;
  auto options = beaconing(ear);
  Announcer announcer(options);
  ASSERT_TRUE(announcer.start());
  const auto ping = ear.wait_for(wire::BeaconType::ping);
  ASSERT_TRUE(ping);
  wire::BeaconFrame frame;
  frame.session = 1;
  frame.sequence = 1;
  frame.type = wire::BeaconType::ping;
  frame.payload = wire::write_ping(77);
  frame.cookie = ping->session;
  ear.send(ping->from, frame);
  const auto answer = ear.wait_for(wire::BeaconType::ack);
  ASSERT_TRUE(answer);
  EXPECT_EQ(wire::read_ack(answer->payload)->nonce, 77u);

  // Every announce comes with a ping of its own nonce: answer the newest.
  frame.type = wire::BeaconType::ack;
  EXPECT_TRUE(comes_true([&] {
    std::optional<Ear::Heard> newest;
    {
      std::lock_guard lock(ear.mutex);
      for (const auto& one : ear.heard)
        if (one.type == wire::BeaconType::ping) newest = one;
    }
    wire::AckBody ack;
    ack.nonce = *wire::read_ping(newest->payload);
    ack.beacon_interval_ms = 5000;
    ack.epoch = 3;
    ack.cookie = 99;
    frame.payload = wire::write_ack(ack);
    ++frame.sequence;
    ear.send(newest->from, frame);
    return announcer.state().beacon_interval == 5s;
  }));
}

TEST(AnnouncerBeacon, DoesNotObeyAnAckWithoutTheNonceOrTheKey) {
  Ear ear(std::string(32, 'k'));
  auto options = beaconing(ear);
  options.beacon.key_id = 9;
  options.beacon.key = std::string(32, 'k');
  Announcer announcer(options);
  ASSERT_TRUE(announcer.start());
  const auto ping = ear.wait_for(wire::BeaconType::ping);
  ASSERT_TRUE(ping);
  wire::BeaconFrame frame;
  frame.session = 1;
  frame.type = wire::BeaconType::ack;
  wire::AckBody ack;
  ack.nonce = *wire::read_ping(ping->payload);
  ack.beacon_interval_ms = 9000;
  frame.payload = wire::write_ack(ack);
  ++frame.sequence;
  ear.send(ping->from, frame);  // right nonce, no signature
  frame.key_id = 9;
  ack.nonce += 1;
  frame.payload = wire::write_ack(ack);
  ++frame.sequence;
  ear.send(ping->from, frame);  // signature, wrong nonce
  frame.type = wire::BeaconType::ping;
  frame.payload = wire::write_ping(5);
  frame.cookie = ping->session;
  ++frame.sequence;
  ear.send(ping->from, frame);  // answered, so both were seen before
  ASSERT_TRUE(ear.wait_for(wire::BeaconType::ack));
  EXPECT_EQ(announcer.state().beacon_interval, 100ms);
}

}  // namespace
}  // namespace choregos
