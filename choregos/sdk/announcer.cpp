#include "choregos/sdk/announcer.hpp"

#include <netdb.h>
#include <netinet/in.h>

#include <bit>
#include <chrono>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "choregos/base/text.hpp"
#include "choregos/sdk/announcer_loop.hpp"
#include "choregos/sdk/facing_address.hpp"

namespace choregos {
namespace {

std::optional<std::string> unless_empty(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

Result<Claims> claims_of(const Announcer::Options& options) {
  Claims claims;
  claims.name = unless_empty(options.name);
  claims.status = options.status;
  if (!options.capabilities.empty()) claims.capabilities = options.capabilities;
  claims.model = unless_empty(options.model);
  claims.endpoint = unless_empty(options.endpoint);
  claims.p2p_addr = unless_empty(options.p2p_addr);
  claims.cluster_id = unless_empty(options.cluster_id);
  claims.node = unless_empty(options.node);
  claims.version = unless_empty(options.version);
  if (!options.labels.empty()) claims.labels = options.labels;
  claims.running = options.running;
  claims.capacity = options.capacity;
  if (!options.health_url.empty() && options.health_url != "none") claims.health_url = options.health_url;
  normalize(claims);
  if (auto sound = check(claims); !sound) return sound.error();
  return claims;
}

/// The address of a registry, asked of the system's resolver: blocking, so for start() alone.
std::optional<IpAddress> address_of(const wire::HttpUrl& registry) {
  if (auto ip = registry.ip()) return ip;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(registry.host.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  std::optional<IpAddress> result;
  for (const auto* one = found; one && !result; one = one->ai_next) {
    if (one->ai_family == AF_INET) {
      result = IpAddress::v4(ntohl(std::bit_cast<const sockaddr_in*>(one->ai_addr)->sin_addr.s_addr));
    } else if (one->ai_family == AF_INET6) {
      result.emplace();
      std::memcpy(result->bytes.data(), &std::bit_cast<const sockaddr_in6*>(one->ai_addr)->sin6_addr, result->bytes.size());
    }
  }
  freeaddrinfo(found);
  return result;
}

/// Where "auto" listens: on the address that faces the registries, or everywhere when that cannot be told now.
SocketAddress facing_registries(const std::vector<wire::HttpUrl>& registries) {
  for (const auto& registry : registries)
    if (auto peer = address_of(registry))
      if (auto mine = sdk::facing_address(*peer)) return {*mine, 0};
  return {IpAddress::v4(0), 0};
}

/// "address:port" where port 0 lets the system choose, which the ordinary reader of addresses does not take.
std::optional<SocketAddress> parse_listen_address(std::string text) {
  const bool any_port = text.ends_with(":0");
  if (any_port) text.back() = '1';
  auto address = parse_socket_address(text);
  if (address && any_port) address->port = 0;
  return address;
}

Result<sdk::AnnouncerPlan> plan_for(const Announcer::Options& options) {
  sdk::AnnouncerPlan plan;
  if (auto word = check_word(options.id, "id"); !word) return word.error();
  plan.self.id = options.id;
  plan.self.incarnation = options.incarnation;
  plan.self.ttl = options.ttl;
  if (options.ttl < Duration{}) return fail(ErrorCode::invalid, "ttl should not be negative");
  for (const auto& text : options.registries) {
    auto url = sdk::parse_registry_url(text);
    if (!url) return fail(ErrorCode::invalid, "registry " + url.error().message);
    plan.registries.push_back(*url);
    plan.registry_names.push_back(text);
  }
  plan.token = options.token;
  plan.beacon = options.beacon;
  if ((options.beacon.key_id == 0) != options.beacon.key.empty()) return fail(ErrorCode::invalid, "a beacon key and its id belong together");
  if (!options.beacon.key.empty() && options.beacon.key.size() < wire::kBeaconKeyBytesMin)
    return fail(ErrorCode::invalid, "a beacon key should have " + std::to_string(wire::kBeaconKeyBytesMin) + " bytes or more");
  if (options.beacon.enabled && !options.beacon.multicast && options.beacon.unicast.empty())
    return fail(ErrorCode::invalid, "beacons without multicast need somebody to go to: name a host:port");
  if (options.health.listen == "auto") {
    plan.health_listen = facing_registries(plan.registries);
  } else if (!options.health.listen.empty()) {
    plan.health_listen = parse_listen_address(options.health.listen);
    if (!plan.health_listen) return fail(ErrorCode::invalid, "health address '" + printable(options.health.listen) + "' should read address:port, such as 0.0.0.0:8081");
  }
  plan.health_path = options.health.path;
  if (plan.health_path.empty() || plan.health_path[0] != '/') return fail(ErrorCode::invalid, "health path '" + printable(plan.health_path) + "' should begin with '/'");
  plan.work_out_health_url = options.health_url.empty() && plan.health_listen.has_value();
  return plan;
}

}  // namespace

class Announcer::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)), claims_(claims_of(options_)) {}

