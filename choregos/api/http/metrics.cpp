#include "choregos/api/http/metrics.hpp"

#include <algorithm>

#include "choregos/api/http/process_stats.hpp"
#include "choregos/base/limits.hpp"
#include "choregos/wire/metrics.hpp"

namespace choregos::api {
namespace {

using wire::MetricType;
using wire::MetricsWriter;

constexpr Liveness kLivenesses[] = {Liveness::unconfirmed, Liveness::alive, Liveness::suspect, Liveness::lost, Liveness::left};
constexpr Status kStatuses[] = {Status::online, Status::idle, Status::working};

std::uint64_t wide(std::size_t number) { return static_cast<std::uint64_t>(number); }

void write_self(MetricsWriter& out, const View& view, bool ready) {
  const auto& build = view.services.build;
  out.family("choregos_build_info", MetricType::gauge, "Which program this is; always 1.")
      .sample(wide(1), {{"version", build.version}, {"commit", build.commit}, {"compiler", build.compiler}});
  out.family("choregos_ready", MetricType::gauge, "1 when lists may be believed.").sample(wide(ready ? 1 : 0));
  out.family("choregos_mode", MetricType::gauge, "The mode of belief that is in force; always 1.").sample(wide(1), {{"mode", view.mode}});
}

/// What the guard against mass silence holds.
void write_guard(MetricsWriter& out, const GuardView& guard) {
  const auto& domains = guard.domains;
  const auto in = [&](Mode mode) { return wide(static_cast<std::size_t>(std::count_if(domains.begin(), domains.end(), [&](const auto& d) { return d.mode == mode; }))); };
  out.family("choregos_frozen_domains", MetricType::gauge, "Domains in which nobody is declared lost by silence.").sample(in(Mode::frozen));
  out.family("choregos_draining_domains", MetricType::gauge, "Domains whose silent agents are let go one a second.").sample(in(Mode::draining));
  if (!domains.empty()) {
    out.family("choregos_silent_agents", MetricType::gauge, "Agents of a frozen or draining domain that are not heard; the 200 largest domains.");
    std::vector<DomainView> largest = domains;
    std::stable_sort(largest.begin(), largest.end(), [](const auto& a, const auto& b) { return a.silent > b.silent; });
    if (largest.size() > limits::metric_label_count_max) largest.resize(limits::metric_label_count_max);
    for (const DomainView& d : largest) out.sample(std::uint64_t{d.silent}, {{"domain", d.name}, {"mode", to_string(d.mode)}});
  }
  out.family("choregos_freezes_total", MetricType::counter, "How often a domain was frozen.").sample(guard.freezes);
  out.family("choregos_health_score", MetricType::gauge, "How far our own ears are to be doubted: 0 = fine, 8 = most; waits grow with it.").sample(std::uint64_t{guard.health_score});
}

void write_capabilities(MetricsWriter& out, const Snapshot& snapshot) {
  auto capabilities = snapshot.capabilities();
  out.family("choregos_capabilities", MetricType::gauge, "Distinct capabilities of the listed agents.").sample(wide(capabilities.size()));
  std::stable_sort(capabilities.begin(), capabilities.end(), [](const auto& a, const auto& b) { return a.live > b.live; });
  if (capabilities.size() > limits::metric_label_count_max) capabilities.resize(limits::metric_label_count_max);
  if (capabilities.empty()) return;
  out.family("choregos_capability_agents", MetricType::gauge, "Agents alive that have the capability, of the 200 capabilities that most have.");
  for (const auto& each : capabilities) out.sample(wide(each.live), {{"capability", each.capability}});
}

void write_fleet(MetricsWriter& out, const View& view) {
  const auto& counts = view.snapshot->counts();
  out.family("choregos_agents", MetricType::gauge, "Listed agents by what is believed of them.");
  for (const auto liveness : kLivenesses) out.sample(wide(counts.by_liveness[static_cast<std::size_t>(liveness)]), {{"liveness", to_string(liveness)}});
  out.family("choregos_agents_status", MetricType::gauge, "Agents that are alive, suspect or unconfirmed, by what they say they do.");
  for (const auto status : kStatuses) out.sample(wide(counts.by_status[static_cast<std::size_t>(status)]), {{"status", to_string(status)}});
  write_guard(out, *view.snapshot->guard());
  write_capabilities(out, *view.snapshot);
  const auto revision = view.snapshot->revision();
  out.family("choregos_epoch", MetricType::gauge, "Rises at each start of the registry.").sample(revision.epoch);
  out.family("choregos_revision", MetricType::gauge, "Number of the last change of what is believed.").sample(revision.number);
}

void write_sources(MetricsWriter& out, const View& view) {
  const auto sources = view.services.sources();
  if (sources.empty()) return;
  out.family("choregos_source_up", MetricType::gauge, "1 when the source works, at least in part.");
  for (const auto& source : sources)
    out.sample(wide(source.state == SourceState::ok || source.state == SourceState::degraded ? 1 : 0), {{"source", source.name}, {"kind", source.kind}});
  out.family("choregos_source_state", MetricType::gauge, "The state that the source is in; always 1.");
  for (const auto& source : sources) out.sample(wide(1), {{"source", source.name}, {"state", to_string(source.state)}});
  out.family("choregos_source_last_success_timestamp_seconds", MetricType::gauge, "When the source last worked; 0 when never.");
  for (const auto& source : sources) out.sample(static_cast<double>(source.last_ok.ms) / 1000.0, {{"source", source.name}});
  const auto any = [&](auto member) { return std::any_of(sources.begin(), sources.end(), [&](const auto& s) { return !(s.*member).empty(); }); };
  if (any(&SourceHealth::counters)) {
    out.family("choregos_source_events_total", MetricType::counter, "What the source has counted, by its own names.");
    for (const auto& source : sources)
      for (const auto& [name, value] : source.counters) out.sample(value, {{"source", source.name}, {"event", name}});
  }
  if (any(&SourceHealth::gauges)) {
    out.family("choregos_source_reading", MetricType::gauge, "What the source measures now, by its own names.");
    for (const auto& source : sources)
      for (const auto& [name, value] : source.gauges) out.sample(value, {{"source", source.name}, {"reading", name}});
  }
}

void write_http(MetricsWriter& out, const HttpCounters& counters) {
  out.family("choregos_http_requests_total", MetricType::counter, "Requests answered, by route and status.");
  for (const auto& [key, count] : counters.replies) {
    const auto& [index, status] = key;
    const bool known = index < kRouteCount;
    out.sample(count, {{"route", known ? routes()[index].pattern : "other"},
                       {"method", known ? routes()[index].method : "other"},
                       {"code", std::to_string(status)}});
  }
  out.family("choregos_http_wrong_tokens_total", MetricType::counter, "Requests with a bearer token that is not ours.").sample(counters.wrong_tokens);
  out.family("choregos_tethers", MetricType::gauge, "Tethers that agents hold open.").sample(counters.tethers_open);
  out.family("choregos_tethers_opened_total", MetricType::counter, "Tethers opened since the start.").sample(counters.tethers_total);
}

void write_server(MetricsWriter& out, const View& view) {
  if (!view.services.server_stats) return;
  const auto stats = view.services.server_stats();
  out.family("choregos_http_connections", MetricType::gauge, "Open connections.").sample(wide(stats.connections));
  out.family("choregos_http_streams", MetricType::gauge, "Replies that stay open.").sample(wide(stats.streams));
  out.family("choregos_http_connections_total", MetricType::counter, "Connections, by what became of them.");
  out.sample(stats.accepted, {{"result", "accepted"}});
  out.sample(stats.refused_connections, {{"result", "over_limit"}});
  out.sample(stats.accept_failures, {{"result", "failed"}});
  out.family("choregos_http_malformed_total", MetricType::counter, "Requests that the server itself refused.").sample(stats.bad_requests);
  out.family("choregos_http_timeouts_total", MetricType::counter, "Connections that were too slow or idle for too long.").sample(stats.timeouts);
  out.family("choregos_http_received_bytes_total", MetricType::counter, "Bytes read.").sample(stats.bytes_in);
  out.family("choregos_http_sent_bytes_total", MetricType::counter, "Bytes written.").sample(stats.bytes_out);
}

void write_writer(MetricsWriter& out, const View& view) {
  if (!view.services.writer_stats) return;
  const auto stats = view.services.writer_stats();
  out.family("choregos_writer_observations_total", MetricType::counter, "Observations, by what became of them.");
  out.sample(stats.applied, {{"result", "applied"}});
  out.sample(stats.refused, {{"result", "refused"}});
  out.sample(stats.dropped, {{"result", "dropped"}});
  out.family("choregos_writer_signs_total", MetricType::counter, "Signs of our own condition that were taken.").sample(stats.signs);
  out.family("choregos_writer_asks_total", MetricType::counter, "Questions that the registry wanted put to quiet agents.").sample(stats.asks);
  out.family("choregos_writer_batches_total", MetricType::counter, "Batches applied.").sample(stats.batches);
  out.family("choregos_writer_changes_total", MetricType::counter, "Changes of what is believed.").sample(stats.changes);
  out.family("choregos_writer_persist_errors_total", MetricType::counter, "Batches that could not be made durable.").sample(stats.persist_errors);
  out.family("choregos_writer_queued", MetricType::gauge, "Observations waiting.").sample(stats.queued);
}

void write_watch(MetricsWriter& out, const View& view) {
  if (!view.services.watch) return;
  const auto stats = view.services.watch->stats();
  out.family("choregos_watch_watchers", MetricType::gauge, "Streams of changes that are open.").sample(stats.watchers);
  out.family("choregos_watch_polls", MetricType::gauge, "Long polls that wait.").sample(stats.polls);
  out.family("choregos_watch_opened_total", MetricType::counter, "Streams opened.").sample(stats.opened);
  out.family("choregos_watch_resumed_total", MetricType::counter, "Streams that went on from a position.").sample(stats.resumed);
  out.family("choregos_watch_resets_total", MetricType::counter, "Whole lists told to watchers.").sample(stats.resets);
  out.family("choregos_watch_events_total", MetricType::counter, "Changes told, counted once a watcher.").sample(stats.events);
  out.family("choregos_watch_folded_total", MetricType::counter, "Changes that slow watchers were spared.").sample(stats.folded);
  out.family("choregos_watch_cut_total", MetricType::counter, "Streams ended because their watcher read nothing.").sample(stats.cut);
}

void write_process(MetricsWriter& out) {
  const auto stats = read_process_stats();
  out.family("process_resident_memory_bytes", MetricType::gauge, "Resident memory size in bytes.").sample(stats.resident_bytes);
  out.family("process_virtual_memory_bytes", MetricType::gauge, "Virtual memory size in bytes.").sample(stats.virtual_bytes);
  out.family("process_open_fds", MetricType::gauge, "Number of open file descriptors.").sample(stats.open_fds);
  out.family("process_max_fds", MetricType::gauge, "Maximum number of open file descriptors.").sample(stats.max_fds);
  out.family("process_threads", MetricType::gauge, "Number of threads.").sample(stats.threads);
  out.family("process_cpu_seconds_total", MetricType::counter, "Total user and system CPU time spent in seconds.").sample(stats.cpu_seconds);
  out.family("process_start_time_seconds", MetricType::gauge, "Start time of the process since unix epoch in seconds.").sample(stats.start_seconds);
}

void write_limits(MetricsWriter& out) {
  out.family("choregos_limit", MetricType::gauge, "The limits in force, in the unit that is named.");
  for (const auto& row : limits::table()) out.sample(row.value, {{"limit", row.name}, {"unit", row.unit}});
}

}  // namespace

Reply get_metrics(const Call& call, const HttpCounters& counters) {
  MetricsWriter out;
  const bool ready = call.view.snapshot && call.view.services.readiness().ready;
  write_self(out, call.view, ready);
  if (ready) write_fleet(out, call.view);  // absent, not zero: nobody knows yet
  write_sources(out, call.view);
  write_http(out, counters);
  write_server(out, call.view);
  write_writer(out, call.view);
  write_watch(out, call.view);
  for (const auto& contribute : call.view.services.metrics) contribute(out);
  write_process(out);
  write_limits(out);
  Reply reply;
  reply.content_type = wire::kMetricsMediaType;
  reply.body = std::move(out).take();
  return reply;
}

}  // namespace choregos::api
