// What the guard against mass silence holds at the moment, as readers see it: part of every snapshot. Plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/time.hpp"

namespace choregos {

/// `normal`: silence counts. `draining`: some domain lets its silent agents go, one a second. `frozen`: nobody of some domain
/// is lost, forgotten or robbed of work by silence. The strongest one that holds anywhere is the mode of a read.
enum class Mode : std::uint8_t { normal, draining, frozen };
std::string_view to_string(Mode mode);

/// Agents that would fall silent together: those of a node, of a subnet (/24, /64), heard by one source alone, or all.
enum class DomainKind : std::uint8_t { node, subnet, source, network };
std::string_view to_string(DomainKind kind);

struct DomainView {
  DomainKind kind = DomainKind::network;
  std::string name;            ///< "node worker-3", "subnet 10.0.1.0/24", "source beacon", "network"
  Mode mode = Mode::frozen;
  std::uint32_t members = 0;   ///< listed agents in it that have not left
  std::uint32_t silent = 0;    ///< of these, not heard
  WallTime since;
  Instant since_at;
  std::string cause;           ///< for people: "14 of 20 agents fell silent within 10 s"
  Instant until = Instant::never();  ///< frozen: when it drains at the latest
};

struct GuardView {
  Mode mode = Mode::normal;
  std::uint32_t health_score = 0;        ///< 0 = our own ears are fine … 8
  std::string health_reason;             ///< what raised it last; "" at 0
  std::vector<DomainView> domains;       ///< frozen or draining; by kind, then name
  std::uint64_t freezes = 0;             ///< since start
};
using GuardViewPtr = std::shared_ptr<const GuardView>;

}  // namespace choregos
