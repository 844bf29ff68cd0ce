// GET /metrics in Prometheus text 0.0.4. Agent ids are never labels; each label's values are bounded.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>

#include "choregos/api/http/call.hpp"
#include "choregos/api/http/reply.hpp"
#include "choregos/api/http/routes.hpp"

namespace choregos::api {

/// What the API counts about itself.
struct HttpCounters {
  /// Replies by route (kRouteCount = matched none) and status.
  std::map<std::pair<std::size_t, int>, std::uint64_t> replies;
  std::uint64_t wrong_tokens = 0;
  std::uint64_t tethers_open = 0;
  std::uint64_t tethers_total = 0;
};

/// Of the capabilities the ones that most agents have, at most limits::metric_label_count_max.
Reply get_metrics(const Call& call, const HttpCounters& counters);

}  // namespace choregos::api
