#include "choregos/source/registration/registration.hpp"

#include <algorithm>

#include "choregos/base/limits.hpp"
#include "choregos/model/pacing.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::source {
namespace {

constexpr Duration kTurn = 1s;
constexpr std::size_t kSweptPerTurn = 2000;
constexpr Duration kPublishDelay = 20ms;  ///< a thousand agents that register at once make one list of targets

Error stopping() { return fail(ErrorCode::unavailable, "registrations are not taken at the moment; try again"); }
std::int64_t ms(Duration d) { return d.count() / 1'000'000; }

}  // namespace

Registration::Registration(net::Loop& loop, Options options) : loop_(loop), options_(std::move(options)), holders_(options_.settings, options_.name, options_.allowed) {}
Registration::~Registration() { stop(); }

void Registration::start() {
  if (running_) return;
  running_ = true;
  here_ = std::make_shared<bool>(true);
  turn_ = loop_.every(std::min(kTurn, options_.settings.pace_every), [this] {
    pace_due();
    sweep();
  });
}

void Registration::stop() {
  if (!running_) return;
  running_ = false;
  *here_ = false;
  turn_.cancel();
  publish_.cancel();
  pace_.clear();
  for (auto& [id, tether] : std::exchange(tethers_, {})) tether.channel->close();
  // Whoever comes back after a new start registers anew: what became of them meanwhile nobody saw.
  holders_ = Holders(options_.settings, options_.name, options_.allowed);
}

AgentRecordPtr Registration::record_of(const std::string& id) const {
  AgentRecordPtr record = options_.find(id);
  // Found under an alias it is somebody else's.
  return record && record->agent.id == id ? record : nullptr;
}

Duration Registration::interval() const { return beacon_interval(options_.agent_count ? options_.agent_count() : holders_.size()); }

void Registration::submit_quietly(Observation o) {
  options_.submit(std::move(o), [](const Result<AgentRecordPtr>&) {});
}

Error Registration::note(const Error& error) {
  if (error.code == ErrorCode::conflict) ++counters_.conflicts;
  else if (error.code == ErrorCode::not_found) ++counters_.not_found;
  else ++counters_.refused;
  // An agent that was simply not known yet is no fault of anything.
  if (error.code == ErrorCode::not_found) return error;
  last_error_ = error.message;
  last_error_at_ = loop_.wall_now();
  return error;
}

// ---- registrations ------------------------------------------------------------------------------------------------------

void Registration::register_agent(RegisterRequest request, std::function<void(Result<RegisterReply>)> done) {
  if (!running_) return done(stopping());
  const AgentRecordPtr record = record_of(request.id);
  holders_.set_interval(interval());
  auto taken = holders_.take(request, record, interval(), moment());
  if (!taken) return done(note(taken.error()));
  publish_soon();
  Observation o = taken->observation;
  options_.submit(std::move(o), [this, here = here_, id = request.id, created = record == nullptr, taken = std::move(*taken), done = std::move(done)](Result<AgentRecordPtr> result) {
    if (!*here) return done(stopping());
    if (result && !*result) result = fail(ErrorCode::internal, "the registry took " + id + " and lists nobody of that id");
    if (!result) {
      // Refused at the border it holds nothing. If only the disk failed it is believed, and will be told so when it tries again.
      if (result.error().code == ErrorCode::invalid || result.error().code == ErrorCode::exhausted) {
        holders_.undo(id, taken);
        publish_soon();
      }
      return done(note(result.error()));
    }
    ++counters_.registered;
    last_ok_ = loop_.wall_now();
    done(RegisterReply{std::move(*result), created, taken.ttl, interval()});
  });
}

void Registration::renew(RenewRequest request, std::function<void(Result<RegisterReply>)> done) {
  if (!running_) return done(stopping());
  holders_.set_interval(interval());
  auto taken = holders_.renew(request, record_of(request.id), moment());
  if (!taken) return done(note(taken.error()));
  if (taken->observation.answer) ++counters_.answered;
  publish_soon();
  options_.submit(std::move(taken->observation), [this, here = here_, ttl = taken->ttl, done = std::move(done)](Result<AgentRecordPtr> result) {
    if (!*here) return done(stopping());
    if (result && !*result) result = fail(ErrorCode::not_found, "the registry has forgotten this agent; register again");
    if (!result) return done(note(result.error()));
    ++counters_.renewed;
    last_ok_ = loop_.wall_now();
    done(RegisterReply{std::move(*result), false, ttl, interval()});
  });
}

void Registration::leave(LeaveRequest request, std::function<void(Result<void>)> done) {
  if (!running_) return done(stopping());
  auto left = holders_.leave(request, moment());
  if (!left) return done(note(left.error()));
  publish_soon();
  options_.submit(std::move(left->observation), [this, here = here_, done = std::move(done)](Result<AgentRecordPtr> result) {
    if (!result) return done(result.error());
    if (*here) {
      ++counters_.left;
      last_ok_ = loop_.wall_now();
    }
    done({});
  });
  close(left->tether);
}

// ---- tethers ------------------------------------------------------------------------------------------------------------

