#include "choregos/daemon/expectations.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "choregos/registry/expected_found.hpp"

namespace choregos::daemon {
namespace {

FoundTarget found(const source::TargetState& state) {
  FoundTarget out;
  out.address = state.address;
  for (const std::string_view origin : state.origins)
    if (constexpr std::string_view kDns = "swarm_dns/"; origin.starts_with(kDns)) out.services.emplace_back(origin.substr(kDns.size()));
  out.task = state.task;
  out.behind_balancer = state.behind_balancer;
  out.draining = state.draining;
  out.answering = state.answering;
  out.tried = state.answering || state.failures > 0 || state.last_answer.ms != 0;
  out.id = state.id;
  out.note = state.note;
  return out;
}

}  // namespace

Expectations::Expectations(const Settings& settings) {
  for (const auto* services : {&settings.swarm_dns_services, &settings.docker_engine_services})
    for (const auto& service : *services) configured_.push_back({service.service, service.expected});
}

void Expectations::report(ExpectationReportPtr report) {
  if (!report) return;
  std::string source = report->source;
  reports_[std::move(source)] = std::move(report);
}

ExpectedFound Expectations::compare(std::span<const source::TargetState> targets, const Snapshot& snapshot, Instant now) const {
  std::vector<ExpectationReportPtr> reports;
  for (const auto& [source, report] : reports_) reports.push_back(report);
  std::vector<FoundTarget> there;
  there.reserve(targets.size());
  for (const auto& target : targets) there.push_back(found(target));
  return compare_expected(reports, configured_, there, snapshot, now);
}

bool Expectations::any() const {
  return !reports_.empty() || std::any_of(configured_.begin(), configured_.end(), [](const auto& c) { return c.count.has_value(); });
}

void MismatchLog::watch(const ExpectedFound& found, Logger& log) {
  constexpr int kLooks = 2;
  constexpr std::size_t kNamed = 5;
  for (const ServiceFound& service : found.services) {
    Seen& seen = seen_[service.name];
    const std::uint64_t desired = service.desired.value_or(0);
    if (service.matches()) {
      if (std::exchange(seen.told, false)) log.info("expected_found", {{"service", service.name}, {"desired", desired}, {"listed", service.listed}});
      seen.looks = 0;
      continue;
    }
    if (++seen.looks < kLooks || std::exchange(seen.told, true)) continue;
    log.warn("expected_not_found", service.name,
             {{"service", service.name}, {"desired", desired}, {"listed", service.listed}, {"missing", service.missing.size()}, {"phantom", service.phantom.size()},
              {"detail", mismatch_line(service, kNamed)}, {"advice", "each with its reason: choregos expected"}});
  }
}

}  // namespace choregos::daemon
