// The registration source: agents that introduce themselves over HTTP, renew, leave, and hold tethers. It stands behind the
// door that the API knows (model/registration.hpp).
//
// A tether is an open connection: while it stands the agent is alive; when it breaks the agent is doubted at once, and
// when its port then refuses twice it is known to be dead. last_seen moves when a tether opens and at each renewal, not by
// our own writing to it.
//
// Lives on the loop's thread; so does every function that it is given.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "choregos/model/registration.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/source/registration/holders.hpp"
#include "choregos/source/source.hpp"

namespace choregos::source {

/// Whether a process still listens, as far as two attempts to connect can tell.
enum class DeathCheck { refused, answered, unknown };

class Registration final : public Source, public RegistrationDoor {
 public:
  struct Options {
    RegistrationSettings settings;
    /// Takes an observation; `done` is called once on the loop's thread when it is durable, or refused. Required.
    std::function<void(Observation, std::function<void(Result<AgentRecordPtr>)>)> submit;
    /// What the registry believes of an id; null = nothing. Required.
    std::function<AgentRecordPtr(std::string_view)> find;
    /// May a registrant at `peer` have us dial `address`? Its own address it always may. Unset = only that.
    std::function<bool(const SocketAddress& address, const SocketAddress& peer)> allowed;
    /// Takes the addresses that registrants want probed. Unset = none are.
    PublishTargets publish;
    /// Asks twice whether anybody listens; `configured` allows loopback. Unset = never known.
    std::function<void(const SocketAddress&, bool configured, std::function<void(DeathCheck)>)> check_death;
    /// Size of the fleet, for pacing; unset = those registered here.
    std::function<std::size_t()> agent_count;
    std::uint64_t epoch = 0;  ///< of the registry, told to tethers
  };

  Registration(net::Loop& loop, Options options);
  ~Registration() override;

  void start() override;
  void stop() override;
  SourceHealth health() const override;

  void register_agent(RegisterRequest request, std::function<void(Result<RegisterReply>)> done) override;
  void renew(RenewRequest request, std::function<void(Result<RegisterReply>)> done) override;
  void leave(LeaveRequest request, std::function<void(Result<void>)> done) override;
  Result<TetherId> open_tether(TetherRequest request, std::shared_ptr<TetherChannel> channel) override;
  void tether_closed(TetherId tether, std::string reason) override;

 private:
  struct Tether {
    std::string id;
    std::uint64_t incarnation = 0;
    std::shared_ptr<TetherChannel> channel;
  };
  struct Counters {
    std::uint64_t registered = 0, renewed = 0, left = 0, conflicts = 0, refused = 0, tethers_opened = 0, tethers_broken = 0, deaths_confirmed = 0;
  };

  Observation observation(const std::string& id, std::uint64_t incarnation, bool proven, std::string subject, Duration ttl) const;
  RegisterReply reply(AgentRecordPtr record, bool created, Duration ttl) const;
  void learn_addresses(Holder& holder, const Claims& claims, const SocketAddress& peer);
  void submit_quietly(Observation observation);
  void publish_soon();
  void publish_now();
  void send_pace();
  void drop_silent();
  Duration interval() const;

  net::Loop& loop_;
  Options options_;
  Holders holders_;
  std::map<TetherId, Tether> tethers_;
  TetherId last_tether_ = 0;
  Counters counters_;
  std::string last_error_;
  WallTime last_ok_, last_error_at_;
  bool running_ = false;
  net::Timer pace_, sweep_, publish_;
  /// Answers that come after we are gone look here first.
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
};

}  // namespace choregos::source
