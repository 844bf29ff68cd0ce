#include "choregos/net/udp.hpp"

#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "choregos/net/asio.hpp"
#include "choregos/net/sockets.hpp"

namespace choregos::net {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kSlotBytes = 1500;
constexpr std::size_t kControlBytes = 256;
constexpr int kBatchesPerTurn = 8;  // then other descriptors and timers have their turn

std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

/// The loopback interface has no multicast flag, yet Linux carries multicast on it once it is joined there by name.
bool usable(const Interface& one, const std::vector<std::string>& wanted) {
  if (!one.up) return false;
  if (wanted.empty()) return one.multicast || one.loopback;
  return std::find(wanted.begin(), wanted.end(), one.name) != wanted.end();
}

bool has_family(const Interface& one, bool v4) {
  return std::any_of(one.addresses.begin(), one.addresses.end(), [&](const IpAddress& a) { return a.is_v4() == v4; });
}

}  // namespace

struct UdpSocket::Impl : std::enable_shared_from_this<UdpSocket::Impl> {
  Impl(Loop& l, Options o, OnBatch fn, int fd) : loop(l), options(std::move(o)), on_batch(std::move(fn)), socket(context_of(l), fd), v4(options.bind.ip.is_v4()) {}

  Loop& loop;
  const Options options;
  const OnBatch on_batch;
  Descriptor socket;
  const bool v4;
  SocketAddress local;
  Counters counters;
  Instant newest = Instant::min();  // when the last datagram read arrived
  std::uint32_t overflow_seen = 0;
  std::vector<unsigned> send_indices;                    // interfaces to send multicast on, as of the last refresh
  std::set<std::pair<IpAddress, unsigned>> memberships;  // group, interface index
  Timer refresh;

  // One batch, reused: 64 × 1500 bytes and what belongs to them.
  std::array<std::array<std::byte, kSlotBytes>, kBatch> slots;
  std::array<std::array<char, kControlBytes>, kBatch> controls;
  std::array<sockaddr_storage, kBatch> names;
  std::array<iovec, kBatch> parts;
  std::array<mmsghdr, kBatch> messages;
  std::array<Datagram, kBatch> datagrams;

  // ---- Receiving ----

  void wait() {
    socket.async_wait(Descriptor::wait_read, [weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->on_readable();
    });
  }

  void on_readable() {
    const auto self = shared_from_this();
    for (int i = 0; i < kBatchesPerTurn && socket.is_open(); ++i)
      if (!receive_batch()) break;
    if (socket.is_open()) wait();
  }

  Instant drain(std::size_t batch_count_max) {
    const auto self = shared_from_this();
    for (std::size_t i = 0; i < batch_count_max && socket.is_open(); ++i) {
      const Instant before{clock_ns(CLOCK_MONOTONIC)};
      if (!receive_batch()) return before;
    }
    return newest;
  }

