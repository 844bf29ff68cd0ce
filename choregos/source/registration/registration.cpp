#include "choregos/source/registration/registration.hpp"

#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/model/pacing.hpp"
#include "choregos/wire/json.hpp"
#include "choregos/wire/url.hpp"

namespace choregos::source {
namespace {

/// The address in a URL, when it is an IP literal; names are not resolved on a stranger's word.
std::optional<wire::HttpUrl> dialable(const std::optional<std::string>& text) {
  if (!text || text->empty()) return std::nullopt;
  auto url = wire::parse_http_url(*text);
  if (!url || url->scheme != "http" || !url->ip()) return std::nullopt;
  return *url;
}

}  // namespace

Registration::Registration(net::Loop& loop, Options options) : loop_(loop), options_(std::move(options)), holders_(options_.settings) {}
Registration::~Registration() { stop(); }

void Registration::start() {
  if (running_) return;
  running_ = true;
  here_ = std::make_shared<bool>(true);
  pace_ = loop_.every(options_.settings.pace_every, [this] { send_pace(); });
  sweep_ = loop_.every(10s, [this] { drop_silent(); });
}

void Registration::stop() {
  if (!running_) return;
  running_ = false;
  *here_ = false;
  pace_.cancel();
  sweep_.cancel();
  publish_.cancel();
  for (auto& [id, tether] : std::exchange(tethers_, {})) tether.channel->close();
}

Duration Registration::interval() const { return beacon_interval(options_.agent_count ? options_.agent_count() : holders_.size()); }

Observation Registration::observation(const std::string& id, std::uint64_t incarnation, bool proven, std::string subject, Duration ttl) const {
  Observation o;
  o.source = "registration";
  o.subject = std::move(subject);
  o.names.id = id;
  o.names.proven = proven;
  o.incarnation = incarnation;
  o.heard_at = loop_.now();
  o.wall_at = loop_.wall_now();
  o.lease = {ttl, ttl + options_.settings.lost_slack};
  return o;
}

RegisterReply Registration::reply(AgentRecordPtr record, bool created, Duration ttl) const { return {std::move(record), created, ttl, interval()}; }

void Registration::submit_quietly(Observation o) {
  options_.submit(std::move(o), [](const Result<AgentRecordPtr>&) {});
}

/// Where the agent may be probed (its health URL) or at least asked whether it is dead (its endpoint).
void Registration::learn_addresses(Holder& holder, const Claims& claims, const SocketAddress& peer) {
  const auto before = std::pair(holder.probe_at, holder.probed);
  const auto health = dialable(claims.health_url);
  const auto url = health ? health : dialable(claims.endpoint);
  holder.probe_at.reset();
  holder.probed = false;
  if (url) {
    const SocketAddress address{*url->ip(), url->port};
    if (address.ip == peer.ip || (options_.allowed && options_.allowed(address, peer))) {
      holder.probe_at = address;
      holder.probe_host = url->authority();
      holder.probe_path = url->path;
      holder.probed = health.has_value();
    }
  }
  if (before != std::pair(holder.probe_at, holder.probed)) publish_soon();
}

void Registration::register_agent(RegisterRequest request, std::function<void(Result<RegisterReply>)> done) {
  if (!running_) return done(fail(ErrorCode::unavailable, "registrations are not taken at the moment; try again"));
  if (auto ok = holders_.may_register(request, options_.find(request.id), loop_.now()); !ok) {
    ++counters_.conflicts;
    last_error_ = ok.error().message;
    last_error_at_ = loop_.wall_now();
    return done(ok.error());
  }
  const bool created = options_.find(request.id) == nullptr;
  const bool replaced = holders_.put(request, loop_.now());
  Holder& holder = *holders_.find(request.id);
  learn_addresses(holder, request.claims, request.peer);
  const Duration ttl = holder.ttl;
  Observation o = observation(request.id, holder.incarnation, request.proven, request.id, ttl);
  o.claims = std::move(request.claims);
  options_.submit(std::move(o), [this, here = here_, id = request.id, created, replaced, ttl, done = std::move(done)](Result<AgentRecordPtr> result) {
    if (!*here) return done(fail(ErrorCode::unavailable, "the registry is stopping"));
    if (!result) {
      ++counters_.refused;
      // Refused at the border: it holds nothing. When only the disk failed it does, and will renew.
      if (result.error().code == ErrorCode::invalid || result.error().code == ErrorCode::exhausted) {
        if (replaced) holders_.erase(id);
      }
      last_error_ = result.error().message;
      last_error_at_ = loop_.wall_now();
      return done(result.error());
    }
    ++counters_.registered;
    last_ok_ = loop_.wall_now();
    done(reply(*result, created, ttl));
  });
}

void Registration::renew(RenewRequest request, std::function<void(Result<RegisterReply>)> done) {
  if (!running_) return done(fail(ErrorCode::unavailable, "renewals are not taken at the moment; try again"));
  const auto held = holders_.held_by(request.id, request.incarnation, request.peer);
  if (!held) return done(held.error());
  Holder& holder = **held;
  holder.heard = loop_.now();
  holder.address = request.peer.ip;
  if (request.claims.health_url || request.claims.endpoint) learn_addresses(holder, request.claims, request.peer);
  const Duration ttl = holder.ttl;
  Observation o = observation(request.id, holder.incarnation, request.proven, request.id, ttl);
  if (request.claims != Claims{}) {
    o.claims = std::move(request.claims);
    o.partial = true;
  }
  options_.submit(std::move(o), [this, here = here_, ttl, done = std::move(done)](Result<AgentRecordPtr> result) {
    if (!*here) return done(fail(ErrorCode::unavailable, "the registry is stopping"));
    if (!result) return done(result.error());
    ++counters_.renewed;
    last_ok_ = loop_.wall_now();
    done(reply(*result, false, ttl));
  });
}

void Registration::leave(LeaveRequest request, std::function<void(Result<void>)> done) {
  if (!running_) return done(fail(ErrorCode::unavailable, "the registry is stopping"));
  const auto held = holders_.held_by(request.id, request.incarnation, request.peer);
  if (!held) return done(held.error());
  const Holder holder = **held;
  Observation o = observation(request.id, holder.incarnation, request.proven, request.id, holder.ttl);
  o.kind = ObservationKind::goodbye;
  o.reason = std::move(request.reason);
  // Its tether will close now, and that is no sign of anything.
  if (const auto it = tethers_.find(holder.tether); it != tethers_.end()) {
    Observation ended = observation(request.id, it->second.incarnation, request.proven, request.id + "/tether", holder.ttl);
    ended.kind = ObservationKind::goodbye;
    ended.reason = o.reason;
    submit_quietly(std::move(ended));
    const auto channel = it->second.channel;
    tethers_.erase(it);
    channel->close();
  }
  holders_.erase(request.id);
  publish_soon();
  options_.submit(std::move(o), [this, here = here_, done = std::move(done)](Result<AgentRecordPtr> result) {
    if (!result) return done(result.error());
    if (*here) ++counters_.left;
    done({});
  });
}

Result<TetherId> Registration::open_tether(TetherRequest request, std::shared_ptr<TetherChannel> channel) {
  if (!running_) return fail(ErrorCode::unavailable, "tethers are not taken at the moment; try again");
  const auto held = holders_.held_by(request.id, request.incarnation, request.peer);
  if (!held) return held.error();
  if (tethers_.size() >= limits::tether_count_max)
    return fail(ErrorCode::exhausted, "all " + std::to_string(limits::tether_count_max) + " tethers are taken; renew instead, within the lease");
  Holder& holder = **held;
  // The newest connection of one process counts; the older one is a leftover of a network that forgot to say so.
  if (const auto old = tethers_.find(holder.tether); old != tethers_.end()) {
    const auto former = old->second.channel;
    tethers_.erase(old);
    former->close();
  }
  const TetherId tether = ++last_tether_;
  tethers_[tether] = {request.id, holder.incarnation, std::move(channel)};
  holder.tether = tether;
  holder.heard = loop_.now();
  ++counters_.tethers_opened;
  Observation o = observation(request.id, holder.incarnation, request.proven, request.id + "/tether", holder.ttl);
  o.lease = kOpenLease;
  submit_quietly(std::move(o));
  return tether;
}

void Registration::tether_closed(TetherId tether, std::string reason) {
  const auto it = tethers_.find(tether);
  if (it == tethers_.end()) return;  // left, replaced, or closed by us
  const Tether ended = std::move(it->second);
  tethers_.erase(it);
  ++counters_.tethers_broken;
  Holder* const holder = holders_.find(ended.id);
  std::optional<SocketAddress> address;
  if (holder != nullptr && holder->tether == tether) {
    holder->tether = 0;
    address = holder->probe_at;
  }
  Observation o = observation(ended.id, ended.incarnation, false, ended.id + "/tether", Duration{});
  o.kind = ObservationKind::doubt;
  o.lease = Lease{};
  o.reason = "tether closed: " + reason;
  submit_quietly(o);
  if (!address || !options_.check_death) return;
  options_.check_death(*address, address->ip.is_loopback(), [this, here = here_, o](DeathCheck check) mutable {
    if (!*here || check != DeathCheck::refused) return;
    ++counters_.deaths_confirmed;
    o.kind = ObservationKind::dead;
    o.heard_at = loop_.now();
    o.wall_at = loop_.wall_now();
    o.reason = "its tether broke, then its port refused twice";
    submit_quietly(std::move(o));
  });
}

void Registration::send_pace() {
  wire::JsonWriter out;
  out.begin_object().member("beacon_interval_ms", interval().count() / 1'000'000).member("epoch", options_.epoch).end_object();
  const std::string data = std::move(out).take();
  for (auto& [id, tether] : tethers_) tether.channel->send("pace", data);
}

/// Whoever neither renewed nor holds a tether, and whom nobody else hears, holds nothing any more.
void Registration::drop_silent() {
  std::vector<std::string> gone;
  for (const auto& [id, holder] : holders_.all()) {
    if (holder.tether != 0 || loop_.now() < holder.heard + holder.ttl + options_.settings.lost_slack) continue;
    const AgentRecordPtr record = options_.find(id);
    if (!record || record->agent.liveness == Liveness::lost || record->agent.liveness == Liveness::left) gone.push_back(id);
  }
  for (const auto& id : gone) holders_.erase(id);
  if (!gone.empty()) publish_soon();
}

/// A thousand agents that register at once make one list of targets, not a thousand.
void Registration::publish_soon() {
  if (!running_ || !options_.publish || publish_.armed()) return;
  publish_ = loop_.after(20ms, [this] { publish_now(); });
}

void Registration::publish_now() {
  std::vector<Target> targets;
  for (const auto& [id, holder] : holders_.all()) {
    if (!holder.probed || !holder.probe_at) continue;
    Target target;
    target.address = *holder.probe_at;
    target.host = holder.probe_host;
    target.path = holder.probe_path;
    target.expected_id = id;
    // An agent that registered over loopback lives on this machine, so its own loopback address is meant.
    target.configured = holder.probe_at->ip.is_loopback() && holder.address.is_loopback();
    targets.push_back(std::move(target));
  }
  options_.publish("registration", std::move(targets));
}

SourceHealth Registration::health() const {
  SourceHealth out;
  out.name = out.kind = "registration";
  out.state = running_ ? SourceState::ok : SourceState::off;
  out.detail = std::to_string(holders_.size()) + " registered, " + std::to_string(tethers_.size()) + " tethers open";
  out.last_error = last_error_;
  out.last_ok = last_ok_;
  out.last_error_at = last_error_at_;
  out.counters = {{"registered", counters_.registered},         {"renewed", counters_.renewed},
                  {"left", counters_.left},                     {"conflicts", counters_.conflicts},
                  {"refused", counters_.refused},               {"tethers_opened", counters_.tethers_opened},
                  {"tethers_broken", counters_.tethers_broken}, {"deaths_confirmed", counters_.deaths_confirmed}};
  out.gauges = {{"registered_now", holders_.size()}, {"tethers_now", tethers_.size()}};
  return out;
}

}  // namespace choregos::source
