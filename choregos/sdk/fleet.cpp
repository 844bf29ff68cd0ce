#include "choregos/sdk/fleet.hpp"

#include <utility>

namespace choregos::sdk {

Result<void> Fleet::check(const Options& options) {
  if (auto sound = source::check(options.probe); !sound) return sound;
  if (options.swarm_dns)
    if (auto sound = source::SwarmDns::check(*options.swarm_dns); !sound) return sound;
  return {};
}

Fleet::Fleet(net::Loop& loop, Options options, Registry registry)
    : loop_(loop), options_(std::move(options)), writer_(std::move(registry), with_asks(options_.writer)) {
  for (const auto& range : options_.allowed) policy_.allow(range);

  source::HttpProbe::Options probe;
  probe.settings = options_.probe;
  probe.policy = &policy_;
  probe.seed = options_.seed ^ 0x70726f6265;
  probe_ = std::make_unique<source::HttpProbe>(loop_, std::move(probe), [this](Observation observation) { writer_.submit(std::move(observation)); });
  if (!options_.targets.empty()) probe_->set_targets("configured", options_.targets);
  const auto publish = [this](const std::string& origin, std::vector<Target> targets) { probe_->set_targets(origin, std::move(targets)); };

  if (options_.swarm_dns) {
    auto settings = *options_.swarm_dns;
    settings.seed = options_.seed ^ 0x646e73;
    swarm_dns_ = std::make_unique<source::SwarmDns>(loop_, std::move(settings), publish);
    probe_->on_silent([this](const SocketAddress& address) { swarm_dns_->target_silent(address); });
  }
  if (options_.static_file) static_file_ = std::make_unique<source::StaticFile>(loop_, *options_.static_file, publish);
  if (options_.beacon) {
    auto settings = *options_.beacon;
    settings.receiver.seed = options_.seed ^ 0x626561636f6e;
    settings.epoch = options_.start.epoch;
    beacon_ = std::make_unique<source::Beacon>(loop_, std::move(settings), [this](Observation observation) { writer_.submit(std::move(observation)); }, [this](Sign sign) { writer_.submit(std::move(sign)); });
  }
  source::Pulse::Options pulse;
  pulse.drain = [this] { return beacon_ ? beacon_->drain() : Instant::never(); };
  pulse_ = std::make_unique<source::Pulse>(loop_, std::move(pulse), [this](Sign sign) { writer_.submit(std::move(sign)); });
}

Fleet::~Fleet() {
  stop();
  *here_ = false;
}

/// The writer asks on its own thread; the sources live on the loop's.
Writer::Options Fleet::with_asks(Writer::Options from) {
  from.ask = [this, here = here_](std::vector<Ask> asks) {
    loop_.post([this, here, asks = std::move(asks)] {
      if (!*here) return;
      for (const Ask& ask : asks)
        for (auto* source : all()) source->ask(ask);
    });
  };
  return from;
}

Result<void> Fleet::start() {
  if (auto started = writer_.start(); !started) return started;
  for (auto* source : all()) source->start();
  pulse_->start();
  return {};
}

void Fleet::stop_sources() {
  pulse_->stop();
  for (auto* source : all()) source->stop();
}

void Fleet::stop() {
  stop_sources();
  writer_.stop();
}

std::vector<source::Source*> Fleet::all() const {
  std::vector<source::Source*> sources;
  for (source::Source* source : std::initializer_list<source::Source*>{probe_.get(), swarm_dns_.get(), static_file_.get(), beacon_.get()})
    if (source) sources.push_back(source);
  return sources;
}

std::vector<SourceHealth> Fleet::sources() const {
  std::vector<SourceHealth> healths;
  for (const auto* source : all()) healths.push_back(source->health());
  return healths;
}

void Fleet::reload() {
  if (static_file_) static_file_->reload();
}

}  // namespace choregos::sdk
