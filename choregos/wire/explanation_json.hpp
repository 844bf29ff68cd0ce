// Why a record is as it is, as JSON, and back (model/explanation.hpp).
//   {"id":"a1","liveness":"suspect","liveness_reason":"…","silence_ms":5000,"silence_needed_ms":10000,"longest_silence_ms":0,
//    "evidence":23,"evidence_needed":27.6,"stretch":1,"held_by":[…],"would_change":[…],"channels":[…],"fields":[…]}
// A channel that counts as long as its connection is open has "while_open":true in place of alive_for_ms. Absent is what is not
// known: age_ms of a channel that never showed life, loss where messages have no numbers, the source of a value from before our
// restart. Pure; any thread.
#pragma once

#include <boost/json/object.hpp>

#include "choregos/base/result.hpp"
#include "choregos/model/explanation.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::wire {

/// Appends the members, without the braces around them, so that an answer may add its own.
void write_explanation(JsonWriter& out, const Explanation& explanation);
/// Tolerant of unknown members. Errors: invalid.
Result<Explanation> read_explanation(const boost::json::object& object);

}  // namespace choregos::wire
