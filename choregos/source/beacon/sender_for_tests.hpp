// An agent's side of the beacons, for tests: one session that counts its sequences.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "choregos/wire/beacon.hpp"
#include "choregos/wire/statement.hpp"

namespace choregos::source::beacon {

struct Sender {
  std::string id = "a1";
  std::uint64_t incarnation = 1000;
  std::uint64_t session = 0x5e55;
  std::uint64_t key_id = 0;
  std::string key = {};
  std::uint64_t sequence = 0;
  std::uint16_t flags = 0;

  std::string frame(wire::BeaconType type, std::string payload) {
    wire::BeaconFrame out;
    out.type = type;
    out.flags = flags;
    out.key_id = key_id;
    out.session = session;
    out.sequence = ++sequence;
    out.payload = std::move(payload);
    return wire::encode_beacon(out, key).value();
  }
  std::string announce(Claims claims = {}) {
    wire::Statement statement;
    statement.id = id;
    statement.incarnation = incarnation;
    statement.claims = std::move(claims);
    return frame(wire::BeaconType::announce, wire::write_registration(statement));
  }
  std::string alive(std::optional<Status> status = std::nullopt) {
    wire::AliveBody body;
    body.id = id;
    body.incarnation = incarnation;
    body.status = status;
    return frame(wire::BeaconType::alive, wire::write_alive(body));
  }
  std::string bye(std::string reason = "done") { return frame(wire::BeaconType::bye, wire::write_bye({id, incarnation, std::move(reason)})); }
  std::string ack(std::uint64_t nonce) { return frame(wire::BeaconType::ack, wire::write_ack({nonce, 0, 0, 0})); }
  std::string told(std::uint64_t nonce, std::string answer = {}) { return frame(wire::BeaconType::told, wire::write_told({nonce, std::move(answer)})); }
  std::string ping(std::uint64_t nonce = 99) { return frame(wire::BeaconType::ping, wire::write_ping(nonce)); }
};

}  // namespace choregos::source::beacon
