// Any datagram: what decodes encodes back to the same bytes, and so do the bodies of its payload.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "choregos/wire/beacon.hpp"
#include "choregos/wire/statement.hpp"

namespace {
void require(bool truth) {
  if (!truth) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace choregos::wire;
  const std::string_view datagram(reinterpret_cast<const char*>(data), size);
  const std::string key(32, 'k');
  // The bodies by themselves, so that they are reached without a valid frame, too.
  if (const auto alive = read_alive(datagram)) require(write_alive(*alive) == datagram);
  if (const auto bye = read_bye(datagram)) require(write_bye(*bye) == datagram);
  if (const auto ack = read_ack(datagram)) require(write_ack(*ack) == datagram);
  if (const auto ask = read_ask(datagram)) require(write_ask(*ask) == datagram && ask->ping.size() == kBeaconPingBytes);
  if (const auto told = read_told(datagram)) require(write_told(*told) == datagram && told->ack.size() <= kBeaconPingBytes);
  if (const auto nonce = read_ping(datagram)) require(*read_ping(write_ping(*nonce)) == *nonce);

  BeaconView view;
  const BeaconFault fault = decode_beacon(datagram, view);
  require(!to_string(fault).empty());
  if (fault != BeaconFault::none) return 0;
  BeaconFrame frame{view.type, view.flags, view.cookie, view.key_id, view.session, view.sequence, std::string(view.payload)};
  const auto encoded = encode_beacon(frame, view.key_id == 0 ? std::string_view{} : std::string_view(key));
  require(encoded.has_value() && encoded->size() == datagram.size());
  require(encoded->substr(0, view.covered.size()) == view.covered);
  require(verify_beacon(view, key) == (view.key_id != 0 && *encoded == datagram));
  if (view.key_id == 0) require(*encoded == datagram);
  switch (view.type) {
    case BeaconType::announce:
      if (const auto statement = read_registration(view.payload)) require(read_registration(write_registration(*statement)).has_value());
      break;
    case BeaconType::alive: (void)read_alive(view.payload).has_value(); break;
    case BeaconType::bye: (void)read_bye(view.payload).has_value(); break;
    case BeaconType::ping: (void)read_ping(view.payload).has_value(); break;
    case BeaconType::ack: (void)read_ack(view.payload).has_value(); break;
    case BeaconType::ask: (void)read_ask(view.payload).has_value(); break;
    case BeaconType::told: (void)read_told(view.payload).has_value(); break;
  }
  return 0;
}
