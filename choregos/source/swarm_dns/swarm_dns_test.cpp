// The source against a real DNS server on loopback.
#include "choregos/source/swarm_dns/swarm_dns.hpp"

#include <gtest/gtest.h>

#include "choregos/source/swarm_dns/dns_server_for_tests.hpp"

namespace choregos::source {
namespace {

struct Bench {
  net::Loop loop;
  FakeDns dns{loop};
  std::map<std::string, std::vector<Target>> targets;
  int published = 0;
  std::unique_ptr<SwarmDns> source;

  explicit Bench(std::vector<ServiceSettings> services = {ServiceSettings{}}) {
    SwarmDns::Options options;
    options.services = std::move(services);
    options.server = dns.address();
    options.interval = 200ms;
    options.timeout = 200ms;
    EXPECT_TRUE(SwarmDns::check(options));
    source = std::make_unique<SwarmDns>(loop, options, [this](const std::string& origin, std::vector<Target> t) {
      ++published;
      targets[origin] = std::move(t);
    });
  }
  void task(std::uint8_t n, const std::string& service = "chorus", char id = 'a') {
    const IpAddress ip = IpAddress::v4(10, 0, 1, n);
    dns.a["tasks." + service].push_back(ip);
    dns.ptr[FakeDns::reverse_name(ip)] = service + "." + std::to_string(n) + "." + std::string(25, id) + ".net";
  }
  bool wait(const std::function<bool()>& done) { return loop.run_until(done, 5s); }
  const std::vector<Target>& chorus() { return targets["swarm_dns/chorus"]; }
};

TEST(SwarmDns, FindsNineTasksAtOnceWithTheirNames) {
  Bench b;
  for (std::uint8_t n = 1; n <= 9; ++n) b.task(n);
  const Instant begin = b.loop.now();
  b.source->start();
  b.source->start();
  ASSERT_TRUE(b.wait([&] { return b.chorus().size() == 9; }));
  EXPECT_LT(b.loop.now() - begin, 1s);
  for (std::size_t i = 0; i < 9; ++i) {
    const Target& t = b.chorus()[i];
    EXPECT_EQ(t.address, (SocketAddress{IpAddress::v4(10, 0, 1, static_cast<std::uint8_t>(i + 1)), 8081}));
    ASSERT_TRUE(t.task);
    EXPECT_EQ(t.task->slot, std::to_string(i + 1));
  }
  EXPECT_EQ(b.source->health().state, SourceState::ok);
  EXPECT_TRUE(b.wait([&] { return b.dns.asked["tasks.chorus"] >= 4; })) << "asked again whatever the TTL says";
}

TEST(SwarmDns, VanishedNameIsDrainingUntilTheProbeSaysItIsSilent) {
  Bench b;
  b.task(1), b.task(2);
  b.source->start();
  ASSERT_TRUE(b.wait([&] { return b.chorus().size() == 2; }));
  b.dns.a["tasks.chorus"].pop_back();
  ASSERT_TRUE(b.wait([&] { return b.chorus().size() == 2 && b.chorus()[1].draining; }));
  b.source->target_silent(b.chorus()[1].address);
  ASSERT_TRUE(b.wait([&] { return b.chorus().size() == 1; }));
}

TEST(SwarmDns, FailedLookupKeepsTheTargetsAndShowsTheError) {
  for (const FakeDns::Mood mood : {FakeDns::Mood::refuses, FakeDns::Mood::silent}) {
    Bench b;
    b.task(1);
    b.source->start();
    ASSERT_TRUE(b.wait([&] { return b.chorus().size() == 1; }));
    const int before = b.published;
    b.dns.mood = mood;
    ASSERT_TRUE(b.wait([&] { return b.source->health().state == SourceState::failed; }));
    EXPECT_FALSE(b.source->health().last_error.empty());
    EXPECT_FALSE(b.source->health().advice.empty());
    EXPECT_EQ(b.published, before) << "not being able to ask says nothing about agents";
    b.dns.mood = FakeDns::Mood::answers;
    ASSERT_TRUE(b.wait([&] { return b.source->health().state == SourceState::ok; }));
  }
}

TEST(SwarmDns, NoSuchNameIsZeroTargetsAndAWarningWhereSomeAreExpected) {
  Bench b({ServiceSettings{"chorus", 8081, "/health", 9}});
  b.source->start();
  ASSERT_TRUE(b.wait([&] { return b.published > 0; }));
  EXPECT_TRUE(b.chorus().empty());
  EXPECT_EQ(b.source->health().state, SourceState::degraded);
  EXPECT_NE(b.source->health().detail.find("0 found, 9 expected: 9 missing"), std::string::npos) << b.source->health().detail;
}

TEST(SwarmDns, ServicesAreApart) {
  Bench b({ServiceSettings{"chorus", 8081, "/health", {}}, ServiceSettings{"writers", 9000, "/alive", {}}});
  b.task(1), b.task(2, "writers");
  b.source->start();
  ASSERT_TRUE(b.wait([&] { return b.targets["swarm_dns/writers"].size() == 1 && b.chorus().size() == 1; }));
  EXPECT_EQ(b.targets["swarm_dns/writers"][0].address.port, 9000);
  EXPECT_EQ(b.targets["swarm_dns/writers"][0].path, "/alive");
}

TEST(SwarmDns, AddressWithoutAnyNameIsATargetAllTheSame) {
  Bench b;
  b.dns.a["tasks.chorus"] = {IpAddress::v4(10, 0, 1, 1)};
  b.source->start();
  ASSERT_TRUE(b.wait([&] { return b.chorus().size() == 1; }));
  EXPECT_FALSE(b.chorus()[0].task);
}

TEST(SwarmDns, NoQuestionAfterStop) {
  Bench b;
  b.task(1);
  b.source->stop();
  b.source->start();
  ASSERT_TRUE(b.wait([&] { return b.chorus().size() == 1; }));
  b.source->stop();
  b.source->stop();
  b.loop.run_until([] { return false; }, 50ms);
  const int asked = b.dns.asked["tasks.chorus"];
  const int published = b.published;
  b.loop.run_until([] { return false; }, 700ms);
  EXPECT_EQ(b.dns.asked["tasks.chorus"], asked);
  EXPECT_EQ(b.published, published);
  EXPECT_EQ(b.source->health().state, SourceState::off);
  b.task(2);
  b.source->start();
  EXPECT_TRUE(b.wait([&] { return b.chorus().size() == 2; })) << "started again it works again";
}

TEST(SwarmDns, StopInsideAPublicationIsHarmless) {
  net::Loop loop;
  FakeDns dns(loop);
  dns.a["tasks.chorus"] = {IpAddress::v4(10, 0, 1, 1)};
  SwarmDns::Options options;
  options.server = dns.address();
  std::unique_ptr<SwarmDns> source;
  bool stopped = false;
  source = std::make_unique<SwarmDns>(loop, options, [&](const std::string&, std::vector<Target>) {
    source.reset();
    stopped = true;
  });
  source->start();
  ASSERT_TRUE(loop.run_until([&] { return stopped; }, 5s));
  loop.run_until([] { return false; }, 20ms);
}

TEST(SwarmDns, SettingsOutOfRangeAreRefusedByName) {
  const auto message = [](auto change) {
    SwarmDns::Options options;
    change(options);
    const auto ok = SwarmDns::check(options);
    return ok ? std::string() : ok.error().message;
  };
  EXPECT_EQ(message([](SwarmDns::Options&) {}), "");
  EXPECT_NE(message([](SwarmDns::Options& o) { o.services.clear(); }), "");
  EXPECT_NE(message([](SwarmDns::Options& o) { o.services[0].service = "tasks.chorus"; }).find("tasks.chorus"), std::string::npos);
  EXPECT_NE(message([](SwarmDns::Options& o) { o.services.push_back(o.services[0]); }).find("twice"), std::string::npos);
  EXPECT_NE(message([](SwarmDns::Options& o) { o.services[0].port = 0; }).find("port"), std::string::npos);
  EXPECT_NE(message([](SwarmDns::Options& o) { o.services[0].path = "health"; }).find("path"), std::string::npos);
  EXPECT_NE(message([](SwarmDns::Options& o) { o.interval = 1ms; }).find("200ms"), std::string::npos);
}

}  // namespace
}  // namespace choregos::source
