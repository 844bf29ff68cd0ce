#include "choregos/sdk/discovery.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "choregos/base/text.hpp"
#include "choregos/sdk/fleet.hpp"
#include "choregos/sdk/views.hpp"
#include "choregos/source/beacon/key_file.hpp"

namespace choregos {
namespace {

constexpr Duration kHealthPeriod = 500ms;  ///< how old what sources() says may be

Instant now() { return {std::chrono::steady_clock::now().time_since_epoch().count()}; }

Result<std::vector<Cidr>> ranges_of(const std::vector<std::string>& texts) {
  std::vector<Cidr> ranges;
  for (const auto& text : texts) {
    auto range = parse_cidr(text);
    if (!range) return fail(ErrorCode::invalid, "allowed range: " + range.error().message);
    ranges.push_back(*range);
  }
  // Whom a container network or a LAN can name.
  if (ranges.empty())
    for (const char* text : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"}) ranges.push_back(parse_cidr(text).value());
  return ranges;
}

Result<sdk::Fleet::Options> fleet_options(const Discovery::Options& options) {
  sdk::Fleet::Options fleet;
  auto ranges = ranges_of(options.allowed_ranges);
  if (!ranges) return ranges.error();
  fleet.allowed = std::move(*ranges);
  fleet.registry.forget_after = options.forget_after;
  fleet.probe.period = options.probe_period;
  fleet.probe.timeout = std::min(options.probe_timeout, options.probe_period);
  for (const auto& text : options.static_targets) {
    const auto address = parse_socket_address(text);
    if (!address) return fail(ErrorCode::invalid, "static target '" + printable(text) + "' should read address:port; names are for targets_file");
    Target target;
    target.address = *address;
    target.path = options.health_path;
    target.configured = true;
    fleet.targets.push_back(std::move(target));
  }
  if (!options.swarm_services.empty()) {
    source::SwarmDns::Options dns;
    const auto server = parse_socket_address(options.dns_server);
    if (!server) return fail(ErrorCode::invalid, "dns_server '" + printable(options.dns_server) + "' should read address:port, such as 127.0.0.11:53");
    dns.server = *server;
    dns.interval = options.dns_period;
    dns.services.clear();
    for (const auto& name : options.swarm_services) {
      source::ServiceSettings service;
      service.service = name;
      service.port = options.health_port;
      service.path = options.health_path;
      dns.services.push_back(std::move(service));
    }
    fleet.swarm_dns = std::move(dns);
  }
  if (!options.targets_file.empty()) fleet.static_file = source::StaticFile::Options{.path = options.targets_file};
  if (options.beacon) {
    source::Beacon::Options beacon;
    auto rule = source::beacon::UnsignedRule::parse(options.beacon_accept_unsigned);
    if (!rule) return fail(ErrorCode::invalid, "beacon_accept_unsigned: " + rule.error().message);
    beacon.receiver.accept_unsigned = std::move(*rule);
    if (!options.beacon_keys_file.empty()) {
      auto keys = source::beacon::load_keys(options.beacon_keys_file);
      if (!keys) return keys.error();
      beacon.receiver.keys = std::move(*keys);
    }
    beacon.ears.port = options.beacon_port;
    beacon.ears.multicast = options.beacon_multicast;
    beacon.ears.interfaces = options.beacon_interfaces;
    fleet.beacon = std::move(beacon);
  }
  fleet.seed = static_cast<std::uint64_t>(now().ns);
  if (auto sound = sdk::Fleet::check(fleet); !sound) return sound.error();
  return fleet;
}

}  // namespace

class Discovery::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)) {}
  ~Impl() { stop(); }

  Result<void> start() {
    std::lock_guard life_lock(life_mutex_);
    if (life_) return fail(ErrorCode::conflict, "it is started already");
    auto fleet = fleet_options(options_);
    if (!fleet) return fleet.error();
    {
      // A new life is a new epoch, even within one millisecond; what watchers saw as numbers never comes again.
      const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
      std::lock_guard lock(mutex_);
      const Revision last = snapshot_ ? snapshot_->revision() : Revision{};
      fleet->start = {std::max(last.epoch + 1, static_cast<std::uint64_t>(wall)), last.number};
    }
    auto life = std::make_unique<Life>(std::move(*fleet));
    auto& writer = life->fleet.writer();
    life->subscription = writer.subscribe([this](const BatchPtr& batch) { tell(batch); });
    if (auto started = life->fleet.start(); !started) return started;
    {
      std::lock_guard lock(mutex_);
      writer_ = &writer;
      snapshot_ = writer.snapshot();
      healths_ = life->fleet.sources();
      beacon_port_ = life->fleet.beacon_port();
    }
    life->health_timer = life->loop.every(kHealthPeriod, [this, raw = life.get()] {
      auto healths = raw->fleet.sources();
      std::lock_guard lock(mutex_);
      healths_ = std::move(healths);
      beacon_port_ = raw->fleet.beacon_port();
    });
    life->thread = std::thread([raw = life.get()] { raw->loop.run(); });
    life_ = std::move(life);
    return {};
  }

  void stop() {
    std::lock_guard life_lock(life_mutex_);
    if (!life_) return;
    life_->loop.post([life = life_.get()] {
      life->health_timer.cancel();
      life->fleet.stop_sources();
      life->loop.stop();
    });
    life_->thread.join();
    life_->fleet.stop();
    life_->fleet.writer().unsubscribe(life_->subscription);
    {
      std::lock_guard lock(mutex_);
      snapshot_ = writer_->snapshot();
      writer_ = nullptr;
      beacon_port_ = 0;
      for (auto& health : healths_) health.state = SourceState::off;
    }
    life_.reset();
  }

  Result<SnapshotPtr> snapshot() const {
    std::lock_guard lock(mutex_);
    if (writer_) return writer_->snapshot();
    if (!snapshot_) return fail(ErrorCode::unavailable, "it was never started");
    return snapshot_;
  }
  std::vector<SourceHealth> sources() const {
    std::lock_guard lock(mutex_);
    return healths_;
  }

  std::uint16_t beacon_port() const {
    std::lock_guard lock(mutex_);
    return beacon_port_;
  }

  Subscription watch(std::function<void(const Change&)> on_change) {
    std::lock_guard lock(watchers_mutex_);
    watchers_.emplace(++last_watcher_, std::move(on_change));
    return last_watcher_;
  }
  void unwatch(Subscription subscription) {
    std::lock_guard lock(watchers_mutex_);
    watchers_.erase(subscription);
  }

 private:
  /// One life from start to stop. The fleet goes before the loop on which it lives.
  struct Life {
    explicit Life(sdk::Fleet::Options options) : fleet(loop, options, Registry(options.registry, options.start)) {}
    net::Loop loop;
    sdk::Fleet fleet;
    net::Timer health_timer;
    Writer::Subscription subscription = 0;
    std::thread thread;
  };

  /// On the writer's thread. Holding the mutex is what lets unwatch() promise that the callback is not running.
  void tell(const BatchPtr& batch) {
    std::lock_guard lock(watchers_mutex_);
    for (const auto& change : batch->changes)
      for (const auto& [id, watcher] : watchers_) watcher(change);
  }

  const Options options_;

  std::mutex life_mutex_;  ///< held while starting or stopping; taken by no callback
  std::unique_ptr<Life> life_;

  std::mutex watchers_mutex_;
  std::map<Subscription, std::function<void(const Change&)>> watchers_;
  Subscription last_watcher_ = 0;

  mutable std::mutex mutex_;  ///< guards what follows
  Writer* writer_ = nullptr;  ///< set while it runs
  SnapshotPtr snapshot_;      ///< the last one of the life before
  std::vector<SourceHealth> healths_;
  std::uint16_t beacon_port_ = 0;
};

