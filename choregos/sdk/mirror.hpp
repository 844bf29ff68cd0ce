// The list that a watch tells of, kept: apply each event, read when you like. A plain value without a lock; whoever shares it between
// threads guards it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "choregos/base/text.hpp"
#include "choregos/sdk/watch.hpp"

namespace choregos {

class Mirror {
 public:
  struct NaturalOrder {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return natural_compare(a, b) < 0; }
  };
  using Agents = std::map<std::string, AgentView, NaturalOrder>;

  void apply(const WatchEvent& event) {
    using Kind = WatchEvent::Kind;
    switch (event.kind) {
      case Kind::reset:
        coming_.clear();
        listing_ = true;
        break;
      case Kind::put: (event.listed ? coming_ : agents_)[event.agent.agent.id] = event.agent; break;
      case Kind::remove: agents_.erase(event.agent.agent.id); break;
      case Kind::ready:
        // The former list is shown until the new one is whole, so that nobody ever sees half a fleet.
        if (std::exchange(listing_, false)) agents_ = std::exchange(coming_, {});
        [[fallthrough]];
      case Kind::mode:
        mode_ = event.mode;
        guard_ = event.guard;
        break;
      case Kind::lost: break;
    }
    current_ = event.kind == Kind::lost ? false : current_ || event.kind == Kind::ready;
    known_ = known_ || event.kind == Kind::ready;
    if (event.kind != Kind::mode && event.kind != Kind::lost && event.kind != Kind::reset && !event.listed) revision_ = event.revision;
  }

  const Agents& agents() const { return agents_; }
  /// A whole list was there at least once.
  bool known() const { return known_; }
  /// The stream stands: what is held is what is believed now.
  bool current() const { return current_; }
  Revision revision() const { return revision_; }
  const std::string& mode() const { return mode_; }
  const GuardViewPtr& guard() const { return guard_; }

 private:
  Agents agents_, coming_;
  bool listing_ = false, known_ = false, current_ = false;
  Revision revision_;
  std::string mode_ = "normal";
  GuardViewPtr guard_;
};

}  // namespace choregos
