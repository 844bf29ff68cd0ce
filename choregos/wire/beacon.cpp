#include "choregos/wire/beacon.hpp"

#include <sodium/crypto_auth_hmacsha256.h>
#include <sodium/utils.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/utf8.hpp"

namespace choregos::wire {
namespace {

constexpr std::string_view kMagic = "CHRG";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kStatusNotSaid = 255;
constexpr std::uint16_t kNotSaid = 65535;

template <class Int>
void put(std::string& out, Int value) {
  for (int shift = static_cast<int>(sizeof(Int)) * 8 - 8; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

/// Takes fields off the front; once something was missing everything is.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  template <class Int>
  Int take() {
    Int value = 0;
    for (const char c : bytes(sizeof(Int))) value = static_cast<Int>(static_cast<std::uint64_t>(value) << 8 | static_cast<std::uint8_t>(c));
    return value;
  }
  std::string_view bytes(std::size_t count) {
    if (rest_.size() < count) {
      short_ = true;
      rest_ = {};
      return {};
    }
    const std::string_view front = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return front;
  }
  std::string_view rest() const { return rest_; }
  bool exact() const { return !short_ && rest_.empty(); }
  bool is_short() const { return short_; }

 private:
  std::string_view rest_;
  bool short_ = false;
};

using Mac = std::array<unsigned char, crypto_auth_hmacsha256_BYTES>;

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

Mac hmac(std::string_view covered, std::string_view key) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, octets(key), key.size());
  crypto_auth_hmacsha256_update(&state, octets(covered), covered.size());
  Mac mac{};
  crypto_auth_hmacsha256_final(&state, mac.data());
  sodium_memzero(&state, sizeof state);
  return mac;
}

void put_id(std::string& out, const std::string& id) {
  assert(is_word(id));
  put(out, static_cast<std::uint8_t>(id.size()));
  out += id;
}

Error malformed(std::string_view what) { return fail(ErrorCode::invalid, "the " + std::string(what) + " beacon is malformed"); }

std::uint16_t said(const std::optional<std::uint16_t>& value) {
  return value ? std::min<std::uint16_t>(*value, kNotSaid - 1) : kNotSaid;
}
std::optional<std::uint16_t> heard(std::uint16_t value) { return value == kNotSaid ? std::nullopt : std::optional(value); }

}  // namespace

std::string_view to_string(BeaconType type) {
  static constexpr std::array<std::string_view, kBeaconTypeMax + 1> kWords{"", "announce", "alive", "bye", "ping", "ack", "ask", "told"};
  return kWords[static_cast<std::size_t>(type)];
}

std::string_view to_string(BeaconFault fault) {
  static constexpr std::array<std::string_view, 6> kWords{"none", "length", "magic", "version", "type", "mac_on_unsigned"};
  return kWords[static_cast<std::size_t>(fault)];
}

Result<std::string> encode_beacon(const BeaconFrame& frame, std::string_view key) {
  if (frame.payload.size() > kBeaconPayloadBytesMax)
    return fail(ErrorCode::too_large, "the beacon's payload has " + std::to_string(frame.payload.size()) + " bytes; at most " +
                                          std::to_string(kBeaconPayloadBytesMax) + " fit a datagram");
  if ((frame.key_id == 0) != key.empty()) return fail(ErrorCode::invalid, "a beacon is signed with a key and its key id, or with neither");
  if (!key.empty() && key.size() < kBeaconKeyBytesMin) return fail(ErrorCode::invalid, "a beacon key has at least 16 bytes");
  std::string out;
  out.reserve(kBeaconHeaderBytes + frame.payload.size() + kBeaconMacBytes);
  out += kMagic;
  put(out, kVersion);
  put(out, static_cast<std::uint8_t>(frame.type));
  put(out, frame.flags);
  put(out, frame.cookie);
  put(out, frame.key_id);
  put(out, frame.session);
  put(out, frame.sequence);
  put(out, static_cast<std::uint16_t>(frame.payload.size()));
  out += frame.payload;
  if (key.empty()) {
    out.append(kBeaconMacBytes, '\0');
  } else {
    const Mac mac = hmac(out, key);
    for (std::size_t i = 0; i < kBeaconMacBytes; ++i) out += static_cast<char>(mac[i]);
  }
  return out;
}

BeaconFault decode_beacon(std::string_view datagram, BeaconView& out) {
  if (datagram.size() < kBeaconHeaderBytes + kBeaconMacBytes || datagram.size() > limits::datagram_bytes_max) return BeaconFault::length;
  Reader in(datagram);
  if (in.bytes(kMagic.size()) != kMagic) return BeaconFault::magic;
  if (in.take<std::uint8_t>() != kVersion) return BeaconFault::version;
  const auto type = in.take<std::uint8_t>();
  if (type < static_cast<std::uint8_t>(BeaconType::announce) || type > kBeaconTypeMax) return BeaconFault::type;
  BeaconView view;
  view.type = static_cast<BeaconType>(type);
  view.flags = in.take<std::uint16_t>();
  view.cookie = in.take<std::uint64_t>();
  view.key_id = in.take<std::uint64_t>();
  view.session = in.take<std::uint64_t>();
  view.sequence = in.take<std::uint64_t>();
  const auto length = in.take<std::uint16_t>();
  view.payload = in.bytes(length);
  view.mac = in.bytes(kBeaconMacBytes);
  if (!in.exact()) return BeaconFault::length;
  view.covered = datagram.substr(0, kBeaconHeaderBytes + length);
  // One form for each meaning: bytes in the place of a MAC that nobody checks could carry anything.
  if (view.key_id == 0 && std::any_of(view.mac.begin(), view.mac.end(), [](char c) { return c != '\0'; })) return BeaconFault::mac_on_unsigned;
  out = view;
  return BeaconFault::none;
}

