#include "choregos/source/http_probe/plan.hpp"

#include <algorithm>

namespace choregos::source {
namespace {

std::string describe(const ProbeResult& r) {
  switch (r.outcome) {
    case Outcome::answered: return "answers";
    case Outcome::unwell: return "answers " + std::to_string(r.status) + ", only 200 counts";
    case Outcome::redirected: return "answers " + std::to_string(r.status) + ", a redirect, which is not followed";
    case Outcome::malformed: return r.error.empty() ? "gives no usable answer" : "gives no usable answer: " + r.error;
    case Outcome::reset: return "closes the connection without an answer";
    case Outcome::refused: return "connection refused";
    case Outcome::unreachable: return "unreachable";
    case Outcome::timeout: return "no answer in time";
    case Outcome::forbidden: return "not allowed by the address policy" + (r.error.empty() ? "" : ": " + r.error);
    case Outcome::own_fault: return "could not be asked" + (r.error.empty() ? "" : ": " + r.error);
  }
  return {};
}

}  // namespace

// ---- targets ----------------------------------------------------------------------------------------------------------

Target ProbePlan::merged(const std::map<std::string, Target>& by_origin) {
  const auto leading = std::find_if(by_origin.begin(), by_origin.end(), [](const auto& entry) { return entry.second.configured; });
  Target target = leading != by_origin.end() ? leading->second : by_origin.begin()->second;
  target.draining = std::all_of(by_origin.begin(), by_origin.end(), [](const auto& entry) { return entry.second.draining; });
  for (const auto& [origin, said] : by_origin) {
    if (!target.task) target.task = said.task;
    if (target.expected_id.empty()) target.expected_id = said.expected_id;
    target.behind_balancer = target.behind_balancer || said.behind_balancer;
  }
  return target;
}

void ProbePlan::set_targets(const std::string& origin, std::vector<Target> targets, Moment at, PlanOutput& out) {
  if (targets.size() > limits::target_count_max) {
    counters_.targets_over_limit += targets.size() - limits::target_count_max;
    targets.resize(limits::target_count_max);
  }
  std::set<SocketAddress>& known = origins_[origin];
  std::set<SocketAddress> now_named;
  for (Target& target : targets) {
    const SocketAddress address = target.address;
    if (!now_named.insert(address).second) continue;
    auto it = entries_.find(address);
    if (it == entries_.end()) it = entries_.emplace(address, Entry(at.now)).first;
    it->second.by_origin.insert_or_assign(origin, std::move(target));
    update(it, at, out);
  }
  for (const SocketAddress& address : known) {
    if (now_named.contains(address)) continue;
    const auto it = entries_.find(address);
    it->second.by_origin.erase(origin);
    if (it->second.by_origin.empty()) remove(it, "no longer a target of " + origin, at, out);
    else update(it, at, out);
  }
  known = std::move(now_named);
  if (known.empty()) origins_.erase(origin);
}

void ProbePlan::update(Entries::iterator it, Moment at, PlanOutput& out) {
  Entry& entry = it->second;
  const Target former = std::exchange(entry.target, merged(entry.by_origin));
  const Target& target = entry.target;
  if (former == target) return;
  unqueue(entry);
  if (target.behind_balancer != (entry.balancer != nullptr)) {
    let_go(entry, target.behind_balancer ? "its address is a virtual one" : "its address is no longer a virtual one", at, out);
    entry.balancer = target.behind_balancer ? std::make_unique<Balancer>(settings_, at.now) : nullptr;
    entry.track = Track(at.now);
    entry.discard = entry.in_flight;
  } else if (former.task && target.task && former.task != target.task) {
    // Addresses are used again, tasks are not: whoever answered here before has gone.
    let_go(entry, "its address now belongs to the task " + target.task->name(), at, out);
    entry.track.renew(at.now);
    entry.discard = entry.in_flight;
  } else if (target.draining && !former.draining) {
    entry.track.hurry(at.now);
  }
  queue(entry);
}

void ProbePlan::let_go(Entry& entry, const std::string& reason, Moment at, PlanOutput& out) {
  if (entry.balancer) {
    counters_.rounds_gone += entry.balancer->rounds();
    entry.balancer->end(settings_.name, reason, at, out.observations);
  } else if (entry.standing) {
    out.observations.push_back(failure_of(entry.heard, settings_.name, to_string(entry.target.address), ObservationKind::refused, {}, reason, at));
  }
  entry.standing = false;
}

void ProbePlan::remove(Entries::iterator it, const std::string& reason, Moment at, PlanOutput& out) {
  Entry& entry = it->second;
  unqueue(entry);
  let_go(entry, reason, at, out);
  if (entry.in_flight) {
    --in_flight_;
    if (!entry.in_flight_hopeful) --in_flight_other_;
  }
  out.gone.push_back(it->first);
  entries_.erase(it);
}

// ---- schedule ---------------------------------------------------------------------------------------------------------

void ProbePlan::queue(Entry& entry) {
  unqueue(entry);
  if (entry.in_flight) return;
  const bool hopeful = entry.balancer ? entry.balancer->answering() : entry.track.hopeful();
  const Instant due = entry.balancer ? entry.balancer->due() : entry.track.due();
  entry.queued = {due, hopeful};
  (hopeful ? hopeful_ : other_).insert({due, entry.target.address});
}

void ProbePlan::unqueue(Entry& entry) {
  if (!entry.queued) return;
  (entry.queued->second ? hopeful_ : other_).erase({entry.queued->first, entry.target.address});
  entry.queued.reset();
}

std::vector<ProbeStart> ProbePlan::begin(Instant now) {
  std::vector<ProbeStart> starts;
  const std::size_t other_max = std::max<std::size_t>(1, settings_.parallel_max * 3 / 4);
  const auto take = [&](Queue& from, bool hopeful) {
    const SocketAddress address = from.begin()->second;
    Entry& entry = entries_.at(address);
    unqueue(entry);
    entry.in_flight = true;
    entry.in_flight_hopeful = hopeful;
    entry.tried = true;
    ++in_flight_;
    if (!hopeful) ++in_flight_other_;
    ++counters_.probes;
    const Target& t = entry.target;
    // Behind a balancer only a fresh connection may reach another replica.
    const bool keep_alive = !entry.balancer && entry.track.keep_alive();
    starts.push_back({address, t.host, t.path, t.configured, keep_alive, entry.balancer ? settings_.timeout : entry.track.time_max(settings_)});
    if (entry.balancer) entry.balancer->started(now);
    else entry.track.started(now);
  };
  while (in_flight_ < settings_.parallel_max && !hopeful_.empty() && hopeful_.begin()->first <= now) take(hopeful_, true);
  while (in_flight_ < settings_.parallel_max && in_flight_other_ < other_max && !other_.empty() && other_.begin()->first <= now) take(other_, false);
  return starts;
}

Instant ProbePlan::next() const {
  if (in_flight_ >= settings_.parallel_max) return Instant::never();
  Instant next = hopeful_.empty() ? Instant::never() : hopeful_.begin()->first;
  if (!other_.empty() && in_flight_other_ < std::max<std::size_t>(1, settings_.parallel_max * 3 / 4)) next = std::min(next, other_.begin()->first);
  return next;
}

void ProbePlan::idle_closed(const SocketAddress& address, Instant now) {
  const auto it = entries_.find(address);
  if (it == entries_.end() || it->second.balancer) return;
  ++counters_.idle_closes;
  it->second.track.idle_closed(settings_, now);
  queue(it->second);
}

// ---- outcomes ---------------------------------------------------------------------------------------------------------

void ProbePlan::finished(const SocketAddress& address, ProbeResult result, Moment at, PlanOutput& out) {
  const auto it = entries_.find(address);
  if (it == entries_.end() || !it->second.in_flight) return;
  Entry& entry = it->second;
  entry.in_flight = false;
  --in_flight_;
  if (!entry.in_flight_hopeful) --in_flight_other_;
  if (std::exchange(entry.discard, false)) result = {Outcome::own_fault, 0, {}, {}, "asked somebody who has gone"};
  else count(entry, result);
  if (result.outcome == Outcome::answered) last_ok_ = at.wall, entry.last_answer = at.wall;
  else last_error_ = to_string(address) + ": " + describe(result), last_error_at_ = at.wall;
  entry.note = result.outcome == Outcome::answered ? std::string() : describe(result);

  if (entry.balancer) {
    entry.balancer->finished(entry.target, result, settings_, rng_, at, out.observations);
    queue(entry);
    return;
  }
  const bool was_silent = entry.track.known() && entry.track.silent();
  Finding finding = entry.track.finished(result, entry.target.draining, settings_, rng_, at.now);
  if (std::exchange(entry.again, false) && is_miss(result.outcome)) entry.track.hurry(at.now);
  if (was_silent && result.outcome == Outcome::answered) ask_the_silent(at.now);
  if (finding.kind == ObservationKind::heard) {
    Observation o = heard_from(entry.target, settings_.name, result, at);
    o.lease = finding.lease;
    entry.heard = {o.names, o.incarnation};
    entry.standing = true;
    if (!entry.target.expected_id.empty() && o.names.id != entry.target.expected_id)
      entry.note = o.names.id.empty() ? "says no id, expected " + entry.target.expected_id : "answers as " + o.names.id + ", expected " + entry.target.expected_id;
    out.observations.push_back(std::move(o));
  } else if (finding.kind) {
    // Death concerns the process and ends its tale here, as a verdict by silence does; other doubt leaves it open.
    if (finding.kind != ObservationKind::doubt || finding.lease.lost_after == Duration{}) entry.standing = false;
    out.observations.push_back(failure_of(entry.heard, settings_.name, to_string(address), *finding.kind, finding.lease, to_string(address) + ": " + finding.reason, at));
  }
  if (entry.target.draining && entry.track.silent()) out.silent.push_back(address);
  queue(entry);
}

void ProbePlan::ask(const SocketAddress& address, Instant now) {
  const auto it = entries_.find(address);
  if (it == entries_.end() || it->second.balancer || it->second.in_flight) return;
  it->second.track.hurry(now);
  queue(it->second);
}

/// Not more often than a tenth of a period: one that comes and goes must not make all others be asked without end.
void ProbePlan::ask_the_silent(Instant now) {
  if (asked_silent_at_ != Instant::min() && now < asked_silent_at_ + settings_.period / 10) return;
  asked_silent_at_ = now;
  for (auto& [address, entry] : entries_) {
    if (entry.balancer || !entry.track.known() || !entry.track.silent()) continue;
    entry.again = entry.in_flight;
    if (entry.in_flight) continue;
    entry.track.hurry(now + std::chrono::duration_cast<Duration>(settings_.period * (0.05 * rng_.unit())));
    queue(entry);
  }
}

void ProbePlan::count(Entry& entry, const ProbeResult& r) {
  switch (r.outcome) {
    case Outcome::answered: ++counters_.answers; break;
    case Outcome::unwell: ++counters_.unwell; break;
    case Outcome::redirected: ++counters_.redirects; break;
    case Outcome::malformed: ++counters_.malformed; break;
    case Outcome::reset: ++counters_.resets; break;
    case Outcome::refused: ++counters_.refused; break;
    case Outcome::unreachable: ++counters_.unreachable; break;
    case Outcome::timeout: ++counters_.timeouts; break;
    case Outcome::forbidden: ++counters_.forbidden; break;
    case Outcome::own_fault: ++counters_.own_faults; return;
  }
  if (entry.last != r.outcome) ++counters_.state_changes;
  entry.last = r.outcome;
}

// ---- how it stands ----------------------------------------------------------------------------------------------------

std::vector<TargetState> ProbePlan::targets() const {
  std::vector<TargetState> out;
  out.reserve(entries_.size());
  for (const auto& [address, entry] : entries_) {
    TargetState t;
    t.address = address;
    t.path = entry.target.path;
    for (const auto& [origin, target] : entry.by_origin) t.origins.push_back(origin);
    t.task = entry.target.task;
    t.behind_balancer = entry.target.behind_balancer;
    t.draining = entry.target.draining;
    t.answering = entry.balancer ? entry.balancer->answering() : entry.track.answering();
    t.id = entry.heard.names.id;
    t.note = entry.note;
    if (!entry.tried) t.note = "not probed yet";
    if (entry.balancer && entry.balancer->rounds() > 0) {
      t.note = entry.balancer->nameless() ? "a service of unknown size: its answers say no ids" : std::to_string(entry.balancer->replicas()) + " replicas met";
      if (!entry.balancer->nameless() && !entry.balancer->complete()) t.note += ", the list is incomplete: a round was not enough to meet all";
    }
    t.last_answer = entry.last_answer;
    t.latency = entry.track.latency();
    t.failures = entry.track.failures();
    out.push_back(std::move(t));
  }
  return out;
}

std::string ProbePlan::advice() const {
  // By origin: nothing of it answers, though all had time to.
  std::map<std::string, std::map<Outcome, std::size_t>> tally;
  std::map<std::string, std::size_t> answering;
  for (const auto& [address, entry] : entries_) {
    if (!entry.tried || entry.last == Outcome::own_fault) continue;
    for (const auto& [origin, target] : entry.by_origin) {
      if (entry.balancer ? entry.balancer->answering() : entry.track.answering()) ++answering[origin];
      else ++tally[origin][entry.last];
    }
  }
  for (const auto& [origin, outcomes] : tally) {
    if (answering.contains(origin)) continue;
    const auto most = std::max_element(outcomes.begin(), outcomes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    std::size_t count = 0;
    for (const auto& [outcome, n] : outcomes) count += n;
    const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.second.by_origin.contains(origin); });
    const std::string port = std::to_string(it->first.port), path = it->second.target.path;
    const bool dns = origin.starts_with("swarm_dns/");
    const std::string head = dns ? "DNS gives " + std::to_string(count) + " addresses of " + origin.substr(10) + " but none answers on port " + port
                                 : origin + " names " + std::to_string(count) + " targets but none answers";
    switch (most->first) {
      case Outcome::refused: return head + ": connections are refused; is the health port right?";
      case Outcome::timeout:
      case Outcome::unreachable: return head + ": nothing comes back; is choregosd attached to the same network, and the health port right?";
      case Outcome::unwell: return head + " with 200 at " + path + ": is the health path right?";
      case Outcome::redirected: return head + ": they redirect, which is not followed; give the path that answers itself";
      case Outcome::malformed:
      case Outcome::reset: return head + ": what listens there does not speak HTTP; is the health port right?";
      case Outcome::forbidden: return head + ": the address policy forbids them; allow their range in the configuration";
      case Outcome::answered:
      case Outcome::own_fault: break;
    }
  }
  return {};
}

