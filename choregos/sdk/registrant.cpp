#include "choregos/sdk/registrant.hpp"

#include <algorithm>
#include <utility>

#include "choregos/wire/json.hpp"

namespace choregos::sdk {
namespace {

/// The number of milliseconds under `key` of a pace event; unset when it is not there or makes no sense.
std::optional<Duration> milliseconds(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (!value) return std::nullopt;
  std::int64_t number = 0;
  if (value->is_int64()) number = value->get_int64();
  else return std::nullopt;
  if (number <= 0 || number > 24 * 3600 * 1000) return std::nullopt;
  return std::chrono::milliseconds(number);
}

}  // namespace

Claims claims_since(const Claims& told, const Claims& now, bool& withdrawn) {
  Claims delta;
  withdrawn = false;
  const auto field = [&](auto member) {
    if ((told.*member) == (now.*member)) return;
    if (!(now.*member)) withdrawn = true;
    else delta.*member = now.*member;
  };
  field(&Claims::name);
  field(&Claims::status);
  field(&Claims::capabilities);
  field(&Claims::model);
  field(&Claims::endpoint);
  field(&Claims::p2p_addr);
  field(&Claims::cluster_id);
  field(&Claims::node);
  field(&Claims::version);
  field(&Claims::health_url);
  field(&Claims::labels);
  field(&Claims::running);
  field(&Claims::capacity);
  return delta;
}

Registrant::Registrant(std::vector<std::string> registry_names, std::uint64_t seed) : names_(std::move(registry_names)), rng_(seed) {}

void Registrant::start(const Self& self, Instant now) {
  self_ = self;
  if (names_.empty()) return;
  phase_ = Phase::waiting;
  retry_at_ = now;
}

void Registrant::changed(const Self& self, Instant now) {
  self_ = self;
  if (phase_ != Phase::registered || renew_ticket_ || put_ticket_) return;  // what is in flight is followed by a look at what changed since
  bool withdrawn = false;
  if (answer_ != 0) push_at_ = now;
  else if (claims_since(told_, self_.claims, withdrawn) == Claims{} && !withdrawn) push_at_ = Instant::never();
  else push_at_ = std::max(now, pushed_at_ + kPushGap);
}

Instant Registrant::next_deadline() const {
  switch (phase_) {
    case Phase::waiting: return retry_at_;
    case Phase::registered:
      if (renew_ticket_ || put_ticket_) return tether_retry_at_;
      return std::min({renew_at_, push_at_, tether_retry_at_});
    case Phase::off:
    case Phase::putting: return Instant::never();
  }
  return Instant::never();
}

Registrant::Action Registrant::act(Action::Kind kind, std::string body) { return {kind, registry_, next_ticket_++, std::move(body)}; }

void Registrant::tick(Instant now, Actions& actions) {
  if (phase_ == Phase::waiting && now >= retry_at_) {
    phase_ = Phase::putting;
    goodbye_owed_ = true;  // from here on it may arrive
    in_flight_ = self_.claims;
    actions.push_back(act(Action::Kind::put, self_.registration_body()));
    put_ticket_ = actions.back().ticket;
    return;
  }
  if (phase_ != Phase::registered) return;
  if (now >= tether_retry_at_) {
    tether_retry_at_ = Instant::never();
    actions.push_back(act(Action::Kind::open_tether));
    tether_ticket_ = actions.back().ticket;
  }
  if (renew_ticket_ || put_ticket_ || (now < renew_at_ && now < push_at_)) return;
  bool withdrawn = false;
  wire::Statement statement;
  statement.id = self_.id;
  statement.incarnation = self_.incarnation;
  statement.claims = claims_since(told_, self_.claims, withdrawn);
  if (!withdrawn) statement.answer = std::exchange(answer_, 0);
  in_flight_ = self_.claims;
  push_at_ = Instant::never();
  pushed_at_ = now;
  // A renewal cannot take something back: only a whole statement does.
  actions.push_back(act(withdrawn ? Action::Kind::put : Action::Kind::renew,
                        withdrawn ? self_.registration_body() : wire::write_registration(statement)));
  (withdrawn ? put_ticket_ : renew_ticket_) = actions.back().ticket;
}

void Registrant::granted(const wire::RegisteredDocument& answer, Instant now) {
  told_ = in_flight_;
  ttl_ = std::max(answer.ttl, kTtlMin);
  renew_at_ = now + rng_.jitter(ttl_ / 3, 0.1);
  if (answer.beacon_interval > Duration{}) pace(answer.beacon_interval);
  last_error_.clear();
  failure_told_.clear();
  in_conflict_ = false;
  failed_in_a_row_ = 0;
  changed(self_, now);
}

void Registrant::pace(Duration interval) {
  interval = std::clamp(interval, kPaceMin, kPaceMax);
  if (interval == beacon_interval_) return;
  const bool first = beacon_interval_ == Duration{};
  beacon_interval_ = interval;
  if (!first) tell(Event::Kind::paced, format_duration(interval));
}

void Registrant::put_done(std::uint64_t ticket, const Result<wire::RegisteredDocument>& answer, Instant now, Actions& actions) {
  if (ticket != put_ticket_ || phase_ == Phase::off) return;
  put_ticket_ = 0;
  if (!answer) {
    const auto& error = answer.error();
    if (error.code == ErrorCode::conflict) return conflict(error, now, actions);
    return fall_back(error, true, now, actions);
  }
  const bool fresh = phase_ == Phase::putting;
  phase_ = Phase::registered;
  ++registrations_;
  granted(*answer, now);
  if (!fresh) return;
  tell(Event::Kind::registered, names_[registry_]);
  tether_retry_at_ = now;
  tick(now, actions);
}

void Registrant::renew_done(std::uint64_t ticket, const Result<wire::RegisteredDocument>& answer, Instant now, Actions& actions) {
  if (ticket != renew_ticket_ || phase_ == Phase::off) return;
  renew_ticket_ = 0;
  if (answer) {
    ++renewals_;
    granted(*answer, now);
    return;
  }
  const auto& error = answer.error();
  if (error.code == ErrorCode::conflict) return conflict(error, now, actions);
  // Unknown there: it is the same registry, forgetful; registering anew is the cure.
  fall_back(error, error.code != ErrorCode::not_found, now, actions);
}

void Registrant::tether_opened(std::uint64_t ticket, Instant now) {
  if (ticket != tether_ticket_ || phase_ == Phase::off) return;
  tether_open_ = true;
  tethered_at_ = now;
  tell(Event::Kind::tethered, names_[registry_]);
}

void Registrant::tether_event(std::uint64_t ticket, std::string_view name, std::string_view data, Instant now) {
  if (ticket != tether_ticket_ || phase_ == Phase::off) return;
  if (name == "ping") {
    // Only the newest: who was stopped for a while finds many.
    const auto ping = wire::parse_json(data, 256);
    const auto* nonce = ping && ping->is_object() ? ping->get_object().if_contains("nonce") : nullptr;
    if (nonce == nullptr || !nonce->is_int64() || nonce->get_int64() <= 0) return;
    answer_ = static_cast<std::uint64_t>(nonce->get_int64());
    push_at_ = now;
    return;
  }
  if (name != "pace") return tell(Event::Kind::message, std::string(data), std::string(name));
  const auto value = wire::parse_json(data, 4096);
  if (!value || !value->is_object()) return;
  if (auto ttl = milliseconds(value->get_object(), "ttl_ms")) {
    ttl_ = std::max(*ttl, kTtlMin);
    renew_at_ = std::min(renew_at_, now + rng_.jitter(ttl_ / 3, 0.1));
  }
  if (auto interval = milliseconds(value->get_object(), "beacon_interval_ms")) pace(*interval);
}

void Registrant::tether_closed(std::uint64_t ticket, const Error& error, Instant now, Actions& actions) {
  if (ticket != tether_ticket_ || phase_ == Phase::off) return;
  const bool was_open = std::exchange(tether_open_, false);
  tether_ticket_ = 0;
  if (was_open) {
    ++tethers_lost_;
    tell(Event::Kind::tether_lost, error.message);
    if (now - tethered_at_ >= kTetherLasted) backoff_.reset();
    return fall_back(error, false, now, actions, false);
  }
  switch (error.code) {
    case ErrorCode::conflict: return conflict(error, now, actions);
    case ErrorCode::exhausted:
    case ErrorCode::unsupported:
      // Renewals keep us listed without it; ask again later.
      last_error_ = "no tether: " + error.message;
      tether_retry_at_ = now + std::max(backoff_.next(rng_), Duration(1s));
      return;
    default: return fall_back(error, error.code != ErrorCode::not_found, now, actions);
  }
}

void Registrant::drop_tether(Actions& actions) {
  if (tether_ticket_) actions.push_back({Action::Kind::close_tether, registry_, tether_ticket_, {}});
  if (std::exchange(tether_open_, false)) ++tethers_lost_;
  tether_ticket_ = 0;
  answer_ = 0;
}

void Registrant::fall_back(const Error& error, bool next_registry, Instant now, Actions& actions, bool loud) {
  drop_tether(actions);
  put_ticket_ = renew_ticket_ = 0;
  renew_at_ = push_at_ = tether_retry_at_ = Instant::never();
  phase_ = Phase::waiting;
  last_error_ = names_[registry_] + ": " + error.message;
  if (loud && failure_told_ != last_error_) tell(Event::Kind::failed, failure_told_ = last_error_);
  if (!next_registry || names_.size() == 1) {
    retry_at_ = now + backoff_.next(rng_);
    return;
  }
  registry_ = (registry_ + 1) % names_.size();
  ++failed_in_a_row_;
  // The next one is tried at once; after a whole round without success it is time to wait.
  retry_at_ = failed_in_a_row_ % names_.size() == 0 ? now + backoff_.next(rng_) : now;
}

void Registrant::conflict(const Error& error, Instant now, Actions& actions) {
  drop_tether(actions);
  put_ticket_ = renew_ticket_ = 0;
  renew_at_ = push_at_ = tether_retry_at_ = Instant::never();
  phase_ = Phase::waiting;
  retry_at_ = now + rng_.jitter(kConflictWait, 0.1);
  in_conflict_ = true;
  goodbye_owed_ = false;  // the record there belongs to another
  last_error_ = names_[registry_] + ": " + error.message;
  if (failure_told_ == last_error_) return;
  failure_told_ = last_error_;
  tell(Event::Kind::conflict, error.message);
}

void Registrant::tell(Event::Kind kind, std::string detail, std::string name) { events_.push_back({kind, std::move(name), std::move(detail)}); }

void Registrant::stop(Actions& actions) {
  if (phase_ == Phase::off) return;
  phase_ = Phase::off;
  in_conflict_ = false;
  // A tether that is not open yet must not arrive after the goodbye. One that is open must not break before it: that would
  // look like a death.
  if (!tether_open_) drop_tether(actions);
  if (std::exchange(goodbye_owed_, false)) actions.push_back(act(Action::Kind::leave));
  drop_tether(actions);
  put_ticket_ = renew_ticket_ = 0;
}

void Registrant::describe(Announcer::State& state) const {
  using R = Announcer::Registration;
  state.registration = phase_ == Phase::off          ? R::off
                       : phase_ == Phase::registered ? (tether_open_ ? R::tethered : R::registered)
                       : in_conflict_                ? R::conflict
                                                     : R::connecting;
  state.registered = phase_ == Phase::registered;
  state.tethered = state.registered && tether_open_;
  state.registry = names_.empty() ? "" : names_[registry_];
  state.last_error = last_error_;
  state.ttl = ttl_;
  state.registrations = registrations_;
  state.renewals = renewals_;
  state.tethers_lost = tethers_lost_;
}

std::vector<Registrant::Event> Registrant::take_events() { return std::exchange(events_, {}); }

}  // namespace choregos::sdk
