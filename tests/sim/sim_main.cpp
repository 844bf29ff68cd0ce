// The simulator from the command line.
//   choregos-sim --seed 17 --agents 50 --minutes 10 --loss 0.3 --restarts    one fleet, to repeat what a test reported
//   choregos-sim --rows L03,L08 --seeds 100000 [--seed 1] [--full]           the hard cases; "all" for every row
//   choregos-sim --list                                                      what the rows are
// Exits 1 on a violation, or when a figure of a row does not hold.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

#include "tests/sim/rows.hpp"
#include "tests/sim/world.hpp"

namespace {

using namespace choregos;

void list() {
  for (const sim::Row& row : sim::rows()) std::printf("%s  %s: %s%s%s\n", row.id, row.fault, row.outcome, *row.red ? "  RED: " : "", row.red);
}

bool run_row(const sim::Row& row, std::uint64_t seed, std::uint64_t seeds, sim::Scale scale) {
  sim::Tally sum;
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < seeds; ++i) {
    const sim::Tally tally = row.run(seed + i, scale);
    if (!tally.violation.empty()) {
      std::printf("%s  seed %llu: %s\n", row.id, static_cast<unsigned long long>(seed + i), tally.violation.c_str());
      return false;
    }
    sum.add(tally);
  }
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const std::string verdict = row.judge(sum);
  std::printf("%s  %llu seeds in %.1f s (%.0f a second), %.2f M events, %.0f agent-hours; suspects %.4f/h, false lost %llu (%.5f/h), deaths %zu: suspect p50 %.2f p99 %.2f s, lost p50 %.2f p99 %.2f max %.2f s%s%s\n",
              row.id, static_cast<unsigned long long>(seeds), took, static_cast<double>(seeds) / took, static_cast<double>(sum.events) / 1e6, sum.agent_hours,
              sum.agent_hours > 0 ? static_cast<double>(sum.suspected_up) / sum.agent_hours : 0, static_cast<unsigned long long>(sum.lost_while_up),
              sum.agent_hours > 0 ? static_cast<double>(sum.lost_while_up) / sum.agent_hours : 0, sum.lost_after.size(), sim::quantile(sum.suspect_after, 0.5),
              sim::quantile(sum.suspect_after, 0.99), sim::quantile(sum.lost_after, 0.5), sim::quantile(sum.lost_after, 0.99), sim::quantile(sum.lost_after, 1),
              verdict.empty() ? "" : "  FAILS: ", verdict.c_str());
  std::fflush(stdout);
  return verdict.empty();
}

}  // namespace

int main(int argc, char** argv) {
  sim::Options options;
  options.network.straggler = 0.02;
  options.network.duplicate = 0.01;
  options.tethered = options.probed = 0.5;
  options.agent.crash_every = 2min;
  options.agent.stall_every = 3min;
  options.agent.leave_every = 5min;
  options.agent.partition_every = 4min;
  std::uint64_t seeds = 1;
  std::string wanted;
  sim::Scale scale = sim::Scale::ordinary;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (flag == "--list") return list(), 0;
    if (flag == "--restarts") {
      options.host.restart_every = 3min;
      continue;
    }
    if (flag == "--full") {
      scale = sim::Scale::full;
      continue;
    }
    if (flag == "--seed") options.seed = std::strtoull(value, nullptr, 10);
    else if (flag == "--seeds") seeds = std::strtoull(value, nullptr, 10);
    else if (flag == "--agents") options.agents = std::atoi(value);
    else if (flag == "--minutes") options.length = 1min * std::atoi(value);
    else if (flag == "--loss") options.network.loss = std::atof(value);
    else if (flag == "--rows") wanted = value;
    else {
      std::fprintf(stderr, "choregos-sim: '%s' is not known; write --seed N --seeds N --agents N --minutes N --loss P --restarts, or --rows L03,L08|all --seeds N [--full], or --list\n", argv[i]);
      return 2;
    }
    ++i;
  }
  if (!wanted.empty()) {
    bool ok = true;
    if (wanted == "all") {
      for (const sim::Row& row : sim::rows()) ok = run_row(row, options.seed, seeds, scale) && ok;
      return ok ? 0 : 1;
    }
    std::stringstream in(wanted);
    for (std::string id; std::getline(in, id, ',');) {
      const sim::Row* row = sim::find_row(id);
      if (row == nullptr) return std::fprintf(stderr, "choregos-sim: no row is called '%s'; --list shows them\n", id.c_str()), 2;
      ok = run_row(*row, options.seed, seeds, scale) && ok;
    }
    return ok ? 0 : 1;
  }
  sim::Tally sum;
  for (std::uint64_t n = 0; n < seeds; ++n, ++options.seed) {
    const sim::Tally tally = sim::run_world(options);
    sum.add(tally);
    if (!tally.violation.empty()) {
      std::printf("seed %llu violates: %s\n", static_cast<unsigned long long>(options.seed), tally.violation.c_str());
      return 1;
    }
  }
  std::printf("events %llu changes %llu crashes %llu lost-while-up %llu asks %llu\n", static_cast<unsigned long long>(sum.events), static_cast<unsigned long long>(sum.changes),
              static_cast<unsigned long long>(sum.crashes), static_cast<unsigned long long>(sum.lost_while_up), static_cast<unsigned long long>(sum.asks));
  std::printf("trace %016llx\n", static_cast<unsigned long long>(sum.trace_hash));
}
