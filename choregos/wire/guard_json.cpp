#include "choregos/wire/guard_json.hpp"

#include <algorithm>
#include <utility>

#include "choregos/wire/fields.hpp"

namespace choregos::wire {
namespace {

std::optional<DomainKind> parse_domain_kind(std::string_view word) {
  for (const DomainKind kind : {DomainKind::node, DomainKind::subnet, DomainKind::source, DomainKind::network})
    if (to_string(kind) == word) return kind;
  return std::nullopt;
}

std::int64_t millis(Duration d) { return std::max<std::int64_t>(0, d.count() / 1'000'000); }

Result<DomainView> read_domain(const boost::json::object& object) {
  DomainView out;
  Duration lasted{};
  std::optional<Duration> drains;
  Fields from(object);
  from.word("kind", parse_domain_kind, out.kind).text("name", out.name).word("mode", parse_mode, out.mode);
  from.count32("members", out.members).count32("silent", out.silent).time("since", out.since).text("cause", out.cause);
  from.millis("for_ms", lasted).millis("drains_in_ms", drains);
  if (from.error()) return *from.error();
  out.since_at = Instant{} - lasted;
  if (drains) out.until = Instant{} + *drains;
  return out;
}

}  // namespace

std::optional<Mode> parse_mode(std::string_view word) {
  for (const Mode mode : {Mode::normal, Mode::draining, Mode::frozen})
    if (to_string(mode) == word) return mode;
  return std::nullopt;
}

bool is_plain(const GuardView& guard) { return guard.mode == Mode::normal && guard.health_score == 0 && guard.domains.empty(); }

void write_guard(JsonWriter& out, const GuardView& guard, Instant now) {
  out.begin_object().member("health_score", guard.health_score);
  if (!guard.health_reason.empty()) out.member("health_reason", guard.health_reason);
  out.member("freezes", guard.freezes).key("domains").begin_array();
  for (const DomainView& d : guard.domains) {
    out.begin_object().member("kind", to_string(d.kind)).member("name", d.name).member("mode", to_string(d.mode));
    out.member("members", d.members).member("silent", d.silent).member("since", to_rfc3339(d.since)).member("for_ms", millis(now - d.since_at));
    out.member("cause", d.cause);
    if (d.mode == Mode::frozen && d.until != Instant::never()) out.member("drains_in_ms", millis(d.until - now));
    out.end_object();
  }
  out.end_array().end_object();
}

Result<GuardView> read_guard(const boost::json::object& object) {
  GuardView out;
  Fields from(object);
  from.count32("health_score", out.health_score).text("health_reason", out.health_reason).count("freezes", out.freezes);
  if (const auto* domains = from.find("domains")) {
    if (!domains->is_array()) return fail(ErrorCode::invalid, "the member 'domains' is not an array");
    for (const auto& item : domains->get_array()) {
      if (!item.is_object()) return fail(ErrorCode::invalid, "'domains' has something that is not an object");
      auto domain = read_domain(item.get_object());
      if (!domain) return domain.error();
      out.mode = std::max(out.mode, domain->mode);
      out.domains.push_back(std::move(domain).value());
    }
  }
  if (from.error()) return *from.error();
  return out;
}

Result<GuardViewPtr> read_guard_member(const boost::json::object& answer) {
  const auto* member = Fields(answer).find("guard");
  if (member == nullptr) return GuardViewPtr();
  if (!member->is_object()) return fail(ErrorCode::invalid, "the member 'guard' is not an object");
  auto read = read_guard(member->get_object());
  if (!read) return read.error();
  return GuardViewPtr(std::make_shared<const GuardView>(std::move(read).value()));
}

}  // namespace choregos::wire
