// fan_load SERVER PORT [--watchers N] [--connections N] [--payload FILE] [--agents N]
//          [--changes N] [--warm N] [--pause-us N] [--bursts N --burst N] [--idle]
//
// All watchers and the publisher in one thread, the same for every server. Opens N watchers, waits until each hears everything, then
// makes one change after the other: the next one when all watchers have the last and the publisher's answer is there. Prints one line of
// JSON: microseconds from just before the change is sent to the moment when the last watcher has read it. With --burst it makes so many
// changes at once and prints events received per second. With --idle it says "idle" and stays until its input ends.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "speak.hpp"

namespace fan {

void wrong(const std::string& what) {
  std::fprintf(stderr, "fan_load: %s\n", what.c_str());
  std::exit(1);
}

std::string numbered(const Order& order, std::uint64_t number) {
  std::string payload = order.payload;
  for (std::size_t i = kDigits; i-- > 0; number /= 10) payload[i] = static_cast<char>('0' + number % 10);
  return payload;
}

std::uint64_t number_of(std::string_view payload) {
  if (payload.size() < kDigits) wrong("a payload without its number");
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < kDigits; ++i) number = number * 10 + static_cast<std::uint64_t>(payload[i] - '0');
  return number;
}

namespace {

using Clock = std::chrono::steady_clock;
double microseconds_since(Clock::time_point start) { return std::chrono::duration<double, std::micro>(Clock::now() - start).count(); }

struct Options {
  std::string server;
  int port = 0;
  unsigned watchers = 1, connections = 0, changes = 200, warm = 20, pause_us = 1000, bursts = 0, burst = 0;
  bool idle = false;
  Order order;
};

struct Connection {
  int fd = -1;
  std::unique_ptr<Speaker> speaker;
  std::string rest;  // of a message that is not all there
  std::string out;   // what the socket did not take
};

/// The sockets of all connections.
class Client {
 public:
  explicit Client(int port) : port_(port), epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(256 * 1024) {}

  Connection& open(std::unique_ptr<Speaker> speaker) {
    auto& connection = *connections_.emplace_back(std::make_unique<Connection>());
    connection.speaker = std::move(speaker);
    connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connection.fd < 0 || ::connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) wrong(std::string("connect: ") + std::strerror(errno));
    const int one = 1;
    ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    want(connection, EPOLLIN, EPOLL_CTL_ADD);
    send(connection, connection.speaker->hello());
    return connection;
  }

  void send(Connection& connection, std::string_view bytes) {
    if (bytes.empty()) return;
    if (!connection.out.empty()) {
      connection.out += bytes;
      return;
    }
    const ssize_t n = ::send(connection.fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) wrong(std::string("send: ") + std::strerror(errno));
    const auto sent = static_cast<std::size_t>(std::max<ssize_t>(n, 0));
    if (sent == bytes.size()) return;
    connection.out = bytes.substr(sent);
    want(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
  }

  /// One turn.
  void turn(int wait_ms) {
    const int count = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), wait_ms);
    for (int i = 0; i < count; ++i) {
      auto& connection = *static_cast<Connection*>(events_[i].data.ptr);
      if (events_[i].events & EPOLLOUT) {
        const std::string out = std::exchange(connection.out, {});
        want(connection, EPOLLIN, EPOLL_CTL_MOD);
        send(connection, out);
      }
      if (events_[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(connection);
    }
  }

  template <class Condition>
  void until(Condition done, const char* what) {
    const auto start = Clock::now();
    for (auto checked = 0U; !done(); ++checked) {
      turn(1000);
      if (checked % 64 == 0 && microseconds_since(start) > 60e6) wrong(std::string("waited a minute for ") + what + ": " + std::to_string(totals.events) + " events");
    }
  }

  Totals totals;

 private:
  void want(Connection& connection, unsigned events, int how) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &connection;
    ::epoll_ctl(epoll_, how, connection.fd, &event);
  }

  void receive(Connection& connection) {
    const ssize_t n = ::recv(connection.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) wrong("a connection ended: " + (n < 0 ? std::string(std::strerror(errno)) : connection.rest.substr(0, 300)));
    std::string reply;
    std::string_view bytes(buffer_.data(), static_cast<std::size_t>(n));
    if (!connection.rest.empty()) bytes = connection.rest.append(bytes);
    const std::size_t used = connection.speaker->read(bytes, reply, totals);
    if (!connection.rest.empty()) connection.rest.erase(0, used);
    else if (used < bytes.size()) connection.rest = bytes.substr(used);
    send(connection, reply);
  }

