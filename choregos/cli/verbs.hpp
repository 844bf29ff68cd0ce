// One function per verb, one file each. A verb prints data to `out`, talk to `err`, and returns the exit code:
// 0 ok, 1 failure, 2 usage, 3 not found, 4 unreachable or not ready, 5 denied.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "choregos/cli/context.hpp"

namespace choregos::cli {

struct Streams {
  std::ostream& out;
  std::ostream& err;
};

struct AgentsArguments {
  std::vector<std::string> capabilities, status, liveness, cluster, team, labels;  ///< labels as key=value
  std::string model, text, sort;
  std::size_t limit = 0;
  bool quiet = false;  ///< ids only, as -o name
  bool watch = false;  ///< the list, then each change
};

struct EventsArguments {
  AgentsArguments filter;  ///< without sort and limit
  std::size_t count = 0;   ///< end after so many; 0 = never
};

struct WaitArguments {
  AgentsArguments filter;
  std::size_t count = 1;   ///< at least so many must match …
  bool none = false;       ///< … or nobody at all, …
  Duration hold{};         ///< for so long without a break
  Duration timeout{};      ///< of all; 0 = for ever
};

struct SnapshotArguments {
  std::string file;
  std::string state;     ///< folder of choregosd's state; "" = where it lies when nobody says
  bool restore = false;  ///< else save
};

struct DebugArguments {
  std::string folder;                                    ///< is made; must not exist
  std::string config = "/etc/choregos/choregosd.toml";   ///< of choregosd; left out of the bundle when it cannot be read
};

struct PeersArguments {
  Duration listen = 3s;
  std::uint16_t port = 4471;
  std::vector<std::string> interfaces;
  std::string key_file;
};

struct ReplayArguments {
  std::string file;                ///< "-" = standard input
  std::string agent;               ///< only changes of this one; "" = all
  std::optional<Duration> until;   ///< after the first input
  std::vector<std::string> with;   ///< NAME=VALUE: other settings to compare with
  bool rewrite = false;            ///< replace the recorded changes by those made now
  bool scenario = false;           ///< tell it as a story of tests/scenario instead
};

int agents(const Context& context, const AgentsArguments& arguments, Streams streams);
int watch_agents(const Context& context, const Query& query, Streams streams);  ///< agents --watch
int events(const Context& context, const EventsArguments& arguments, Streams streams);
int wait(const Context& context, const WaitArguments& arguments, Streams streams);  ///< 0 it is so, 124 not in time
int export_agents(const Context& context, const AgentsArguments& arguments, Streams streams);
int snapshot(const Context& context, const SnapshotArguments& arguments, const Environment& environment, Streams streams);
int debug(const Context& context, const DebugArguments& arguments, Streams streams);
int agent(const Context& context, const std::string& id, Streams streams);
int why(const Context& context, const std::string& id, Streams streams);
int history(const Context& context, const std::string& id, Streams streams);
int thaw(const Context& context, const std::string& domain, Streams streams);  ///< "" = all
int expected(const Context& context, Streams streams);  ///< 1 also when found and expected differ
int capabilities(const Context& context, Streams streams);
int summary(const Context& context, Streams streams);
int sources(const Context& context, Streams streams);
int peers(const Context& context, const PeersArguments& arguments, Streams streams);
int replay(const Context& context, const ReplayArguments& arguments, Streams streams);  ///< 0 the same, 1 differs, 2 cannot be replayed
int doctor(const Context& context, Streams streams);
int version(const Context& context, Streams streams);

}  // namespace choregos::cli