bool verify_beacon(const BeaconView& frame, std::string_view key) {
  if (frame.key_id == 0 || key.size() < kBeaconKeyBytesMin || frame.mac.size() != kBeaconMacBytes) return false;
  const Mac mac = hmac(frame.covered, key);
  return sodium_memcmp(mac.data(), frame.mac.data(), kBeaconMacBytes) == 0;
}

std::string write_alive(const AliveBody& body) {
  std::string out;
  put(out, body.incarnation);
  put(out, body.status ? static_cast<std::uint8_t>(*body.status) : kStatusNotSaid);
  put(out, said(body.running));
  put(out, said(body.capacity));
  put(out, said(body.load));
  put_id(out, body.id);
  return out;
}

Result<AliveBody> read_alive(std::string_view payload) {
  Reader in(payload);
  AliveBody out;
  out.incarnation = in.take<std::uint64_t>();
  const auto status = in.take<std::uint8_t>();
  out.running = heard(in.take<std::uint16_t>());
  out.capacity = heard(in.take<std::uint16_t>());
  out.load = heard(in.take<std::uint16_t>());
  out.id = std::string(in.bytes(in.take<std::uint8_t>()));
  if (!in.exact() || !is_word(out.id)) return malformed("alive");
  if (status != kStatusNotSaid) {
    if (status > static_cast<std::uint8_t>(Status::working)) return malformed("alive");
    out.status = static_cast<Status>(status);
  }
  return out;
}

std::string write_bye(const ByeBody& body) {
  std::string out;
  put(out, body.incarnation);
  put_id(out, body.id);
  const std::string reason = printable(body.reason);
  const std::string_view cut = cut_utf8(reason, limits::goodbye_reason_bytes_max);
  put(out, static_cast<std::uint8_t>(cut.size()));
  out += cut;
  return out;
}

Result<ByeBody> read_bye(std::string_view payload) {
  Reader in(payload);
  ByeBody out;
  out.incarnation = in.take<std::uint64_t>();
  out.id = std::string(in.bytes(in.take<std::uint8_t>()));
  out.reason = std::string(in.bytes(in.take<std::uint8_t>()));
  if (!in.exact() || !is_word(out.id) || !check_text(out.reason, "reason", limits::goodbye_reason_bytes_max)) return malformed("bye");
  return out;
}

std::string write_ping(std::uint64_t nonce) {
  std::string out;
  put(out, nonce);
  out.resize(kBeaconAckPayloadBytes, '\0');
  return out;
}

Result<std::uint64_t> read_ping(std::string_view payload) {
  if (payload.size() < kBeaconAckPayloadBytes)
    return fail(ErrorCode::invalid, "the ping is shorter than its answer would be; pad it to 28 bytes");
  return Reader(payload).take<std::uint64_t>();
}

std::string write_ack(const AckBody& body) {
  std::string out;
  put(out, body.nonce);
  put(out, body.beacon_interval_ms);
  put(out, body.epoch);
  put(out, body.cookie);
  return out;
}

Result<AckBody> read_ack(std::string_view payload) {
  Reader in(payload);
  AckBody out;
  out.nonce = in.take<std::uint64_t>();
  out.beacon_interval_ms = in.take<std::uint32_t>();
  out.epoch = in.take<std::uint64_t>();
  out.cookie = in.take<std::uint64_t>();
  if (!in.exact()) return malformed("ack");
  return out;
}

namespace {
bool is_frame(std::string_view bytes, BeaconType type) {
  BeaconView frame;
  return decode_beacon(bytes, frame) == BeaconFault::none && frame.type == type;
}
}  // namespace

std::string write_ask(const AskBody& body) {
  std::string out(reinterpret_cast<const char*>(body.target.ip.bytes.data()), body.target.ip.bytes.size());
  put(out, body.target.port);
  put(out, body.wait_ms);
  out += body.ping;
  return out;
}

Result<AskBody> read_ask(std::string_view payload) {
  Reader in(payload);
  AskBody out;
  const std::string_view ip = in.bytes(out.target.ip.bytes.size());
  std::copy(ip.begin(), ip.end(), out.target.ip.bytes.begin());
  out.target.port = in.take<std::uint16_t>();
  out.wait_ms = in.take<std::uint16_t>();
  out.ping = std::string(in.bytes(kBeaconPingBytes));
  if (!in.exact() || !is_frame(out.ping, BeaconType::ping)) return malformed("ask");
  return out;
}

std::string write_told(const ToldBody& body) {
  std::string out;
  put(out, body.nonce);
  out += body.ack;
  return out;
}

Result<ToldBody> read_told(std::string_view payload) {
  Reader in(payload);
  ToldBody out;
  out.nonce = in.take<std::uint64_t>();
  out.ack = std::string(in.rest());
  if (in.is_short() || out.ack.size() > kBeaconPingBytes || (!out.ack.empty() && !is_frame(out.ack, BeaconType::ack))) return malformed("told");
  return out;
}

bool SequenceWindow::would_accept(std::uint64_t sequence) const {
  if (sequence == 0) return false;
  if (sequence > highest_) return true;
  const std::uint64_t behind = highest_ - sequence;
  return behind < 64 && (seen_ >> behind & 1) == 0;
}

bool SequenceWindow::accept(std::uint64_t sequence) {
  if (!would_accept(sequence)) return false;
  if (sequence > highest_) {
    const std::uint64_t ahead = sequence - highest_;
    seen_ = ahead < 64 ? seen_ << ahead : 0;
    highest_ = sequence;
    seen_ |= 1;
  } else {
    seen_ |= std::uint64_t{1} << (highest_ - sequence);
  }
  return true;
}

}  // namespace choregos::wire