  Result<void> start() {
    std::lock_guard life(life_mutex_);
    if (loop_) return fail(ErrorCode::conflict, "it is started already");
    auto plan = plan_for(options_);
    if (!plan) return plan.error();
    if (plan->self.incarnation == 0) {
      const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
      // A second start within the same millisecond is a new life, too.
      last_incarnation_ = std::max(last_incarnation_ + 1, static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count()));
      plan->self.incarnation = last_incarnation_;
    }
    {
      std::lock_guard lock(mutex_);
      if (!claims_) return claims_.error();
      plan->self.claims = *claims_;
      plan->self.draining = draining_;
    }
    auto loop = std::make_shared<sdk::AnnouncerLoop>(
        std::move(*plan), [this](const State& state) { publish(state); },
        [this](const Event& event) {
          if (on_event_) on_event_(event);
        });
    if (auto prepared = loop->prepare(); !prepared) return prepared;
    {
      std::lock_guard lock(mutex_);
      loop_ = loop;
      health_address_ = loop->health_address();
      loop->say(*claims_, draining_);  // what was said while we prepared
    }
    thread_ = std::thread([loop] { loop->run(); });
    return {};
  }

  void stop(std::string_view reason) {
    std::lock_guard life(life_mutex_);
    std::shared_ptr<sdk::AnnouncerLoop> loop;
    {
      std::lock_guard lock(mutex_);
      loop = std::exchange(loop_, nullptr);
    }
    if (!loop) return;
    loop->begin_goodbye(std::string(reason));
    thread_.join();
    loop.reset();
    std::lock_guard lock(mutex_);
    health_address_.reset();
    state_.registration = Registration::off;
    state_.registered = state_.tethered = false;
  }

  template <class Change>
  void change(const Change& apply) {
    std::lock_guard lock(mutex_);
    if (!claims_) return;
    apply(*claims_);
    if (loop_) loop_->say(*claims_, draining_);
  }
  Result<void> set_claims(Claims claims) {
    if (claims.current_team) return fail(ErrorCode::invalid, "current_team is written by the registry");
    normalize(claims);
    if (auto sound = check(claims); !sound) return sound;
    std::lock_guard lock(mutex_);
    claims_ = std::move(claims);
    if (loop_) loop_->say(*claims_, draining_);
    return {};
  }
  void set_draining(bool draining) {
    std::lock_guard lock(mutex_);
    draining_ = draining;
    if (loop_ && claims_) loop_->say(*claims_, draining_);
  }
  void on_event(std::function<void(const Event&)> callback) { on_event_ = std::move(callback); }
  std::optional<SocketAddress> health_address() const {
    std::lock_guard lock(mutex_);
    return health_address_;
  }
  State state() const {
    std::lock_guard lock(mutex_);
    State state = state_;
    if (loop_) loop_->count(state);
    return state;
  }

 private:
  void publish(const State& state) {
    std::lock_guard lock(mutex_);
    state_ = state;
  }

  // Fixed after construction, or before start().
  const Options options_;
  std::function<void(const Event&)> on_event_;

  std::mutex life_mutex_;  ///< held while starting or stopping; never taken by the loop's thread
  std::thread thread_;     ///< guarded by life_mutex_
  std::uint64_t last_incarnation_ = 0;  ///< guarded by life_mutex_

  mutable std::mutex mutex_;  ///< guards what follows
  Result<Claims> claims_;
  bool draining_ = false;
  std::shared_ptr<sdk::AnnouncerLoop> loop_;  ///< set while it runs
  std::optional<SocketAddress> health_address_;
  State state_;
};

Announcer::Announcer(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Announcer::~Announcer() { impl_->stop("stopped"); }

void Announcer::on_event(std::function<void(const Event&)> callback) { impl_->on_event(std::move(callback)); }
Result<void> Announcer::start() { return impl_->start(); }
void Announcer::stop(std::string_view reason) { impl_->stop(reason); }

void Announcer::set_status(std::optional<Status> status) {
  impl_->change([status](Claims& claims) { claims.status = status; });
}
void Announcer::set_load(std::optional<std::uint32_t> running, std::optional<std::uint32_t> capacity) {
  impl_->change([&](Claims& claims) { claims.running = running, claims.capacity = capacity; });
}
void Announcer::set_draining(bool draining) { impl_->set_draining(draining); }
Result<void> Announcer::set_claims(Claims claims) { return impl_->set_claims(std::move(claims)); }
std::optional<SocketAddress> Announcer::health_address() const { return impl_->health_address(); }
Announcer::State Announcer::state() const { return impl_->state(); }

std::string_view to_string(Announcer::Registration registration) {
  using R = Announcer::Registration;
  switch (registration) {
    case R::off: return "off";
    case R::connecting: return "connecting";
    case R::registered: return "registered";
    case R::tethered: return "tethered";
    case R::conflict: return "conflict";
  }
  return "";
}

std::string_view to_string(Announcer::Event::Kind kind) {
  using K = Announcer::Event::Kind;
  switch (kind) {
    case K::registered: return "registered";
    case K::tethered: return "tethered";
    case K::tether_lost: return "tether_lost";
    case K::conflict: return "conflict";
    case K::failed: return "failed";
    case K::paced: return "paced";
    case K::message: return "message";
  }
  return "";
}

}  // namespace choregos
