#include "choregos/daemon/hearing.hpp"

#include <sys/random.h>

#include <algorithm>
#include <chrono>

#include "choregos/daemon/change_log.hpp"
#include "choregos/source/beacon/key_file.hpp"

namespace choregos::daemon {
namespace {

std::uint64_t figure(const std::vector<std::pair<std::string, std::uint64_t>>& figures, std::string_view name) {
  const auto it = std::find_if(figures.begin(), figures.end(), [&](const auto& f) { return f.first == name; });
  return it == figures.end() ? 0 : it->second;
}

SourceHealth off(std::string_view kind, std::string_view detail) {
  SourceHealth health;
  health.name = kind;
  health.kind = kind;
  health.state = SourceState::off;
  health.detail = detail;
  return health;
}

}  // namespace

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return seed;
}

Result<std::unique_ptr<Hearing>> Hearing::create(net::Loop& loop, const Settings& settings, Belief& belief, Logger& log) {
  std::unique_ptr<Hearing> hearing(new Hearing(loop, settings, belief, log));
  if (auto built = hearing->build(); !built) return built.error();
  return hearing;
}

Hearing::~Hearing() {
  stop();
  *here_ = false;
}

Result<void> Hearing::build() {
  const auto take = [this](Observation observation) { submit(std::move(observation)); };
  for (const Cidr& range : settings_.http_probe_allow) policy_.allow(range);

  source::HttpProbe::Options probe;
  probe.settings.period = settings_.http_probe_period;
  probe.settings.timeout = settings_.http_probe_timeout;
  probe.policy = &policy_;
  probe.seed = random_seed();
  probe.user_agent = "choregosd";
  probe_ = std::make_unique<source::HttpProbe>(loop_, std::move(probe), take);

  if (!settings_.swarm_dns_services.empty()) {
    source::SwarmDns::Options options;
    options.services = settings_.swarm_dns_services;
    options.server = settings_.swarm_dns_server;
    options.interval = settings_.swarm_dns_period;
    options.seed = random_seed();
    swarm_ = std::make_unique<source::SwarmDns>(loop_, std::move(options), to_probe());
  }
  if (!settings_.docker_engine.empty()) build_docker_engine();
  probe_->on_silent([this](const SocketAddress& address) {
    if (swarm_) swarm_->target_silent(address);
    if (docker_) docker_->target_silent(address);
  });
  build_static_file(settings_.static_file_path);

  if (settings_.beacon_enabled) {
    source::Beacon::Options options;
    if (!settings_.beacon_key_file.empty()) {
      auto keys = source::beacon::load_keys(settings_.beacon_key_file);
      if (!keys) return keys.error();
      options.receiver.keys = std::move(*keys);
    }
    options.receiver.accept_unsigned = *source::beacon::UnsignedRule::parse(settings_.beacon_accept_unsigned);
    options.receiver.seed = random_seed();
    options.ears.port = settings_.beacon_port;
    options.ears.multicast = settings_.beacon_multicast;
    options.ears.interfaces = settings_.beacon_interfaces;
    options.epoch = belief_.epoch();
    options.cookie = random_seed();
    beacon_ = std::make_unique<source::Beacon>(loop_, std::move(options), take, [this](Sign sign) { take_sign(std::move(sign)); });
    belief_.snapshot()->for_each([&](const AgentRecordPtr& record) {
      const Agent& agent = record->agent;
      beacon_->expect(agent.id, agent.incarnation, agent.liveness == Liveness::left);
    });
  }

  if (settings_.registration_enabled) {
    source::Registration::Options options;
    options.settings.ttl_default = settings_.registration_ttl;
    options.submit = [this](Observation observation, std::function<void(Result<AgentRecordPtr>)> done) {
      if (is_our_own_doing(observation)) return loop_.post([done = std::move(done)] { done(fail(ErrorCode::unavailable, "the registry is stopping")); });
      log_observation(log_, observation);
      std::shared_ptr<const Observation> heard = docker_ ? std::make_shared<const Observation>(observation) : nullptr;
      // The writer answers on its own thread; whoever waits lives on the loop's.
      belief_.writer().submit(std::move(observation), [this, heard, done = std::move(done)](Result<AgentRecordPtr> result) {
        loop_.post([this, heard, done, result = std::move(result)] {
          if (heard && result) docker_->met(*heard);
          done(result);
        });
      });
    };
    options.find = [this](std::string_view id) { return belief_.snapshot()->find(id); };
    options.allowed = [this](const SocketAddress& address, const SocketAddress&) {
      const auto& ranges = policy_.allowed();
      return std::any_of(ranges.begin(), ranges.end(), [&](const Cidr& range) { return range.contains(address.ip); }) && policy_.check(address, false).has_value();
    };
    options.publish = to_probe();
    options.check_death = [this](const SocketAddress& address, bool configured, std::function<void(source::DeathCheck)> done) {
      probe_->confirm_dead(
          address,
          [done = std::move(done)](source::HttpProbe::Verdict verdict) {
            done(verdict == source::HttpProbe::Verdict::refused    ? source::DeathCheck::refused
                 : verdict == source::HttpProbe::Verdict::answered ? source::DeathCheck::answered
                                                                   : source::DeathCheck::unknown);
          },
          configured);
    };
    options.agent_count = [this] { return belief_.snapshot()->size(); };
    options.epoch = belief_.epoch();
    registration_ = std::make_unique<source::Registration>(loop_, std::move(options));
  }
  source::Pulse::Options pulse;
  pulse.drain = [this] { return beacon_ ? beacon_->drain() : Instant::never(); };
  pulse_ = std::make_unique<source::Pulse>(loop_, std::move(pulse), [this](Sign sign) { take_sign(std::move(sign)); });
  return {};
}

