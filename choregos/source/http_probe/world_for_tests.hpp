// A cluster on a virtual clock for the tests of this folder: the plan's probes are answered as the test says.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "choregos/source/http_probe/plan.hpp"

namespace choregos::source {

inline SocketAddress at(std::uint32_t host, std::uint16_t port = 8081) { return {IpAddress::v4(0x0A000000u + host), port}; }

inline Target target(std::uint32_t host) {
  Target t;
  t.address = at(host);
  return t;
}

inline std::vector<Target> fleet(std::uint32_t from, std::uint32_t count) {
  std::vector<Target> out;
  for (std::uint32_t i = 0; i < count; ++i) out.push_back(target(from + i));
  return out;
}

inline SwarmTask task(const std::string& slot, char c) { return {"chorus", slot, std::string(25, c)}; }

/// A cluster on a virtual clock: answers by address.
struct World {
  struct Reply {
    ProbeResult result;
    Duration takes = 1ms;
  };
  ProbeSettings settings;
  ProbePlan plan;
  Instant now{1'000'000'000'000};
  std::function<Reply(const ProbeStart&)> answer;
  std::multimap<Instant, std::pair<SocketAddress, ProbeResult>> coming;
  PlanOutput out;
  std::map<SocketAddress, std::vector<Instant>> probed;
  std::size_t parallel_seen = 0;
  std::function<Instant()> other_due = [] { return Instant::never(); };  ///< somebody else's deadline
  std::function<void()> after_step = [] {};                              ///< called at each moment at which something happened

  explicit World(ProbeSettings s = {}) : settings(s), plan(s, 42) {
    answer = [](const ProbeStart&) { return ok(""); };
  }
  static Reply ok(std::string body) {
    Reply r;
    r.result.outcome = Outcome::answered;
    r.result.status = 200;
    r.result.body = std::move(body);
    r.result.latency = 1ms;
    return r;
  }
  static Reply fails(Outcome outcome, Duration takes = 1ms, int status = 0) {
    Reply r;
    r.result.outcome = outcome;
    r.result.status = status;
    r.takes = takes;
    return r;
  }
  Moment moment() const { return {now, {now.ns / 1'000'000}}; }
  void set(const std::string& origin, std::vector<Target> targets) { plan.set_targets(origin, std::move(targets), moment(), out); }
  void start() {
    for (const ProbeStart& s : plan.begin(now)) {
      probed[s.address].push_back(now);
      Reply r = answer(s);
      if (r.result.outcome == Outcome::timeout) r.takes = s.time_max;
      coming.emplace(now + r.takes, std::make_pair(s.address, r.result));
    }
    parallel_seen = std::max(parallel_seen, coming.size());
  }
  void run(Duration d) {
    const Instant end = now + d;
    while (true) {
      start();
      const Instant next = std::min(plan.next(), coming.empty() ? Instant::never() : coming.begin()->first);
      const Instant moment_after = std::min(next, other_due());
      if (moment_after > end) break;
      now = std::max(now, moment_after);
      while (!coming.empty() && coming.begin()->first <= now) {
        auto [address, result] = coming.begin()->second;
        coming.erase(coming.begin());
        plan.finished(address, std::move(result), moment(), out);
      }
      after_step();
    }
    now = end;
  }
  std::size_t count(ObservationKind kind) const {
    return static_cast<std::size_t>(std::count_if(out.observations.begin(), out.observations.end(), [&](const Observation& o) { return o.kind == kind; }));
  }
  std::uint64_t counter(const std::string& name) const {
    for (const auto& [key, value] : plan.health().counters)
      if (key == name) return value;
    ADD_FAILURE() << "no counter " << name;
    return 0;
  }
};

}  // namespace choregos::source
