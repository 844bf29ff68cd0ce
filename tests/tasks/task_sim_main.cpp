// The simulator of tasks from the command line.
//   choregos-task-sim --seed 17            one run, to repeat what a test reported
//   choregos-task-sim --seeds 10000        many; stops at the first violation
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/tasks/world.hpp"

int main(int argc, char** argv) {
  using namespace choregos;
  task_sim::Options options;
  std::uint64_t seeds = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--seed") options.seed = std::strtoull(argv[i + 1], nullptr, 10);
    else if (flag == "--seeds") seeds = std::strtoull(argv[i + 1], nullptr, 10);
    else if (flag == "--tasks") options.tasks = std::atoi(argv[i + 1]);
    else if (flag == "--agents") options.agents = std::atoi(argv[i + 1]);
    else return std::fprintf(stderr, "choregos-task-sim: '%s' is not known; write --seed N --seeds N --tasks N --agents N\n", argv[i]), 2;
  }
  task_sim::Tally sum;
  for (std::uint64_t n = 0; n < seeds; ++n, ++options.seed) {
    const task_sim::Tally t = task_sim::run(options);
    if (!t.violation.empty()) {
      std::printf("seed %llu violates: %s\n", static_cast<unsigned long long>(options.seed), t.violation.c_str());
      return 1;
    }
    sum.steps += t.steps, sum.acknowledged += t.acknowledged, sum.succeeded += t.succeeded, sum.failed += t.failed, sum.cancelled += t.cancelled;
    sum.expired += t.expired, sum.grants += t.grants, sum.refused_late += t.refused_late, sum.crashes += t.crashes, sum.deaths += t.deaths, sum.stalls += t.stalls;
    sum.trace = (sum.trace ^ t.trace) * 1099511628211ull;
  }
  const auto show = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("steps %llu tasks %llu succeeded %llu failed %llu cancelled %llu expired %llu grants %llu late work refused %llu crashes %llu deaths %llu stalls %llu trace %016llx\n",
              show(sum.steps), show(sum.acknowledged), show(sum.succeeded), show(sum.failed), show(sum.cancelled), show(sum.expired), show(sum.grants),
              show(sum.refused_late), show(sum.crashes), show(sum.deaths), show(sum.stalls), show(sum.trace));
}
