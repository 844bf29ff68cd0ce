// The beacon datagram: how an agent says over UDP that it lives. At most limits::datagram_bytes_max bytes, all numbers in
// network byte order. docs/PROTOCOL.md tells it for writers of agents; this is the same, byte by byte.
//
//   offset size  field
//        0    4  magic     'C' 'H' 'R' 'G'
//        4    1  version   1
//        5    1  type      1 announce, 2 alive, 3 bye, 4 ping, 5 ack, 6 ask, 7 told
//        6    2  flags     bit 0 draining, bit 1 answers pings, bit 2 helps (announce, alive); senders write 0 in the others,
//                          receivers ignore them
//        8    8  cookie    as given in choregosd's last ack; 0 = none yet. In a ping or ask to an agent: the session of that
//                          agent, which shows that the sender hears it. Its place is fixed so that a classic BPF filter
//                          can drop strangers in the kernel
//       16    8  key id    0 = unsigned
//       24    8  session   chosen at random by the sender at its start; sequences belong to it
//       32    8  sequence  1, 2, 3, …: one more for each datagram of the session
//       40    2  length    of the payload, at most 1142
//       42    n  payload   by type, below
//     42+n   16  MAC       HMAC-SHA256 with the key of `key id` over bytes 0 … 41+n, first 16 bytes; all zero when unsigned
//
//   announce  the registration as JSON (wire/statement.hpp), with `id`
//   alive     incarnation 8 | status 1 (0 online, 1 idle, 2 working, 255 not said) | running 2 | capacity 2 | load 2
//             (per mille) | id length 1 | id.  65535 in running, capacity or load = not said. It carries the id, so a
//             receiver needs no state to know who is meant
//   bye       incarnation 8 | id length 1 | id | reason length 1 | reason (UTF-8, at most 100 bytes)
//   ping      nonce 8 | zeros up to at least 28 bytes in all
//   ack       nonce 8 (of the ping) | beacon interval in ms 4 | epoch 8 | cookie 8 = 28 bytes. An agent that answers a ping
//             writes 0 for the last three. A ping shorter than an ack gets none: no answer is longer than its question
//   ask       address 16 (IPv4 as ::ffff:a.b.c.d) | port 2 | ms to wait 2 | a ping datagram of 86 bytes
//   told      nonce of the ping 8 | the ack datagram, or nothing
//
// HMAC-SHA256, cut to 128 bits (RFC 2104 section 5), because the standard library of every language has it: an agent in 30
// lines of Python can sign. libsodium computes 2.3 million a second and core for 200 bytes.
//
// The receiver checks in order of cost, and touches no state before the MAC is verified: length, magic, version, type
// (decode_beacon), key lookup (caller), MAC (verify_beacon), sequence window (SequenceWindow), payload (read_*).
// Pure; any thread; decoding allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "choregos/base/ip.hpp"
#include "choregos/base/limits.hpp"
#include "choregos/base/result.hpp"
#include "choregos/model/agent.hpp"

