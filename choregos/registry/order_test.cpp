// The order in which observations arrive must not matter: shuffled, they give the same records. Drawn from a seed; a
// failure names it.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "choregos/base/rng.hpp"
#include "choregos/registry/registry.hpp"

namespace choregos {
namespace {

constexpr Instant kStart{1'000'000'000'000};

/// A few agents heard by several sources within eight seconds: restarts, moved addresses, anonymous answers, goodbyes.
/// Every observation has a time of its own, as real ones do.
std::vector<Observation> draw(Rng& rng) {
  std::vector<Observation> out;
  const int count = 5 + static_cast<int>(rng.below(25));
  for (int i = 0; i < count; ++i) {
    Observation o;
    o.heard_at = kStart + Duration{static_cast<std::int64_t>(rng.below(8'000)) * 1'000'000 + i};
    o.wall_at = WallTime{o.heard_at.ns / 1'000'000};
    const auto who = rng.below(4);
    const std::string id = "agent-" + std::to_string(who);
    const auto place = rng.below(4);
    Claims claims;
    claims.status = static_cast<Status>(rng.below(3));
    claims.model = "model-" + std::to_string(rng.below(3));
    if (rng.chance(0.5)) claims.capabilities = {"go_development"};
    switch (rng.below(4)) {
      case 0:
      case 1: {
        o.source = "beacon";
        o.subject = id;
        o.names.id = id;
        // Incarnation and sequence rise with time, as an agent's own counters do.
        o.incarnation = o.heard_at < kStart + 4s ? 5 : 6;
        o.sequence = static_cast<std::uint64_t>((o.heard_at - kStart).count()) + 1;
        if (rng.chance(0.1)) {
          o.kind = ObservationKind::goodbye;
        } else if (rng.chance(0.3)) {
          o.claims = claims;
        } else {
          Claims status;
          status.status = claims.status;
          o.claims = status;
          o.partial = true;
        }
        break;
      }
      case 2:
        o.source = "http_probe";
        o.names.address = SocketAddress{IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(place + 1)), 8081};
        o.subject = to_string(*o.names.address);
        if (rng.chance(0.5)) o.names.task = SwarmTask{"chorus", std::to_string(place), "task" + std::to_string(place)};
        if (rng.chance(0.6)) o.names.id = "agent-" + std::to_string(place);
        o.lease = {12s, 22s};
        o.claims = claims;
        break;
      default:
        o.source = "registration";
        o.subject = id;
        o.names.id = id;
        o.lease = {30s, 40s};
        claims.health_url = "http://10.0.0." + std::to_string(who + 1) + ":8081/health";
        o.claims = claims;
    }
    out.push_back(std::move(o));
  }
  return out;
}

/// Everything that is said of an agent, but for what depends on when we were told: since when a liveness stands, and
/// last_seen, which never falls although an anonymous answer may turn out to be somebody else's.
std::string describe(const AgentRecordPtr& record) {
  const Agent& a = record->agent;
  std::ostringstream out;
  out << a.id << " | " << to_string(a.liveness) << " " << a.reason << " | " << to_string(a.status) << " " << a.model << " | inc " << a.incarnation << " | first "
      << a.first_seen.ms << " | " << to_string(a.identity) << " task " << (a.task ? a.task->name() : "-") << " | conflict "
      << a.conflict;
  for (const auto& c : a.contenders) out << " " << c;
  out << " | caps";
  for (const auto& c : a.capabilities) out << " " << c;
  out << " | sources";
  for (const auto& s : a.sources) out << " " << s;
  out << " | aliases";
  for (const auto& s : a.aliases) out << " " << s;
  return out.str();
}

/// Revisions rise by one, and replaying the changes gives the snapshot.
void check_steps(const std::vector<Change>& changes, const Snapshot& snapshot) {
  std::map<std::string, AgentRecordPtr> replayed;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    ASSERT_EQ(changes[i].revision, (Revision{1, i + 1}));
    if (changes[i].kind == ChangeKind::forgotten || changes[i].kind == ChangeKind::merged) {
      replayed.erase(changes[i].record->agent.id);
    } else {
      replayed[changes[i].record->agent.id] = changes[i].record;
    }
  }
  ASSERT_EQ(replayed.size(), snapshot.size());
  for (const auto& [id, record] : replayed) ASSERT_EQ(snapshot.find(id), record);
}

/// The counts that are kept up to date equal those counted anew, and every name leads to its record.
void check_counts(const Snapshot& snapshot) {
  Counts counts;
  std::map<std::string, CapabilityCount> capabilities;
  snapshot.for_each([&](const AgentRecordPtr& r) {
    const Agent& a = r->agent;
    ++counts.total;
    ++counts.by_liveness[static_cast<int>(a.liveness)];
    if (a.liveness != Liveness::lost && a.liveness != Liveness::left) ++counts.by_status[static_cast<int>(a.status)];
    for (const auto& c : a.capabilities) {
      ++capabilities[c].total;
      capabilities[c].live += a.liveness == Liveness::alive;
    }
    ASSERT_EQ(snapshot.find(a.id), r);
    for (const auto& alias : a.aliases) ASSERT_EQ(snapshot.find(alias), r) << alias;
  });
  ASSERT_EQ(counts.total, snapshot.counts().total);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(counts.by_liveness[i], snapshot.counts().by_liveness[i]) << i;
  for (int i = 0; i < 3; ++i) ASSERT_EQ(counts.by_status[i], snapshot.counts().by_status[i]) << i;
  ASSERT_EQ(capabilities.size(), snapshot.capabilities().size());
  for (const auto& c : snapshot.capabilities()) {
    ASSERT_EQ(capabilities[c.capability].total, c.total);
    ASSERT_EQ(capabilities[c.capability].live, c.live);
  }
}

std::map<std::string, std::string> believe(const std::vector<Observation>& observations) {
  Registry registry({}, Revision{1, 0});
  std::vector<Change> changes;
  const Instant now = kStart + 8s;
  for (const auto& o : observations) EXPECT_TRUE(registry.apply(o, now, WallTime{now.ns / 1'000'000}, changes));
  // Nothing is overdue at `now`, so only what was deferred to a later deadline is left; look a moment later.
  const Instant later = now + 1ms;
  registry.tick(later, WallTime{later.ns / 1'000'000}, changes);
  std::map<std::string, std::string> out;
  const SnapshotPtr snapshot = registry.snapshot(later, WallTime{});
  snapshot->for_each([&](const AgentRecordPtr& r) { out[r->agent.id] = describe(r); });
  check_steps(changes, *snapshot);
  check_counts(*snapshot);
  return out;
}

std::string print(const std::map<std::string, std::string>& records) {
  std::string out;
  for (const auto& [id, text] : records) out += text + "\n";
  return out;
}

TEST(Order, AnyOrderOfTheSameObservationsGivesTheSameRecords) {
  for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
    Rng rng(seed);
    std::vector<Observation> observations = draw(rng);
    std::sort(observations.begin(), observations.end(), [](const auto& a, const auto& b) { return a.heard_at < b.heard_at; });
    const auto expected = believe(observations);
    for (int shuffle = 0; shuffle < 4; ++shuffle) {
      for (std::size_t i = observations.size(); i > 1; --i) std::swap(observations[i - 1], observations[rng.below(i)]);
      const auto got = believe(observations);
      ASSERT_EQ(print(got), print(expected)) << "seed " << seed;
    }
  }
}

TEST(Order, RepeatingObservationsChangesNothing) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Rng rng(seed);
    std::vector<Observation> observations = draw(rng);
    std::sort(observations.begin(), observations.end(), [](const auto& a, const auto& b) { return a.heard_at < b.heard_at; });
    const auto expected = believe(observations);
    std::vector<Observation> repeated = observations;
    for (int times = 0; times < 3; ++times) repeated.insert(repeated.end(), observations.begin(), observations.end());
    ASSERT_EQ(print(believe(repeated)), print(expected)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace choregos
