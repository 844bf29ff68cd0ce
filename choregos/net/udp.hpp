// A UDP socket that reads in batches with the kernel's own arrival times, and speaks multicast on chosen interfaces.
//
// Lives on the loop's thread. What a datagram says is nobody's truth until wire/ has decoded it; here only its size and
// origin are known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/limits.hpp"
#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/net/address_policy.hpp"
#include "choregos/net/interfaces.hpp"
#include "choregos/net/loop.hpp"

namespace choregos::net {

/// Valid inside on_batch only.
struct Datagram {
  std::span<const std::byte> bytes;
  SocketAddress from;
  Instant received;            ///< when the kernel got it, on the clock of Loop::now(); not when we read it
  bool truncated = false;      ///< longer than the receive buffer (1500 bytes); the rest is lost
  bool oversize = false;       ///< over limits::datagram_bytes_max
  bool multicast = false;      ///< sent to a group, not to us alone
  unsigned interface_index = 0;
};

class UdpSocket {
 public:
  struct Options {
    SocketAddress bind;                   ///< its family is the socket's; port 0 lets the kernel choose. IPv6 is IPv6 only
    bool share_port = false;              ///< SO_REUSEADDR: several programs of one machine hear the same group
    int receive_buffer_bytes = 4 << 20;   ///< asked for; the kernel may give less (net.core.rmem_max)
    std::vector<IpAddress> groups = {};   ///< multicast groups to join, of the socket's family
    std::vector<std::string> interfaces = {};  ///< to join and send on; empty = all that are up and can multicast, loopback included
    Duration interface_refresh = 5s;      ///< how often new or returned interfaces are joined
    const AddressPolicy* policy = nullptr;  ///< for send(); must outlive the socket
    /// Classic BPF instructions (struct sock_filter, 8 bytes each) put on the socket with SO_ATTACH_FILTER; empty = none.
    std::vector<std::uint64_t> filter = {};
  };

  struct Counters {
    std::uint64_t received = 0;
    std::uint64_t received_bytes = 0;
    std::uint64_t batches = 0;
    std::uint64_t dropped_by_kernel = 0;  ///< the receive queue was full (SO_RXQ_OVFL)
    std::uint64_t oversize = 0;
    std::uint64_t sent = 0;
    std::uint64_t send_failures = 0;  ///< refused by our own kernel: evidence against ourselves, never against a peer
    std::uint64_t receive_failures = 0;
    std::uint64_t joined = 0;         ///< memberships (group × interface) held now
    std::uint64_t join_failures = 0;
  };

  using OnBatch = std::function<void(std::span<const Datagram>)>;

  /// Errors: `io` when the address cannot be bound; `invalid` for a group of the other family. An interface that cannot be
  /// joined is counted and tried again, not an error.
  static Result<std::unique_ptr<UdpSocket>> open(Loop& loop, Options options, OnBatch on_batch);
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  SocketAddress local() const;
  /// Hands over what waits now, at most `batch_count_max` × 64 datagrams. Returns until when everything has been handed over:
  /// the moment before the read that found no more, or, when it was cut short, the arrival of the newest that was read (the
  /// kernel's queue is in order). A datagram that the kernel has stamped and not queued yet may be a few milliseconds behind.
  /// Not to be called from within on_batch, which may destroy the socket.
  Instant drain(std::size_t batch_count_max = 64);
  /// Sends at once or not at all: a full queue is an error like any other, nothing is kept. Errors: `too_large` over
  /// datagram_bytes_max, `forbidden` by the policy, `io` when the kernel refuses.
  Result<void> send(const SocketAddress& to, std::span<const std::byte> bytes, bool configured_target = false);
  /// To a group, once on each interface, with hop limit 1 and heard on this machine too. The result is the number of
  /// interfaces it went out on; `io` when none.
  Result<std::size_t> send_multicast(const SocketAddress& group, std::span<const std::byte> bytes);
  /// Replaces the kernel filter; empty removes it. Errors: `io`.
  Result<void> set_filter(const std::vector<std::uint64_t>& instructions);

  const Counters& counters() const;

 private:
  struct Impl;
  explicit UdpSocket(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace choregos::net
