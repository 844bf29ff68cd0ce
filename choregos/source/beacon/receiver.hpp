// From datagram to what an agent said: every check that a beacon must pass, in order of cost, and nothing that needs a
// socket, a clock or a registry. The beacon source, `choregos peers` and programs that listen for their neighbours share it.
//
//   length, magic, version, type        a few comparisons; nothing is copied
//   key, or the rule for unsigned ones  one look-up
//   sequence window                     so that a replay costs no hash
//   MAC                                 about 1 µs: most of what a good beacon costs
//   payload, whose id it is, which life of it
//   memory: touched only now, and only if everything fitted
//
// Memory is one entry a session (the number that a sender draws at its start). A session speaks for one id and one
// incarnation. A second session with the id is
//   a restart          if its incarnation is higher. The older one may go on speaking: then two processes claim the id,
//                      and showing that conflict is the registry's business
//   a recording        if its incarnation is lower than one known. A process that lives was heard before its successor
//   the sender anew    if the incarnation is the same or not said, and the older session is silent from then on
//   a clone            if it is not. Which of the two it is only time can tell, so every session after the first of a life has
//                      a voice of its own (Heard::voice), and the registry judges them as it does incarnations
//
// It makes questions, too (ask, ask_through): a ping for one agent, with a nonce of its own, carrying the agent's session to show
// that we hear it, signed with its key when it signs. The ack must repeat the nonce, once, and come from that very agent's session.
// A helper relays the ping and hands the ack back as it came, so where there are keys it need not be believed when it says that
// somebody lives. That somebody does not answer is the helper's word, and taken only of agents that some helper has reached before:
// behind a NAT nobody else may be able to.
//
// What it cannot promise: an unsigned beacon can be forged by whoever may send one, its session and sequence included. A
// receiver that was restarted knows no windows: it takes recordings of an agent that died under its newest incarnation until
// that agent speaks, unless it is told by expect() that this life has ended.
//
// Pure. One owner.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/limits.hpp"
#include "choregos/base/rng.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/source/beacon/admission.hpp"
#include "choregos/source/beacon/keys.hpp"
#include "choregos/wire/beacon.hpp"