void Hearing::build_docker_engine() {
  source::DockerEngine::Options options;
  options.engine = settings_.docker_engine;
  options.picture.port = settings_.swarm_dns_port;
  options.picture.path = settings_.swarm_dns_path;
  options.picture.network = settings_.docker_engine_network;
  for (const auto* services : {&settings_.docker_engine_services, &settings_.swarm_dns_services})
    for (const source::ServiceSettings& service : *services) options.picture.named.push_back({service.service, service.port, service.path});
  options.period = settings_.docker_engine_period;
  options.policy = &policy_;
  options.seed = random_seed();
  options.user_agent = "choregosd";
  source::DockerEngine::Takers takers;
  takers.submit = [this](Observation observation) { submit(std::move(observation)); };
  takers.publish = to_probe();
  takers.sign = [this](Sign sign) {
    const Logger::Fields fields{{"source", sign.source}, {"node", sign.subject}, {"reason", sign.reason}};
    if (sign.kind == SignKind::node_down) log_.warn("node_down", "", fields);
    else log_.info("node_up", fields);
    belief_.writer().submit(std::move(sign));
  };
  takers.expected = &expectations_;
  docker_ = std::make_unique<source::DockerEngine>(loop_, std::move(options), std::move(takers));
}

void Hearing::build_static_file(const std::string& path) {
  if (static_file_) static_file_->stop();
  static_file_.reset();
  if (path.empty()) return probe_->set_targets("static_file", {});
  source::StaticFile::Options options;
  options.path = path;
  static_file_ = std::make_unique<source::StaticFile>(loop_, std::move(options), to_probe());
  if (running_) static_file_->start();
}

source::PublishTargets Hearing::to_probe() {
  return [this](const std::string& origin, std::vector<Target> targets) {
    published_[origin] = targets.size();
    probe_->set_targets(origin, std::move(targets));
  };
}

bool Hearing::is_our_own_doing(const Observation& o) const {
  // Once we close connections ourselves, their end says nothing about who held them.
  return hushed_ && (o.kind == ObservationKind::doubt || o.kind == ObservationKind::refused || o.kind == ObservationKind::dead);
}

void Hearing::submit(Observation observation) {
  if (is_our_own_doing(observation)) return;
  log_observation(log_, observation);
  std::optional<Observation> heard;
  if (docker_) heard = observation;
  // A loss is counted by the writer, and said by watch().
  if (settled_) {
    belief_.writer().submit(std::move(observation));
  } else {
    ++*untold_;
    belief_.writer().submit(std::move(observation), [untold = untold_](const Result<AgentRecordPtr>&) { --*untold; });
  }
  // After it, because Docker speaks only of those that were heard.
  if (heard) docker_->met(*heard);
}

void Hearing::take_sign(Sign sign) {
  if (hushed_) return;
  // What comes each second at most, and is worth a line of its own; the rest shows in what the guard says.
  if (sign.kind == SignKind::suspended) log_.warn("suspended", "", {{"for", format_duration(sign.amount)}});
  else if (sign.kind == SignKind::drops) log_.warn("datagrams_dropped", "", {{"source", sign.source}, {"count", sign.count}});
  else if (sign.kind == SignKind::send_failed) log_.warn("send_failed", "", {{"source", sign.source}, {"err", sign.reason}});
  belief_.writer().submit(std::move(sign));
}

void Hearing::ask(const std::vector<Ask>& asks) {
  if (hushed_) return;
  for (const Ask& ask : asks)
    for (source::Source* source : std::initializer_list<source::Source*>{beacon_.get(), registration_.get(), probe_.get()})
      if (source != nullptr) source->ask(ask);
}

void Hearing::start() {
  running_ = true;
  belief_.on_asks([this, here = here_](std::vector<Ask> asks) {
    loop_.post([this, here, asks = std::move(asks)] {
      if (*here) ask(asks);
    });
  });
  pulse_->start();
  probe_->start();
  if (static_file_) static_file_->start();
  if (swarm_) swarm_->start();
  if (docker_) docker_->start();
  if (beacon_) beacon_->start();
  if (registration_) registration_->start();
}

void Hearing::hush() {
  if (std::exchange(hushed_, true)) return;
  belief_.on_asks({});
  pulse_->stop();
  if (swarm_) swarm_->stop();
  if (docker_) docker_->stop();
  if (static_file_) static_file_->stop();
  if (beacon_) beacon_->stop();
  probe_->stop();
}

