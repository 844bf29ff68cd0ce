// A tap on the writer: sees every input of the registry in the order in which the registry took it, on the writer's thread.
// Whoever gives the same inputs to a new Registry with the same settings gets the same changes: that is what a flight
// recorder needs.
#pragma once

#include <span>

#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/change.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/model/sign.hpp"

namespace choregos {

class Tap {
 public:
  virtual ~Tap() = default;
  /// Before the writer starts, on the thread that fills the registry: what the store knew. changed() follows when all is in.
  virtual void remembered(const Agent& agent, Instant until) = 0;
  virtual void restored(const Agent& agent, WallTime last_seen, Instant now, WallTime wall_now) = 0;
  virtual void applied(const Observation& observation, Instant now, WallTime wall_now) = 0;
  virtual void noted(const Sign& sign, Instant now, WallTime wall_now) = 0;
  virtual void ticked(Instant now, WallTime wall_now) = 0;
  /// What the inputs since the last call led to; called once a batch, also with nothing.
  virtual void changed(std::span<const Change> changes) = 0;
};

}  // namespace choregos
