// choregos peers: listens to beacons on this network with no daemon at all, and shows who speaks.
#include <map>
#include <optional>
#include <ostream>

#include "choregos/base/text.hpp"
#include "choregos/cli/document.hpp"
#include "choregos/cli/paint.hpp"
#include "choregos/cli/table.hpp"
#include "choregos/cli/verbs.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/source/beacon/ears.hpp"
#include "choregos/source/beacon/key_file.hpp"
#include "choregos/source/beacon/receiver.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::cli {
namespace {

namespace beacon = source::beacon;

/// What was heard of one agent while listening.
struct Peer {
  beacon::Heard last;
  Claims claims;  ///< announces and alives laid over each other
  std::uint64_t beacons = 0;
};
using Peers = std::map<std::string, Peer, NaturalLess>;

void note(Peers& peers, beacon::Heard heard) {
  Peer& peer = peers[heard.id];
  const auto status = heard.claims.status ? heard.claims.status : peer.claims.status;
  if (heard.type == wire::BeaconType::announce) peer.claims = heard.claims;
  peer.claims.status = status;
  peer.last = std::move(heard);
  ++peer.beacons;
}

std::string trust(const beacon::Heard& heard) { return heard.proven ? "proven" : heard.verified ? "signed" : "unverified"; }

void print_json(const Peers& peers, Format format, std::ostream& out) {
  wire::JsonWriter json;
  json.begin_object().key("peers").begin_array();
  for (const auto& [id, peer] : peers) {
    json.begin_object().member("id", id).member("from", to_string(peer.last.from)).member("trust", trust(peer.last)).member("beacons", peer.beacons);
    json.member("left", peer.last.type == wire::BeaconType::bye).member("incarnation", peer.last.incarnation);
    if (peer.claims.status) json.member("status", to_string(*peer.claims.status));
    if (peer.claims.name) json.member("name", *peer.claims.name);
    if (peer.claims.model) json.member("model", *peer.claims.model);
    if (peer.claims.endpoint) json.member("endpoint", *peer.claims.endpoint);
    if (peer.claims.capabilities) {
      json.key("capabilities").begin_array();
      for (const auto& capability : *peer.claims.capabilities) json.value(capability);
      json.end_array();
    }
    json.end_object();
  }
  json.end_array().end_object();
  (void)print_document(std::move(json).take(), format, out);  // our own text always parses
}

}  // namespace

int peers(const Context& context, const PeersArguments& arguments, Streams s) {
  beacon::ReceiverSettings settings;
  if (!arguments.key_file.empty()) {
    auto keys = beacon::load_keys(arguments.key_file);
    if (!keys) return report(context, keys.error(), s.err);
    settings.keys = std::move(*keys);
  }
  auto everybody = beacon::UnsignedRule::parse("any");
  if (!everybody) return report(context, everybody.error(), s.err);
  settings.accept_unsigned = *everybody;
  settings.show_unverified = arguments.key_file.empty();

  Peers heard;
  beacon::Receiver receiver(settings);
  net::Loop loop;
  beacon::Ears::Options options;
  options.port = arguments.port;
  options.interfaces = arguments.interfaces;
  options.group_only = true;  // a registry on this machine keeps its unicast
  auto ears = beacon::Ears::open(loop, options, [&](const beacon::Packet& packet, unsigned) {
    if (auto taken = receiver.take(packet); taken.heard) note(heard, std::move(*taken.heard));
  });
  if (!ears) return report(context, ears.error(), s.err);
  loop.on_signal({2, 15}, [&](int) { loop.stop(); });  // show what was heard so far
  const net::Timer end = loop.after(arguments.listen, [&] { loop.stop(); });
  if (context.color) s.err << "listening for " << format_duration(arguments.listen) << " on UDP port " << arguments.port << "\n";
  loop.run();

  if (context.format == Format::json || context.format == Format::yaml) {
    print_json(heard, context.format, s.out);
  } else if (context.format == Format::name) {
    for (const auto& [id, peer] : heard) s.out << id << "\n";
  } else if (!heard.empty()) {
    Table table({"ID", "STATUS", "FROM", "TRUST", "BEACONS", "MODEL", "CAPABILITIES", "ENDPOINT"});
    for (const auto& [id, peer] : heard) {
      const bool left = peer.last.type == wire::BeaconType::bye;
      table.add({id, Cell(left ? std::string("left") : peer.claims.status ? std::string(to_string(*peer.claims.status)) : std::string(), left ? Paint::dim : Paint::good), to_string(peer.last.from.ip),
                 trust(peer.last), std::to_string(peer.beacons), peer.claims.model.value_or(""), shortened(joined(peer.claims.capabilities.value_or(std::vector<std::string>{})), 40),
                 peer.claims.endpoint.value_or("")});
    }
    table.print(s.out, context.headers, context.color);
  }
  if (heard.empty()) {
    const auto counters = (*ears)->counters();
    s.err << "nobody was heard in " << format_duration(arguments.listen) << ": " << counters.received << " datagrams came, " << receiver.accepted() << " were beacons; "
          << (counters.joined == 0 ? "no interface here carries multicast" : "multicast stays on one LAN and does not cross routers or overlay networks") << "\n";
  }
  return 0;
}

}  // namespace choregos::cli