void Hearing::stop() {
  if (!probe_ || !std::exchange(running_, false)) return;
  hush();
  if (registration_) registration_->stop();
}

Result<void> Hearing::reload(const Settings& settings) {
  // Everything that can fail first, so that a reload happens as a whole or not at all.
  std::optional<source::beacon::KeyRing> keys;
  if (beacon_ && !settings.beacon_key_file.empty()) {
    auto loaded = source::beacon::load_keys(settings.beacon_key_file);
    if (!loaded) return loaded.error();
    keys = std::move(*loaded);
  }
  if (beacon_) beacon_->set_keys(keys ? std::move(*keys) : source::beacon::KeyRing{});
  if (settings.static_file_path != settings_.static_file_path) {
    build_static_file(settings.static_file_path);
  } else if (static_file_) {
    static_file_->reload();
  }
  settings_.static_file_path = settings.static_file_path;
  settings_.beacon_key_file = settings.beacon_key_file;
  return {};
}

std::vector<SourceHealth> Hearing::health() const {
  return {
      registration_ ? registration_->health() : off("registration", "turned off by registration.enabled"),
      beacon_ ? beacon_->health() : off("beacon", "turned off by beacon.enabled"),
      swarm_ ? swarm_->health() : off("swarm_dns", "no service is named in swarm_dns.services"),
      docker_ ? docker_->health() : off("docker_engine", "no engine is named by docker_engine.address"),
      static_file_ ? static_file_->health() : off("static_file", "no list is named by static_file.path"),
      probe_->health(),
  };
}

std::string Hearing::names() const {
  std::string out;
  const auto add = [&](bool on, std::string_view name) {
    if (on) out += (out.empty() ? "" : ", ") + std::string(name);
  };
  add(registration_ != nullptr, "registration");
  add(beacon_ != nullptr, "beacon");
  add(swarm_ != nullptr, "swarm_dns");
  add(docker_ != nullptr, "docker_engine");
  add(static_file_ != nullptr, "static_file");
  add(true, "http_probe");
  return out;
}

std::vector<std::string> Hearing::unfinished() const {
  std::vector<std::string> out;
  if (swarm_) {
    const SourceHealth swarm = swarm_->health();
    std::uint64_t published = 0;
    for (const auto& [origin, count] : published_)
      if (origin.starts_with("swarm_dns")) published += count;
    if (swarm.state == SourceState::starting) out.push_back("swarm_dns has no answer to its first question");
    // An address is handed on when its task is known, which takes a moment.
    else if (figure(swarm.gauges, "addresses") > published) out.push_back("swarm_dns is asking whose addresses these are");
  }
  if (docker_ && docker_->health().state == SourceState::starting) out.push_back("docker_engine has not listed its tasks");
  if (static_file_ && static_file_->health().state == SourceState::starting) out.push_back("static_file has not resolved its first list");
  const auto targets = probe_->targets();
  const auto untried = std::count_if(targets.begin(), targets.end(), [](const source::TargetState& t) { return !t.answering && t.failures == 0 && t.last_answer.ms == 0; });
  if (untried > 0) out.push_back("http_probe has not tried " + std::to_string(untried) + " of " + std::to_string(targets.size()) + " targets");
  const SourceHealth probe = probe_->health();
  if (untried == 0 && figure(probe.counters, "vip_rounds") < figure(probe.gauges, "vips")) out.push_back("http_probe has not met everybody behind a virtual IP");
  // What was heard can be read only when the writer has published it.
  if (*untold_ > 0) out.push_back("the first answers are being written down");
  return out;
}

ExpectedFound Hearing::expected() const { return expectations_.compare(probe_->targets(), *belief_.snapshot(), loop_.now()); }

void Hearing::watch_expected() {
  if (expectations_.any()) mismatches_.watch(expected(), log_);
}

void Hearing::watch() {
  for (const SourceHealth& health : this->health()) {
    const auto [it, is_new] = states_.try_emplace(health.name, SourceState::starting);
    const SourceState before = std::exchange(it->second, health.state);
    if (before == health.state || (is_new && health.state == SourceState::off)) continue;
    const bool bad = health.state == SourceState::degraded || health.state == SourceState::failed;
    const std::string err = bad ? health.last_error : "";
    const std::string advice = bad ? health.advice : "";
    const Logger::Fields fields{{"source", health.name}, {"from", to_string(before)}, {"to", to_string(health.state)}, {"detail", health.detail}, {"err", err}, {"advice", advice}};
    if (health.state == SourceState::failed) log_.error("source_state", health.name + " failed", fields);
    else if (health.state == SourceState::degraded) log_.warn("source_state", health.name + " degraded", fields);
    else log_.info("source_state", fields);
  }
  const auto stats = belief_.writer().stats();
  if (stats.dropped > dropped_) log_.warn("observations_dropped", "", {{"count", stats.dropped - dropped_}, {"queued", stats.queued}});
  dropped_ = stats.dropped;
}

}  // namespace choregos::daemon
