#include "choregos/source/http_probe/http_probe.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "choregos/net/http_client.hpp"

namespace choregos::source {
namespace {

ProbeResult result_of(Result<net::HttpResponse> response, net::Failure failure) {
  ProbeResult r;
  if (response) {
    r.status = response->status;
    r.latency = response->latency;
    r.outcome = r.status == 200 ? Outcome::answered : r.status >= 300 && r.status < 400 ? Outcome::redirected : Outcome::unwell;
    if (r.outcome == Outcome::answered) r.body = std::move(response->body);
    return r;
  }
  r.error = response.error().message;
  switch (failure) {
    case net::Failure::refused: r.outcome = Outcome::refused; break;
    case net::Failure::unreachable: r.outcome = Outcome::unreachable; break;
    case net::Failure::reset: r.outcome = Outcome::reset; break;
    case net::Failure::timeout: r.outcome = Outcome::timeout; break;
    case net::Failure::too_large:
    case net::Failure::malformed: r.outcome = Outcome::malformed; break;
    case net::Failure::policy: r.outcome = Outcome::forbidden; break;
    case net::Failure::resolve:
    case net::Failure::other:
    case net::Failure::none: r.outcome = Outcome::own_fault; break;
  }
  return r;
}

}  // namespace

struct HttpProbe::Impl : std::enable_shared_from_this<HttpProbe::Impl> {
  Impl(net::Loop& l, Options o, Submit s) : loop(l), options(std::move(o)), submit(std::move(s)), plan(options.settings, options.seed) {}

  net::Loop& loop;
  Options options;
  Submit submit;
  ProbePlan plan;
  std::function<void(const SocketAddress&)> silent;

  bool running = false;
  std::unique_ptr<net::HttpClient> client;
  net::Timer timer;
  struct Call {
    net::HttpCall call;
    std::uint64_t number = 0;
  };
  std::map<SocketAddress, Call> calls;           ///< probes under way
  std::map<SocketAddress, net::HttpTarget> kept; ///< those whose idle connection is watched
  std::uint64_t call_number = 0;
  std::map<std::string, std::set<IpAddress>> learnt;

  struct Confirmation {
    SocketAddress address;
    bool configured = false;
    std::function<void(Verdict)> done;
    int refusals = 0;
    int resets = 0;
    net::HttpCall call;
    net::Timer pause;
  };
  std::map<std::uint64_t, Confirmation> confirmations;

  Moment moment() const { return {loop.now(), loop.wall_now()}; }

  void turn() {
    if (!running) return;
    for (ProbeStart& start : plan.begin(loop.now())) ask(std::move(start));
    arm();
  }

  void arm() {
    const Instant next = plan.next();
    if (next == Instant::never()) {
      timer.cancel();
      return;
    }
    timer = loop.at(next, [this] { turn(); });
  }

  void ask(ProbeStart start) {
    net::HttpClientRequest request;
    request.target.address = start.address;
    request.target.configured = start.configured;
    request.path = std::move(start.path);
    request.host = std::move(start.host);
    request.headers = {{"Accept", "application/json"}};
    request.timeout = start.time_max;
    request.keep_alive = start.keep_alive;
    if (const auto it = kept.find(start.address); it != kept.end() && (!start.keep_alive || it->second != request.target)) unwatch(it);
    if (start.keep_alive && !kept.contains(start.address)) {
      kept.emplace(start.address, request.target);
      client->on_idle_close(request.target, [this, address = start.address] {
        plan.idle_closed(address, loop.now());
        turn();
      });
    }
    const std::uint64_t number = ++call_number;
    calls[start.address].number = number;
    net::HttpCall call = client->request(std::move(request), [this, address = start.address, number](Result<net::HttpResponse> response, net::Failure failure) {
      const auto self = shared_from_this();  // whoever takes the observation may destroy us
      const auto it = calls.find(address);
      if (it == calls.end() || it->second.number != number) return;
      calls.erase(it);
      PlanOutput out;
      plan.finished(address, result_of(std::move(response), failure), moment(), out);
      hand_over(out);
      turn();
    });
    if (const auto it = calls.find(start.address); it != calls.end() && it->second.number == number) it->second.call = std::move(call);
  }

  void unwatch(std::map<SocketAddress, net::HttpTarget>::iterator it) {
    client->on_idle_close(it->second, {});
    client->close_idle(it->second);
    kept.erase(it);
  }

  void hand_over(PlanOutput& out) {
    for (const SocketAddress& address : out.gone) {
      if (const auto it = calls.find(address); it != calls.end()) {
        it->second.call.cancel();
        calls.erase(it);
      }
      if (const auto it = kept.find(address); it != kept.end()) unwatch(it);
    }
    // Whoever takes them may stop us.
    for (Observation& o : out.observations)
      if (running) submit(std::move(o));
    for (const SocketAddress& address : out.silent)
      if (running && silent) silent(address);
  }

