#include "choregos/net/resolver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "choregos/base/limits.hpp"
#include "choregos/net/test_support.hpp"

namespace choregos::net {
namespace {

using namespace testing;

void put16(std::string& out, unsigned n) { out += {static_cast<char>(n >> 8), static_cast<char>(n & 255)}; }
unsigned get16(std::string_view in, std::size_t at) { return static_cast<unsigned>(static_cast<unsigned char>(in[at]) << 8 | static_cast<unsigned char>(in[at + 1])); }

std::string wire_name(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto dot = name.find('.');
    const auto label = name.substr(0, dot);
    out += static_cast<char>(label.size());
    out += label;
    name = dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
  }
  return out + '\0';
}

/// What a DNS server makes of one question.
struct Question {
  std::string bytes;
  bool tcp = false;
  std::string name() const {
    std::string out;
    for (std::size_t at = 12; at < bytes.size() && bytes[at] != 0; at += static_cast<unsigned char>(bytes[at]) + 1U) out += bytes.substr(at + 1, static_cast<unsigned char>(bytes[at])) + ".";
    return out;
  }
  std::string section() const { return bytes.substr(12, bytes.find('\0', 12) + 5 - 12); }
  std::string reply(unsigned flags, unsigned answers, const std::string& records) const {
    std::string out = bytes.substr(0, 2);
    for (const unsigned n : {0x8180U | flags, 1U, answers, 0U, 0U}) put16(out, n);
    return out + section() + records;
  }
  static std::string record(unsigned type, const std::string& data) {
    std::string out("\xc0\x0c", 2);
    for (const unsigned n : {type, 1U, 0U, 600U, static_cast<unsigned>(data.size())}) put16(out, n);
    return out + data;
  }
  static std::string a(std::uint32_t v4) {
    std::string data;
    put16(data, v4 >> 16), put16(data, v4 & 0xffff);
    return record(1, data);
  }
};

/// A DNS server on loopback, UDP and TCP on one port, driven by polling between turns of the loop.
class DnsServer {
 public:
  using Answer = std::function<std::vector<std::string>(const Question&)>;  // datagrams (or TCP messages) to send back

