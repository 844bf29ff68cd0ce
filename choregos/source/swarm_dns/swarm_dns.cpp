#include "choregos/source/swarm_dns/swarm_dns.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/base/rng.hpp"
#include "choregos/net/resolver.hpp"
#include "choregos/source/swarm_dns/task_name.hpp"

namespace choregos::source {
namespace {

/// PTR questions under way for one service: a scale to thousands must not flood Docker's resolver.

bool is_service_name(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
  return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), fits) && text.front() != '-' && text.front() != '_';
}

}  // namespace

Result<void> SwarmDns::check(const Options& options) {
  if (options.services.empty()) return fail(ErrorCode::invalid, "swarm_dns needs the name of a service");
  std::set<std::string> names;
  for (const ServiceSettings& s : options.services) {
    if (!is_service_name(s.service)) return fail(ErrorCode::invalid, "\"" + s.service + "\" is no name of a Swarm service: letters, digits, '-' and '_', at most 63, without tasks.");
    if (!names.insert(s.service).second) return fail(ErrorCode::invalid, "the service " + s.service + " is named twice");
    if (s.port == 0) return fail(ErrorCode::invalid, "the health port of " + s.service + " must lie between 1 and 65535");
    if (!s.path.starts_with('/')) return fail(ErrorCode::invalid, "the health path of " + s.service + " must begin with '/'");
  }
  if (options.interval < 200ms) return fail(ErrorCode::invalid, "the interval of swarm_dns must be at least 200ms");
  if (options.server.port == 0) return fail(ErrorCode::invalid, "the DNS server of swarm_dns needs a port, usually 53");
  return {};
}

struct SwarmDns::Impl : std::enable_shared_from_this<SwarmDns::Impl> {
  struct Service {
    explicit Service(ServiceSettings settings) : roster(std::move(settings)) {}
    Roster roster;
    net::Timer ask_timer;   ///< the next A question
    net::Timer turn_timer;  ///< the next thing the roster waits for
    std::size_t naming = 0;
    std::string origin() const { return "swarm_dns/" + roster.settings().service; }
  };

  Impl(net::Loop& l, Options o, PublishTargets p) : loop(l), options(std::move(o)), publish(std::move(p)), rng(options.seed) {
    for (const ServiceSettings& settings : options.services) services.push_back(std::make_unique<Service>(settings));
  }

  void ask(Service& service) {
    if (!running) return;
    ++lookups;
    const Instant began = loop.now();
    resolver->query_a("tasks." + service.roster.settings().service, [this, &service, began](Result<net::DnsAnswer> answer) {
      if (!answer) {
        ++failures;
        last_error = "tasks." + service.roster.settings().service + ": " + answer.error().message;
        last_error_at = loop.wall_now();
        service.roster.failed(answer.error().message);
      } else {
        last_ok = loop.wall_now();
        if (answer->cut) ++cut;
        if (answer->outcome == net::DnsAnswer::Outcome::no_such_name) {
          ++no_such_name;
          service.roster.no_such_name(loop.now());
        } else {
          service.roster.found(answer->addresses, loop.now());
        }
      }
      // From start to start, so that slow answers do not slow the pace; never two at once.
      const Instant next = std::max(began + rng.jitter(options.interval, 0.1), loop.now() + 100ms);
      service.ask_timer = loop.at(next, [this, &service] { ask(service); });
      turn(service);
    });
  }

  /// Asks for names, publishes what changed, waits for what comes next.
  void turn(Service& service) {
    if (!running) return;
    const auto self = shared_from_this();  // whoever takes the targets may destroy us
    const std::size_t free = limits::dns_naming_parallel_max - std::min(limits::dns_naming_parallel_max, service.naming);
    for (const IpAddress& address : service.roster.to_name(loop.now(), free)) {
      ++service.naming;
      ++ptr_lookups;
      resolver->query_ptr(address, [this, &service, address](Result<std::vector<std::string>> names) {
        --service.naming;
        if (!names) {
          ++ptr_failures;
          service.roster.name_failed(address, loop.now());
        } else {
          service.roster.named(address, task_in(*names, service.roster.settings().service), loop.now());
        }
        turn(service);
      });
    }
    if (auto targets = service.roster.take_changed(loop.now())) publish(service.origin(), std::move(*targets));
    if (!running) return;
    const Instant next = service.roster.next(loop.now());
    if (next == Instant::never()) service.turn_timer.cancel();
    // While all places for PTR questions are taken, their answers come back here.
    else service.turn_timer = loop.at(std::max(next, loop.now() + (service.naming >= limits::dns_naming_parallel_max ? Duration(100ms) : Duration(1ms))), [this, &service] { turn(service); });
  }

