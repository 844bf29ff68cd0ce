#include "choregos/cli/csv.hpp"

#include <array>
#include <chrono>

namespace choregos::cli {
namespace {

constexpr std::string_view kColumns =
    "id,name,status,capabilities,model,endpoint,last_seen,tasks_completed,current_team,p2p_addr,cluster_id,liveness,liveness_reason,liveness_since,"
    "identity,incarnation,first_seen,age_ms,sources,aliases,labels,node,version,health_url,draining,reachable,conflict,latency_ms,running,capacity,"
    "revision\r\n";

bool looks_like_a_formula(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kBeginnings{"=", "+", "-", "@", "\t", "\r", "\n", "\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"};
  for (const auto beginning : kBeginnings)
    if (text.starts_with(beginning)) return true;
  return false;
}

class Row {
 public:
  explicit Row(std::string& out) : out_(out) {}
  ~Row() { out_ += "\r\n"; }
  Row& text(std::string_view value) {
    next();
    append_csv_text(out_, value);
    return *this;
  }
  /// Of our own making: numbers, times, words of ours.
  Row& own(std::string_view value) {
    next();
    out_ += value;
    return *this;
  }
  Row& number(std::uint64_t value) { return own(std::to_string(value)); }
  Row& flag(bool value) { return own(value ? "true" : "false"); }
  Row& list(const std::vector<std::string>& values) {
    std::string joined;
    for (const auto& value : values) joined += (joined.empty() ? "" : " ") + value;
    return text(joined);
  }

 private:
  void next() {
    if (!first_) out_ += ',';
    first_ = false;
  }
  std::string& out_;
  bool first_ = true;
};

std::string time_text(WallTime time) { return time == WallTime{} ? std::string() : to_rfc3339(time); }

std::string milliseconds(Duration duration) { return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()); }

}  // namespace

void append_csv_text(std::string& out, std::string_view text) {
  const bool formula = looks_like_a_formula(text);
  if (!formula && text.find_first_of(",\"\r\n\t;'") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  if (formula) out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

std::string agents_csv(const std::vector<AgentView>& agents, bool headers) {
  std::string out(headers ? kColumns : std::string_view{});
  for (const AgentView& view : agents) {
    const Agent& a = view.agent;
    std::vector<std::string> labels;
    for (const auto& [key, value] : a.labels) labels.push_back(key + "=" + value);
    Row row(out);
    row.text(a.id).text(a.name).own(to_string(a.status)).list(a.capabilities).text(a.model).text(a.endpoint).own(time_text(view.last_seen));
    row.number(a.tasks_completed).text(a.current_team).text(a.p2p_addr).text(a.cluster_id).own(to_string(a.liveness)).text(a.reason);
    row.own(time_text(a.liveness_since)).own(to_string(a.identity)).number(a.incarnation).own(time_text(a.first_seen)).own(milliseconds(view.age));
    row.list(a.sources).list(a.aliases).list(labels).text(a.node).text(a.version).text(a.health_url).flag(a.draining);
    row.own(!a.reachable ? "" : *a.reachable ? "true" : "false").flag(a.conflict).own(view.latency ? milliseconds(*view.latency) : std::string());
    row.number(view.running).number(view.capacity).number(view.revision);
  }
  return out;
}

}  // namespace choregos::cli
