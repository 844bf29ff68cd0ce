// The history of an agent as JSON, and back (model/history.hpp).
//   {"at":"…","kind":"liveness","id":"a1","liveness":"suspect","was":"alive","reason":"…","source":"beacon","revision":"3.1042"}
// was, reason, source and other are absent when there is none. Pure; any thread.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "choregos/base/result.hpp"
#include "choregos/model/history.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::wire {

std::optional<HistoryKind> parse_history_kind(std::string_view word);

void write_event(JsonWriter& out, const HistoryEvent& event);
std::string event_json(const HistoryEvent& event);
/// Tolerant of unknown members. Errors: invalid.
Result<HistoryEvent> read_event(const boost::json::object& object);
Result<HistoryEvent> read_event(std::string_view text);

/// Appends one object: when it was forgotten, why and what was known of it last.
void write_forgotten(JsonWriter& out, const Forgotten& forgotten);

struct HistoryDocument {
  std::string id;
  bool listed = false;
  Past past;            ///< of Past::forgotten the times, id, liveness and reason only
};
/// {"id":"a1","listed":false,"forgotten":{…},"events":[…]}
std::string history_json(std::string_view id, bool listed, const Past& past);
/// Errors: too_large, invalid.
Result<HistoryDocument> read_history(std::string_view body);

}  // namespace choregos::wire
