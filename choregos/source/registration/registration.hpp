// The registration source: agents that introduce themselves over HTTP, renew, leave, and hold tethers. It stands behind the
// door that the API knows (model/registration.hpp). What is decided stands in holders.hpp; this passes it on.
//
//   a tether breaks ──► doubted at once ──► does its port refuse twice? ──► dead, within a quarter of a second
//                                            otherwise: lost after settings.lost_slack, unless it is heard again
//
// Lives on the loop's thread; so does every function that it is given.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "choregos/model/registration.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/source/registration/holders.hpp"
#include "choregos/source/source.hpp"

namespace choregos::source {

class Registration final : public Source, public RegistrationDoor {
 public:
  struct Options {
    std::string name = "registration";  ///< instance name, Observation::source, and the origin of its targets
    RegistrationSettings settings;
    /// Takes an observation; `done` is called once on the loop's thread when it is durable, or refused. Required.
    std::function<void(Observation, std::function<void(Result<AgentRecordPtr>)>)> submit;
    /// What the registry believes of an id; null = nothing. Required.
    std::function<AgentRecordPtr(std::string_view)> find;
    /// May a registrant at `peer` have us dial `address`? Its own address it always may. Unset = only that.
    Holders::Allowed allowed;
    /// Takes the addresses that registrants want probed. Unset = none are.
    PublishTargets publish;
    /// Asks twice whether anybody listens. `configured` (as in Target) for the agent's own address, loopback included.
    /// Unset = never known.
    std::function<void(const SocketAddress&, bool configured, std::function<void(DeathCheck)>)> check_death;
    /// Size of the fleet, for pacing; unset = those registered here.
    std::function<std::size_t()> agent_count;
    std::uint64_t epoch = 0;  ///< of the registry, told to tethers: a new one means that it was started anew
  };

  Registration(net::Loop& loop, Options options);
  ~Registration() override;

  void start() override;
  /// Closes every tether; their ends say nothing about their agents then. Those who wait for an answer get `unavailable`.
  void stop() override;
  SourceHealth health() const override;
  /// A `ping` event down the tether: {"nonce":7}. Who answers it renews with "answer":7.
  void ask(const Ask& ask) override;

  void register_agent(RegisterRequest request, std::function<void(Result<RegisterReply>)> done) override;
  void renew(RenewRequest request, std::function<void(Result<RegisterReply>)> done) override;
  void leave(LeaveRequest request, std::function<void(Result<void>)> done) override;
  /// A first `pace` event goes down at once, then one each settings.pace_every:
  /// {"beacon_interval_ms":1000,"ttl_ms":30000,"epoch":3}
  /// And a `ping`, so that it is known who answers such: silence to later ones counts against those alone.
  Result<TetherId> open_tether(TetherRequest request, std::shared_ptr<TetherChannel> channel) override;
  void tether_closed(TetherId tether, std::string reason) override;

 private:
  struct Counters {
    std::uint64_t registered = 0, renewed = 0, left = 0, conflicts = 0, not_found = 0, refused = 0;
    std::uint64_t tethers_opened = 0, tethers_replaced = 0, tethers_broken = 0;
    std::uint64_t asked = 0, answered = 0;
    std::uint64_t deaths_confirmed = 0, answered_after_break = 0, unknown_after_break = 0;
  };

  Holders::Moment moment() const { return {loop_.now(), loop_.wall_now()}; }
  AgentRecordPtr record_of(const std::string& id) const;
  Duration interval() const;
  void submit_quietly(Observation observation);
  Error note(const Error& error);
  bool send_ping(const std::string& id, std::uint64_t incarnation);
  bool send_pace(TetherChannel& channel, Duration ttl) const;
  void pace_due();
  void close(TetherId tether);
  void sweep();
  void publish_soon();

  net::Loop& loop_;
  const Options options_;
  Holders holders_;
  struct Tether {
    std::string id;
    std::shared_ptr<TetherChannel> channel;
  };
  std::map<TetherId, Tether> tethers_;
  std::deque<std::pair<Instant, TetherId>> pace_;  ///< whose turn comes when; in order, as all wait the same time
  Counters counters_;
  std::string last_error_;
  WallTime last_ok_, last_error_at_;
  bool running_ = false;
  net::Timer turn_, publish_;
  /// Answers that come after stop() look here first.
  std::shared_ptr<bool> here_;
};

}  // namespace choregos::source
