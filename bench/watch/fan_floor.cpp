// fan_floor PORT: what no server can do without. The connection whose first byte is 'P' publishes; what one read of it gives is
// written, as it is, to each connection whose first byte was 'W' (which gets one 'R' as an answer). One thread, one epoll, one send per
// watcher; what a socket does not take waits for it. It knows no topics, no heartbeats and no filters, and trusts everybody.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace {

struct Peer {
  bool known = false;
  bool watches = false;
  std::string waiting;
};

int epoll = -1;
std::map<int, Peer> peers;
std::vector<int> watchers;

void want(int fd, unsigned events, int how) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  ::epoll_ctl(epoll, how, fd, &event);
}

void give(int fd, const char* data, std::size_t size) {
  Peer& peer = peers[fd];
  std::size_t sent = 0;
  if (peer.waiting.empty())
    if (const ssize_t n = ::send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL); n > 0) sent = static_cast<std::size_t>(n);
  if (sent == size) return;
  if (peer.waiting.empty()) want(fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
  peer.waiting.append(data + sent, size - sent);
}

void give_rest(int fd) {
  std::string rest;
  rest.swap(peers[fd].waiting);
  want(fd, EPOLLIN, EPOLL_CTL_MOD);
  give(fd, rest.data(), rest.size());
}

void drop(int fd) {
  std::erase(watchers, fd);
  peers.erase(fd);
  ::close(fd);
}

void take(int fd) {
  static std::array<char, 65536> buffer;
  const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return drop(fd);
  const char* data = buffer.data();
  auto size = static_cast<std::size_t>(n);
  Peer& peer = peers[fd];
  if (!peer.known) {
    peer.known = true;
    peer.watches = *data == 'W';
    if (peer.watches) watchers.push_back(fd), give(fd, "R", 1);
    ++data, --size;
  }
  if (!peer.watches && size > 0)
    for (const int watcher : watchers) give(watcher, data, size);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "fan_floor PORT\n"), 2;
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 4096) != 0) return std::perror("fan_floor"), 1;
  epoll = ::epoll_create1(EPOLL_CLOEXEC);
  want(listener, EPOLLIN, EPOLL_CTL_ADD);
  std::array<epoll_event, 256> events;
  while (true) {
    const int count = ::epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        const int fresh = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fresh < 0) continue;
        ::setsockopt(fresh, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        peers[fresh];
        want(fresh, EPOLLIN, EPOLL_CTL_ADD);
        continue;
      }
      if (events[i].events & EPOLLOUT) give_rest(fd);
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) take(fd);
    }
  }
}
