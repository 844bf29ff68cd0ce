// Expected against found as JSON, and back (model/expected_found.hpp).
//   {"matches":false,"services":[{"name":"chorus","mode":"replicated","desired":5,"desired_by":"docker_engine","tasks":4,"in_dns":5,
//    "answering":4,"listed":4,"matches":false,"missing":[{"task":"chorus.3.abc","node":"worker-1","reason":"…"}],"phantom":[…]}],
//    "orchestrator_age_ms":1200,"nodes":["worker-3 is down"]}
// Absent is what nobody says. Pure; any thread.
#pragma once

#include <boost/json/object.hpp>

#include "choregos/base/result.hpp"
#include "choregos/model/expected_found.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::wire {

/// Appends the members, without the braces around them.
void write_expected(JsonWriter& out, const ExpectedFound& expected);
/// Tolerant of unknown members. Errors: invalid.
Result<ExpectedFound> read_expected(const boost::json::object& object);

}  // namespace choregos::wire