  int port_;
  int epoll_;
  std::vector<char> buffer_;
  std::array<epoll_event, 512> events_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

void changes_one_by_one(Client& client, Connection& connection, Publisher& publisher, const Options& o) {
  std::vector<double> times;
  const std::uint64_t acknowledged = client.totals.acknowledged;
  for (std::uint64_t number = 1; number <= o.warm + o.changes; ++number) {
    if (o.pause_us > 0) {
      const auto start = Clock::now();
      while (microseconds_since(start) < o.pause_us) client.turn(0);
    }
    std::string out;
    publisher.change(number, out);
    const auto start = Clock::now();
    client.send(connection, out);
    client.until([&] { return client.totals.events + client.totals.folded >= number * o.watchers; }, "the last watcher");
    const double took = microseconds_since(start);
    if (number > o.warm) times.push_back(took);
    client.until([&] { return !publisher.acknowledges() || client.totals.acknowledged >= acknowledged + number; }, "the answer");
    if (client.totals.events != number * o.watchers) wrong("after change " + std::to_string(number) + " there are " + std::to_string(client.totals.events) + " events");
  }
  double sum = 0;
  for (const double each : times) sum += each;
  std::printf("{\"watchers\":%u,\"changes\":%zu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"deliveries_per_s\":%.0f}\n", o.watchers, times.size(), percentile(times, 0.5),
              percentile(times, 0.99), percentile(times, 1), o.watchers * static_cast<double>(times.size()) / sum * 1e6);
}

void changes_at_once(Client& client, Connection& connection, Publisher& publisher, const Options& o) {
  std::vector<double> rates;
  const std::uint64_t acknowledged = client.totals.acknowledged;
  std::uint64_t number = 0;
  for (unsigned burst = 0; burst <= o.bursts; ++burst) {
    std::string out;
    for (unsigned i = 0; i < o.burst; ++i) publisher.change(++number, out);
    const std::uint64_t before = client.totals.events;
    const auto start = Clock::now();
    client.send(connection, out);
    client.until([&] { return client.totals.events + client.totals.folded >= number * o.watchers; }, "the burst");
    const double took = microseconds_since(start);
    if (burst > 0) rates.push_back(static_cast<double>(client.totals.events - before) / took * 1e6);
    client.until([&] { return !publisher.acknowledges() || client.totals.acknowledged >= acknowledged + number; }, "the answers");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (client.totals.events + client.totals.folded != number * o.watchers) wrong("more events than changes");
  std::printf("{\"watchers\":%u,\"burst\":%u,\"events_per_s\":%.0f,\"folded_share\":%.4f}\n", o.watchers, o.burst, percentile(rates, 0.5),
              static_cast<double>(client.totals.folded) / static_cast<double>(number * o.watchers));
}

void run(const Options& o) {
  static const std::map<std::string, Protocol (*)()> protocols{{"floor", bare}, {"redis", redis}, {"nats", nats}, {"etcd", etcd}, {"choregos", choregos}};
  const auto found = protocols.find(o.server);
  if (found == protocols.end()) wrong("no server is named " + o.server);
  const Protocol protocol = found->second();
  Client client(o.port);
  const unsigned connections = o.connections > 0 ? std::min(o.connections, o.watchers) : o.watchers;
  unsigned opened = 0;
  for (unsigned i = 0; i < connections; ++i) {
    const unsigned watches = o.watchers / connections + (i < o.watchers % connections ? 1 : 0);
    client.open(protocol.watcher(o.order, watches));
    opened += watches;
    client.until([&] { return client.totals.ready + 64 + watches > opened; }, "watchers to be let in");
  }
  client.until([&] { return client.totals.ready == o.watchers; }, "watchers to be let in");
  if (o.idle) {
    std::printf("idle\n");
    std::fflush(stdout);
    std::thread([] {
      while (std::getchar() != EOF) {
      }
      std::_Exit(0);
    }).detach();
    while (true) client.turn(1000);
  }
  auto speaker = protocol.publisher(o.order);
  Publisher& publisher = *speaker;
  Connection& connection = client.open(std::move(speaker));
  if (o.burst > 0) changes_at_once(client, connection, publisher, o);
  else changes_one_by_one(client, connection, publisher, o);
}

Options read_options(int argc, char** argv) {
  if (argc < 3) wrong("fan_load SERVER PORT [OPTIONS]; its source says more");
  Options o;
  o.server = argv[1];
  o.port = std::atoi(argv[2]);
  const std::map<std::string, unsigned*> numbers{{"--watchers", &o.watchers}, {"--connections", &o.connections}, {"--agents", &o.order.agents},
                                                 {"--changes", &o.changes},   {"--warm", &o.warm},               {"--pause-us", &o.pause_us},   {"--bursts", &o.bursts},
                                                 {"--burst", &o.burst}};
  for (int i = 3; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--idle") {
      o.idle = true;
      continue;
    }
    if (i + 1 == argc) wrong(name + " needs a value");
    if (const auto at = numbers.find(name); at != numbers.end()) {
      *at->second = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
    } else if (name == "--payload") {
      std::ostringstream text;
      text << std::ifstream(argv[++i], std::ios::binary).rdbuf();
      o.order.payload = text.str();
    } else {
      wrong("no option is named " + name);
    }
  }
  o.order.run = static_cast<unsigned>(std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1));
  if (o.order.payload.size() < kDigits) o.order.payload.assign(750, 'x');
  return o;
}

}  // namespace
}  // namespace fan

int main(int argc, char** argv) {
  fan::run(fan::read_options(argc, argv));
  return 0;
}
