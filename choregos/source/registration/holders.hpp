// Who holds which id by registration: the decisions of the registration source, pure and on any clock.
//
// A holder is one living process. It is told apart from another by its incarnation, or by its address when it says none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/registration.hpp"

namespace choregos::source {

struct RegistrationSettings {
  Duration ttl_default = 30s;
  Duration ttl_min = 3s;
  Duration ttl_max = 1h;
  Duration lost_slack = 10s;   ///< a lease that ran out makes suspect; this much later lost
  Duration pace_every = 10s;   ///< between `pace` events on a tether
};

struct Holder {
  std::uint64_t incarnation = 0;
  IpAddress address;                      ///< where it registered from
  Instant since;
  Instant heard;                          ///< last register, renew or tether
  Duration ttl{};
  TetherId tether = 0;                    ///< 0 = none open
  std::optional<SocketAddress> probe_at;  ///< where it may be probed, and asked whether it is dead
  std::string probe_host;                 ///< Host header there
  std::string probe_path;
  bool probed = false;                    ///< it named a health URL, so it is a target
};

class Holders {
 public:
  explicit Holders(RegistrationSettings settings) : settings_(settings) {}

  /// The lease for a wish: the default when none, else cut to the bounds.
  Duration grant(Duration wished) const;

  /// May this process hold the id now? `record` is what the registry believes of the id, or null.
  /// Errors: conflict; the message says who holds it, since when, and what to do.
  Result<void> may_register(const RegisterRequest& request, const AgentRecordPtr& record, Instant now) const;
  /// Puts or replaces the holder. Returns whether the process is another than before.
  bool put(const RegisterRequest& request, Instant now);
  /// The holder, when this process is it. Errors: not_found (register first), conflict (another one holds it).
  Result<Holder*> held_by(const std::string& id, std::uint64_t incarnation, const SocketAddress& peer);

  Holder* find(const std::string& id);
  void erase(const std::string& id) { holders_.erase(id); }
  std::size_t size() const { return holders_.size(); }
  const std::map<std::string, Holder>& all() const { return holders_; }

 private:
  static bool same_process(const Holder& holder, std::uint64_t incarnation, const IpAddress& address);
  RegistrationSettings settings_;
  std::map<std::string, Holder> holders_;
};

}  // namespace choregos::source
