#include "choregos/sdk/announcer_loop.hpp"

#include <algorithm>
#include <utility>

#include "choregos/sdk/facing_address.hpp"

namespace choregos::sdk {
namespace {

// Together shorter than what stop() promises, so that the promise holds on a busy machine, too.
constexpr Duration kGoodbyeWait = 300ms;
constexpr Duration kPutWait = 150ms;        ///< a registration under way may take this long of it

/// Seeds jitter and session numbers. Two agents that start in the same nanosecond differ by their ids.
std::uint64_t seed_of(const net::Loop& loop, const Self& self) {
  std::uint64_t seed = static_cast<std::uint64_t>(loop.now().ns) ^ (self.incarnation << 20);
  for (const char c : self.id) seed = (seed ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return seed;
}

}  // namespace

AnnouncerLoop::AnnouncerLoop(AnnouncerPlan plan, Publish publish, OnEvent on_event)
    : plan_(std::move(plan)), publish_(std::move(publish)), on_event_(std::move(on_event)) {}

AnnouncerLoop::~AnnouncerLoop() = default;

Result<void> AnnouncerLoop::prepare() {
  if (plan_.health_listen) {
    health_ = std::make_unique<HealthResponder>(loop_, plan_.health_path);
    auto bound = health_->listen(*plan_.health_listen);
    if (!bound) return bound.error();
    health_address_ = *bound;
    // With a registry's address at hand the first registration says it already; else the first answer tells who faces us.
    for (const auto& registry : plan_.registries)
      if (auto ip = registry.ip()) {
        adopt_health_url(*ip);
        break;
      }
  }
  const auto seed = seed_of(loop_, plan_.self);
  if (plan_.beacon.enabled) {
    beacon_ = std::make_unique<BeaconSender>(loop_, plan_.beacon, plan_.self, seed ^ 0x62656163u);
    if (auto opened = beacon_->open(); !opened) return opened.error();
    beacon_->on_pace = [this](Duration interval) {
      settle();
      on_event_({Announcer::Event::Kind::paced, {}, format_duration(interval)});
    };
  }
  registrant_.emplace(plan_.registry_names, seed);
  RegistryLink::Callbacks callbacks;
  callbacks.put_done = [this](std::uint64_t ticket, const Result<wire::RegisteredDocument>& answer) {
    registrant_->put_done(ticket, answer, loop_.now(), actions_);
    if (leaving_) return leave();
    settle();
  };
  callbacks.renew_done = [this](std::uint64_t ticket, const Result<wire::RegisteredDocument>& answer) {
    registrant_->renew_done(ticket, answer, loop_.now(), actions_);
    settle();
  };
  callbacks.tether_opened = [this](std::uint64_t ticket) {
    registrant_->tether_opened(ticket, loop_.now());
    settle();
  };
  callbacks.tether_event = [this](std::uint64_t ticket, std::string_view name, std::string_view data) {
    registrant_->tether_event(ticket, name, data, loop_.now());
    settle();
  };
  callbacks.tether_closed = [this](std::uint64_t ticket, const Error& error) {
    registrant_->tether_closed(ticket, error, loop_.now(), actions_);
    settle();
  };
  callbacks.left = [this] { loop_.stop(); };
  callbacks.connected = [this](const IpAddress& peer) { adopt_health_url(peer); };
  link_ = std::make_unique<RegistryLink>(loop_, plan_.registries, plan_.token, plan_.self.id, plan_.self.incarnation, std::move(callbacks));
  loop_.post([this] { begin(); });
  return {};
}

void AnnouncerLoop::run() { loop_.run(); }

void AnnouncerLoop::begin() {
  tell_all();
  if (beacon_) beacon_->start();
  registrant_->start(plan_.self, loop_.now());
  act();
}

void AnnouncerLoop::say(Claims claims, bool draining) {
  loop_.post([this, claims = std::move(claims), draining]() mutable { take_claims(std::move(claims), draining); });
}

void AnnouncerLoop::take_claims(Claims claims, bool draining) {
  if (leaving_) return;
  // Worked out here, unless whoever announces says it.
  if (plan_.work_out_health_url && !claims.health_url) claims.health_url = plan_.self.claims.health_url;
  if (claims == plan_.self.claims && draining == plan_.self.draining) return;
  plan_.self.claims = std::move(claims);
  plan_.self.draining = draining;
  tell_all();
  if (beacon_) beacon_->changed();
  registrant_->changed(plan_.self, loop_.now());
  act();
}

void AnnouncerLoop::tell_all() {
  if (health_) health_->set_body(plan_.self.health_body());
}

/// The address on which the responder can be reached by who is at `peer`.
void AnnouncerLoop::adopt_health_url(const IpAddress& peer) {
  if (!plan_.work_out_health_url || !health_address_) return;
  SocketAddress reachable = *health_address_;
  if (reachable.ip.is_unspecified()) {
    const auto facing = facing_address(peer);
    if (!facing || facing->is_v4() != reachable.ip.is_v4()) return;
    reachable.ip = *facing;
  }
  auto url = "http://" + to_string(reachable) + plan_.health_path;
  if (plan_.self.claims.health_url == url) return;
  plan_.self.claims.health_url = std::move(url);
  if (registrant_) registrant_->changed(plan_.self, loop_.now());
}

void AnnouncerLoop::act() {
  registrant_->tick(loop_.now(), actions_);
  settle();
}

void AnnouncerLoop::carry_out() {
  while (!actions_.empty())
    for (const auto& action : std::exchange(actions_, {})) link_->carry_out(action, reason_);
}

/// After anything happened: sends what is to be sent, tells what is to be told, sets the one timer.
void AnnouncerLoop::settle() {
  carry_out();
  if (const auto pace = registrant_->beacon_interval(); beacon_ && pace != tether_pace_) beacon_->pace(tether_pace_ = pace);
  Announcer::State state;
  registrant_->describe(state);
  state.incarnation = plan_.self.incarnation;
  state.beacon_interval = beacon_ ? beacon_->interval() : registrant_->beacon_interval();
  count(state);
  publish_(state);
  for (const auto& event : registrant_->take_events()) on_event_(event);
  if (!leaving_) timer_ = loop_.at(registrant_->next_deadline(), [this] { act(); });
}

void AnnouncerLoop::count(Announcer::State& state) const {
  if (beacon_) state.beacons_sent = beacon_->sent(), state.beacon_errors = beacon_->errors();
  if (health_) state.health_answers = health_->answers();
}

void AnnouncerLoop::begin_goodbye(std::string reason) {
  loop_.post([this, reason = std::move(reason)] { goodbye(reason); });
}

void AnnouncerLoop::goodbye(const std::string& reason) {
  if (std::exchange(leaving_, true)) return;
  reason_ = reason;
  timer_.cancel();
  if (beacon_) beacon_->say_bye(reason);
  if (!registrant_->put_in_flight()) return leave();
  goodbye_timer_ = loop_.after(kPutWait, [this] { leave(); });
}

void AnnouncerLoop::leave() {
  if (std::exchange(left_, true)) return;
  actions_.clear();
  registrant_->stop(actions_);
  // An open tether stays so until the goodbye was answered: one that breaks first looks like a death.
  const auto goodbye = std::find_if(actions_.begin(), actions_.end(), [](const auto& action) { return action.kind == Registrant::Action::Kind::leave; });
  const bool owed = goodbye != actions_.end();
  if (owed) actions_.erase(goodbye + 1, actions_.end());
  settle();
  if (!owed) return loop_.stop();
  goodbye_timer_ = loop_.after(kGoodbyeWait, [this] { loop_.stop(); });
}

}  // namespace choregos::sdk
