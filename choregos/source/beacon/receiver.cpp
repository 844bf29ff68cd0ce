#include "choregos/source/beacon/receiver.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

#include "choregos/base/limits.hpp"
#include "choregos/base/rng.hpp"
#include "choregos/wire/statement.hpp"

namespace choregos::source::beacon {
namespace {

using wire::BeaconType;

/// Beyond it a sender could push the numbers of its id past any later session's. 2^62 beacons take longer than the sun.
constexpr std::uint64_t kSequenceMax = std::uint64_t{1} << 62;
constexpr Duration kSessionGap = 1s;    ///< between new unsigned sessions of one id
constexpr Duration kQuestionGap = 50ms; ///< between answers to one sender

Drop drop_of(wire::BeaconFault fault) {
  switch (fault) {
    case wire::BeaconFault::none: return Drop::none;
    case wire::BeaconFault::length: return Drop::length;
    case wire::BeaconFault::magic: return Drop::magic;
    case wire::BeaconFault::version: return Drop::version;
    case wire::BeaconFault::type: return Drop::type;
    case wire::BeaconFault::mac_on_unsigned: return Drop::mac_on_unsigned;
  }
  return Drop::malformed;
}

/// Where an answer may go: to one host, to a port that no service of the system owns. A forged question must not make us
/// talk to a broadcast address or to somebody's echo port. A link-local address means nothing without its interface.
bool may_answer(const SocketAddress& to) {
  return to.port >= 1024 && !to.ip.is_multicast() && !to.ip.is_unspecified() && !to.ip.is_link_local() && to.ip != IpAddress::v4(255, 255, 255, 255);
}

}  // namespace

std::string_view to_string(Drop drop) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Drop::kCount)> kWords{
      "none",           "length",     "magic",           "version",    "type",       "mac_on_unsigned", "unsigned_refused", "unknown_key",  "replayed",  "wrong_mac",
      "malformed",      "key_not_for_id", "id_has_key",  "foreign_session", "older_life", "unknown_sender",   "rate_limited", "table_full", "unasked"};
  return kWords[static_cast<std::size_t>(drop)];
}

