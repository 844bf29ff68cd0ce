#include "choregos/wire/expected_json.hpp"

#include <utility>

#include "choregos/wire/fields.hpp"

namespace choregos::wire {
namespace {

void write_discrepancies(JsonWriter& out, std::string_view name, const std::vector<Discrepancy>& list) {
  out.key(name).begin_array();
  for (const Discrepancy& d : list) {
    out.begin_object();
    if (!d.task.empty()) out.member("task", d.task);
    if (!d.address.empty()) out.member("address", d.address);
    if (!d.agent.empty()) out.member("agent", d.agent);
    if (!d.node.empty()) out.member("node", d.node);
    out.member("reason", d.reason).end_object();
  }
  out.end_array();
}

/// Each object of the array `name`; absent = none.
template <class Read>
Result<void> each(const Fields& from, std::string_view name, const Read& read) {
  const auto* list = from.find(name);
  if (list == nullptr) return {};
  if (!list->is_array()) return fail(ErrorCode::invalid, "the member '" + std::string(name) + "' is not an array");
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) return fail(ErrorCode::invalid, "'" + std::string(name) + "' has something that is not an object");
    if (auto ok = read(item.get_object()); !ok) return ok;
  }
  return {};
}

Result<void> read_discrepancies(const Fields& from, std::string_view name, std::vector<Discrepancy>& out) {
  return each(from, name, [&](const boost::json::object& object) -> Result<void> {
    Discrepancy d;
    Fields parts(object);
    parts.text("task", d.task).text("address", d.address).text("agent", d.agent).text("node", d.node).text("reason", d.reason);
    if (parts.error()) return *parts.error();
    out.push_back(std::move(d));
    return {};
  });
}

void read_optional(Fields& from, std::string_view name, std::optional<std::uint64_t>& out) {
  if (from.find(name) != nullptr) from.count(name, out.emplace());
}

}  // namespace

void write_expected(JsonWriter& out, const ExpectedFound& expected) {
  out.member("matches", expected.matches()).key("services").begin_array();
  for (const ServiceFound& s : expected.services) {
    out.begin_object().member("name", s.name);
    if (!s.mode.empty()) out.member("mode", s.mode);
    if (s.desired) out.member("desired", *s.desired).member("desired_by", s.desired_by);
    if (s.tasks) out.member("tasks", *s.tasks);
    out.member("in_dns", s.in_dns).member("answering", s.answering).member("listed", s.listed).member("matches", s.matches());
    write_discrepancies(out, "missing", s.missing);
    write_discrepancies(out, "phantom", s.phantom);
    out.end_object();
  }
  out.end_array();
  if (expected.orchestrator_age) out.member("orchestrator_age_ms", std::max<std::int64_t>(0, expected.orchestrator_age->count() / 1'000'000));
  if (expected.nodes.empty()) return;
  out.key("nodes").begin_array();
  for (const auto& node : expected.nodes) out.value(node);
  out.end_array();
}

Result<ExpectedFound> read_expected(const boost::json::object& object) {
  ExpectedFound out;
  Fields from(object);
  from.millis("orchestrator_age_ms", out.orchestrator_age).texts("nodes", out.nodes);
  auto services = each(from, "services", [&](const boost::json::object& item) -> Result<void> {
    ServiceFound s;
    Fields parts(item);
    parts.text("name", s.name).text("mode", s.mode).text("desired_by", s.desired_by);
    parts.count("in_dns", s.in_dns).count("answering", s.answering).count("listed", s.listed);
    read_optional(parts, "desired", s.desired);
    read_optional(parts, "tasks", s.tasks);
    if (auto ok = read_discrepancies(parts, "missing", s.missing); !ok) return ok;
    if (auto ok = read_discrepancies(parts, "phantom", s.phantom); !ok) return ok;
    if (parts.error()) return *parts.error();
    out.services.push_back(std::move(s));
    return {};
  });
  if (!services) return services.error();
  if (from.error()) return *from.error();
  return out;
}

}  // namespace choregos::wire