Discovery::Discovery(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Discovery::~Discovery() = default;

Result<void> Discovery::start() { return impl_->start(); }
void Discovery::stop() { impl_->stop(); }

Result<AgentPage> Discovery::agents(const Query& query) const {
  if (auto sound = check(query); !sound) return sound.error();
  auto snapshot = impl_->snapshot();
  if (!snapshot) return snapshot.error();
  auto found = (*snapshot)->run(query);
  if (!found) return found.error();
  AgentPage page;
  page.total = found->total;
  page.revision = (*snapshot)->revision();
  page.next_cursor = std::move(found->next_cursor);
  page.agents.reserve(found->records.size());
  const Instant at = now();
  for (const auto& record : found->records) page.agents.push_back(sdk::view_of(*record, at));
  return page;
}

Result<AgentView> Discovery::agent(std::string_view id) const {
  auto snapshot = impl_->snapshot();
  if (!snapshot) return snapshot.error();
  const auto record = (*snapshot)->find(id);
  if (!record) return fail(ErrorCode::not_found, "no agent is called '" + printable(id) + "'");
  return sdk::view_of(*record, now());
}

Revision Discovery::revision() const {
  auto snapshot = impl_->snapshot();
  return snapshot ? (*snapshot)->revision() : Revision{};
}
std::vector<SourceHealth> Discovery::sources() const { return impl_->sources(); }
std::uint16_t Discovery::beacon_port() const { return impl_->beacon_port(); }
Discovery::Subscription Discovery::watch(std::function<void(const Change&)> on_change) { return impl_->watch(std::move(on_change)); }
void Discovery::unwatch(Subscription subscription) { impl_->unwatch(subscription); }

}  // namespace choregos
