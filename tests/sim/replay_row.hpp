// The row of recordings: real datagrams through the receiver of the beacon source into the registry.
#pragma once

#include <cstdint>

#include "tests/sim/rows.hpp"

namespace choregos::sim {

Tally run_N03(std::uint64_t seed, Scale scale);

}  // namespace choregos::sim