SourceHealth ProbePlan::health() const {
  SourceHealth h;
  h.name = settings_.name;
  h.kind = "http_probe";
  std::size_t answering = 0, draining = 0, tried = 0, failing = 0, vips = 0, replicas = 0, incomplete = 0, nameless = 0, faulty = 0;
  std::uint64_t rounds = counters_.rounds_gone;
  for (const auto& [address, entry] : entries_) {
    const bool answers = entry.balancer ? entry.balancer->answering() : entry.track.answering();
    answering += answers;
    draining += entry.target.draining;
    tried += entry.tried && !(entry.last == Outcome::own_fault && !answers);
    failing += !answers && entry.last != Outcome::own_fault;
    faulty += !answers && entry.track.last_outcome() == Outcome::own_fault && entry.tried && !entry.in_flight;
    if (!entry.balancer) continue;
    ++vips;
    rounds += entry.balancer->rounds();
    replicas += entry.balancer->replicas();
    nameless += entry.balancer->nameless();
    incomplete += entry.balancer->rounds() > 0 && !entry.balancer->complete() && !entry.balancer->nameless();
  }
  h.detail = std::to_string(answering) + " of " + std::to_string(entries_.size()) + " targets answer";
  if (vips > 0) h.detail += ", " + std::to_string(replicas) + " replicas met behind " + std::to_string(vips) + " virtual addresses";
  if (nameless > 0) h.detail += ", " + std::to_string(nameless) + " of unknown size";
  if (incomplete > 0) h.detail += " (incomplete: a round of samples was not enough to meet all)";
  if (entries_.empty()) h.detail = "no targets yet";
  h.advice = advice();
  if (entries_.empty()) h.state = SourceState::ok;
  else if (tried == 0) h.state = faulty == 0 ? SourceState::starting : SourceState::failed;
  else h.state = answering == 0 || !h.advice.empty() || incomplete > 0 ? SourceState::degraded : SourceState::ok;
  if (h.state == SourceState::failed && h.advice.empty()) h.advice = "our own machine refuses to connect; look at the limit of open files";
  if (incomplete > 0 && h.advice.empty()) h.advice = "let the agents say their ids at addresses of their own (endpoint_mode: dnsrr, tasks.<service>), or raise the period";
  h.last_error = last_error_;
  h.last_error_at = last_error_at_;
  h.last_ok = last_ok_;
  const Counters& c = counters_;
  h.counters = {{"probes", c.probes},           {"answers", c.answers},         {"unwell", c.unwell},         {"redirects", c.redirects},     {"malformed", c.malformed},
                {"resets", c.resets},           {"refused", c.refused},         {"unreachable", c.unreachable}, {"timeouts", c.timeouts},     {"forbidden", c.forbidden},
                {"own_faults", c.own_faults},   {"idle_closes", c.idle_closes}, {"state_changes", c.state_changes}, {"vip_rounds", rounds},    {"targets_over_limit", c.targets_over_limit}};
  h.gauges = {{"targets", entries_.size()}, {"answering", answering}, {"failing", failing}, {"draining", draining}, {"in_flight", in_flight_}, {"vips", vips}, {"vip_replicas", replicas}};
  return h;
}

}  // namespace choregos::source