  explicit DnsServer(Answer answer) : answer_(std::move(answer)) {
    udp_ = FdGuard(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const RawAddress raw = raw_address(tcp_.address);
    EXPECT_EQ(::bind(udp_.get(), raw.get(), raw.size), 0);
  }
  SocketAddress address() const { return tcp_.address; }

  void serve() {
    char buffer[2048];
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    for (ssize_t n; (n = ::recvfrom(udp_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size)) > 0; size = sizeof from) {
      ++udp_count;
      const Question question{std::string(buffer, static_cast<std::size_t>(n)), false};
      last_name = question.name();
      for (const auto& reply : answer_(question)) ::sendto(udp_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
    for (int fd; (fd = tcp_.accept()) >= 0;) connections_.emplace_back(FdGuard(fd), "");
    for (auto& [fd, in] : connections_) {
      ssize_t n;
      while ((n = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0) in.append(buffer, static_cast<std::size_t>(n));
      while (in.size() >= 2 && in.size() >= 2 + get16(in, 0)) {
        ++tcp_count;
        const Question question{in.substr(2, get16(in, 0)), true};
        in.erase(0, 2 + question.bytes.size());
        for (const auto& reply : answer_(question)) {
          std::string framed;
          put16(framed, static_cast<unsigned>(reply.size()));
          framed += reply;
          ::send(fd.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
        }
      }
    }
  }

  int udp_count = 0;
  int tcp_count = 0;
  std::string last_name;

 private:
  Answer answer_;
  Door tcp_;
  FdGuard udp_;
  std::vector<std::pair<FdGuard, std::string>> connections_;
};

class ResolverTest : public ::testing::Test {
 protected:
  void start(DnsServer::Answer answer, Duration timeout = 50ms) {
    server = std::make_unique<DnsServer>(std::move(answer));
    Resolver::Options options;
    options.servers = {server->address()};
    options.timeout = timeout;
    options.total = 2s;
    resolver = std::make_unique<Resolver>(loop, options);
    poll = loop.every(1ms, [this] { server->serve(); });
  }
  Result<DnsAnswer> a(const std::string& name) {
    std::optional<Result<DnsAnswer>> result;
    resolver->query_a(name, [&](Result<DnsAnswer> answer) { result = std::move(answer); });
    EXPECT_FALSE(result) << "never inside the call";
    EXPECT_TRUE(wait_for(loop, [&] { return result.has_value(); }));
    return result ? *result : Result<DnsAnswer>(fail(ErrorCode::internal, "nothing came"));
  }
  Result<std::vector<std::string>> ptr(const IpAddress& ip) {
    std::optional<Result<std::vector<std::string>>> result;
    resolver->query_ptr(ip, [&](Result<std::vector<std::string>> answer) { result = std::move(answer); });
    EXPECT_TRUE(wait_for(loop, [&] { return result.has_value(); }));
    return result ? *result : Result<std::vector<std::string>>(fail(ErrorCode::internal, "nothing came"));
  }

  Loop loop;
  std::unique_ptr<DnsServer> server;
  std::unique_ptr<Resolver> resolver;
  Timer poll;
};

TEST_F(ResolverTest, FindsAddressesDistinctAndInOrder) {
  start([](const Question& q) { return std::vector{q.reply(0, 3, Question::a(0x0a000107) + Question::a(0x0a000105) + Question::a(0x0a000107))}; });
  const auto answer = a("tasks.chorus");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->outcome, DnsAnswer::Outcome::found);
  EXPECT_EQ(answer->addresses, (std::vector{IpAddress::v4(10, 0, 1, 5), IpAddress::v4(10, 0, 1, 7)}));
  EXPECT_EQ(server->last_name, "tasks.chorus.");
  EXPECT_EQ(server->udp_count, 1);
  EXPECT_TRUE(a("tasks.chorus.")) << "a trailing dot is not doubled";
  EXPECT_EQ(server->last_name, "tasks.chorus.");
}

TEST_F(ResolverTest, TellsAbsenceFromFailure) {
  unsigned flags = 3;  // NXDOMAIN
  start([&](const Question& q) { return std::vector{q.reply(flags, 0, "")}; });
  auto answer = a("nobody");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->outcome, DnsAnswer::Outcome::no_such_name);
  flags = 0;  // no record of this type
  answer = a("nobody");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->outcome, DnsAnswer::Outcome::no_such_name);
  EXPECT_TRUE(answer->addresses.empty());
  for (const unsigned failure : {1U, 2U, 4U, 5U}) {  // FORMERR, SERVFAIL, NOTIMP, REFUSED
    flags = failure;
    answer = a("nobody");
    ASSERT_FALSE(answer) << "rcode " << failure;
    EXPECT_EQ(answer.error().code, ErrorCode::unavailable) << "rcode " << failure;
  }
}

TEST_F(ResolverTest, AsksNoSearchListAndNoHostsFile) {
  start([](const Question& q) { return std::vector{q.reply(3, 0, "")}; });
  EXPECT_EQ(a("localhost")->outcome, DnsAnswer::Outcome::no_such_name);
  EXPECT_EQ(server->udp_count, 1);
}

TEST_F(ResolverTest, TimesOutWhenNobodyAnswers) {
  start([](const Question&) { return std::vector<std::string>{}; }, 20ms);
  const auto answer = a("slow");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::timeout);
  EXPECT_EQ(server->udp_count, 2) << "two tries";
}

TEST_F(ResolverTest, ReportsAServerThatIsNotThere) {
  start([](const Question&) { return std::vector<std::string>{}; });
  poll.cancel();
  server.reset();
  const auto answer = a("x");
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().code == ErrorCode::unavailable || answer.error().code == ErrorCode::timeout);
}

TEST_F(ResolverTest, TurnsToTcpWhenTheAnswerIsCut) {
  start([](const Question& q) {
    if (!q.tcp) return std::vector{q.reply(0x0200, 0, "")};
    std::string records;
    for (std::uint32_t i = 0; i < 500; ++i) records += Question::a(0x0a000000 + i);
    return std::vector{q.reply(0, 500, records)};
  });
  const auto answer = a("many");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->addresses.size(), 500U);
  EXPECT_EQ(server->tcp_count, 1);
}

TEST_F(ResolverTest, DoesNotUseAnswersToOtherQuestions) {
  start([](const Question& q) {
    std::string wrong_id = q.reply(0, 1, Question::a(0x01010101));
    wrong_id[0] = static_cast<char>(~wrong_id[0]);
    Question other = q;
    other.bytes[13] ^= 1;  // another name
    return std::vector{wrong_id, other.reply(0, 1, Question::a(0x02020202)), q.reply(0, 1, Question::a(0x0a000001))};
  });
  const auto answer = a("mine");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->addresses, std::vector{IpAddress::v4(10, 0, 0, 1)});
}

