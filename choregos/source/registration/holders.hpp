// Who holds which id by registration: every decision of the registration source, on any clock and without a socket.
//
// A holder is one living process that registered here. It is told apart from another by its incarnation; one that says none
// by the address it comes from (all loopback addresses are one place). May a process take an id that is held?
//
//   it says            the holder                             answer
//   ----------------   ------------------------------------   ------------------------------------------------------------
//   same incarnation   at the same place                      yes, it is the holder
//   same or lower      elsewhere, or lower, and fresh         conflict
//   higher             with a tether open here                conflict: that process lives, positively
//   higher             without one                            yes: it was started anew
//   none, or the       at the same place                      yes, it is taken for the holder
//   holder said none   elsewhere and fresh                    conflict
//   anything           no longer fresh                        yes
//
// Fresh: its tether is open, or its lease runs and the registry does not hold it for lost or gone.
//
// The registry hears of a holder on one channel (subject = the id). An open tether makes its lease open-ended; when the
// tether breaks that very channel is doubted, so the lease granted for renewals does not keep a dead process alive.
//
// last_seen moves at a registration, a renewal and the opening of a tether, for these are words of the agent; not while a
// tether merely stays open, which its kernel does for it. A process that hangs keeps its tether: last_seen tells.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/model/registration.hpp"
#include "choregos/model/target.hpp"

namespace choregos::source {

struct RegistrationSettings {
  Duration ttl_default = 30s;
  Duration ttl_min = 3s;
  Duration ttl_max = 1h;
  Duration lost_slack = 10s;   ///< a lease that ran out makes suspect; this much later lost. Also from a broken tether to lost
  Duration pace_every = 10s;   ///< between `pace` events on a tether
};

/// Whether a process still listens, as far as two attempts to connect can tell.
enum class DeathCheck : std::uint8_t { refused, answered, unknown };

struct Holder {
  std::uint64_t incarnation = 0;
  IpAddress address;                      ///< where it registered from
  bool proven = false;
  Instant since;                          ///< when this process took the id
  Instant heard;                          ///< its last word here
  std::uint64_t sequence = 0;             ///< of its last observation
  Duration ttl{};
  TetherId tether = 0;                    ///< 0 = none open
  std::uint64_t asked = 0, answered = 0;  ///< numbers of the last ping sent down the tether, and of the last one answered
  std::string health_url, endpoint;
  std::optional<SocketAddress> health_at, endpoint_at;  ///< when literal, and allowed to be dialled
};

class Holders {
 public:
  struct Moment {
    Instant now;
    WallTime wall;
  };
  /// May a registrant at `peer` have us dial `address`? Its own address it always may; this is asked about others.
  using Allowed = std::function<bool(const SocketAddress& address, const SocketAddress& peer)>;

  /// `source` is the instance name in observations.
  Holders(RegistrationSettings settings, std::string source, Allowed allowed) : settings_(settings), source_(std::move(source)), allowed_(std::move(allowed)) {}

  /// A word that was taken: tell the registry, then answer.
  struct Taken {
    Observation observation;
    Duration ttl{};
    std::uint64_t ticket = 0;         ///< for undo
    std::optional<Holder> former;     ///< who stood in its place; unset = nobody
  };
  /// `record` is what the registry believes of the id, or null; `interval` the fleet's pace, to which no lease is shorter
  /// than three times. Errors: conflict; invalid (a URL that is none); forbidden (a health_url that may not be dialled).
  Result<Taken> take(const RegisterRequest& request, const AgentRecordPtr& record, Duration interval, Moment at);
  /// The registry refused what take() returned: as before, unless more has happened since.
  void undo(const std::string& id, const Taken& taken);
  /// Errors: not_found (register first), conflict (another process holds the id); invalid, forbidden as take().
  Result<Taken> renew(const RenewRequest& request, const AgentRecordPtr& record, Moment at);

  struct Left {
    Observation observation;
    TetherId tether = 0;  ///< to close; its end means nothing any more
  };
  Result<Left> leave(const LeaveRequest& request, Moment at);

  struct Opened {
    Observation observation;
    TetherId tether = 0;
    TetherId replaced = 0;  ///< the older tether of the same process, to close
    Duration ttl{};
  };
  /// Errors: not_found, conflict, exhausted.
  Result<Opened> open_tether(const TetherRequest& request, Moment at);

  struct Broken {
    Observation doubt;
    std::string id;
    std::uint64_t ticket = 0;              ///< for verdict
    std::optional<SocketAddress> ask;      ///< where to look whether the process is gone
    bool own = false;                      ///< it is the agent's own address, which needs nobody's leave
  };
  /// A question to whoever holds the tether of `id`: its number is the nonce. Nothing when no tether of that life is open.
  struct Question {
    TetherId tether = 0;
    std::uint64_t nonce = 0;
  };
  std::optional<Question> question(const std::string& id, std::uint64_t incarnation);
  /// Say it of a question that was sent and that silence is to count for.
  Observation asked(const std::string& id, Moment at);
  /// The pace of the fleet: what tethers are asked by. Call it when it may have changed.
  void set_interval(Duration interval) { interval_ = interval; }

  /// Nothing when the tether is not the one in force: it was replaced, or its agent has left.
  std::optional<Broken> tether_closed(TetherId tether, const std::string& reason, Moment at);
  /// What the look brought: a death, or nothing (it answered or nobody can tell, or the agent has spoken since).
  std::optional<Observation> verdict(const Broken& broken, DeathCheck check, Moment at);

  /// Drops up to `count_max` of those whose lease ran out and of whom `known` says that the registry has forgotten them;
  /// goes round over several calls. Returns whether any was dropped. Until then a renewal brings a lost agent back.
  bool sweep(const std::function<bool(const std::string& id)>& known, std::size_t count_max, Instant now);
  /// The complete set of what registrants want probed, at most limits::target_count_max.
  std::vector<Target> targets() const;
  /// Whether targets() may have changed since the last call of this.
  bool take_targets_changed() { return std::exchange(targets_changed_, false); }

  const Holder* find(const std::string& id) const;
  std::size_t size() const { return holders_.size(); }
  std::size_t tethers() const { return tethers_.size(); }

 private:
  Result<void> may_take(const RegisterRequest& request, const AgentRecordPtr& record, Instant now) const;
  Result<Holder*> held_by(const std::string& id, std::uint64_t incarnation, const SocketAddress& peer, Instant now);
  /// Reads the URLs among `claims` into `holder`.
  Result<void> read_addresses(const Claims& claims, const SocketAddress& peer, bool whole, Holder& holder) const;
  Observation say(const std::string& id, Holder& holder, ObservationKind kind, Moment at);
  void note_targets(const Holder* before, const Holder* after);

  RegistrationSettings settings_;
  std::string source_;
  Allowed allowed_;
  std::map<std::string, Holder> holders_;
  std::map<TetherId, std::string> tethers_;
  TetherId last_tether_ = 0;
  std::uint64_t last_sequence_ = 0;
  Duration interval_ = 1s;
  std::string swept_;  ///< the id up to which the round has come
  bool targets_changed_ = false;
};

}  // namespace choregos::source