  /// False when nothing more waits.
  bool receive_batch() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = iovec{slots[i].data(), kSlotBytes};
      msghdr& header = messages[i].msg_hdr;
      header = msghdr{};
      header.msg_name = &names[i];
      header.msg_namelen = sizeof names[i];
      header.msg_iov = &parts[i];
      header.msg_iovlen = 1;
      header.msg_control = controls[i].data();
      header.msg_controllen = kControlBytes;
      messages[i].msg_len = 0;
    }
    const int n = ::recvmmsg(socket.native_handle(), messages.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (n <= 0) {
      // Errors of earlier sends (port unreachable) are reported here once each; they say nothing about receiving.
      if (n < 0 && errno == EINTR) return true;
      if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        ++counters.receive_failures;
        return true;
      }
      return false;
    }
    // Kernel stamps are wall time: the difference between the clocks is sampled per batch, so a clock step shifts one
    // batch at most, and never into the future.
    const std::int64_t mono = clock_ns(CLOCK_MONOTONIC);
    const std::int64_t wall_minus_mono = clock_ns(CLOCK_REALTIME) - mono;
    ++counters.batches;
    for (int i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i);
      datagrams[at] = describe(messages[at], at, mono, wall_minus_mono);
      newest = datagrams[at].received;
      ++counters.received;
      counters.received_bytes += datagrams[at].bytes.size();
      counters.oversize += datagrams[at].oversize ? 1 : 0;
    }
    if (on_batch) on_batch(std::span<const Datagram>(datagrams.data(), static_cast<std::size_t>(n)));
    return n == static_cast<int>(kBatch);
  }

  Datagram describe(mmsghdr& message, std::size_t at, std::int64_t mono, std::int64_t wall_minus_mono) {
    Datagram d;
    d.bytes = std::span<const std::byte>(slots[at].data(), message.msg_len);
    d.from = socket_address(names[at]);
    d.received = Instant{mono};
    d.truncated = (message.msg_hdr.msg_flags & MSG_TRUNC) != 0;
    d.oversize = d.truncated || d.bytes.size() > limits::datagram_bytes_max;
    for (cmsghdr* c = CMSG_FIRSTHDR(&message.msg_hdr); c; c = CMSG_NXTHDR(&message.msg_hdr, c)) {
      if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
        timespec stamp{};
        std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
        const std::int64_t ns = stamp.tv_sec * 1'000'000'000LL + stamp.tv_nsec - wall_minus_mono;
        // Older than a minute cannot be queueing: then the wall clock was set in between.
        if (ns <= mono && mono - ns < 60'000'000'000LL) d.received = Instant{ns};
      } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
        std::uint32_t dropped = 0;
        std::memcpy(&dropped, CMSG_DATA(c), sizeof dropped);
        counters.dropped_by_kernel += dropped - overflow_seen;  // the kernel's counter wraps at 32 bits
        overflow_seen = dropped;
      } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        in_pktinfo info{};
        std::memcpy(&info, CMSG_DATA(c), sizeof info);
        d.interface_index = static_cast<unsigned>(info.ipi_ifindex);
        d.multicast = IpAddress::v4(ntohl(info.ipi_addr.s_addr)).is_multicast();
      } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        in6_pktinfo info{};
        std::memcpy(&info, CMSG_DATA(c), sizeof info);
        d.interface_index = info.ipi6_ifindex;
        d.multicast = info.ipi6_addr.s6_addr[0] == 0xff;
      }
    }
    return d;
  }

  // ---- Interfaces ----

  void refresh_interfaces() {
    const auto all = interfaces();
    std::set<std::pair<IpAddress, unsigned>> present;
    send_indices.clear();
    for (const Interface& one : all) {
      if (!usable(one, options.interfaces) || !has_family(one, v4)) continue;
      send_indices.push_back(one.index);
      for (const IpAddress& group : options.groups) present.emplace(group, one.index);
    }
    // An interface that went away took its membership with it; one that came back has a new index or must be joined again.
    for (auto at = memberships.begin(); at != memberships.end();) {
      if (present.count(*at) > 0) {
        ++at;
        continue;
      }
      change_membership(at->first, at->second, false);
      at = memberships.erase(at);
    }
    for (const auto& wanted : present) {
      if (memberships.count(wanted) > 0) continue;
      if (change_membership(wanted.first, wanted.second, true)) memberships.insert(wanted);
      else ++counters.join_failures;
    }
    counters.joined = memberships.size();
  }

  bool change_membership(const IpAddress& group, unsigned index, bool join) {
    group_req request{};
    request.gr_interface = index;
    const RawAddress raw = raw_address({group, 0});
    std::memcpy(&request.gr_group, &raw.storage, sizeof request.gr_group);
    const int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
    const int done = ::setsockopt(socket.native_handle(), level, join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, &request, sizeof request);
    return done == 0 || (join && errno == EADDRINUSE);
  }

  // ---- Sending ----

  bool send_bytes(const SocketAddress& to, std::span<const std::byte> bytes) {
    RawAddress raw = raw_address(to);
    while (true) {
      const ssize_t n = ::sendto(socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL, raw.get(), raw.size);
      if (n >= 0) break;
      if (errno == EINTR) continue;
      ++counters.send_failures;
      return false;
    }
    ++counters.sent;
    return true;
  }

  bool choose_interface(unsigned index) {
    if (v4) {
      ip_mreqn request{};
      request.imr_ifindex = static_cast<int>(index);
      return ::setsockopt(socket.native_handle(), IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) == 0;
    }
    const int number = static_cast<int>(index);
    return ::setsockopt(socket.native_handle(), IPPROTO_IPV6, IPV6_MULTICAST_IF, &number, sizeof number) == 0;
  }
};

