// A registry with a clock in hand, and short ways to say what is heard: for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "choregos/registry/registry.hpp"

namespace choregos {

/// A registry with a clock in hand: every helper moves nothing but what it says.
class World {
 public:
  explicit World(RegistrySettings settings = {}) : registry(settings, Revision{1, 100}) {}

  Applied apply(Observation o) {
    o.heard_at = o.heard_at == Instant{} ? now : o.heard_at;
    o.wall_at = WallTime{o.heard_at.ns / 1'000'000};
    auto applied = registry.apply(o, now, wall(), changes);
    EXPECT_TRUE(applied) << applied.error().message;
    return applied ? *applied : Applied{};
  }
  void advance(Duration d) {
    const Instant end = now + d;
    while (registry.next_deadline() <= end) {
      now = std::max(now, registry.next_deadline());
      registry.tick(now, wall(), changes);
    }
    now = end;
  }
  WallTime wall() const { return {now.ns / 1'000'000}; }
  const Agent* agent(std::string_view id) {
    kept = registry.find(id);
    return kept ? &kept->agent : nullptr;
  }
  std::vector<std::string> ids() {
    std::vector<std::string> out;
    registry.snapshot(now, wall())->for_each([&](const AgentRecordPtr& r) { out.push_back(r->agent.id); });
    return out;
  }

  Registry registry;
  Instant now{1'000'000'000'000};
  std::vector<Change> changes;
  AgentRecordPtr kept;
};

inline Observation beacon(const std::string& id, std::uint64_t incarnation = 7) {
  Observation o;
  o.source = "beacon";
  o.subject = id;
  o.names.id = id;
  o.incarnation = incarnation;
  return o;
}

inline Observation probe(const std::string& address, const std::string& id = "") {
  Observation o;
  o.source = "http_probe";
  o.subject = address;
  o.names.id = id;
  o.names.address = parse_socket_address(address);
  o.lease = {12s, 22s};
  return o;
}

inline Observation tether(const std::string& id, std::uint64_t incarnation = 7) {
  Observation o = beacon(id, incarnation);
  o.source = "registration";
  o.subject = id + "/tether";
  o.lease = kOpenLease;
  return o;
}

inline Observation with(Observation o, Claims claims) {
  o.claims = std::move(claims);
  return o;
}

inline Observation of_kind(Observation o, ObservationKind kind, std::string reason) {
  o.kind = kind;
  o.reason = std::move(reason);
  o.lease = {};
  return o;
}

inline SwarmTask task(int slot, const std::string& id) { return {"chorus", std::to_string(slot), id}; }

}  // namespace choregos
