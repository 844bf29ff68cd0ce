// What vanishes if one thing goes: the capabilities that live on a single host, in a single pool, on a single model or in a single
// agent. What operators otherwise learn in the outage.
//
// Pure, over the records of agents that are alive. An agent that does not say its host (pool, model) stands on none that could be
// named, so it neither makes a single point nor cures one that the others make: what it does not say may be the same host.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/model/agent.hpp"

namespace choregos::team {

enum class PointKind : std::uint8_t { host, pool, model, agent };
std::string_view to_string(PointKind kind);

struct SinglePoint {
  PointKind kind = PointKind::host;
  std::string name;                        ///< Agent::node, the label `pool`, Agent::model, or the id
  std::vector<std::string> capabilities;   ///< that nobody elsewhere is known to have; sorted

  bool operator==(const SinglePoint&) const = default;
};

/// Takes records one by one, in any order; records that are not alive are passed over.
class SinglePoints {
 public:
  void add(const Agent& agent);
  /// By kind, then in natural order of names. Linear in what was added.
  std::vector<SinglePoint> take();

 private:
  struct Where {
    std::string name;
    bool set = false;
    bool several = false;
  };
  struct Held {
    std::string capability;
    Where where[4];
  };
  std::vector<Held> held_;  ///< sorted by capability
};

}  // namespace choregos::team