Result<std::unique_ptr<UdpSocket>> UdpSocket::open(Loop& loop, Options options, OnBatch on_batch) {
  const bool v4 = options.bind.ip.is_v4();
  const std::string where = to_string(options.bind);
  for (const IpAddress& group : options.groups)
    if (!group.is_multicast() || group.is_v4() != v4) return fail(ErrorCode::invalid, to_string(group) + " is not a multicast group of the family of " + where);
  FdGuard fd(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return system_error("open a UDP socket", errno);
  if (options.share_port) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes);
  set_option(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, 1);
  set_option(fd.get(), SOL_SOCKET, SO_RXQ_OVFL, 1);
  if (v4) {
    set_option(fd.get(), IPPROTO_IP, IP_PKTINFO, 1);
    set_option(fd.get(), IPPROTO_IP, IP_MULTICAST_TTL, 1);
    set_option(fd.get(), IPPROTO_IP, IP_MULTICAST_LOOP, 1);
    // Only groups that this very socket joined, not those of others on the machine.
    set_option(fd.get(), IPPROTO_IP, IP_MULTICAST_ALL, 0);
  } else {
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set_option(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    set_option(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1);
    set_option(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1);
    set_option(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
  }
  const RawAddress raw = raw_address(options.bind);
  if (::bind(fd.get(), raw.get(), raw.size) != 0) return system_error("bind UDP to " + where, errno);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return system_error("bind UDP to " + where, errno);

  const auto filter = options.filter;
  auto impl = std::make_shared<Impl>(loop, std::move(options), std::move(on_batch), fd.release());
  impl->local = socket_address(bound);
  std::unique_ptr<UdpSocket> udp(new UdpSocket(impl));
  if (!filter.empty())
    if (auto set = udp->set_filter(filter); !set) return set.error();
  impl->refresh_interfaces();
  if (!impl->options.groups.empty()) impl->refresh = loop.every(impl->options.interface_refresh, [raw_impl = impl.get()] { raw_impl->refresh_interfaces(); });
  impl->wait();
  return udp;
}

UdpSocket::UdpSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

UdpSocket::~UdpSocket() {
  impl_->refresh.cancel();
  boost::system::error_code ignored;
  impl_->socket.close(ignored);
}

SocketAddress UdpSocket::local() const { return impl_->local; }

Instant UdpSocket::drain(std::size_t batch_count_max) {
  const auto impl = impl_;  // whoever takes a batch may destroy us
  return impl->drain(batch_count_max);
}

Result<void> UdpSocket::send(const SocketAddress& to, std::span<const std::byte> bytes, bool configured_target) {
  if (bytes.size() > limits::datagram_bytes_max) return fail(ErrorCode::too_large, "a datagram has at most " + std::to_string(limits::datagram_bytes_max) + " bytes");
  if (impl_->options.policy)
    if (auto allowed = impl_->options.policy->check(to, configured_target); !allowed) return allowed.error();
  if (!impl_->send_bytes(to, bytes)) return system_error("send to " + to_string(to), errno);
  return {};
}

Result<std::size_t> UdpSocket::send_multicast(const SocketAddress& group, std::span<const std::byte> bytes) {
  if (bytes.size() > limits::datagram_bytes_max) return fail(ErrorCode::too_large, "a datagram has at most " + std::to_string(limits::datagram_bytes_max) + " bytes");
  if (!group.ip.is_multicast()) return fail(ErrorCode::invalid, to_string(group) + " is not a multicast group");
  if (impl_->options.groups.empty()) impl_->refresh_interfaces();
  std::size_t sent = 0;
  int error = ENETUNREACH;
  for (const unsigned index : impl_->send_indices) {
    if (impl_->choose_interface(index) && impl_->send_bytes(group, bytes)) ++sent;
    else error = errno;
  }
  if (sent == 0) return system_error("send to " + to_string(group) + " on any interface", error);
  return sent;
}

Result<void> UdpSocket::set_filter(const std::vector<std::uint64_t>& instructions) {
  const int fd = impl_->socket.native_handle();
  if (instructions.empty()) {
    const int nothing = 0;
    if (::setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &nothing, sizeof nothing) != 0 && errno != ENOENT) return system_error("remove the packet filter", errno);
    return {};
  }
  std::vector<sock_filter> code(instructions.size());
  static_assert(sizeof(sock_filter) == sizeof(std::uint64_t));
  std::memcpy(code.data(), instructions.data(), code.size() * sizeof(sock_filter));
  sock_fprog program{};
  program.len = static_cast<unsigned short>(code.size());
  program.filter = code.data();
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) return system_error("set the packet filter", errno);
  return {};
}

const UdpSocket::Counters& UdpSocket::counters() const { return impl_->counters; }

}  // namespace choregos::net
