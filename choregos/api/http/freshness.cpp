#include "choregos/api/http/freshness.hpp"

#include <algorithm>
#include <cstdio>

#include "choregos/base/text.hpp"
#include "choregos/wire/guard_json.hpp"

namespace choregos::api {
namespace {

Duration since(WallTime then, const View& view) {
  return std::max(Duration{0}, Duration{std::chrono::milliseconds{view.wall_now.ms - then.ms}});
}

/// FNV-1a over what a reply shows of the guard, ages left out. Equal on every machine, as the rest of a tag.
std::string guard_digest(const GuardView& guard) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash = (hash ^ 0xff) * 0x100000001b3;  // no byte of UTF-8: keeps "a","b" apart from "ab"
  };
  add(std::to_string(guard.health_score));
  add(guard.health_reason);
  for (const DomainView& domain : guard.domains) {
    add(domain.name);
    add(to_string(domain.mode));
    add(std::to_string(domain.members));
    add(std::to_string(domain.silent));
    add(domain.cause);
  }
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

}  // namespace

Duration evidence_age(const AgentRecord& record, const View& view) {
  if (!record.vitals) return Duration{0};
  const auto heard = record.vitals->last_heard_ns.load(std::memory_order_relaxed);
  if (record.agent.liveness == Liveness::unconfirmed || heard == 0)
    return since({record.vitals->last_seen_ms.load(std::memory_order_relaxed)}, view);
  return std::max(Duration{0}, view.now - Instant{heard});
}

Evidence::Evidence(const View& view) : view_(view) {
  for (const auto& source : view.services.sources())
    if (source.state == SourceState::failed)
      consider(since(source.last_ok.ms != 0 ? source.last_ok : view.services.started, view), "source", source.name);
}

void Evidence::use(const AgentRecord& record) {
  if (record.agent.liveness == Liveness::lost || record.agent.liveness == Liveness::left) return;
  consider(evidence_age(record, view_), "agent", record.agent.id);
}

void Evidence::consider(Duration age, std::string_view kind, const std::string& name) {
  if (oldest_ && *oldest_ >= age) return;
  oldest_ = age;
  whose_ = std::string(kind) + " " + name;
}

std::optional<Reply> Evidence::refusal(const Call& call) const {
  const auto wanted = call.parameter("max_age");
  if (!wanted) return std::nullopt;
  const auto bound = parse_duration(*wanted);
  if (!bound || *bound < Duration{0})
    return problem_reply(fail(ErrorCode::invalid, "max_age=" + printable(wanted->substr(0, 64)) + " is not a duration; write one such as 30s, 500ms or 2m"), call.path);
  if (!oldest_ || *oldest_ <= *bound) return std::nullopt;
  return retry_reply(fail(ErrorCode::unavailable, "the oldest evidence of this answer is " + format_age(*oldest_) + " old (" + whose_ +
                                                      "), older than max_age=" + format_duration(*bound) +
                                                      "; ask for more, or see /api/v1/sources for what is late"),
                     call.path, 1s);
}

void write_mode(wire::JsonWriter& out, const View& view) {
  out.member("mode", view.mode);
  if (!view.snapshot || wire::is_plain(*view.snapshot->guard())) return;
  out.key("guard");
  wire::write_guard(out, *view.snapshot->guard(), view.now);
}

void write_freshness(wire::JsonWriter& out, Revision revision, const Evidence& evidence, const View& view) {
  out.member("epoch", revision.epoch).member("revision", revision.number);
  write_mode(out, view);
  if (const auto age = evidence.oldest()) out.member("oldest_evidence_ms", std::chrono::duration_cast<std::chrono::milliseconds>(*age).count());
}

std::optional<Reply> not_ready(const Call& call) {
  const auto readiness = call.view.services.readiness();
  if (readiness.ready && call.view.snapshot) return std::nullopt;
  std::string text = "not ready yet, so a list would be wrong";
  for (std::size_t i = 0; i < readiness.reasons.size(); ++i) text += (i == 0 ? ": " : "; ") + readiness.reasons[i];
  return retry_reply(fail(ErrorCode::unavailable, std::move(text)), call.path, readiness.retry_after);
}

std::string etag_of(Revision revision, const View& view) {
  std::string tag = "W/\"" + to_string(revision);
  if (view.mode != "normal") tag += "-" + view.mode;
  // The guard moves without a revision.
  if (view.snapshot && !wire::is_plain(*view.snapshot->guard())) tag += "-" + guard_digest(*view.snapshot->guard());
  return tag + "\"";
}

std::optional<Reply> not_modified(const Call& call, const std::string& etag) {
  if (!none_match_hits(call.if_none_match, etag)) return std::nullopt;
  Reply reply;
  reply.status = 304;
  reply.content_type.clear();
  reply.with("ETag", etag).with("Cache-Control", "no-cache");
  return reply;
}

}  // namespace choregos::api