namespace choregos::source::beacon {

struct ReceiverSettings {
  KeyRing keys;
  UnsignedRule accept_unsigned;
  /// Signed with a key that we do not have: take it as if unsigned, whatever that rule says. For listeners that only show
  /// who is there and hold no keys; never for a registry.
  bool show_unverified = false;
  /// Unsigned senders with an id unknown so far, so that a flood of strangers crowds out nobody who is known. As many as ten
  /// seconds' worth may come at once: a fleet that meets a new registry.
  std::uint32_t discoveries_per_second = 200;
  std::size_t session_count_max = limits::agent_count_max;
  std::uint64_t seed = 0;  ///< of the hash, so that nobody can aim at one bucket
};

/// Why a datagram was dropped; each word is the name of a counter, dropped_….
enum class Drop : std::uint8_t {
  none,
  length, magic, version, type, mac_on_unsigned,  ///< as wire::BeaconFault
  unsigned_refused,   ///< not from where unsigned beacons are believed
  unknown_key,
  replayed,           ///< its sequence was seen, or is too old to tell; also the copies that came over other interfaces
  wrong_mac,
  malformed,          ///< the frame is good, what it carries is not
  key_not_for_id,     ///< signed by a key that may not speak for this id
  id_has_key,         ///< unsigned, for an id that has a key of its own
  foreign_session,    ///< the session speaks for another id or incarnation
  older_life,         ///< a new session of an incarnation that is over
  unknown_sender,     ///< a ping, an ack, a helper's report or an unsigned goodbye of somebody who was not heard before
  rate_limited,       ///< too many unknown ids, sessions of one id, or pings
  table_full,
  unasked,            ///< an ack or a helper's report that answers no open question of ours: too late, repeated, forged
  kCount,
};
std::string_view to_string(Drop drop);

/// One datagram as it came. The bytes must live as long as the call.
struct Packet {
  std::string_view bytes;
  SocketAddress from;
  Instant received;        ///< when the kernel got it
  bool multicast = false;
};

/// What an accepted announce, alive or bye says. Of the other types: that its sender lives, no more.
struct Heard {
  wire::BeaconType type = wire::BeaconType::alive;
  std::string id;
  std::uint64_t incarnation = 0;  ///< 0 = not said in any beacon of this session
  /// The id for the first session of a life; for a later one also from where it was first heard, as it may be a clone's.
  std::string voice;
  /// Rises over all sessions of an id, so that the newer session's words count as newer.
  std::uint64_t sequence = 0;
  bool verified = false;          ///< its MAC is right
  bool proven = false;            ///< and the key is this id's own
  bool new_session = false;
  bool draining = false;
  Claims claims;                  ///< announce: the whole statement; alive: status and load alone
  std::string reason;             ///< bye
  bool answer = false;            ///< it answers a question of ours
  std::string via;                ///< the helper that put it; "" = we did
  SocketAddress from;
  Instant at;
};

/// A ping that deserves an answer.
struct Question {
  SocketAddress from;
  std::uint64_t nonce = 0;
  std::uint64_t key_id = 0;
  std::size_t bytes = 0;  ///< its size: no answer is longer
};

/// A question that a helper put in vain.
struct Unanswered {
  std::string id;
  std::string voice;
  std::uint64_t incarnation = 0;
  bool proven = false;
  std::string via;
  SocketAddress to;
  Instant at;
};

/// A question of ours, ready to be sent.
struct Asking {
  SocketAddress to;
  std::string bytes;
  std::uint64_t incarnation = 0;  ///< of whom it is about
  bool proven = false;
};

struct Taken {
  Drop drop = Drop::none;
  std::optional<Heard> heard;     ///< of the sender
  std::optional<Heard> relayed;   ///< of another agent, which a helper reached
  std::optional<Unanswered> unanswered;
  std::optional<Question> question;
};

class Receiver {
 public:
  /// A sender counts as known, and its pings are answered, for this long after its last beacon.
  static constexpr Duration kKnownFor = 60s;
  /// How long a session is remembered after its last beacon: its recordings are told from new ones for so long.
  static constexpr Duration kUnsignedKept = 10min;
  static constexpr Duration kSignedKept = 24h;
  /// An answer that comes later answers nothing.
  static constexpr Duration kAnswerTime = 10s;
  /// How long a helper waits for an answer.
  static constexpr Duration kHelperWait = 1s;

  explicit Receiver(ReceiverSettings settings);

  /// `packet.received` may fall from call to call, as datagrams of several sockets do.
  Taken take(const Packet& packet);
  /// The answer to a question, as ready bytes; "" when it may not be given. Signed with the key of the question.
  std::string answer(const Question& question, const wire::AckBody& body);

  /// A question to whoever speaks with that `voice` for `id`, if it is the first session of the life or the newest. Nothing when
  /// that is of another incarnation (0 = any), never said that it answers, was not heard at an address that may be asked, or has
  /// a key that we lost.
  std::optional<Asking> ask(const std::string& id, const std::string& voice, std::uint64_t incarnation, Instant now);
  /// The same by way of `helper`, which must have said that it helps. Goes to the helper.
  std::optional<Asking> ask_through(const std::string& helper, const std::string& id, const std::string& voice, std::uint64_t incarnation, Instant now);
  /// A question by way of some helper to somebody alive whom no helper has reached yet, to learn whether one can. Call it a few
  /// times a second; mostly there is nothing to learn.
  std::optional<Asking> rehearse(Instant now);

  /// A datagram to ourselves, each time another one. It is no beacon: take() refuses it.
  std::string canary();

  /// An id known from before a restart. It passes the limit for unknown ids, and a life older than `incarnation` is a
  /// recording, as is that one itself when it has `ended` (said goodbye).
  void expect(const std::string& id, std::uint64_t incarnation, bool ended);
  /// Other keys from now on. Sessions signed with a key that is gone or changed, or that may no longer speak for its id, are
  /// forgotten.
  void set_keys(KeyRing keys);
  const KeyRing& keys() const { return settings_.keys; }
  const UnsignedRule& accept_unsigned() const { return settings_.accept_unsigned; }

  /// Forgets who has been silent long enough. Call it about once a second.
  void sweep(Instant now);
  /// Senders heard within kKnownFor of the last sweep.
  std::size_t agents() const { return fresh_.size(); }
  std::size_t sessions() const { return index_.size(); }
  std::uint64_t dropped(Drop drop) const { return dropped_[static_cast<std::size_t>(drop)]; }
  std::uint64_t accepted() const { return accepted_; }
  /// accepted, announce, alive, bye, ping, ack, told, then dropped_… in the order of Drop.
  std::vector<std::pair<std::string, std::uint64_t>> counters() const;

