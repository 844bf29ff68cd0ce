#include "choregos/model/task.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"

namespace choregos {
namespace {

constexpr std::array<std::string_view, kTaskStateCount> kStates = {"submitted", "queued", "offered",   "accepted", "running",
                                                                   "succeeded", "failed", "cancelled", "expired"};
constexpr std::array<std::string_view, kTaskCauseCount> kCauses = {
    "submitted",  "stored",    "not_stored", "granted",   "accepted", "started",    "completed", "refused", "handed_back", "unanswered",
    "suspected",  "lost",      "abandoned",  "overran",   "stalled",  "taken_back", "adopted",   "retrying", "failed",     "gave_up",
    "cancelled",  "team_ended", "deadline",  "retried"};

template <class Enum, std::size_t N>
std::optional<Enum> parse(const std::array<std::string_view, N>& words, std::string_view word) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<Enum>(found - words.begin());
}

Result<void> check_optional_word(std::string_view text, std::string_view field) {
  if (text.empty()) return {};
  return check_word(text, field);
}

Result<void> check_duration(Duration value, std::string_view field, Duration max) {
  if (value >= Duration{0} && value <= max) return {};
  return fail(ErrorCode::invalid, std::string(field) + " is " + format_duration(value) + "; it may be 0 to " + format_duration(max));
}

}  // namespace

std::string task_id(TaskNumber number) { return "task-" + std::to_string(number); }

std::optional<TaskNumber> parse_task_id(std::string_view id) {
  constexpr std::string_view kPrefix = "task-";
  if (!id.starts_with(kPrefix) || id.size() == kPrefix.size() || id[kPrefix.size()] == '0') return std::nullopt;
  TaskNumber number = 0;
  const auto [end, error] = std::from_chars(id.data() + kPrefix.size(), id.data() + id.size(), number);
  if (error != std::errc{} || end != id.data() + id.size()) return std::nullopt;
  return number;
}

std::string_view to_string(TaskState state) { return kStates[static_cast<std::size_t>(state)]; }
std::string_view to_string(TaskCause cause) { return kCauses[static_cast<std::size_t>(cause)]; }
std::optional<TaskState> parse_task_state(std::string_view word) { return parse<TaskState>(kStates, word); }
std::optional<TaskCause> parse_task_cause(std::string_view word) { return parse<TaskCause>(kCauses, word); }

Result<void> check(const TaskRequest& request) {
  constexpr Duration kLongest = 24h * 365;
  constexpr std::uint32_t kTriesMax = 100;
  if (request.capabilities.size() > limits::capability_count_max) {
    return fail(ErrorCode::too_large, "capabilities: at most " + std::to_string(limits::capability_count_max) + " can be asked for");
  }
  for (std::size_t i = 0; i < request.capabilities.size(); ++i) {
    if (auto ok = check_word(request.capabilities[i], "capabilities"); !ok) return ok;
    if (i > 0 && request.capabilities[i - 1] >= request.capabilities[i]) return fail(ErrorCode::invalid, "capabilities must be sorted and distinct");
  }
  if (auto ok = check_text(request.key, "key", limits::name_bytes_max); !ok) return ok;
  if (auto ok = check_text(request.submitter, "submitter", limits::name_bytes_max); !ok) return ok;
  if (auto ok = check_optional_word(request.kind, "kind"); !ok) return ok;
  if (auto ok = check_optional_word(request.agent, "agent"); !ok) return ok;
  if (auto ok = check_optional_word(request.team, "team"); !ok) return ok;
  if (auto ok = check_text(request.content_type, "content_type", limits::name_bytes_max); !ok) return ok;
  if (request.seat && request.team.empty()) return fail(ErrorCode::invalid, "seat names a seat of a team, and team is not given");
  if (request.team.size() && request.agent.size()) return fail(ErrorCode::invalid, "team and agent exclude each other; give one of them");
  if (request.priority > kTaskPriorityMax) return fail(ErrorCode::invalid, "priority is " + std::to_string(request.priority) + "; it may be 0 to 9");
  for (const auto& [value, field] : {std::pair{request.attempts_max, "attempts_max"}, std::pair{request.losses_max, "losses_max"}}) {
    if (value < 1 || value > kTriesMax) return fail(ErrorCode::invalid, std::string(field) + " is " + std::to_string(value) + "; it may be 1 to 100");
  }
  for (const auto& [value, field] : {std::pair{request.delay, "delay"}, std::pair{request.backoff_first, "backoff_first"},
                                     std::pair{request.backoff_max, "backoff_max"}, std::pair{request.run_max, "run_max"},
                                     std::pair{request.progress_within, "progress_within"}}) {
    if (auto ok = check_duration(value, field, kLongest); !ok) return ok;
  }
  return check_duration(request.keep_for, "keep_for", kLongest);
}

}  // namespace choregos
