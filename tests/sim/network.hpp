// A seeded network between numbered places; place 0 is the registry, the others are agents. Datagrams only.
#pragma once

#include <cmath>
#include <functional>
#include <vector>

#include "choregos/base/rng.hpp"
#include "tests/sim/event_queue.hpp"
#include "tests/sim/options.hpp"

namespace choregos::sim {

class Network {
 public:
  Network(EventQueue& events, Rng& rng, NetworkFaults faults, int places) : events_(events), rng_(rng), faults_(faults), places_(static_cast<std::size_t>(places) + 1) {
    for (std::size_t i = 1; i < places_.size(); ++i) {
      begin(places_[i].link, faults_.link);
      begin(places_[i].path, faults_.path);
    }
  }

  /// A datagram: may be lost, doubled, late, out of order. `deliver` runs once for each copy that arrives.
  template <class F>
  void send(int from, int to, const F& deliver) {
    if (cut(from, to)) return;
    const int copies = faults_.copies * (faults_.duplicate > 0 && rng_.chance(faults_.duplicate) ? 2 : 1);
    for (int i = 0; i < copies; ++i) {
      if (faults_.loss > 0 && rng_.chance(faults_.loss)) continue;
      const Duration late = i == 0 || faults_.copies == 1 ? Duration{0} : span(Duration{0}, faults_.copies_within);
      events_.after(delay() + late, [this, from, to, deliver] {
        if (!cut(from, to)) deliver();
      });
    }
  }
  Duration delay() {
    if (faults_.straggler > 0 && rng_.chance(faults_.straggler)) return span(faults_.delay_max, faults_.straggler_max);
    return span(faults_.delay_min, faults_.delay_max);
  }

  /// What leaves `place` is gone, or what should reach it; both make a black hole. For place 0: mute and deaf.
  void cut_output(int place, bool is) { at(place).no_output = is; }
  void cut_input(int place, bool is) { at(place).no_input = is; }
  /// Places reach one another only on the same island; everybody begins on island 0.
  void move_to_island(int place, int island) { at(place).island = island; }

  bool cut(int from, int to) {
    Place& a = at(from);
    Place& b = at(to);
    if (a.no_output || b.no_input || a.island != b.island) return true;
    if (faults_.link.on() && (dark(a.link, faults_.link) || dark(b.link, faults_.link))) return true;
    return faults_.path.on() && (from == 0 || to == 0) && dark(at(from == 0 ? to : from).path, faults_.path);
  }
  bool reachable(int place) { return !cut(0, place) && !cut(place, 0); }

 private:
  struct Burst {
    bool dark = false;
    Instant until = Instant::never();
  };
  struct Place {
    bool no_output = false;
    bool no_input = false;
    int island = 0;
    Burst link;
    Burst path;
  };
  Place& at(int place) { return places_[static_cast<std::size_t>(place)]; }
  Duration span(Duration least, Duration most) { return least + Duration{static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>((most - least).count()) + 1))}; }
  Duration exponential(Duration mean) { return Duration{static_cast<std::int64_t>(-std::log(1 - rng_.unit()) * static_cast<double>(mean.count()))}; }
  void begin(Burst& burst, const Blackouts& faults) {
    if (faults.on()) burst.until = events_.now() + exponential(faults.gap);
  }
  /// Steps are drawn when somebody looks.
  bool dark(Burst& burst, const Blackouts& faults) {
    while (burst.until <= events_.now()) {
      burst.dark = !burst.dark;
      burst.until = burst.until + exponential(burst.dark ? faults.length : faults.gap);
    }
    return burst.dark;
  }

  EventQueue& events_;
  Rng& rng_;
  NetworkFaults faults_;
  std::vector<Place> places_;
};

}  // namespace choregos::sim