 private:
  struct SessionKey {
    std::uint64_t key_id = 0;
    std::uint64_t session = 0;
    bool operator==(const SessionKey&) const = default;
  };
  struct SessionHash {
    std::uint64_t seed = 0;
    std::size_t operator()(const SessionKey& key) const;
  };
  struct Session;
  using Sessions = std::list<Session>;
  /// What is known of an id over all its sessions.
  struct Identity {
    std::uint64_t incarnation = 0;  ///< the highest heard or expected
    std::size_t sessions = 0;
    Session* speaks = nullptr;      ///< the newest session of that incarnation
    Session* first = nullptr;       ///< the one whose voice is the id; null = it is forgotten
    Instant opened_at = Instant::min();
    bool expected = false;
    bool ended = false;
    bool reached = false;           ///< an answer came by way of a helper
    Instant rehearsed_at = Instant::min();
  };
  using Identities = std::unordered_map<std::string, Identity>;
  enum class Place : std::uint8_t { fresh, idle_signed, idle_unsigned };
  struct Session {
    SessionKey key;
    Identities::value_type* who = nullptr;
    std::uint64_t incarnation = 0;
    std::uint64_t base = 0;         ///< added to sequences
    wire::SequenceWindow window;
    Instant heard_at = Instant::min();
    Instant asked_at = Instant::min();
    std::string origin;             ///< " from ADDRESS" of its first beacon; "" = the first session of its life
    bool draining = false, answers = false, helps = false;  ///< as its last announce or alive says
    std::optional<SocketAddress> from;  ///< where a question reaches it
    Place place = Place::fresh;
  };

  /// A question that is open.
  struct Open {
    std::string id;
    std::string voice;
    std::uint64_t incarnation = 0;
    std::uint64_t key_id = 0;
    bool proven = false;
    std::string helper;  ///< "" = asked directly
    SocketAddress to;
  };

  Taken refuse(Drop drop);
  Drop authenticate(const wire::BeaconView& frame, const Packet& packet, const Key*& key, Session* known) const;
  Taken take_question(const wire::BeaconView& frame, const Packet& packet, Session* known);
  Taken take_answer(const wire::BeaconView& frame, const Packet& packet, const std::string& helper, Session* known);
  Taken take_told(const wire::BeaconView& frame, const Packet& packet, Session* known);
  Heard life_of(Session& session, const wire::BeaconView& frame, const Packet& packet, bool verified);
  bool can_be_asked(const Session& session, std::uint64_t incarnation) const;
  Session* with_voice(const std::string& id, const std::string& voice);
  std::string sign(wire::BeaconType type, const Session& to, std::string payload);
  std::string open_question(const Session& about, const std::string& helper, Instant now);
  void close_question(std::uint64_t nonce) { open_.erase(nonce); }
  static bool read(const wire::BeaconView& frame, Heard& out);
  Drop admit(const wire::BeaconView& frame, const Key* key, const Heard& heard, Session*& session);
  void touch(Session& session, Instant at);
  void erase(Sessions& list, Sessions::iterator session);
  Sessions& list_of(Place place) { return place == Place::fresh ? fresh_ : place == Place::idle_signed ? idle_signed_ : idle_unsigned_; }

  ReceiverSettings settings_;
  TokenBucket discoveries_;
  Identities identities_;
  std::unordered_map<SessionKey, Sessions::iterator, SessionHash> index_;
  // Each in order of the last beacon, oldest first.
  Sessions fresh_, idle_signed_, idle_unsigned_;
  Rng rng_;
  std::unordered_map<std::uint64_t, Open> open_;            ///< by nonce
  std::deque<std::pair<Instant, std::uint64_t>> opened_;    ///< when which nonce was given out; may be closed already
  std::uint64_t own_session_;
  std::uint64_t own_sequence_ = 0;
  std::uint64_t accepted_ = 0;
  std::array<std::uint64_t, wire::kBeaconTypeMax + 1> types_{};
  std::array<std::uint64_t, static_cast<std::size_t>(Drop::kCount)> dropped_{};
};

}  // namespace choregos::source::beacon
