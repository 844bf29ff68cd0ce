// The probe against real servers on loopback.
#include "choregos/source/http_probe/http_probe.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "choregos/net/http_server.hpp"
#include "choregos/net/test_support.hpp"

namespace choregos::source {
namespace {

using net::testing::Child;
using net::testing::Door;
using net::testing::Peer;

/// A small agent: answers with what the test says and counts who asks.
struct FakeAgent {
  net::Loop& loop;
  std::string body = "{}";
  int status = 200;
  net::HttpHeaders headers;
  bool hang = false;
  std::vector<std::string> targets;
  std::vector<net::Responder> held;
  std::unique_ptr<net::HttpServer> server;
  SocketAddress address;

  explicit FakeAgent(net::Loop& l, SocketAddress at = {net::testing::kLoopback, 0}) : loop(l) { listen(at); }
  void listen(SocketAddress at) {
    server = std::make_unique<net::HttpServer>(loop, net::HttpServer::Options{}, [this](net::HttpRequest&& request, net::Responder responder) {
      targets.push_back(request.target);
      if (hang) {
        held.push_back(std::move(responder));
        return;
      }
      net::HttpReply reply;
      reply.status = status;
      reply.headers = headers;
      reply.body = body;
      responder.reply(std::move(reply));
    });
    address = *server->listen(at);
  }
  void die() {
    held.clear();
    server.reset();
  }
};

struct Bench {
  net::Loop loop;
  net::AddressPolicy policy;
  std::vector<Observation> heard;
  std::unique_ptr<HttpProbe> probe;