  void learn(const std::string& origin, const std::vector<Target>& targets) {
    if (options.policy == nullptr) return;
    std::set<IpAddress> named;
    for (const Target& t : targets)
      if (!t.configured) named.insert(t.address.ip);
    std::set<IpAddress>& before = learnt[origin];
    for (const IpAddress& ip : named)
      if (!before.contains(ip)) options.policy->learn(ip, origin);
    for (const IpAddress& ip : before)
      if (!named.contains(ip)) options.policy->forget(ip, origin);
    before = std::move(named);
    if (before.empty()) learnt.erase(origin);
  }

  // ---- is anybody there? ----

  void confirm(std::uint64_t number) {
    Confirmation& c = confirmations.at(number);
    net::HttpClientRequest request;
    request.target.address = c.address;
    request.target.configured = c.configured;
    request.path = "/health";
    request.timeout = options.settings.timeout;
    net::HttpCall call = client->request(std::move(request), [this, number](Result<net::HttpResponse> response, net::Failure failure) {
      const auto it = confirmations.find(number);
      if (it == confirmations.end()) return;
      const Outcome outcome = result_of(std::move(response), failure).outcome;
      // The kernel of a dying process still accepts from its backlog and then resets: that is nobody's answer.
      const bool again = outcome == Outcome::refused ? ++it->second.refusals < 2 : outcome == Outcome::reset && ++it->second.resets <= 3;
      if (again) {
        it->second.pause = loop.after(200ms, [this, number] { confirm(number); });
        return;
      }
      Verdict verdict = Verdict::unknown;
      if (outcome == Outcome::refused) verdict = Verdict::refused;
      else if (!is_miss(outcome) && outcome != Outcome::forbidden && outcome != Outcome::own_fault) verdict = Verdict::answered;
      const auto done = std::move(it->second.done);
      confirmations.erase(it);
      done(verdict);
    });
    c.call = std::move(call);
  }
};

HttpProbe::HttpProbe(net::Loop& loop, Options options, Submit submit) : impl_(std::make_shared<Impl>(loop, std::move(options), std::move(submit))) {}

HttpProbe::~HttpProbe() {
  stop();
  if (impl_->options.policy != nullptr)
    for (const auto& [origin, addresses] : impl_->learnt)
      for (const IpAddress& ip : addresses) impl_->options.policy->forget(ip, origin);
}

void HttpProbe::start() {
  if (impl_->running) return;
  net::HttpClient::Options options;
  options.policy = impl_->options.policy;
  options.user_agent = impl_->options.user_agent;
  // Longer than the longest pause between two probes, or the watch over the connection would end before it.
  options.idle_keep = std::max<Duration>(options.idle_keep, 2 * impl_->options.settings.period);
  impl_->client = std::make_unique<net::HttpClient>(impl_->loop, options);
  impl_->running = true;
  impl_->timer = impl_->loop.after(0s, [impl = impl_.get()] { impl->turn(); });
}

void HttpProbe::stop() {
  if (!impl_->running) return;
  impl_->running = false;
  impl_->timer.cancel();
  impl_->confirmations.clear();
  // What was under way is unanswered by our own doing.
  PlanOutput out;
  for (const auto& [address, call] : std::exchange(impl_->calls, {})) impl_->plan.finished(address, {}, impl_->moment(), out);
  impl_->kept.clear();
  impl_->client.reset();
}

SourceHealth HttpProbe::health() const {
  SourceHealth health = impl_->plan.health();
  if (!impl_->running) {
    health.state = SourceState::off;
    health.advice.clear();
  }
  return health;
}

void HttpProbe::set_targets(const std::string& origin, std::vector<Target> targets) {
  const auto impl = impl_;  // whoever takes the observations may destroy us
  impl->learn(origin, targets);
  PlanOutput out;
  impl->plan.set_targets(origin, std::move(targets), impl->moment(), out);
  if (!impl->running) return;
  impl->hand_over(out);
  // Not inside this call: its caller may be in the middle of something.
  if (impl->running) impl->timer = impl->loop.after(0s, [self = impl.get()] { self->turn(); });
}

void HttpProbe::ask(const Ask& ask) {
  if (!impl_->running || ask.source != impl_->options.settings.name || !ask.helpers.empty()) return;
  const auto address = parse_socket_address(ask.subject);
  if (!address) return;
  impl_->plan.ask(*address, impl_->loop.now());
  impl_->timer = impl_->loop.after(0s, [self = impl_.get()] { self->turn(); });
}

std::vector<TargetState> HttpProbe::targets() const { return impl_->plan.targets(); }

void HttpProbe::on_silent(std::function<void(const SocketAddress&)> fn) { impl_->silent = std::move(fn); }

void HttpProbe::confirm_dead(const SocketAddress& address, std::function<void(Verdict)> done, bool configured) {
  if (!impl_->running) {
    impl_->loop.post([done = std::move(done)] { done(Verdict::unknown); });
    return;
  }
  const std::uint64_t number = ++impl_->call_number;
  Impl::Confirmation c;
  c.address = address;
  c.configured = configured;
  c.done = std::move(done);
  impl_->confirmations.emplace(number, std::move(c));
  impl_->confirm(number);
}

}  // namespace choregos::source
