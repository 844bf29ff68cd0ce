// What a watcher is told, as JSON, and back. One text serves every dress of the stream: as the data of a server-sent event, as a
// line of NDJSON, as an element of a long poll's answer. docs/WATCH.md tells the whole conversation.
//
//   waiting {"event":"waiting","reasons":["…"],"retry_after_ms":…}       no list may be believed yet; one follows
//   reset   {"event":"reset","reason":"start","epoch":…,"revision":…,"total":n}   drop what you hold, your position, too: a whole list follows
//   agents  {"event":"agents","agents":[{…},…]}                          a part of it
//   ready   {"event":"ready","epoch":…,"revision":…,"total":n,"mode":"normal"[,"guard":{…}]}   it was whole
//   put     {"event":"put","kind":"updated","epoch":…,"revision":…,"at":"…"[,"was":"…"][,"source":"…"][,"folded":n],"agent":{…}}
//   remove  {"event":"remove","kind":"forgotten","epoch":…,"revision":…,"at":"…","reason":"…"[,"into":"…"][,"source":"…"],"agent":{…}}
//   mode    {"event":"mode","mode":"frozen","guard":{…}}                 the guard moved; no revision did
//   mark    {"event":"mark","epoch":…,"revision":…}                      nothing until here that you asked for
//   end     {"event":"end","reason":"…"}                                 the stream ends; come again from the last revision
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/change.hpp"
#include "choregos/model/guard.hpp"
#include "choregos/wire/agent_json.hpp"

namespace choregos::wire {

enum class WatchKind : std::uint8_t { waiting, reset, agents, ready, put, remove, mode, mark, end };
std::string_view to_string(WatchKind kind);

/// Why a stream begins with a whole list: `start` = the reader asked for nothing older; `restart` = its position is of an earlier
/// life of the registry; `gone` = the changes since are no longer held; `behind` = it reads more slowly than things change;
/// `unknown` = a position that was never given out.
enum class ResetReason : std::uint8_t { start, restart, gone, behind, unknown };
std::string_view to_string(ResetReason reason);
std::optional<ResetReason> parse_reset_reason(std::string_view word);

/// Why an agent leaves a reader's list: the list's own reasons, or that it no longer passes the reader's filters.
enum class RemoveReason : std::uint8_t { forgotten, merged, unmatched };
std::string_view to_string(RemoveReason reason);
std::optional<RemoveReason> parse_remove_reason(std::string_view word);

std::string waiting_json(const std::vector<std::string>& reasons, Duration retry_after);
std::string reset_json(ResetReason reason, Revision revision, std::size_t total);
std::string agents_json(std::span<const AgentRecordPtr> records, Instant now, AgentFields fields);
std::string ready_json(Revision revision, std::size_t total, const GuardView& guard, Instant now);
/// `folded`: told in a run to a slow reader, and how many earlier changes of this agent it is spared. Such an event is no position to
/// resume from, since earlier changes of other agents may come after it; the mark that ends the run is one.
std::string put_json(const Change& change, Instant now, AgentFields fields, std::optional<std::size_t> folded = std::nullopt);
std::string remove_json(const Change& change, RemoveReason reason, Instant now, AgentFields fields, std::optional<std::size_t> folded = std::nullopt);
std::string mode_json(const GuardView& guard, Instant now);
std::string mark_json(Revision revision);
std::string end_json(std::string_view reason);
/// The answer of a long poll: {"events":[put and remove,…],"epoch":…,"revision":…,"more":false,"mode":"normal"[,"guard":{…}]}
std::string poll_json(std::span<const std::string> events, Revision revision, bool more, const GuardView& guard, Instant now);

struct WatchMessage {
  WatchKind kind = WatchKind::mark;
  Revision revision;                   ///< of all but waiting, agents, mode, end
  std::string reason;                  ///< of remove and end, for people; of waiting all of them, joined by "; "
  ResetReason reset = ResetReason::start;
  std::size_t total = 0;               ///< of reset and ready
  std::vector<AgentDocument> agents;   ///< of agents; of put and remove exactly one
  ChangeKind change = ChangeKind::updated;            ///< of put
  RemoveReason removed = RemoveReason::forgotten;     ///< of remove
  std::optional<Liveness> was;
  std::string into;
  std::string source;
  WallTime at;
  std::optional<std::size_t> folded;   ///< set: no position to resume from
  std::string mode = "normal";         ///< of ready and mode
  GuardViewPtr guard;                  ///< of ready and mode; null when there is nothing to say
};
/// Tolerant of unknown members. Errors: too_large; unsupported (an event that is not known here: pass it over); invalid.
Result<WatchMessage> read_watch(std::string_view text, std::size_t bytes_max);

}  // namespace choregos::wire
