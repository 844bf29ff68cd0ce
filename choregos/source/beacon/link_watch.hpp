// Which of our own links went down under agents that we heard there: their silence is ours then. An interface where no beacon
// came within the last minute says nothing when it goes, nor does a bridge: its carrier is that of its ports, as when the last
// container behind it stops.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "choregos/base/time.hpp"
#include "choregos/net/interfaces.hpp"

namespace choregos::source::beacon {

class LinkWatch {
 public:
  static constexpr Duration kHeardWithin = 60s;
  /// So long a link that is down is told of again; after that it is how things are.
  static constexpr Duration kToldFor = 5min;
  using Tell = std::function<void(bool lost, const std::string& name)>;

  void heard(unsigned index, Instant at) { last_[index] = at; }
  /// Looks at the interfaces of this machine. Tells of each that is down at every look, and once when it is back. Call it about
  /// once a second.
  void look(Instant now, const Tell& tell);
  /// The same for a given list: what look() sees. `is_bridge` by name.
  void look(Instant now, const std::vector<net::Interface>& present, const std::function<bool(const std::string&)>& is_bridge, const Tell& tell);

 private:
  std::map<unsigned, Instant> last_;            ///< by index: when something came there; at most one entry an interface
  std::map<std::string, unsigned> up_;          ///< as of the last look
  std::map<std::string, Instant> down_;         ///< that we told of, and since when
};

}  // namespace choregos::source::beacon
