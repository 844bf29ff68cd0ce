// A question about the list. Empty filters match everything; every filter must match.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/model/agent.hpp"

namespace choregos {

enum class SortKey : std::uint8_t { id, name, status, liveness, model, cluster, last_seen, first_seen, tasks_completed };
std::string_view to_string(SortKey key);
std::optional<SortKey> parse_sort_key(std::string_view word);

struct Query {
  std::vector<std::string> capabilities;   ///< all of them
  std::vector<Status> status;              ///< any of them
  std::vector<Liveness> liveness;          ///< any of them
  std::string model;                       ///< glob, ignoring case; "" = any
  std::vector<std::string> cluster;        ///< any of them
  std::vector<std::string> team;           ///< any of them; "-" = in no team
  Labels labels;                           ///< all of them
  std::string text;                        ///< each word must occur in id, name, model, endpoint, a capability, alias or label, ignoring case
  SortKey sort = SortKey::id;
  bool descending = false;
  std::size_t limit = 0;                   ///< 0 = no limit
  std::string cursor;                      ///< from a former page of the same query; "" = from the start

  bool operator==(const Query&) const = default;
};

/// Whether the record passes the filters (sort, limit and cursor play no part).
bool matches(const Query& query, const Agent& agent);
/// Bounds and words of everything in it; the error names the parameter.
Result<void> check(const Query& query);

/// The query of a URL: pairs of `capability` (repeat), `status`, `liveness`, `model`, `cluster`, `team`, `label.<k>`, `q`,
/// `sort` ("-" in front = descending), `limit`, `cursor`. A comma separates alternatives of status, liveness, cluster and
/// team. Other parameters are refused with the nearest known one, except those listed in `ignored`.
Result<Query> parse_query(const std::vector<std::pair<std::string, std::string>>& parameters,
                          const std::vector<std::string_view>& ignored = {});

}  // namespace choregos
