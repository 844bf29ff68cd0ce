// One simulated run from the command line, to repeat what a test reported:
//   choregos-sim --seed 17 --agents 50 --minutes 10 --loss 0.3 --restarts
// Prints the trace hash and what the checkers saw; exits 1 on a violation.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/sim/cluster.hpp"

int main(int argc, char** argv) {
  using namespace choregos;
  sim::ClusterOptions options;
  options.network.straggler = 0.02;
  options.network.duplicate = 0.01;
  std::uint64_t seeds = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (flag == "--restarts") {
      options.registry_restart_every = 3min;
      continue;
    }
    if (flag == "--seed") options.seed = std::strtoull(value, nullptr, 10);
    else if (flag == "--seeds") seeds = std::strtoull(value, nullptr, 10);
    else if (flag == "--agents") options.agents = std::atoi(value);
    else if (flag == "--minutes") options.length = 1min * std::atoi(value);
    else if (flag == "--loss") options.network.loss = std::atof(value);
    else {
      std::fprintf(stderr, "choregos-sim: '%s' is not known; write --seed N --seeds N --agents N --minutes N --loss P --restarts\n", argv[i]);
      return 2;
    }
    ++i;
  }
  std::uint64_t hash = 0;
  for (std::uint64_t n = 0; n < seeds; ++n, ++options.seed) {
    const auto result = sim::run_cluster(options);
    hash = (hash ^ result.trace_hash) * 0x100000001b3U;
    if (!result.violation.empty()) {
      std::printf("seed %llu violates: %s\n", static_cast<unsigned long long>(options.seed), result.violation.c_str());
      return 1;
    }
    if (seeds == 1)
      std::printf("events %llu changes %llu crashes %llu lost-while-up %llu\n", static_cast<unsigned long long>(result.events), static_cast<unsigned long long>(result.changes),
                  static_cast<unsigned long long>(result.crashes), static_cast<unsigned long long>(result.lost_while_up));
  }
  std::printf("trace %016llx\n", static_cast<unsigned long long>(hash));
}