  /// A task has a name in each network; the one of our service is meant, else the first.
  static std::optional<SwarmTask> task_in(const std::vector<std::string>& names, const std::string& service) {
    std::optional<SwarmTask> first;
    for (const std::string& name : names)
      if (auto task = parse_task_name(name)) {
        if (is_task_of(*task, service)) return task;
        if (!first) first = std::move(task);
      }
    return first;
  }

  net::Loop& loop;
  Options options;
  PublishTargets publish;
  Rng rng;
  bool running = false;
  std::unique_ptr<net::Resolver> resolver;
  std::vector<std::unique_ptr<Service>> services;
  std::uint64_t lookups = 0, failures = 0, no_such_name = 0, ptr_lookups = 0, ptr_failures = 0, cut = 0;
  std::string last_error;
  WallTime last_error_at, last_ok;
};

SwarmDns::SwarmDns(net::Loop& loop, Options options, PublishTargets publish) : impl_(std::make_shared<Impl>(loop, std::move(options), std::move(publish))) {}

SwarmDns::~SwarmDns() { stop(); }

void SwarmDns::start() {
  if (impl_->running) return;
  net::Resolver::Options options;
  options.servers = {impl_->options.server};
  options.timeout = impl_->options.timeout;
  impl_->resolver = std::make_unique<net::Resolver>(impl_->loop, options);
  impl_->running = true;
  for (const auto& service : impl_->services) service->ask_timer = impl_->loop.after(0s, [impl = impl_.get(), s = service.get()] { impl->ask(*s); });
}

void SwarmDns::stop() {
  if (!impl_->running) return;
  impl_->running = false;
  impl_->resolver.reset();
  for (const auto& service : impl_->services) {
    service->ask_timer.cancel();
    service->turn_timer.cancel();
    service->naming = 0;
    service->roster.questions_lost();
  }
}

void SwarmDns::target_silent(const SocketAddress& address) {
  for (const auto& service : impl_->services) {
    if (service->roster.settings().port != address.port) continue;
    service->roster.silent(address.ip);
    // The probe is in the middle of something: publish after it.
    if (impl_->running) service->turn_timer = impl_->loop.after(0s, [impl = impl_.get(), s = service.get()] { impl->turn(*s); });
  }
}

SourceHealth SwarmDns::health() const {
  const Impl& m = *impl_;
  SourceHealth h;
  h.name = h.kind = "swarm_dns";
  std::size_t present = 0, draining = 0, failing = 0, unasked = 0;
  std::string warnings;
  for (const auto& service : m.services) {
    const Roster& r = service->roster;
    present += r.present();
    draining += r.draining();
    failing += r.failing();
    unasked += !r.asked() && !r.failing();
    if (!h.detail.empty()) h.detail += ", ";
    h.detail += std::to_string(r.present()) + " addresses of tasks." + r.settings().service;
    if (const std::string warning = r.warning(); !warning.empty()) warnings += (warnings.empty() ? "" : "; ") + warning;
  }
  h.detail += " at " + to_string(m.options.server);
  if (draining > 0) h.detail += ", " + std::to_string(draining) + " draining";
  if (!warnings.empty()) h.detail += "; " + warnings;
  if (!m.running) h.state = SourceState::off;
  else if (failing == m.services.size()) h.state = SourceState::failed;
  else if (failing > 0 || !warnings.empty()) h.state = SourceState::degraded;
  else if (unasked > 0) h.state = SourceState::starting;
  else h.state = SourceState::ok;
  if (m.running && failing > 0) {
    h.advice = m.options.server == Options{}.server
                   ? "127.0.0.11 answers only inside a container on a network of its own kind: run choregosd as a service of the Swarm, on the agents' network, or name another DNS server"
                   : "the DNS server " + to_string(m.options.server) + " gives no answer: is its address right and reachable?";
  } else if (m.running && present == 0 && unasked == 0) {
    h.advice = "DNS knows no task of these services: are the names right, do they run, and is choregosd attached to the same network?";
  } else if (m.running && !warnings.empty()) {
    h.advice = "compare with `docker service ps`; a task that is missing there too has not started";
  }
  h.last_error = m.last_error;
  h.last_error_at = m.last_error_at;
  h.last_ok = m.last_ok;
  h.counters = {{"lookups", m.lookups}, {"failures", m.failures}, {"no_such_name", m.no_such_name}, {"ptr_lookups", m.ptr_lookups}, {"ptr_failures", m.ptr_failures}, {"cut", m.cut}};
  h.gauges = {{"services", m.services.size()}, {"addresses", present}, {"draining", draining}};
  return h;
}

}  // namespace choregos::source
