// A daemon, its disk, a network and a fleet of agents in virtual time, decided by one seed. Agents die, stall, come back late, refuse, fail
// and say things twice; the network delays, drops and duplicates; the daemon is killed with part of what it wrote on disk. After each step
// the promises of docs/TASKS.md are checked; at the end everything that was acknowledged must have ended.
#pragma once

#include <cstdint>
#include <string>

#include "choregos/task/ledger.hpp"

namespace choregos::task_sim {

/// Bugs to plant, so that the checks are seen to fail.
enum class Bug : std::uint8_t { none, answers_before_disk, forgets_fences, loses_records };

struct Options {
  std::uint64_t seed = 1;
  int agents = 8;
  int tasks = 200;
  Duration submit_within = 2min;   ///< tasks come in spread over this
  Duration work = 4s;              ///< mean of a task
  std::uint32_t slots_max = 3;
  double loss = 0.1;               ///< of each message, each way
  double duplicate = 0.1;
  Duration delay_max = 400ms;
  double refuse = 0.1;             ///< share of (agent, kind) pairs that are refused
  double fail = 0.1;
  double cancel = 0.05;            ///< share of tasks that their submitter calls off
  Duration die_every = 20s;        ///< mean, whole fleet; 0 = never
  Duration stall_every = 20s;
  Duration crash_every = 30s;      ///< of the daemon
  Duration disk = 2ms;             ///< from the first record of a group to its being stored
  Duration faults_for = 3min;      ///< after it all is well, and all must end
  bool pools = true;
  bool drains = true;
  Bug bug = Bug::none;
};

struct Tally {
  std::string violation;           ///< "" = all promises were kept
  std::uint64_t steps = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t succeeded = 0, failed = 0, cancelled = 0, expired = 0;
  std::uint64_t grants = 0, refused_late = 0, crashes = 0, deaths = 0, stalls = 0;
  std::uint64_t trace = 0;         ///< equal for equal seeds
};

Tally run(const Options& options);

}  // namespace choregos::task_sim
