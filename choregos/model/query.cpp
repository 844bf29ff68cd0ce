#include "choregos/model/query.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"

namespace choregos {
namespace {

constexpr std::array<std::string_view, 9> kSortKeys{"id",      "name",      "status",     "liveness",       "model",
                                                    "cluster", "last_seen", "first_seen", "tasks_completed"};
constexpr std::array<std::string_view, 11> kParameters{"capability", "status", "liveness", "model", "cluster", "team",
                                                       "q",          "sort",   "limit",    "cursor", "label."};

template <class List, class Value>
bool has(const List& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    if (const auto part = text.substr(0, at); !part.empty()) parts.push_back(part);
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool word_occurs(const Agent& agent, std::string_view word) {
  const auto hit = [&](std::string_view text) { return contains_ignoring_case(text, word); };
  return hit(agent.id) || hit(agent.name) || hit(agent.model) || hit(agent.endpoint) || hit(agent.node) ||
         std::any_of(agent.capabilities.begin(), agent.capabilities.end(), hit) ||
         std::any_of(agent.aliases.begin(), agent.aliases.end(), hit) ||
         std::any_of(agent.labels.begin(), agent.labels.end(), [&](const auto& l) { return hit(l.first) || hit(l.second); });
}

bool team_matches(const std::vector<std::string>& wanted, const std::string& team) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& w) { return w == "-" ? team.empty() : w == team; });
}

Error unknown_word(std::string_view parameter, std::string_view word, std::string_view known) {
  return fail(ErrorCode::invalid, std::string(parameter) + "=" + printable(word.substr(0, 64)) + " is not known; write one of " + std::string(known));
}

/// `others` are those that somebody else reads.
Error unknown_parameter(std::string_view key, const std::vector<std::string_view>& others) {
  std::vector<std::string_view> known(kParameters.begin(), kParameters.end());
  known.insert(known.end(), others.begin(), others.end());
  std::string text = "the parameter '" + printable(key.substr(0, 64)) + "' is not known";
  if (const auto near = nearest_word(key, known); !near.empty()) return fail(ErrorCode::invalid, text + "; did you mean '" + std::string(near) + "'?");
  text += "; known are ";
  for (const auto& word : known) text += std::string(word) + (word.ends_with('.') ? "<key>" : "") + (&word == &known.back() ? "" : ", ");
  return fail(ErrorCode::invalid, text);
}

Result<void> read_parameter(Query& query, std::string_view key, std::string_view value, const std::vector<std::string_view>& others) {
  if (key == "capability") {
    for (const auto part : split(value, ',')) query.capabilities.emplace_back(part);
  } else if (key == "status") {
    for (const auto part : split(value, ',')) {
      const auto word = parse_status(part);
      if (!word) return unknown_word(key, part, "online, idle, working");
      query.status.push_back(*word);
    }
  } else if (key == "liveness") {
    for (const auto part : split(value, ',')) {
      const auto word = parse_liveness(part);
      if (!word) return unknown_word(key, part, "unconfirmed, alive, suspect, lost, left");
      query.liveness.push_back(*word);
    }
  } else if (key == "model") {
    query.model = to_lower(value);
  } else if (key == "cluster") {
    for (const auto part : split(value, ',')) query.cluster.emplace_back(part);
  } else if (key == "team") {
    for (const auto part : split(value, ',')) query.team.emplace_back(part);
  } else if (key == "q") {
    query.text = std::string(value);
  } else if (key == "sort") {
    query.descending = value.substr(0, 1) == "-";
    const auto word = parse_sort_key(value.substr(query.descending ? 1 : 0));
    if (!word) return unknown_word(key, value, "id, name, status, liveness, model, cluster, last_seen, first_seen, tasks_completed, with '-' in front for descending");
    query.sort = *word;
  } else if (key == "limit") {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), query.limit);
    if (error != std::errc{} || end != value.data() + value.size() || query.limit == 0 || query.limit > limits::list_limit_max)
      return fail(ErrorCode::invalid, "limit must be a number between 1 and " + std::to_string(limits::list_limit_max));
  } else if (key == "cursor") {
    query.cursor = std::string(value);
  } else if (key.substr(0, 6) == "label.") {
    query.labels.emplace_back(key.substr(6), value);
  } else {
    return unknown_parameter(key, others);
  }
  return {};
}

}  // namespace

std::string_view to_string(SortKey key) { return kSortKeys[static_cast<std::size_t>(key)]; }

std::optional<SortKey> parse_sort_key(std::string_view word) {
  for (std::size_t i = 0; i < kSortKeys.size(); ++i)
    if (kSortKeys[i] == word) return static_cast<SortKey>(i);
  return std::nullopt;
}

bool matches(const Query& query, const Agent& agent) {
  if (!query.status.empty() && !has(query.status, agent.status)) return false;
  if (!query.liveness.empty() && !has(query.liveness, agent.liveness)) return false;
  if (!query.cluster.empty() && !has(query.cluster, agent.cluster_id)) return false;
  if (!query.team.empty() && !team_matches(query.team, agent.current_team)) return false;
  for (const auto& capability : query.capabilities)
    if (!std::binary_search(agent.capabilities.begin(), agent.capabilities.end(), capability)) return false;
  for (const auto& label : query.labels)
    if (!has(agent.labels, label)) return false;
  if (!query.model.empty() && !glob_match(query.model, to_lower(agent.model))) return false;
  for (const auto word : split(query.text, ' '))
    if (!word_occurs(agent, word)) return false;
  return true;
}

Result<void> check(const Query& query) {
  const std::size_t terms = query.capabilities.size() + query.status.size() + query.liveness.size() + query.cluster.size() +
                            query.team.size() + query.labels.size();
  if (terms > limits::filter_count_max)
    return fail(ErrorCode::invalid, "the query has more than " + std::to_string(limits::filter_count_max) + " filter terms");
  for (const auto& capability : query.capabilities)
    if (auto ok = check_word(capability, "capability"); !ok) return ok;
  for (const auto& [key, value] : query.labels) {
    if (auto ok = check_word(key, "label key"); !ok) return ok;
    if (auto ok = check_text(value, "label value", limits::text_bytes_max); !ok) return ok;
  }
  if (auto ok = check_text(query.model, "model", limits::text_bytes_max); !ok) return ok;
  if (auto ok = check_text(query.text, "q", limits::text_bytes_max); !ok) return ok;
  if (query.cursor.size() > limits::cursor_bytes_max) return fail(ErrorCode::invalid, "cursor is too long to be one of ours");
  return {};
}

Result<Query> parse_query(const std::vector<std::pair<std::string, std::string>>& parameters, const std::vector<std::string_view>& ignored) {
  Query query;
  for (const auto& [key, value] : parameters) {
    if (has(ignored, std::string_view(key))) continue;
    if (auto ok = read_parameter(query, key, value, ignored); !ok) return ok.error();
  }
  if (auto ok = check(query); !ok) return ok.error();
  return query;
}

}  // namespace choregos
