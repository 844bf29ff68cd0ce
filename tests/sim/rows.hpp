// The hard cases, one row each: a fault, what must come of it, and over many seeds the figures that must hold. The words of
// the rows are those of docs/LIVENESS.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "tests/sim/tally.hpp"

namespace choregos::sim {

/// `ordinary` fits hundreds of seeds into seconds by smaller fleets and shorter times; `full` has the sizes of the promise.
enum class Scale : std::uint8_t { ordinary, full };

struct Row {
  const char* id;
  const char* fault;
  const char* outcome;
  Tally (*run)(std::uint64_t seed, Scale scale);  ///< a violation names what did not hold in this run
  std::string (*judge)(const Tally& sum);         ///< over all runs: "" = the figures hold
  /// "" = it holds. Else why it does not yet; then it is left out of the ordinary run.
  const char* red = "";
};

std::span<const Row> rows();
const Row* find_row(const std::string& id);

}  // namespace choregos::sim
