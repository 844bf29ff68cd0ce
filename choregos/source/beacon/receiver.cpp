#include "choregos/source/beacon/receiver.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

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
      "malformed",      "key_not_for_id", "id_has_key",  "foreign_session", "older_life", "superseded", "unknown_sender",   "rate_limited", "table_full"};
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
      own_session_(Rng(settings_.seed).next()) {}

Taken Receiver::refuse(Drop drop) {
  ++dropped_[static_cast<std::size_t>(drop)];
  return {drop, std::nullopt, std::nullopt};
}

Taken Receiver::take(const Packet& packet) {
  wire::BeaconView frame;
  if (const auto fault = wire::decode_beacon(packet.bytes, frame); fault != wire::BeaconFault::none) return refuse(drop_of(fault));
  const auto found = index_.find({frame.key_id, frame.session});
  Session* known = found == index_.end() ? nullptr : &*found->second;
  const Key* key = nullptr;
  if (const Drop drop = authenticate(frame, packet, key, known); drop != Drop::none) return refuse(drop);
  if (frame.type == BeaconType::ping || frame.type == BeaconType::ack) return take_question(frame, packet, known);

  Heard heard;
  if (!read(frame, heard)) return refuse(Drop::malformed);
  heard.verified = key != nullptr;
  heard.at = packet.received;
  if (const Drop drop = admit(frame, key, heard, known); drop != Drop::none) return refuse(drop);

  Session& session = *known;
  heard.new_session = session.window.highest() == 0;
  [[maybe_unused]] const bool unseen = session.window.accept(frame.sequence);
  assert(unseen);  // authenticate() asked
  touch(session, packet.received);
  heard.proven = key != nullptr && !key->is_pattern();
  heard.incarnation = session.incarnation;
  heard.sequence = session.base + frame.sequence;
  heard.draining = (frame.flags & wire::kBeaconDraining) != 0;
  heard.from = packet.from;
  ++accepted_;
  ++types_[static_cast<std::size_t>(frame.type)];
  return {Drop::none, std::move(heard), std::nullopt};
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
  if (known->superseded) return refuse(Drop::superseded);
  const auto nonce = frame.type == BeaconType::ping ? wire::read_ping(frame.payload) : Result<std::uint64_t>(std::uint64_t{0});
  if (!nonce) return refuse(Drop::malformed);
  known->window.accept(frame.sequence);
  ++types_[static_cast<std::size_t>(frame.type)];
  if (frame.type == BeaconType::ack || packet.multicast || !may_answer(packet.from)) return {};
  if (known->asked_at != Instant::min() && packet.received - known->asked_at < kQuestionGap) return refuse(Drop::rate_limited);
  known->asked_at = packet.received;
  return {Drop::none, std::nullopt, Question{packet.from, *nonce, frame.key_id, packet.bytes.size()}};
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
    case BeaconType::ack: break;
  }
  return false;
}

/// May this sender speak for this life of this id? Opens its session when it is new.
Drop Receiver::admit(const wire::BeaconView& frame, const Key* key, const Heard& heard, Session*& session) {
  if (key != nullptr && !settings_.keys.allows(*key, heard.id)) return Drop::key_not_for_id;
  if (key == nullptr && settings_.keys.is_bound(heard.id)) return Drop::id_has_key;
  if (session != nullptr) {
    if (session->who->first != heard.id) return Drop::foreign_session;
    if (session->superseded) return Drop::superseded;
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
  if (!newer_life && who->speaks != nullptr) who->speaks->superseded = true;
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
  for (const auto type : {BeaconType::announce, BeaconType::alive, BeaconType::bye, BeaconType::ping, BeaconType::ack})
    out.emplace_back(wire::to_string(type), types_[static_cast<std::size_t>(type)]);
  for (std::size_t i = 1; i < dropped_.size(); ++i) out.emplace_back("dropped_" + std::string(to_string(static_cast<Drop>(i))), dropped_[i]);
  return out;
}

}  // namespace choregos::source::beacon
