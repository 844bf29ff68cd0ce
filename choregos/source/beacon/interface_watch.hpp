// What came in on which interface, so that an operator can be told where multicast does not arrive. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "choregos/base/time.hpp"

namespace choregos::source::beacon {

class InterfaceWatch {
 public:
  struct Line {
    std::string name;
    unsigned index = 0;
    bool loopback = false;
    std::uint64_t heard = 0;          ///< datagrams since we listen there
    Instant since;                    ///< when we began to listen there
    Instant last = Instant::min();    ///< newest datagram
  };

  /// The interfaces that are listened on now. One that stays keeps its counts; one that came back under a new index does not.
  void set(const std::vector<Line>& lines, Instant now);
  void heard(unsigned index, Instant at);

  const std::vector<Line>& lines() const { return lines_; }
  /// Names of those, loopback apart, on which nothing came for `window` though we listened for so long.
  std::vector<std::string> silent(Instant now, Duration window) const;

 private:
  std::vector<Line> lines_;
};

}  // namespace choregos::source::beacon
