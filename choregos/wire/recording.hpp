// Recordings: everything that a registry was given, in order, and the changes it made of that. Whoever gives the same to a new
// registry gets the same changes, byte for byte, on any machine.
//
// A recording is lines of JSON, one value each, ended by a line feed. A last line without one was cut off by a crash or a full
// disk. Times are whole nanoseconds of the recording machine's monotonic clock (Instant) or milliseconds of UTC (WallTime);
// members that say nothing are left out, settings and leases never. A text that is no UTF-8 is written as {"hex":"…"}.
//
//   {"choregos_recording":1,"version":"0.1.0","start":{…},"settings":{…}}     first
//   {"remembered":{agent},"until":…}, {"restored":{agent},"last_seen":…,"at":…,"wall":…}
//   {"restored_all":true,"at":…,"wall":…}                 what was restored is complete; its changes follow
//   {"observation":{…},"at":…,"wall":…,"tick":true}       at: the time that the registry was given
//   {"sign":{…},"at":…,"wall":…}
//   {"tick":true,"at":…,"wall":…}                         only time passed
//   {"change":{…}}                                        as in watches (change_json.hpp), after the tick that ended its batch
//   {"end":"stopped"}                                     last, when the recording ended in order
//
// Pure; any thread. Nothing in a recording is trusted: it may have been edited, or never have been one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/change.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/model/sign.hpp"
#include "choregos/registry/registry.hpp"

namespace choregos::wire {

inline constexpr std::uint64_t kRecordingFormat = 1;

struct RecordingHead {
  std::string version;         ///< of the program that wrote it, for people
  Revision start;
  RegistrySettings settings;
};
struct RecordedRemembered {
  Agent agent;
  Instant until;
};
struct RecordedRestored {
  Agent agent;
  WallTime last_seen;
  Instant at;
  WallTime wall;
};
struct RecordedRestoredAll {
  Instant at;
  WallTime wall;
};
struct RecordedObservation {
  Observation observation;
  Instant at;
  WallTime wall;
  bool tick = false;  ///< the batch ended with it: a tick at the same time followed
};
struct RecordedSign {
  Sign sign;
  Instant at;
  WallTime wall;
  bool tick = false;
};
struct RecordedTick {
  Instant at;
  WallTime wall;
};
struct RecordedChange {
  std::string json;  ///< exactly as written
};
struct RecordedEnd {
  std::string reason;
};
using RecordingLine = std::variant<RecordingHead, RecordedRemembered, RecordedRestored, RecordedRestoredAll, RecordedObservation, RecordedSign, RecordedTick, RecordedChange, RecordedEnd>;

/// Appends the line and a line feed.
void append_recording_line(std::string& out, const RecordingLine& line);
/// Reads one line, without its line feed. Errors: invalid and too_large (limits::recording_line_bytes_max) name what is wrong;
/// unsupported: written by a version that knows more than this one.
Result<RecordingLine> read_recording_line(std::string_view line);

/// The names by which the settings of a registry are set: "forget_after", "detector.evidence_needed", …
std::vector<std::string> registry_setting_names();
/// Sets one by its name, from text as in the configuration: "10m", "true", "0.15". Errors: invalid, with what would be right.
Result<void> set_registry_setting(RegistrySettings& settings, std::string_view name, std::string_view text);
/// Whether a registry can work with them. Errors: invalid, with the name of the setting and its bounds.
Result<void> check_registry_settings(const RegistrySettings& settings);

}  // namespace choregos::wire