namespace choregos::wire {

enum class BeaconType : std::uint8_t { announce = 1, alive = 2, bye = 3, ping = 4, ack = 5, ask = 6, told = 7 };
inline constexpr std::uint8_t kBeaconTypeMax = 7;
std::string_view to_string(BeaconType type);

inline constexpr std::size_t kBeaconHeaderBytes = 42;
inline constexpr std::size_t kBeaconMacBytes = 16;
inline constexpr std::size_t kBeaconPayloadBytesMax = limits::datagram_bytes_max - kBeaconHeaderBytes - kBeaconMacBytes;
inline constexpr std::size_t kBeaconCookieOffset = 8;
inline constexpr std::size_t kBeaconAckPayloadBytes = 28;
inline constexpr std::uint16_t kBeaconDraining = 1;  ///< in flags
inline constexpr std::uint16_t kBeaconAnswers = 2;   ///< in flags: acks pings that are for it
inline constexpr std::uint16_t kBeaconHelps = 4;     ///< in flags: pings others on a registry's behalf
/// The only size of a ping that is relayed.
inline constexpr std::size_t kBeaconPingBytes = kBeaconHeaderBytes + kBeaconAckPayloadBytes + kBeaconMacBytes;
/// Keys shorter than this are refused when signing: 128 bits.
inline constexpr std::size_t kBeaconKeyBytesMin = 16;

struct BeaconFrame {
  BeaconType type = BeaconType::alive;
  std::uint16_t flags = 0;
  std::uint64_t cookie = 0;
  std::uint64_t key_id = 0;
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  std::string payload;
};

/// The datagram. `key` is empty exactly when key_id is 0. Errors: too_large (payload), invalid (key and key_id disagree,
/// key too short).
Result<std::string> encode_beacon(const BeaconFrame& frame, std::string_view key = {});

/// Why a datagram is no frame; for drop counters. Each word is the name of a counter.
enum class BeaconFault : std::uint8_t { none, length, magic, version, type, mac_on_unsigned };
std::string_view to_string(BeaconFault fault);

/// A frame that lies in the datagram's own bytes: keep these alive while using it.
struct BeaconView {
  BeaconType type = BeaconType::alive;
  std::uint16_t flags = 0;
  std::uint64_t cookie = 0;
  std::uint64_t key_id = 0;  ///< 0 = unsigned: whether that is acceptable the caller decides
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  std::string_view payload;
  std::string_view covered;  ///< the bytes under the MAC
  std::string_view mac;
};
/// Checks the frame, not the MAC. `out` is set only when it returns none.
BeaconFault decode_beacon(std::string_view datagram, BeaconView& out);
/// In constant time. False for an unsigned frame and for a key that is too short.
bool verify_beacon(const BeaconView& frame, std::string_view key);

struct AliveBody {
  std::string id;
  std::uint64_t incarnation = 0;
  std::optional<Status> status;
  std::optional<std::uint16_t> running;   ///< at most 65534
  std::optional<std::uint16_t> capacity;  ///< at most 65534
  std::optional<std::uint16_t> load;      ///< per mille; at most 65534
  bool operator==(const AliveBody&) const = default;
};
/// Asserts that the id is a word (base/text.hpp); values above their bounds are cut to them.
std::string write_alive(const AliveBody& body);
/// Errors: invalid (short, long, an id that is not a word, an unknown status).
Result<AliveBody> read_alive(std::string_view payload);

struct ByeBody {
  std::string id;
  std::uint64_t incarnation = 0;
  std::string reason;
  bool operator==(const ByeBody&) const = default;
};
/// Asserts that the id is a word; the reason is made printable and cut to limits::goodbye_reason_bytes_max at a character's end.
std::string write_bye(const ByeBody& body);
Result<ByeBody> read_bye(std::string_view payload);

/// 28 bytes.
std::string write_ping(std::uint64_t nonce);
/// The nonce. Errors: invalid (shorter than an ack would be).
Result<std::uint64_t> read_ping(std::string_view payload);

struct AckBody {
  std::uint64_t nonce = 0;
  std::uint32_t beacon_interval_ms = 0;  ///< 0 = not said
  std::uint64_t epoch = 0;               ///< of the registry; a new one means: announce again
  std::uint64_t cookie = 0;              ///< to be sent from now on
  bool operator==(const AckBody&) const = default;
};
std::string write_ack(const AckBody& body);
Result<AckBody> read_ack(std::string_view payload);

/// From a registry to an agent that helps: ping that address on my behalf. The ping is a whole datagram, made and signed for
/// the agent at `target`, so the helper needs no key of it and can say nothing of its own there.
struct AskBody {
  SocketAddress target;
  std::uint16_t wait_ms = 0;  ///< for the answer
  std::string ping;
  bool operator==(const AskBody&) const = default;
};
std::string write_ask(const AskBody& body);
/// Errors: invalid (short, long, a `ping` that is no ping frame of kBeaconPingBytes).
Result<AskBody> read_ask(std::string_view payload);

/// What became of it. With the datagram that answered, so that the helper need not be believed where there are keys. Never
/// longer than the ask.
struct ToldBody {
  std::uint64_t nonce = 0;  ///< of the ping
  std::string ack;          ///< a whole datagram; "" = nothing came in time
  bool operator==(const ToldBody&) const = default;
};
std::string write_told(const ToldBody& body);
/// Errors: invalid (short, an `ack` that is no ack frame of at most kBeaconPingBytes).
Result<ToldBody> read_told(std::string_view payload);

/// Which sequences of one session were seen: the last 64 by a bit each, older ones count as seen (RFC 4303, appendix A2).
/// So a replayed datagram is never taken twice, and one that was overtaken by up to 63 others still is.
class SequenceWindow {
 public:
  /// True when it was not seen yet; remembers it. Sequences begin at 1, so 0 is never accepted. Call after the MAC.
  bool accept(std::uint64_t sequence);
  /// The same without remembering.
  bool would_accept(std::uint64_t sequence) const;
  std::uint64_t highest() const { return highest_; }

 private:
  std::uint64_t highest_ = 0;
  std::uint64_t seen_ = 0;  ///< bit i: highest_ - i was seen
};

}  // namespace choregos::wire
