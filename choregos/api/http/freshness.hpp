// How fresh an answer is. Every reply says it, and `max_age` refuses an answer that rests on older evidence.
//
// The age of an answer is that of the oldest evidence it uses: of each listed agent that is not lost or left (those are
// verdicts, old by their nature), when it was last heard; and of each source that has failed, when it last worked, since
// agents that only it knows would be missing.
#pragma once

#include <optional>
#include <string>

#include "choregos/api/http/call.hpp"
#include "choregos/api/http/reply.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::api {

class Evidence {
 public:
  /// Begins with the sources.
  explicit Evidence(const View& view);
  void use(const AgentRecord& record);
  /// Nothing when the answer uses none, such as an empty list while all sources work.
  std::optional<Duration> oldest() const { return oldest_; }
  /// The refusal of `max_age`, when it was asked for and the answer is older or the parameter is no duration.
  std::optional<Reply> refusal(const Call& call) const;

 private:
  void consider(Duration age, std::string_view kind, const std::string& name);

  const View& view_;
  std::optional<Duration> oldest_;
  std::string whose_;
};

/// "mode" and, when anything is held back or our own ears are doubtful, "guard".
void write_mode(wire::JsonWriter& out, const View& view);
/// The members that every aggregate ends with: epoch, revision, those of write_mode and, when there is any, oldest_evidence_ms.
void write_freshness(wire::JsonWriter& out, Revision revision, const Evidence& evidence, const View& view);

/// Since the agent was last heard. Restored agents were never heard by this process: theirs counts on the wall clock.
Duration evidence_age(const AgentRecord& record, const View& view);

/// 503 with the reasons and Retry-After while lists may not be believed; nothing when they may.
std::optional<Reply> not_ready(const Call& call);

/// The weak tag of an answer: same tag, same beliefs, the guard's included; ages and last_seen may differ. "" when there is no snapshot.
std::string etag_of(Revision revision, const View& view);
/// 304 when the client has this tag already.
std::optional<Reply> not_modified(const Call& call, const std::string& etag);

}  // namespace choregos::api