  explicit Bench(Duration period = 1s, Duration timeout = 500ms) {
    HttpProbe::Options options;
    options.settings.period = period;
    options.settings.timeout = timeout;
    options.policy = &policy;
    probe = std::make_unique<HttpProbe>(loop, options, [this](Observation o) { heard.push_back(std::move(o)); });
  }
  static Target target(const SocketAddress& address) {
    Target t;
    t.address = address;
    t.configured = true;
    return t;
  }
  void watch(const std::vector<SocketAddress>& addresses) {
    std::vector<Target> targets;
    for (const SocketAddress& a : addresses) targets.push_back(target(a));
    probe->set_targets("static_file", targets);
  }
  bool wait(const std::function<bool()>& done) { return net::testing::wait_for(loop, done); }
  std::size_t count(ObservationKind kind) const {
    return static_cast<std::size_t>(std::count_if(heard.begin(), heard.end(), [&](const Observation& o) { return o.kind == kind; }));
  }
  std::uint64_t counter(const std::string& name) const {
    for (const auto& [key, value] : probe->health().counters)
      if (key == name) return value;
    return 0;
  }
};

TEST(HttpProbe, HearsAnAgentAtOnceAndKeepsTheConnection) {
  Bench b;
  FakeAgent agent(b.loop);
  agent.body = R"({"id":"a1","status":"idle","capabilities":["go"]})";
  b.watch({agent.address});
  const Instant begin = b.loop.now();
  b.probe->start();
  b.probe->start();
  ASSERT_TRUE(b.wait([&] { return !b.heard.empty(); }));
  EXPECT_LT(b.loop.now() - begin, 1s) << "not after a period";
  const Observation& o = b.heard[0];
  EXPECT_EQ(o.kind, ObservationKind::heard);
  EXPECT_EQ(o.source, "http_probe");
  EXPECT_EQ(o.subject, to_string(agent.address));
  EXPECT_EQ(o.names.id, "a1");
  EXPECT_EQ(o.names.address, agent.address);
  EXPECT_EQ(o.claims->status, Status::idle);
  EXPECT_TRUE(o.latency);
  EXPECT_EQ(agent.targets, std::vector<std::string>{"/health"});
  ASSERT_TRUE(b.wait([&] { return b.heard.size() == 3; }));
  EXPECT_EQ(agent.server->stats().accepted, 1u) << "one connection for all probes";
}

TEST(HttpProbe, KilledProcessIsDeadWithinASecond) {
  Bench b(10s, 2s);
  SocketAddress address;
  {
    FakeAgent port_finder(b.loop);
    address = port_finder.address;
  }
  Child child([address] {
    net::Loop loop;
    FakeAgent agent(loop, address);
    loop.run();
  });
  b.watch({address});
  b.probe->start();
  ASSERT_TRUE(b.wait([&] { return b.count(ObservationKind::heard) > 0; }));
  const Instant killed = b.loop.now();
  child.kill();
  ASSERT_TRUE(b.wait([&] { return b.count(ObservationKind::dead) > 0; }));
  EXPECT_LT(b.loop.now() - killed, 1s);
  EXPECT_EQ(b.count(ObservationKind::doubt), 0u);
}

TEST(HttpProbe, ServerThatClosesIdleConnectionsIsNotDoubted) {
  Bench b;
  FakeAgent agent(b.loop);
  net::HttpServer::Options impatient;
  impatient.idle_time_max = 100ms;
  agent.server = std::make_unique<net::HttpServer>(b.loop, impatient, [&](net::HttpRequest&&, net::Responder responder) { responder.reply({}); });
  const SocketAddress address = *agent.server->listen({net::testing::kLoopback, 0});
  b.watch({address});
  b.probe->start();
  ASSERT_TRUE(b.wait([&] { return b.heard.size() >= 4; }));
  EXPECT_EQ(b.count(ObservationKind::heard), b.heard.size());
  EXPECT_LE(b.counter("probes"), 7u);
}

TEST(HttpProbe, AgentThatClosesEachConnectionIsNotDoubted) {
  Bench b;
  FakeAgent agent(b.loop);
  Door door;
  int served = 0;
  std::function<void()> serve = [&] {
    const int fd = door.accept();
    if (fd < 0) return;
    // As a shell script with nc: no length, the end of the connection ends the body.
    const std::string reply = "HTTP/1.0 200 OK\r\n\r\n{\"id\":\"shell\"}";
    char buffer[2048];
    pollfd p{fd, POLLIN, 0};
    ::poll(&p, 1, 1000);
    (void)!::read(fd, buffer, sizeof buffer);
    (void)!::write(fd, reply.data(), reply.size());
    ::close(fd);
    ++served;
  };
  net::Timer timer = b.loop.every(5ms, serve);
  b.watch({door.address});
  b.probe->start();
  ASSERT_TRUE(b.wait([&] { return b.heard.size() >= 3; }));
  EXPECT_EQ(b.count(ObservationKind::heard), b.heard.size());
  EXPECT_EQ(b.heard[0].names.id, "shell");
  EXPECT_EQ(b.counter("idle_closes"), 0u);
  EXPECT_LE(served, 5);
}

TEST(HttpProbe, RedirectIsAFailedProbeAndItsTargetIsNeverAsked) {  // the predecessor followed it, nine times
  Bench b;
  FakeAgent other(b.loop), agent(b.loop);
  agent.status = 302;
  agent.headers = {{"Location", "http://" + to_string(other.address) + "/admin"}};
  b.watch({agent.address});
  b.probe->start();
  ASSERT_TRUE(b.wait([&] { return b.counter("redirects") >= 2; }));
  EXPECT_TRUE(other.targets.empty());
  EXPECT_EQ(other.server->stats().accepted, 0u);
  EXPECT_TRUE(b.heard.empty());
  EXPECT_NE(b.probe->health().advice.find("redirect"), std::string::npos) << b.probe->health().advice;
}

TEST(HttpProbe, OnlyTwoHundredCountsAndTheCodeIsShown) {
  Bench b;
  FakeAgent agent(b.loop);
  agent.status = 503;
  b.watch({agent.address});
  b.probe->start();
  ASSERT_TRUE(b.wait([&] { return b.counter("unwell") >= 2; }));
  EXPECT_TRUE(b.heard.empty());
  EXPECT_EQ(b.probe->targets()[0].note, "answers 503, only 200 counts");
  agent.status = 200;
  ASSERT_TRUE(b.wait([&] { return !b.heard.empty(); }));
}

TEST(HttpProbe, EndlessBodyIsCutAt64KiB) {
  Bench b;
  FakeAgent agent(b.loop);
  agent.body = std::string(65 * 1024, 'x');
  b.watch({agent.address});
  b.probe->start();
  ASSERT_TRUE(b.wait([&] { return b.counter("malformed") >= 1; }));
  EXPECT_TRUE(b.heard.empty());
}

TEST(HttpProbe, HangingAgentsDelayNobodyAndTheTimeOutHolds) {
  Bench b(1s, 300ms);
  FakeAgent well(b.loop), hanging(b.loop);
  hanging.hang = true;
  b.watch({well.address, hanging.address});
  b.probe->start();
  ASSERT_TRUE(b.wait([&] { return b.counter("timeouts") >= 2 && b.heard.size() >= 3; }));
  for (const Observation& o : b.heard) EXPECT_EQ(o.names.address, well.address);
}

TEST(HttpProbe, LoopbackIsForOperatorsOnly) {
  Bench b;
  FakeAgent agent(b.loop);
  Target learnt;
  learnt.address = agent.address;
  b.probe->set_targets("swarm_dns/chorus", {learnt});
  b.probe->start();
  ASSERT_TRUE(b.wait([&] { return b.counter("forbidden") >= 1; }));
  EXPECT_EQ(agent.server->stats().accepted, 0u);
  EXPECT_NE(b.probe->health().advice.find("policy"), std::string::npos);
}

TEST(HttpProbe, OriginsVouchForTheirAddressesWhileTheyNameThem) {
  Bench b;
  Target t;
  t.address = *parse_socket_address("10.1.2.3:8081");
  EXPECT_FALSE(b.policy.check(t.address, false));
  b.probe->set_targets("swarm_dns/chorus", {t});
  EXPECT_TRUE(b.policy.check(t.address, false));
  b.probe->set_targets("swarm_dns/chorus", {});
  EXPECT_FALSE(b.policy.check(t.address, false));
}

TEST(HttpProbe, VirtualIpShowsEveryReplicaOnce) {
  Bench b(3s, 500ms);
  FakeAgent vip(b.loop);
  int turn = 0;
  vip.server = std::make_unique<net::HttpServer>(b.loop, net::HttpServer::Options{}, [&](net::HttpRequest&&, net::Responder responder) {
    net::HttpReply reply;
    reply.body = "{\"id\":\"r" + std::to_string(turn++ % 9) + "\"}";
    responder.reply(std::move(reply));
  });
  Target t = Bench::target(*vip.server->listen({net::testing::kLoopback, 0}));
  t.behind_balancer = true;
  b.probe->set_targets("static_file", {t});
  b.probe->start();
  std::set<std::string> ids;
  ASSERT_TRUE(b.wait([&] {
    for (const Observation& o : b.heard) ids.insert(o.names.id);
    return ids.size() == 9 && b.counter("vip_rounds") >= 1;
  }));
  EXPECT_EQ(vip.server->stats().accepted, vip.server->stats().requests) << "a fresh connection for each sample";
  for (const Observation& o : b.heard) EXPECT_TRUE(o.names.behind_balancer);
}

TEST(HttpProbe, ConfirmsThatNobodyListensByRefusalsTwoHundredMillisecondsApart) {
  Bench b;
  SocketAddress nobody;
  {
    Door door;
    nobody = door.address;
  }
  FakeAgent agent(b.loop);
  b.probe->start();
  std::optional<HttpProbe::Verdict> gone, there, forbidden;
  const Instant begin = b.loop.now();
  Duration took{};
  b.probe->confirm_dead(nobody, [&](HttpProbe::Verdict v) { gone = v, took = b.loop.now() - begin; }, true);
  b.probe->confirm_dead(agent.address, [&](HttpProbe::Verdict v) { there = v; }, true);
  b.probe->confirm_dead(agent.address, [&](HttpProbe::Verdict v) { forbidden = v; });
  ASSERT_TRUE(b.wait([&] { return gone && there && forbidden; }));
  EXPECT_EQ(gone, HttpProbe::Verdict::refused);
  EXPECT_GE(took, 200ms);
  EXPECT_LT(took, 900ms);
  EXPECT_EQ(there, HttpProbe::Verdict::answered);
  EXPECT_EQ(forbidden, HttpProbe::Verdict::unknown);
}

TEST(HttpProbe, ResetByADyingProcessIsNobodysAnswer) {
  Bench b;
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&name), size), 0);
  ASSERT_EQ(::listen(listener, 4), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size), 0);
  // As the kernel of a process does that is being killed: the connection is taken from the backlog, then reset.
  std::thread dying([listener] {
    pollfd waiting{listener, POLLIN, 0};
    const int taken = ::poll(&waiting, 1, 10'000) == 1 ? ::accept(listener, nullptr, nullptr) : -1;
    const linger at_once{1, 0};
    ::setsockopt(taken, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(listener);
    ::close(taken);
  });
  b.probe->start();
  std::optional<HttpProbe::Verdict> verdict;
  b.probe->confirm_dead({IpAddress::v4(127, 0, 0, 1), ntohs(name.sin_port)}, [&](HttpProbe::Verdict v) { verdict = v; }, true);
  EXPECT_TRUE(b.wait([&] { return verdict.has_value(); }));
  dying.join();
  EXPECT_EQ(verdict, HttpProbe::Verdict::refused);
}

TEST(HttpProbe, NoPacketAndNoObservationAfterStop) {  // the predecessor went on for 2.47 s
  Bench b;
  FakeAgent agent(b.loop), hanging(b.loop);
  hanging.hang = true;
  b.probe->stop();
  b.watch({agent.address, hanging.address});
  b.probe->start();
  ASSERT_TRUE(b.wait([&] { return !b.heard.empty() && !hanging.targets.empty(); }));
  b.probe->stop();
  b.probe->stop();
  const std::size_t before = b.heard.size();
  const std::size_t asked = agent.targets.size() + hanging.targets.size();
  for (net::Responder& r : hanging.held) r.reply({});
  net::testing::run_for(b.loop, 1500ms);
  EXPECT_EQ(b.heard.size(), before);
  EXPECT_EQ(agent.targets.size() + hanging.targets.size(), asked);
  EXPECT_EQ(agent.server->stats().connections, 0u);
  EXPECT_EQ(b.probe->health().state, SourceState::off);
  hanging.hang = false;
  b.probe->start();
  EXPECT_TRUE(b.wait([&] { return b.heard.size() > before + 1; })) << "started again it works again";
}

TEST(HttpProbe, StopInsideAnObservationIsHarmless) {
  net::Loop loop;
  FakeAgent agent(loop);
  std::unique_ptr<HttpProbe> probe;
  bool stopped = false;
  HttpProbe::Options options;
  probe = std::make_unique<HttpProbe>(loop, options, [&](Observation) {
    probe->stop();
    probe.reset();
    stopped = true;
  });
  probe->set_targets("static_file", {Bench::target(agent.address)});
  probe->start();
  ASSERT_TRUE(loop.run_until([&] { return stopped; }, 5s));
  net::testing::run_for(loop, 20ms);
}

TEST(HttpProbe, DialsNothingThatABodyNames) {
  Bench b;
  FakeAgent other(b.loop), agent(b.loop);
  const std::string address = to_string(other.address);
  agent.body = R"({"id":"a1","p2p_addr":")" + address + R"(","endpoint":"http://)" + address + R"("})";
  b.watch({agent.address});
  b.probe->start();
  ASSERT_TRUE(b.wait([&] { return b.heard.size() >= 3; }));
  EXPECT_EQ(b.heard.back().claims->p2p_addr, address);
  EXPECT_EQ(b.heard.back().claims->endpoint, "http://" + address);
  EXPECT_EQ(other.server->stats().accepted, 0u);
}

TEST(HttpProbe, TargetTakenAwayIsAskedNoMore) {
  Bench b;
  FakeAgent agent(b.loop);
  b.watch({agent.address});
  b.probe->start();
  ASSERT_TRUE(b.wait([&] { return !b.heard.empty(); }));
  b.watch({});
  ASSERT_TRUE(b.wait([&] { return agent.server->stats().connections == 0; }));
  EXPECT_EQ(b.heard.back().kind, ObservationKind::refused);
  const std::size_t asked = agent.targets.size();
  net::testing::run_for(b.loop, 1200ms);
  EXPECT_EQ(agent.targets.size(), asked);
}

}  // namespace
}  // namespace choregos::source
