#include "choregos/model/requirement.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"

namespace choregos {
namespace {

constexpr std::array<std::string_view, 2> kModes{"cover", "seats"};
constexpr std::array<std::string_view, 5> kPreferences{"agent", "model", "label", "node", "cluster"};

template <class Enum, std::size_t N>
std::optional<Enum> find(const std::array<std::string_view, N>& words, std::string_view word) {
  for (std::size_t i = 0; i < N; ++i)
    if (words[i] == word) return static_cast<Enum>(i);
  return std::nullopt;
}

Error wrong(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }
Error too_many(std::string_view what, std::size_t limit) {
  return fail(ErrorCode::too_large, std::string(what) + " has more than " + std::to_string(limit) + " entries");
}

Result<void> check_labels(const Labels& labels, const std::string& field) {
  if (labels.size() > limits::label_count_max) return too_many(field, limits::label_count_max);
  for (const auto& [key, value] : labels) {
    if (auto ok = check_word(key, field + " key"); !ok) return ok;
    if (auto ok = check_text(value, field + " value", limits::text_bytes_max); !ok) return ok;
  }
  return {};
}

Result<void> check_requirement(const Requirement& r, const std::string& field) {
  if (r.capabilities.empty() && r.model.empty() && r.labels.empty())
    return wrong(field + " says nothing; give it a capability, a model or labels");
  if (r.capabilities.size() > limits::capability_count_max) return too_many(field + ".capabilities", limits::capability_count_max);
  for (const auto& capability : r.capabilities)
    if (auto ok = check_word(capability, field + ".capability"); !ok) return ok;
  if (r.count == 0) return wrong(field + ".count is 0; write 1 or more, or leave the requirement out");
  if (r.count > limits::team_member_count_max)
    return fail(ErrorCode::too_large, field + ".count is above " + std::to_string(limits::team_member_count_max));
  if (auto ok = check_text(r.model, field + ".model", limits::text_bytes_max); !ok) return ok;
  return check_labels(r.labels, field + ".labels");
}

Result<void> check_preference(const Preference& p, const std::string& field) {
  if (p.value.empty()) return wrong(field + ".value is empty; say which " + std::string(to_string(p.kind)) + " is preferred");
  if (auto ok = check_text(p.value, field + ".value", limits::text_bytes_max); !ok) return ok;
  if (p.kind == PreferenceKind::label)
    if (auto ok = check_word(p.key, field + ".key"); !ok) return ok;
  if (p.kind != PreferenceKind::label && !p.key.empty()) return wrong(field + ".key belongs to a label only");
  if (p.points > limits::team_preference_points_max)
    return wrong(field + ".points is above " + std::to_string(limits::team_preference_points_max) +
                 "; what must hold in any case belongs into the requirement");
  return {};
}

Result<void> check_sizes(const TeamRequest& t) {
  const std::uint32_t seats = seat_count(t);
  if (seats > limits::team_member_count_max)
    return fail(ErrorCode::too_large, "the counts of requires add up to more than " + std::to_string(limits::team_member_count_max));
  if (t.size_min > limits::team_member_count_max)
    return fail(ErrorCode::too_large, "size_min is above " + std::to_string(limits::team_member_count_max));
  if (t.size_max != 0 && t.size_min > t.size_max) return wrong("size_min is above size_max");
  std::uint32_t most = 0;
  for (const auto& r : t.needs) most = std::max(most, r.count);
  if (t.size_max != 0 && most > t.size_max)
    return wrong("a count of " + std::to_string(most) + " asks for more different agents than size_max allows");
  if (t.mode == TeamMode::seats && ((t.size_max != 0 && seats > t.size_max) || seats < t.size_min))
    return wrong("the counts add up to " + std::to_string(seats) + " seats, which size_min and size_max do not allow");
  if (t.spread.several_hosts && (t.size_max == 1 || (t.mode == TeamMode::seats && seats == 1)))
    return wrong("a team of one cannot be on several hosts; drop spread.several_hosts or ask for more members");
  return {};
}

}  // namespace

std::string_view to_string(TeamMode mode) { return kModes[static_cast<std::size_t>(mode)]; }
std::optional<TeamMode> parse_team_mode(std::string_view word) { return find<TeamMode>(kModes, word); }
std::string_view to_string(PreferenceKind kind) { return kPreferences[static_cast<std::size_t>(kind)]; }
std::optional<PreferenceKind> parse_preference_kind(std::string_view word) { return find<PreferenceKind>(kPreferences, word); }

std::string describe(const Requirement& r) {
  std::string out = r.count == 1 ? "" : std::to_string(r.count) + " \u00d7 ";
  for (std::size_t i = 0; i < r.capabilities.size(); ++i) out += (i == 0 ? "" : " + ") + r.capabilities[i];
  if (r.capabilities.empty()) out += "any agent";
  if (!r.model.empty()) out += ", model " + r.model;
  for (const auto& [key, value] : r.labels) out += ", " + key + "=" + value;
  return out;
}

std::uint32_t seat_count(const TeamRequest& request) {
  std::uint64_t sum = 0;
  for (const auto& r : request.needs) sum += r.count;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(sum, UINT32_MAX));
}

Result<void> check(const TeamRequest& t) {
  if (!t.id.empty())
    if (auto ok = check_word(t.id, "id"); !ok) return ok;
  if (t.needs.empty()) return wrong("requires is empty; name at least one capability");
  if (t.needs.size() > limits::team_requirement_count_max) return too_many("requires", limits::team_requirement_count_max);
  for (std::size_t i = 0; i < t.needs.size(); ++i)
    if (auto ok = check_requirement(t.needs[i], "requires[" + std::to_string(i) + "]"); !ok) return ok;
  if (t.exclude.size() > limits::team_exclude_count_max) return too_many("exclude", limits::team_exclude_count_max);
  for (const auto& id : t.exclude)
    if (auto ok = check_word(id, "exclude"); !ok) return ok;
  if (t.clusters.size() > limits::filter_count_max) return too_many("clusters", limits::filter_count_max);
  for (const auto& cluster : t.clusters)
    if (auto ok = check_text(cluster, "clusters", limits::text_bytes_max); !ok) return ok;
  if (t.prefer.size() > limits::team_preference_count_max) return too_many("prefer", limits::team_preference_count_max);
  for (std::size_t i = 0; i < t.prefer.size(); ++i)
    if (auto ok = check_preference(t.prefer[i], "prefer[" + std::to_string(i) + "]"); !ok) return ok;
  if (t.standby > limits::team_standby_count_max)
    return fail(ErrorCode::too_large, "standby is above " + std::to_string(limits::team_standby_count_max));
  if (t.ttl < 1s || t.ttl > limits::team_time_max)
    return wrong("ttl must be between 1s and " + format_duration(limits::team_time_max));
  return check_sizes(t);
}

}  // namespace choregos