Result<TetherId> Registration::open_tether(TetherRequest request, std::shared_ptr<TetherChannel> channel) {
  if (!running_) return stopping();
  holders_.set_interval(interval());
  auto opened = holders_.open_tether(request, moment());
  if (!opened) return note(opened.error());
  ++counters_.tethers_opened;
  if (opened->replaced != 0) ++counters_.tethers_replaced;
  tethers_[opened->tether] = {request.id, channel};
  pace_.emplace_back(loop_.now() + options_.settings.pace_every, opened->tether);
  submit_quietly(std::move(opened->observation));
  send_pace(*channel, opened->ttl);
  send_ping(request.id, request.incarnation);
  // Last: its end may be reported from within.
  close(opened->replaced);
  return opened->tether;
}

void Registration::close(TetherId tether) {
  const auto it = tethers_.find(tether);
  if (it == tethers_.end()) return;
  const auto channel = std::move(it->second.channel);
  tethers_.erase(it);
  channel->close();
}

void Registration::tether_closed(TetherId tether, std::string reason) {
  tethers_.erase(tether);
  if (!running_) return;
  auto broken = holders_.tether_closed(tether, reason, moment());
  if (!broken) return;  // left, replaced, or closed by us
  ++counters_.tethers_broken;
  submit_quietly(broken->doubt);
  if (!broken->ask || !options_.check_death) {
    ++counters_.unknown_after_break;
    return;
  }
  const SocketAddress ask = *broken->ask;
  options_.check_death(ask, broken->own, [this, here = here_, broken = std::move(*broken)](DeathCheck check) {
    if (!*here) return;
    auto dead = holders_.verdict(broken, check, moment());
    if (dead) {
      ++counters_.deaths_confirmed;
      submit_quietly(std::move(*dead));
    } else if (check == DeathCheck::answered) {
      ++counters_.answered_after_break;
    } else if (check == DeathCheck::unknown) {
      ++counters_.unknown_after_break;
    }
  });
}

bool Registration::send_pace(TetherChannel& channel, Duration ttl) const {
  wire::JsonWriter out;
  out.begin_object().member("beacon_interval_ms", ms(interval())).member("ttl_ms", ms(ttl)).member("epoch", options_.epoch).end_object();
  return channel.send("pace", std::move(out).take());
}

bool Registration::send_ping(const std::string& id, std::uint64_t incarnation) {
  const auto question = holders_.question(id, incarnation);
  const auto it = question ? tethers_.find(question->tether) : tethers_.end();
  if (it == tethers_.end()) return false;
  const auto channel = it->second.channel;  // its end may be reported from within
  wire::JsonWriter out;
  out.begin_object().member("nonce", question->nonce).end_object();
  return channel->send("ping", std::move(out).take());
}

void Registration::ask(const Ask& ask) {
  // A tether is a path of its own; nobody can ask on it for us.
  if (!running_ || ask.source != options_.name || !ask.helpers.empty() || !send_ping(ask.subject, ask.incarnation) || holders_.find(ask.subject) == nullptr) return;
  ++counters_.asked;
  submit_quietly(holders_.asked(ask.subject, moment()));
}

void Registration::pace_due() {
  const Instant now = loop_.now();
  while (running_ && !pace_.empty() && pace_.front().first <= now) {
    const TetherId tether = pace_.front().second;
    pace_.pop_front();
    const auto it = tethers_.find(tether);
    if (it == tethers_.end()) continue;
    pace_.emplace_back(now + options_.settings.pace_every, tether);
    const Holder* const holder = holders_.find(it->second.id);
    const auto channel = it->second.channel;
    if (send_pace(*channel, holder != nullptr ? holder->ttl : options_.settings.ttl_default)) continue;
    // Its end is told only once: by us here, so what the API says of it later finds nothing.
    tether_closed(tether, "the agent reads nothing");
    channel->close();
  }
}

// ---- housekeeping -------------------------------------------------------------------------------------------------------

void Registration::sweep() {
  if (holders_.sweep([this](const std::string& id) { return record_of(id) != nullptr; }, kSweptPerTurn, loop_.now())) publish_soon();
}

void Registration::publish_soon() {
  if (!running_ || !options_.publish || publish_.armed() || !holders_.take_targets_changed()) return;
  publish_ = loop_.after(kPublishDelay, [this] {
    holders_.take_targets_changed();  // this list has them
    options_.publish(options_.name, holders_.targets());
  });
}

SourceHealth Registration::health() const {
  SourceHealth out;
  out.name = options_.name;
  out.kind = "registration";
  out.state = running_ ? SourceState::ok : SourceState::off;
  out.detail = std::to_string(holders_.size()) + " registered, " + std::to_string(tethers_.size()) + " tethers open";
  out.last_error = last_error_;
  out.last_ok = last_ok_;
  out.last_error_at = last_error_at_;
  const Counters& c = counters_;
  out.counters = {{"registered", c.registered},
                  {"renewed", c.renewed},
                  {"left", c.left},
                  {"conflicts", c.conflicts},
                  {"not_found", c.not_found},
                  {"refused", c.refused},
                  {"tethers_opened", c.tethers_opened},
                  {"tethers_replaced", c.tethers_replaced},
                  {"tethers_broken", c.tethers_broken},
                  {"asked", c.asked},
                  {"answered", c.answered},
                  {"deaths_confirmed", c.deaths_confirmed},
                  {"answered_after_break", c.answered_after_break},
                  {"unknown_after_break", c.unknown_after_break}};
  out.gauges = {{"registered_now", holders_.size()}, {"tethers_now", tethers_.size()}, {"interval_ms", static_cast<std::uint64_t>(ms(interval()))}};
  return out;
}

}  // namespace choregos::source
