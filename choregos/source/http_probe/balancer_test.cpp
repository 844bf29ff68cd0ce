#include "choregos/source/http_probe/balancer.hpp"

#include <gtest/gtest.h>

#include <set>

namespace choregos::source {
namespace {

/// A service behind a virtual IP on a virtual clock.
struct Service {
  ProbeSettings settings;
  Rng rng{3};
  Rng pick{4};
  Instant now{1'000'000'000'000};
  Balancer balancer{settings, now};
  Target target;
  std::size_t replicas = 9;
  bool random = false, named = true, listening = true;
  std::uint64_t turn = 0;
  std::vector<Observation> heard, against;
  std::vector<Instant> asked;
  std::map<std::string, Instant> last_heard;
  std::map<std::string, Lease> leases;
  std::set<std::string> expired;  ///< ids whose lease ran out while nobody said anything

  Service() {
    target.address = {IpAddress::v4(10, 0, 0, 100), 8081};
    target.behind_balancer = true;
  }
  void run(Duration d) {
    const Instant end = now + d;
    while (balancer.due() <= end) {
      now = std::max(now, balancer.due());
      asked.push_back(now);
      balancer.started(now);
      ProbeResult r;
      r.outcome = listening && replicas > 0 ? Outcome::answered : Outcome::refused;
      r.latency = 1ms;
      if (r.outcome == Outcome::answered) {
        const std::uint64_t n = random ? pick.below(replicas) : turn++ % replicas;
        r.body = named ? R"({"id":"r)" + std::to_string(n) + R"("})" : "fine";
      }
      now = now + 2ms;
      std::vector<Observation> out;
      balancer.finished(target, r, settings, rng, {now, {1}}, out);
      for (Observation& o : out) {
        EXPECT_TRUE(o.names.behind_balancer);
        EXPECT_EQ(o.names.address, target.address);
        if (o.kind == ObservationKind::heard) {
          last_heard[o.names.id] = now;
          leases[o.names.id] = o.lease;
        }
        (o.kind == ObservationKind::heard ? heard : against).push_back(std::move(o));
      }
      for (const auto& [id, at] : last_heard)
        if (now - at >= leases[id].suspect_after) expired.insert(id);
    }
    now = end;
  }
  std::set<std::string> ids() const {
    std::set<std::string> out;
    for (const Observation& o : heard) out.insert(o.names.id);
    return out;
  }
  std::size_t given_up() const {
    return static_cast<std::size_t>(std::count_if(against.begin(), against.end(), [](const Observation& o) { return o.kind == ObservationKind::refused || (o.kind == ObservationKind::doubt && o.lease.lost_after == Duration{}); }));
  }
};

TEST(Balancer, OneReplicaIsOneAgentAndNoneIsNobody) {  // the predecessor: nine, and nine
  Service one;
  one.replicas = 1;
  one.run(60s);
  EXPECT_EQ(one.ids().size(), 1u);
  EXPECT_EQ(one.heard[0].subject, "vip/10.0.0.100:8081/r0");
  Service none;
  none.replicas = 0;
  none.run(60s);
  EXPECT_TRUE(none.heard.empty());
  EXPECT_TRUE(none.against.empty());
  EXPECT_LE(none.asked.size(), 35u) << "no storm against an empty service";
}

TEST(Balancer, NineAndTwelveReplicasAreAllFoundInTheFirstRounds) {
  for (const std::size_t n : {9u, 12u})
    for (const bool random : {false, true}) {
      Service s;
      s.replicas = n;
      s.random = random;
      s.run(30s);
      EXPECT_EQ(s.ids().size(), n) << (random ? "random" : "round robin");
      EXPECT_TRUE(s.balancer.complete());
    }
}

TEST(Balancer, LivingReplicasAreNeverDoubtedByARandomBalancer) {
  Service s;
  s.random = true;
  s.run(6h);
  EXPECT_EQ(s.ids().size(), 9u);
  EXPECT_TRUE(s.against.empty());
  EXPECT_TRUE(s.expired.empty());
}

TEST(Balancer, ShrinkFromNineToTwoGivesUpSevenWithReasons) {  // the predecessor: still nine after three cycles
  for (const bool random : {false, true}) {
    Service s;
    s.random = random;
    s.run(60s);
    s.replicas = 2;
    const Instant begin = s.now;
    s.run(120s);
    EXPECT_EQ(s.given_up(), 7u);
    EXPECT_EQ(s.balancer.replicas(), 2u);
    for (const Observation& o : s.against) {
      EXPECT_FALSE(o.reason.empty());
      EXPECT_LE(o.heard_at - begin, 90s);
    }
  }
}

TEST(Balancer, FiveHundredReplicasStayBoundedAndIncompleteAndAreAllMetInTheEnd) {
  Service s;
  s.replicas = 500;
  s.random = true;
  s.run(60s);
  EXPECT_FALSE(s.balancer.complete());
  for (std::size_t i = 0; i + 201 < s.asked.size(); ++i) EXPECT_GE(s.asked[i + 201] - s.asked[i], 5s) << "two hundred a round at most";
  s.run(10min);
  EXPECT_EQ(s.ids().size(), 500u);
  EXPECT_EQ(s.given_up(), 0u);
}

TEST(Balancer, AnswersWithoutIdsAreOneServiceOfUnknownSize) {
  Service s;
  s.named = false;
  s.run(60s);
  EXPECT_EQ(s.ids(), std::set<std::string>{""});
  std::set<std::string> subjects;
  for (const Observation& o : s.heard) subjects.insert(o.subject);
  EXPECT_EQ(subjects, std::set<std::string>{"vip/10.0.0.100:8081"});
  EXPECT_TRUE(s.balancer.nameless());
  EXPECT_LE(s.asked.size(), 25u) << "three answers a round are enough";
}

TEST(Balancer, ServiceOfUnknownSizeEndsWhenItsReplicasSayTheirIds) {
  Service s;
  s.named = false;
  s.run(30s);
  s.named = true;
  s.run(30s);
  EXPECT_EQ(s.given_up(), 1u);
  EXPECT_EQ(s.against[0].names.id, "");
  EXPECT_EQ(s.balancer.replicas(), 9u);
}

TEST(Balancer, SilenceOfTheWholeServiceIsDoubtAboutAll) {
  Service s;
  s.run(60s);
  s.listening = false;
  const Instant begin = s.now;
  s.run(30s);
  EXPECT_EQ(s.against.size(), 9u);
  for (const Observation& o : s.against) {
    EXPECT_EQ(o.kind, ObservationKind::doubt);
    EXPECT_LE(o.heard_at - begin, 20s);
  }
}

TEST(Balancer, SamplesArePaced) {
  Service s;
  s.run(10s);
  for (std::size_t i = 1; i < s.asked.size(); ++i) EXPECT_GE(s.asked[i] - s.asked[i - 1], 100ms);
}

TEST(Balancer, EndLetsEverybodyGo) {
  Service s;
  s.run(30s);
  std::vector<Observation> out;
  s.balancer.end("http_probe", "no longer a target", {s.now, {1}}, out);
  EXPECT_EQ(out.size(), 9u);
  EXPECT_EQ(out[0].subject, "vip/10.0.0.100:8081/r0");
}

}  // namespace
}  // namespace choregos::source
