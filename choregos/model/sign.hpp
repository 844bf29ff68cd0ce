// A sign: something that this host learnt about itself, its network or its place, not about one agent. Signs are inputs of the
// registry like observations: they never kill an agent, they say how far our own ears can be trusted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "choregos/base/time.hpp"

namespace choregos {

enum class SignKind : std::uint8_t {
  /// All that arrived until `until` has been handed over before this sign. Silence is judged up to there and not beyond; a
  /// jump of over 500 ms between two such signs means that we were not listening, and that time counts for nobody's silence.
  /// Once one was given, they must go on (each 100 ms or so), or nobody is ever found silent.
  listened,
  lag,            ///< our loop was late by `amount`
  drops,          ///< our sockets dropped `count` datagrams
  send_failed,    ///< our own system refused to send (ENETUNREACH, EPERM, ENOBUFS): `reason`
  canary_lost,    ///< a datagram that we sent to ourselves did not come back
  canary_heard,   ///< it did
  link_lost,      ///< carrier or route gone: `subject` is the interface
  link_back,
  suspended,      ///< the machine slept for `amount`
  node_down,      ///< an orchestrator says that the node `subject` is down: a frozen domain of that node may drain
  node_up,
  thaw,           ///< an operator ends the freeze of the domain `subject`; "" = of all
};
std::string_view to_string(SignKind kind);

struct Sign {
  SignKind kind = SignKind::listened;
  Instant at;
  Instant until;           ///< for listened
  Duration amount{};
  std::uint64_t count = 0;
  std::string source;      ///< who says so: a source's instance name, "net", "operator"
  std::string subject;
  std::string reason;      ///< for people
};

}  // namespace choregos
