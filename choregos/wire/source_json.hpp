// The health of sources as JSON, and back.
//   {"name":"beacon","kind":"beacon","state":"ok","detail":"…","last_ok":"…","counters":{…},"gauges":{…}}
// last_error, advice, last_ok and last_error_at are absent when there is none. Pure; any thread.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/model/source_health.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::wire {

std::optional<SourceState> parse_source_state(std::string_view word);
void write_source(JsonWriter& out, const SourceHealth& health);
std::string source_json(const SourceHealth& health);
/// {"sources":[…]}
std::string sources_json(std::span<const SourceHealth> sources);

/// Tolerant of unknown members. Errors: invalid.
Result<SourceHealth> read_source(const boost::json::object& object);
Result<std::vector<SourceHealth>> read_sources(std::string_view body);

}  // namespace choregos::wire
