// A seeded network between numbered places; place 0 is the registry. One struct lists every fault.
#pragma once

#include <functional>
#include <set>
#include <utility>

#include "choregos/base/rng.hpp"
#include "tests/sim/event_queue.hpp"

namespace choregos::sim {

struct NetworkFaults {
  double loss = 0;                 ///< each way, independent
  double duplicate = 0;
  Duration delay_min = 200us;
  Duration delay_max = 5ms;
  double straggler = 0;            ///< share of datagrams delayed up to straggler_max, which reorders them
  Duration straggler_max = 900ms;
};

class Network {
 public:
  Network(EventQueue& events, Rng& rng, NetworkFaults faults) : events_(events), rng_(rng), faults_(faults) {}

  /// A datagram: may be lost, doubled, late, out of order. `deliver` runs once for each copy that arrives.
  void send(int from, int to, const std::function<void()>& deliver) {
    if (cut(from, to)) return;
    const int copies = rng_.chance(faults_.duplicate) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      if (rng_.chance(faults_.loss)) continue;
      events_.after(delay(), [this, from, to, deliver] {
        if (!cut(from, to)) deliver();
      });
    }
  }
  Duration delay() {
    const auto span = [&](Duration least, Duration most) { return least + Duration{static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>((most - least).count()) + 1))}; };
    return rng_.chance(faults_.straggler) ? span(faults_.delay_max, faults_.straggler_max) : span(faults_.delay_min, faults_.delay_max);
  }

  /// Cuts one direction; a cut both ways is two calls.
  void cut_one_way(int from, int to) { cuts_.insert({from, to}); }
  void heal(int from, int to) { cuts_.erase({from, to}); }
  bool cut(int from, int to) const { return cuts_.count({from, to}) != 0; }

 private:
  EventQueue& events_;
  Rng& rng_;
  NetworkFaults faults_;
  std::set<std::pair<int, int>> cuts_;
};

}  // namespace choregos::sim
