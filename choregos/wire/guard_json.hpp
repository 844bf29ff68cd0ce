// The guard against mass silence as JSON, and back: the member "guard" that stands beside "mode" when there is something to say.
//   {"health_score":0,"freezes":1,"domains":[{"kind":"subnet","name":"subnet 10.0.1.0/24","mode":"frozen","members":20,
//    "silent":14,"since":"…","for_ms":12000,"cause":"14 of 20 agents fell silent within 10 s","drains_in_ms":588000}]}
// health_reason is absent at a score of 0, drains_in_ms unless a domain is frozen. Pure; any thread.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string_view>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/guard.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::wire {

std::optional<Mode> parse_mode(std::string_view word);

/// Nothing is held back and our own ears are fine: replies leave "guard" out.
bool is_plain(const GuardView& guard);
/// Appends one object; `now` is the clock of the view's instants.
void write_guard(JsonWriter& out, const GuardView& guard, Instant now);
/// Tolerant of unknown members. The instants of what is read count from the moment of the answer, which is zero: since_at lies
/// before it, until after. Errors: invalid.
Result<GuardView> read_guard(const boost::json::object& object);
/// "guard" of an answer; null when it is absent. Errors: invalid.
Result<GuardViewPtr> read_guard_member(const boost::json::object& answer);

}  // namespace choregos::wire