TEST_F(ResolverTest, SurvivesGarbage) {
  std::string garbage;
  start([&](const Question& q) { return garbage.empty() ? std::vector{std::string()} : std::vector{q.bytes.substr(0, 2) + garbage}; }, 20ms);
  const std::string flags_and_counts("\x81\x80\x00\x01\xff\xff\x00\x00\x00\x00", 10);
  const std::string name = wire_name("x");
  for (const std::string& one : {std::string(), std::string("\x81"), std::string("\x81\x80"), std::string(600, '\xff'), flags_and_counts, flags_and_counts + name + std::string("\0\1\0\1", 4),
                                 flags_and_counts + name + std::string("\0\1\0\1\xc0\x14\0\1\0\1\0\0\0\0\0\4\1\2\3\4", 20),              // a name that points at itself
                                 flags_and_counts + name + std::string("\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\0\xff\xff\1\2\3\4", 20),          // a length beyond the end
                                 flags_and_counts + std::string("\xc0\x0c\0\1\0\1", 6), std::string("\x81\x80", 2) + std::string(8, '\0')}) {
    garbage = one;
    const auto answer = a("x");
    EXPECT_FALSE(answer && answer->outcome == DnsAnswer::Outcome::found) << "of " << one.size() << " bytes";
  }
}

TEST_F(ResolverTest, BoundsTheNumberOfAddresses) {
  start([](const Question& q) {
    if (!q.tcp) return std::vector{q.reply(0x0200, 0, "")};
    std::string records;
    for (std::uint32_t i = 0; i < 4000; ++i) records += Question::a(0x0a000000 + i);
    return std::vector{q.reply(0, 4000, records)};
  });
  const auto answer = a("huge");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->addresses.size(), 4000U);
  EXPECT_LE(answer->addresses.size(), limits::dns_address_count_max);
}

TEST_F(ResolverTest, FindsNamesOfAnAddress) {
  start([](const Question& q) {
    return std::vector{q.reply(0, 2, Question::record(12, wire_name("chorus.2.abc.net")) + Question::record(12, wire_name("chorus.1.xyz.net")))};
  });
  const auto names = ptr(IpAddress::v4(10, 0, 1, 7));
  ASSERT_TRUE(names) << names.error().message;
  EXPECT_EQ(*names, (std::vector<std::string>{"chorus.1.xyz.net", "chorus.2.abc.net"}));
  EXPECT_EQ(server->last_name, "7.1.0.10.in-addr.arpa.");
  ASSERT_TRUE(ptr(*parse_ip("fd00::1")));
  EXPECT_EQ(server->last_name, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.");
}

TEST_F(ResolverTest, RefusesNamesThatCouldBreakOutOfALine) {
  start([](const Question& q) { return std::vector{q.reply(0, 1, Question::record(12, std::string("\3a\x1b[\0", 5)))}; });
  const auto names = ptr(IpAddress::v4(10, 0, 1, 7));
  EXPECT_TRUE(!names || names->empty());
}

TEST_F(ResolverTest, HasNoNamesForAnUnknownAddress) {
  start([](const Question& q) { return std::vector{q.reply(3, 0, "")}; });
  const auto names = ptr(IpAddress::v4(10, 0, 1, 7));
  ASSERT_TRUE(names);
  EXPECT_TRUE(names->empty());
}

TEST_F(ResolverTest, RefusesNamesThatAreNone) {
  start([](const Question&) { return std::vector<std::string>{}; });
  for (const std::string& name : {std::string(), std::string("."), std::string("a..b"), std::string("a b"), std::string("a\\046b"), std::string(64, 'a'), std::string("é"), std::string(".a"),
                                  std::string("a\0b", 3)}) {
    const auto answer = a(name);
    ASSERT_FALSE(answer) << name;
    EXPECT_EQ(answer.error().code, ErrorCode::invalid) << name;
  }
  EXPECT_EQ(server->udp_count, 0);
}

TEST_F(ResolverTest, CallsNobodyAfterCancelOrItsEnd) {
  start([](const Question&) { return std::vector<std::string>{}; });
  int calls = 0;
  resolver->query_a("x", [&](auto) { ++calls; });
  resolver->query_a("", [&](auto) { ++calls; });
  resolver->cancel_all();
  resolver->query_a("y", [&](auto) { ++calls; });
  resolver->query_ptr(kLoopback, [&](auto) { ++calls; });
  run_for(loop, 5ms);
  resolver.reset();
  run_for(loop, 200ms);
  EXPECT_EQ(calls, 0);
}

TEST_F(ResolverTest, MayBeDestroyedInACallback) {
  start([](const Question& q) { return std::vector{q.reply(3, 0, "")}; });
  bool called = false;
  resolver->query_a("x", [&](auto) {
    called = true;
    resolver.reset();
  });
  EXPECT_TRUE(wait_for(loop, [&] { return called; }));
}

TEST_F(ResolverTest, SaysThatItHasNoServer) {
  Resolver none(loop, Resolver::Options{.servers = {}});
  std::optional<Result<DnsAnswer>> result;
  none.query_a("x", [&](Result<DnsAnswer> answer) { result = std::move(answer); });
  ASSERT_TRUE(wait_for(loop, [&] { return result.has_value(); }));
  EXPECT_EQ(result->error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace choregos::net
