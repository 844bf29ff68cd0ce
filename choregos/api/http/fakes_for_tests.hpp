// Small working stand-ins for what the API is given: a fleet (a real registry with a clock in hand) and a door.
// For tests of this folder only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "choregos/model/registration.hpp"
#include "choregos/registry/registry.hpp"

namespace choregos::api::fakes {

class Fleet {
 public:
  Registry registry{RegistrySettings{}, Revision{3, 1000}};
  Instant now{1'000'000'000'000};
  std::vector<Change> changes;

  WallTime wall() const { return {1'795'424'400'000 + now.ns / 1'000'000}; }

  AgentRecordPtr hear(const std::string& id, Claims claims = {}, std::uint64_t incarnation = 1, const std::string& source = "beacon") {
    Observation o;
    o.source = source;
    o.subject = id;
    o.names.id = id;
    o.incarnation = incarnation;
    o.heard_at = now;
    o.wall_at = wall();
    normalize(claims);
    o.claims = std::move(claims);
    auto applied = registry.apply(o, now, wall(), changes);
    assert(applied);
    return applied->record;
  }
  void say(ObservationKind kind, const std::string& id, const std::string& source = "beacon") {
    Observation o;
    o.kind = kind;
    o.source = source;
    o.subject = id;
    o.names.id = id;
    o.incarnation = 1;
    o.heard_at = now;
    o.wall_at = wall();
    (void)registry.apply(o, now, wall(), changes);
  }
  void advance(Duration d) {
    const Instant end = now + d;
    while (registry.next_deadline() <= end) {
      now = std::max(now, registry.next_deadline());
      registry.tick(now, wall(), changes);
    }
    now = end;
  }
  SnapshotPtr snapshot() { return registry.snapshot(now, wall()); }
};

/// A full set of claims, as the original record had them.
inline Claims claims_like_the_original() {
  Claims claims;
  claims.name = "CHORUS Agent 1";
  claims.status = Status::idle;
  claims.capabilities = std::vector<std::string>{"go_development", "database_design"};
  claims.model = "llama3.1:8b";
  claims.endpoint = "http://10.0.1.4:8080";
  claims.tasks_completed = 12;
  claims.current_team = "development-team-alpha";
  claims.p2p_addr = "10.0.1.4:9000";
  claims.cluster_id = "docker-unified-stack";
  return claims;
}

/// Takes registrations into a Fleet at once; keeps the tethers open until they are closed.
class Door final : public RegistrationDoor {
 public:
  explicit Door(Fleet& fleet) : fleet_(fleet) {}

  void register_agent(RegisterRequest request, std::function<void(Result<RegisterReply>)> done) override {
    if (full) return done(fail(ErrorCode::exhausted, "the fleet is full; wait until an agent leaves"));
    const auto known = lives.find(request.id);
    if (known != lives.end() && known->second > request.incarnation)
      return done(fail(ErrorCode::conflict, "incarnation " + std::to_string(known->second) + " of " + request.id + " is alive; send a higher one"));
    RegisterReply reply;
    fleet_.advance(1ms);  // of two statements of one instant neither is the later one
    reply.created = !fleet_.registry.find(request.id);
    reply.record = fleet_.hear(request.id, request.claims, request.incarnation, "registration");
    reply.ttl = request.ttl > Duration{0} ? request.ttl : Duration{30s};
    reply.beacon_interval = 1s;
    lives[request.id] = request.incarnation;
    last_register = std::move(request);
    done(std::move(reply));
  }
  void renew(RenewRequest request, std::function<void(Result<RegisterReply>)> done) override {
    if (auto refused = check(request.id, request.incarnation)) return done(*refused);
    RegisterReply reply;
    fleet_.advance(1ms);
    reply.record = fleet_.hear(request.id, request.claims, lives[request.id], "registration");
    reply.ttl = 30s;
    reply.beacon_interval = 1s;
    last_renew = std::move(request);
    done(std::move(reply));
  }
  void leave(LeaveRequest request, std::function<void(Result<void>)> done) override {
    if (auto refused = check(request.id, request.incarnation)) return done(*refused);
    fleet_.say(ObservationKind::goodbye, request.id, "registration");
    lives.erase(request.id);
    last_leave = std::move(request);
    done(Result<void>{});
  }
  Result<TetherId> open_tether(TetherRequest request, std::shared_ptr<TetherChannel> channel) override {
    if (auto refused = check(request.id, request.incarnation)) return *refused;
    const TetherId id = ++last_tether;
    channel->send("pace", R"({"beacon_interval_ms":1000})");
    channels[id] = std::move(channel);
    return id;
  }
  void tether_closed(TetherId tether, std::string reason) override {
    channels.erase(tether);
    closed.emplace_back(tether, std::move(reason));
  }

  bool full = false;
  std::map<std::string, std::uint64_t> lives;
  std::map<TetherId, std::shared_ptr<TetherChannel>> channels;
  std::vector<std::pair<TetherId, std::string>> closed;
  TetherId last_tether = 0;
  RegisterRequest last_register;
  RenewRequest last_renew;
  LeaveRequest last_leave;

 private:
  std::optional<Error> check(const std::string& id, std::uint64_t incarnation) const {
    const auto known = lives.find(id);
    if (known == lives.end()) return fail(ErrorCode::not_found, id + " is not registered; PUT it first");
    if (incarnation != 0 && incarnation != known->second) return fail(ErrorCode::conflict, "another incarnation holds " + id);
    return std::nullopt;
  }
  Fleet& fleet_;
};

}  // namespace choregos::api::fakes