std::size_t Receiver::SessionHash::operator()(const SessionKey& key) const {
  // The finalizer of splitmix64 over all three, so that sessions drawn by strangers spread.
  std::uint64_t z = key.session ^ std::rotl(key.key_id, 32) ^ seed;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

Receiver::Receiver(ReceiverSettings settings)
    : settings_(std::move(settings)),
      discoveries_(std::max(1U, settings_.discoveries_per_second), 10 * std::max(1U, settings_.discoveries_per_second)),
      index_(16, SessionHash{settings_.seed}),
      rng_(settings_.seed),
      own_session_(rng_.next()) {}

Taken Receiver::refuse(Drop drop) {
  ++dropped_[static_cast<std::size_t>(drop)];
  Taken out;
  out.drop = drop;
  return out;
}

Taken Receiver::take(const Packet& packet) {
  wire::BeaconView frame;
  if (const auto fault = wire::decode_beacon(packet.bytes, frame); fault != wire::BeaconFault::none) return refuse(drop_of(fault));
  const auto found = index_.find({frame.key_id, frame.session});
  Session* known = found == index_.end() ? nullptr : &*found->second;
  const Key* key = nullptr;
  if (const Drop drop = authenticate(frame, packet, key, known); drop != Drop::none) return refuse(drop);
  if (frame.type == BeaconType::ping) return take_question(frame, packet, known);
  if (frame.type == BeaconType::ack) return take_answer(frame, packet, {}, known);
  if (frame.type == BeaconType::told) return take_told(frame, packet, known);
  if (frame.type == BeaconType::ask) return refuse(Drop::unasked);  // we announce ourselves to nobody

  Heard heard;
  if (!read(frame, heard)) return refuse(Drop::malformed);
  heard.verified = key != nullptr;
  heard.at = packet.received;
  heard.from = packet.from;
  if (const Drop drop = admit(frame, key, heard, known); drop != Drop::none) return refuse(drop);

  Session& session = *known;
  heard.new_session = session.window.highest() == 0;
  [[maybe_unused]] const bool unseen = session.window.accept(frame.sequence);
  assert(unseen);  // authenticate() asked
  touch(session, packet.received);
  heard.proven = key != nullptr && !key->is_pattern();
  heard.incarnation = session.incarnation;
  heard.voice = heard.id + session.origin;
  heard.sequence = session.base + frame.sequence;
  heard.draining = session.draining = (frame.flags & wire::kBeaconDraining) != 0;
  session.answers = (frame.flags & wire::kBeaconAnswers) != 0;
  session.helps = (frame.flags & wire::kBeaconHelps) != 0;
  // Multicast comes from an agent's own address, too; of its addresses only those matter that we can send to.
  if (may_answer(packet.from)) session.from = packet.from;
  ++accepted_;
  ++types_[static_cast<std::size_t>(frame.type)];
  Taken taken;
  taken.heard = std::move(heard);
  return taken;
}

/// Everything that can be said of a frame before its payload is read. The window is only asked: a sequence is remembered
/// once the MAC was right.
Drop Receiver::authenticate(const wire::BeaconView& frame, const Packet& packet, const Key*& key, Session* known) const {
  if (frame.key_id != 0) {
    key = settings_.keys.find(frame.key_id);
    if (key == nullptr && !settings_.show_unverified) return Drop::unknown_key;
  } else if (!settings_.accept_unsigned.allows(packet.from.ip)) {
    return Drop::unsigned_refused;
  }
  if (frame.sequence >= kSequenceMax) return Drop::malformed;
  if (frame.sequence == 0 || (known != nullptr && !known->window.would_accept(frame.sequence))) return Drop::replayed;
  if (key != nullptr && !wire::verify_beacon(frame, key->secret)) return Drop::wrong_mac;
  return Drop::none;
}

Taken Receiver::take_question(const wire::BeaconView& frame, const Packet& packet, Session* known) {
  // A ping carries no id: it belongs to whom its session belongs. No answer to strangers.
  if (known == nullptr || packet.received - known->heard_at > kKnownFor) return refuse(Drop::unknown_sender);
  const auto nonce = wire::read_ping(frame.payload);
  if (!nonce) return refuse(Drop::malformed);
  known->window.accept(frame.sequence);
  ++types_[static_cast<std::size_t>(frame.type)];
  // Who asks lives; and its sequence must not look as if a beacon had been lost.
  Taken taken;
  taken.heard = life_of(*known, frame, packet, frame.key_id != 0 && settings_.keys.find(frame.key_id) != nullptr);
  if (packet.multicast || !may_answer(packet.from)) return taken;
  if (known->asked_at != Instant::min() && packet.received - known->asked_at < kQuestionGap) {
    ++dropped_[static_cast<std::size_t>(Drop::rate_limited)];
    return taken;
  }
  known->asked_at = packet.received;
  taken.question = Question{packet.from, *nonce, frame.key_id, packet.bytes.size()};
  return taken;
}

// ---- questions of ours -------------------------------------------------------------------------------------------------

/// That the session's process lives, and nothing else.
Heard Receiver::life_of(Session& session, const wire::BeaconView& frame, const Packet& packet, bool verified) {
  Heard heard;
  heard.type = frame.type;
  heard.id = session.who->first;
  heard.voice = heard.id + session.origin;
  heard.incarnation = session.incarnation;
  heard.sequence = session.base + frame.sequence;
  heard.verified = verified;
  const Key* const key = verified ? settings_.keys.find(frame.key_id) : nullptr;
  heard.proven = key != nullptr && !key->is_pattern();
  heard.draining = session.draining;
  heard.from = packet.from;
  heard.at = packet.received;
  return heard;
}

/// `helper`: by way of whom it came; "" = directly.
Taken Receiver::take_answer(const wire::BeaconView& frame, const Packet& packet, const std::string& helper, Session* known) {
  const auto ack = wire::read_ack(frame.payload);
  if (!ack) return refuse(Drop::malformed);
  const auto question = open_.find(ack->nonce);
  if (question == open_.end() || question->second.helper != helper || question->second.key_id != frame.key_id) return refuse(Drop::unasked);
  if (known == nullptr || known->who->first != question->second.id) return refuse(Drop::unknown_sender);
  known->window.accept(frame.sequence);
  ++types_[static_cast<std::size_t>(frame.type)];
  open_.erase(question);
  touch(*known, packet.received);
  Taken taken;
  taken.heard = life_of(*known, frame, packet, frame.key_id != 0 && settings_.keys.find(frame.key_id) != nullptr);
  taken.heard->answer = true;
  taken.heard->via = helper;
  if (!helper.empty()) known->who->second.reached = true;
  return taken;
}

Taken Receiver::take_told(const wire::BeaconView& frame, const Packet& packet, Session* known) {
  if (known == nullptr) return refuse(Drop::unknown_sender);
  const auto told = wire::read_told(frame.payload);
  if (!told) return refuse(Drop::malformed);
  const auto found = open_.find(told->nonce);
  if (found == open_.end() || found->second.helper != known->who->first) return refuse(Drop::unasked);
  known->window.accept(frame.sequence);
  ++types_[static_cast<std::size_t>(frame.type)];
  Taken taken;
  taken.heard = life_of(*known, frame, packet, frame.key_id != 0 && settings_.keys.find(frame.key_id) != nullptr);
  if (told->ack.empty()) {
    const Open question = std::move(found->second);
    open_.erase(found);
    const auto who = identities_.find(question.id);
    if (who != identities_.end() && who->second.reached)
      taken.unanswered = Unanswered{question.id, question.voice, question.incarnation, question.proven, question.helper, question.to, packet.received};
    return taken;
  }
  wire::BeaconView answer;
  if (wire::decode_beacon(told->ack, answer) != wire::BeaconFault::none) return taken;  // read_told looked
  const std::string helper = known->who->first;
  const auto about = index_.find({answer.key_id, answer.session});
  Session* const session = about == index_.end() ? nullptr : &*about->second;
  const Packet inner{told->ack, found->second.to, packet.received, false};
  const Key* key = nullptr;
  Taken relayed;
  if (const Drop drop = authenticate(answer, inner, key, session); drop != Drop::none) relayed = refuse(drop);
  else relayed = take_answer(answer, inner, helper, session);
  taken.relayed = std::move(relayed.heard);
  return taken;
}

bool Receiver::can_be_asked(const Session& session, std::uint64_t incarnation) const {
  if (!session.answers || !session.from) return false;
  if (incarnation != 0 && session.incarnation != 0 && incarnation != session.incarnation) return false;
  return session.key.key_id == 0 || settings_.keys.find(session.key.key_id) != nullptr;
}

/// Of more than two with one id the middle ones are not found: they neither hold the id nor are next to.
Receiver::Session* Receiver::with_voice(const std::string& id, const std::string& voice) {
  const auto it = identities_.find(id);
  if (it == identities_.end()) return nullptr;
  for (Session* session : {it->second.first, it->second.speaks})
    if (session != nullptr && id + session->origin == voice) return session;
  return nullptr;
}

std::string Receiver::sign(wire::BeaconType type, const Session& to, std::string payload) {
  const Key* const key = settings_.keys.find(to.key.key_id);
  wire::BeaconFrame frame;
  frame.type = type;
  frame.cookie = to.key.session;
  frame.key_id = to.key.key_id;
  frame.session = own_session_;
  frame.sequence = ++own_sequence_;
  frame.payload = std::move(payload);
  auto bytes = wire::encode_beacon(frame, key != nullptr ? std::string_view(key->secret) : std::string_view());
  return bytes ? std::move(*bytes) : std::string();
}

/// The ping for it, remembered; "" when too many are open.
std::string Receiver::open_question(const Session& about, const std::string& helper, Instant now) {
  while (!opened_.empty() && now - opened_.front().first > kAnswerTime) {
    close_question(opened_.front().second);
    opened_.pop_front();
  }
  if (opened_.size() >= limits::question_count_max) return {};
  const std::uint64_t nonce = rng_.next();
  std::string ping = sign(wire::BeaconType::ping, about, wire::write_ping(nonce));
  if (ping.empty()) return {};
  const Key* const key = settings_.keys.find(about.key.key_id);
  open_[nonce] = {about.who->first, about.who->first + about.origin, about.incarnation, about.key.key_id, key != nullptr && !key->is_pattern(), helper, *about.from};
  opened_.emplace_back(now, nonce);
  return ping;
}

std::optional<Asking> Receiver::ask(const std::string& id, const std::string& voice, std::uint64_t incarnation, Instant now) {
  Session* const session = with_voice(id, voice);
  if (session == nullptr || !can_be_asked(*session, incarnation)) return std::nullopt;
  Asking out{*session->from, open_question(*session, {}, now), session->incarnation, false};
  if (out.bytes.empty()) return std::nullopt;
  out.proven = open_.at(opened_.back().second).proven;
  return out;
}

std::optional<Asking> Receiver::ask_through(const std::string& helper, const std::string& id, const std::string& voice, std::uint64_t incarnation, Instant now) {
  Session* const session = with_voice(id, voice);
  const auto helping = identities_.find(helper);
  Session* const by = helping == identities_.end() ? nullptr : helping->second.speaks;
  if (session == nullptr || !can_be_asked(*session, incarnation)) return std::nullopt;
  if (by == nullptr || by == session || helper == id || !can_be_asked(*by, 0) || !by->helps) return std::nullopt;
  // From a helper elsewhere our loopback is its own.
  if (session->from->ip.is_loopback() != by->from->ip.is_loopback()) return std::nullopt;
  wire::AskBody body{*session->from, static_cast<std::uint16_t>(kHelperWait / 1ms), open_question(*session, helper, now)};
  if (body.ping.empty()) return std::nullopt;
  Asking out{*by->from, sign(wire::BeaconType::ask, *by, wire::write_ask(body)), session->incarnation, open_.at(opened_.back().second).proven};
  if (out.bytes.empty()) return std::nullopt;
  return out;
}

std::optional<Asking> Receiver::rehearse(Instant now) {
  constexpr int kLookedAt = 20;       // of those that spoke longest ago: the order turns with every beacon
  constexpr Duration kAgain = 10min;
  Session* helper = nullptr;
  Session* about = nullptr;
  int left = kLookedAt;
  for (Session& session : fresh_) {
    if (left-- == 0) break;
    if (!session.answers || !session.from || session.who->second.speaks != &session) continue;
    auto& who = session.who->second;
    const bool wanted = !who.reached && (who.rehearsed_at == Instant::min() || now - who.rehearsed_at > kAgain);
    if (about == nullptr && wanted) about = &session;
    else if (session.helps && (helper == nullptr || rng_.chance(0.5))) helper = &session;
  }
  if (about == nullptr || helper == nullptr) return std::nullopt;
  about->who->second.rehearsed_at = now;
  return ask_through(helper->who->first, about->who->first, about->who->first + about->origin, about->incarnation, now);
}

std::string Receiver::answer(const Question& question, const wire::AckBody& body) {
  const Key* const key = settings_.keys.find(question.key_id);
  if (question.key_id != 0 && key == nullptr) return {};
  wire::BeaconFrame ack;
  ack.type = BeaconType::ack;
  ack.cookie = body.cookie;
  ack.key_id = question.key_id;
  ack.session = own_session_;
  ack.sequence = ++own_sequence_;
  ack.payload = wire::write_ack(body);
  auto bytes = wire::encode_beacon(ack, key != nullptr ? std::string_view(key->secret) : std::string_view());
  if (!bytes || bytes->size() > question.bytes) return {};
  return std::move(*bytes);
}

std::string Receiver::canary() {
  wire::BeaconFrame frame;
  frame.type = BeaconType::ping;
  frame.session = own_session_;
  frame.sequence = ++own_sequence_;
  frame.payload = wire::write_ping(rng_.next());
  return wire::encode_beacon(frame).value();
}

bool Receiver::read(const wire::BeaconView& frame, Heard& out) {
  out.type = frame.type;
  switch (frame.type) {
    case BeaconType::announce: {
      auto statement = wire::read_registration(frame.payload);
      if (!statement) return false;
      out.id = std::move(statement->id);
      out.incarnation = statement->incarnation;
      out.claims = std::move(statement->claims);
      return true;
    }
    case BeaconType::alive: {
      auto body = wire::read_alive(frame.payload);
      if (!body) return false;
      out.id = std::move(body->id);
      out.incarnation = body->incarnation;
      out.claims.status = body->status;
      if (body->running) out.claims.running = *body->running;
      if (body->capacity) out.claims.capacity = *body->capacity;
      return true;
    }
    case BeaconType::bye: {
      auto body = wire::read_bye(frame.payload);
      if (!body) return false;
      out.id = std::move(body->id);
      out.incarnation = body->incarnation;
      out.reason = std::move(body->reason);
      return true;
    }
    case BeaconType::ping:
    case BeaconType::ack:
    case BeaconType::ask:
    case BeaconType::told: break;
  }
  return false;
}

/// May this sender speak for this life of this id? Opens its session when it is new.
Drop Receiver::admit(const wire::BeaconView& frame, const Key* key, const Heard& heard, Session*& session) {
  if (key != nullptr && !settings_.keys.allows(*key, heard.id)) return Drop::key_not_for_id;
  if (key == nullptr && settings_.keys.is_bound(heard.id)) return Drop::id_has_key;
  if (session != nullptr) {
    if (session->who->first != heard.id) return Drop::foreign_session;
    if (session->incarnation == 0 && heard.incarnation != 0 && session->who->second.incarnation <= heard.incarnation) {
      // It says now what it left out before.
      session->incarnation = session->who->second.incarnation = heard.incarnation;
    }
    return heard.incarnation == 0 || heard.incarnation == session->incarnation ? Drop::none : Drop::foreign_session;
  }

  const auto it = identities_.find(heard.id);
  Identity* who = it == identities_.end() ? nullptr : &it->second;
  if (who != nullptr && heard.incarnation != 0) {
    if (heard.incarnation < who->incarnation || (who->ended && heard.incarnation == who->incarnation)) return Drop::older_life;
  }
  if (key == nullptr) {
    // A goodbye for somebody who was never heard says nothing, and is the cheapest lie.
    if (frame.type == BeaconType::bye) return Drop::unknown_sender;
    if (who != nullptr && who->opened_at != Instant::min() && heard.at - who->opened_at < kSessionGap) return Drop::rate_limited;
  }
  if (index_.size() >= settings_.session_count_max) {
    // Whoever was silent long makes room; those that are heard keep theirs.
    Sessions& idle = idle_unsigned_.empty() ? idle_signed_ : idle_unsigned_;
    if (idle.empty() || (who != nullptr && idle.front().who->first == heard.id)) return Drop::table_full;
    erase(idle, idle.begin());
  }
  if (key == nullptr && who == nullptr && !discoveries_.take(heard.at)) return Drop::rate_limited;

  auto& entry = who != nullptr ? *it : *identities_.try_emplace(heard.id).first;
  who = &entry.second;
  const bool newer_life = heard.incarnation != 0 && heard.incarnation > who->incarnation && who->incarnation != 0;
  const bool later_voice = !newer_life && who->speaks != nullptr;
  who->incarnation = std::max(who->incarnation, heard.incarnation);
  who->opened_at = heard.at;
  who->ended = false;
  ++who->sessions;
  fresh_.emplace_back();
  session = &fresh_.back();
  session->key = {frame.key_id, frame.session};
  session->who = &entry;
  session->incarnation = heard.incarnation;
  // Nanoseconds: a session opened later has a higher base than any number that an earlier one, which sends fewer than 10^9
  // datagrams a second, has reached by then.
  session->base = static_cast<std::uint64_t>(std::max<std::int64_t>(heard.at.ns, 0));
  session->heard_at = heard.at;
  who->speaks = session;
  if (later_voice) session->origin = " from " + to_string(heard.from);
  else who->first = session;
  index_.emplace(session->key, std::prev(fresh_.end()));
  return Drop::none;
}

void Receiver::touch(Session& session, Instant at) {
  session.heard_at = std::max(session.heard_at, at);
  const auto it = index_.find(session.key)->second;
  fresh_.splice(fresh_.end(), list_of(session.place), it);
  session.place = Place::fresh;
}

void Receiver::erase(Sessions& list, Sessions::iterator session) {
  auto* const who = session->who;
  if (who->second.speaks == &*session) who->second.speaks = nullptr;
  if (who->second.first == &*session) who->second.first = nullptr;
  index_.erase(session->key);
  list.erase(session);
  if (--who->second.sessions == 0 && !who->second.expected) identities_.erase(std::string(who->first));
}

void Receiver::expect(const std::string& id, std::uint64_t incarnation, bool ended) {
  Identity& who = identities_[id];
  who.expected = true;
  who.ended = ended && incarnation >= who.incarnation && who.sessions == 0;
  who.incarnation = std::max(who.incarnation, incarnation);
}

void Receiver::set_keys(KeyRing keys) {
  const auto stands = [&](const Session& session) {
    if (session.key.key_id == 0) return !keys.is_bound(session.who->first);
    const Key* const before = settings_.keys.find(session.key.key_id);
    const Key* const now = keys.find(session.key.key_id);
    return before != nullptr && now != nullptr && before->secret == now->secret && keys.allows(*now, session.who->first);
  };
  for (Sessions* list : {&fresh_, &idle_signed_, &idle_unsigned_})
    for (auto it = list->begin(); it != list->end();) {
      const auto session = it++;
      if (!stands(*session)) erase(*list, session);
    }
  settings_.keys = std::move(keys);
}

void Receiver::sweep(Instant now) {
  while (!fresh_.empty() && now - fresh_.front().heard_at > kKnownFor) {
    Session& session = fresh_.front();
    session.place = session.key.key_id == 0 ? Place::idle_unsigned : Place::idle_signed;
    Sessions& idle = list_of(session.place);
    idle.splice(idle.end(), fresh_, fresh_.begin());
  }
  while (!idle_unsigned_.empty() && now - idle_unsigned_.front().heard_at > kUnsignedKept) erase(idle_unsigned_, idle_unsigned_.begin());
  while (!idle_signed_.empty() && now - idle_signed_.front().heard_at > kSignedKept) erase(idle_signed_, idle_signed_.begin());
}

std::vector<std::pair<std::string, std::uint64_t>> Receiver::counters() const {
  std::vector<std::pair<std::string, std::uint64_t>> out{{"accepted", accepted_}};
  for (const auto type : {BeaconType::announce, BeaconType::alive, BeaconType::bye, BeaconType::ping, BeaconType::ack, BeaconType::told})
    out.emplace_back(wire::to_string(type), types_[static_cast<std::size_t>(type)]);
  for (std::size_t i = 1; i < dropped_.size(); ++i) out.emplace_back("dropped_" + std::string(to_string(static_cast<Drop>(i))), dropped_[i]);
  return out;
}

}  // namespace choregos::source::beacon
