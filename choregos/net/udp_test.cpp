#include "choregos/net/udp.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "choregos/net/test_support.hpp"

namespace choregos::net {
namespace {

using namespace testing;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
std::string text_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

struct Got {
  std::string text;
  SocketAddress from;
  Instant received;
  bool truncated, oversize, multicast;
  unsigned interface_index;
};

class UdpTest : public ::testing::Test {
 protected:
  std::unique_ptr<UdpSocket> open(UdpSocket::Options options, std::vector<Got>* got = nullptr) {
    auto udp = UdpSocket::open(loop, std::move(options), [this, got](std::span<const Datagram> batch) {
      largest_batch = std::max(largest_batch, batch.size());
      if (!got) return;
      for (const auto& d : batch) got->push_back({text_of(d.bytes), d.from, d.received, d.truncated, d.oversize, d.multicast, d.interface_index});
    });
    EXPECT_TRUE(udp) << udp.error().message;
    return udp ? std::move(*udp) : nullptr;
  }
  static UdpSocket::Options on_loopback() {
    UdpSocket::Options options;
    options.bind = {kLoopback, 0};
    return options;
  }
  /// From outside of our own sender, which would refuse it.
  static void send_raw(const SocketAddress& to, std::string_view text) {
    const FdGuard fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const RawAddress raw = raw_address(to);
    ::sendto(fd.get(), text.data(), text.size(), 0, raw.get(), raw.size);
  }

  /// The first socket that asks the kernel for stamps gets them a moment later (net_enable_timestamp defers the switch to a
  /// worker), and what came before that is stamped when it is read. True once something is stamped when it came; how many
  /// datagrams that took is in `tried`.
  bool kernel_stamps(const UdpSocket& receiver, UdpSocket& sender, std::vector<Got>& got, std::size_t& tried) {
    for (const Instant end = loop.now() + 5s; loop.now() < end;) {
      EXPECT_TRUE(sender.send(receiver.local(), bytes_of("stamped?")));
      ++tried;
      ::usleep(10'000);  // it lies in the queue for so long
      const Instant reading = loop.now();
      if (!wait_for(loop, [&] { return got.size() == tried; })) return false;
      if (got.back().received < reading - 5ms) return true;
    }
    return false;
  }

  Loop loop;
  std::size_t largest_batch = 0;
};

TEST_F(UdpTest, ReadsInBatchesWithTheTimesOfArrival) {
  std::vector<Got> got;
  const auto receiver = open(on_loopback(), &got);
  const auto sender = open(on_loopback());
  std::size_t tried = 0;
  ASSERT_TRUE(kernel_stamps(*receiver, *sender, got, tried));
  got.clear();
  const Instant before = loop.now();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(sender->send(receiver->local(), bytes_of("datagram " + std::to_string(i))));
  const Instant sent = loop.now();
  // They lie in the queue for a while: their times must be those of arrival, not of reading.
  ::usleep(50'000);
  ASSERT_TRUE(wait_for(loop, [&] { return got.size() == 100; }));
  EXPECT_EQ(largest_batch, 64U);
  for (int i = 0; i < 100; ++i) {
    const Got& one = got[static_cast<std::size_t>(i)];
    EXPECT_EQ(one.text, "datagram " + std::to_string(i));
    EXPECT_EQ(one.from, sender->local());
    EXPECT_GE(one.received, before - 2ms);
    EXPECT_LE(one.received, sent + 10ms) << "the kernel's stamp was not used";
    EXPECT_FALSE(one.truncated || one.oversize || one.multicast);
    EXPECT_NE(one.interface_index, 0U);
  }
  EXPECT_EQ(receiver->counters().received, tried + 100U);
  EXPECT_EQ(sender->counters().sent, tried + 100U);
  EXPECT_EQ(receiver->counters().dropped_by_kernel, 0U);
}

TEST_F(UdpTest, MarksWhatIsTooLong) {
  std::vector<Got> got;
  const auto receiver = open(on_loopback(), &got);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1200}, std::size_t{1201}, std::size_t{1500}, std::size_t{1501}, std::size_t{9000}}) send_raw(receiver->local(), std::string(size, 'x'));
  ASSERT_TRUE(wait_for(loop, [&] { return got.size() == 6; }));
  EXPECT_EQ(got[0].text.size(), 0U);
  EXPECT_FALSE(got[1].oversize);
  EXPECT_TRUE(got[2].oversize && !got[2].truncated);
  EXPECT_TRUE(got[3].oversize && !got[3].truncated);
  EXPECT_TRUE(got[4].oversize && got[4].truncated);
  EXPECT_TRUE(got[5].oversize && got[5].truncated);
  EXPECT_EQ(got[5].text.size(), 1500U);
  EXPECT_EQ(receiver->counters().oversize, 4U);
  EXPECT_EQ(open(on_loopback())->send(receiver->local(), bytes_of(std::string(1201, 'x'))).error().code, ErrorCode::too_large);
}

TEST_F(UdpTest, CountsWhatTheKernelDropped) {
  std::vector<Got> got;
  UdpSocket::Options options = on_loopback();
  options.receive_buffer_bytes = 4096;
  const auto receiver = open(options, &got);
  for (int i = 0; i < 500; ++i) send_raw(receiver->local(), std::string(1000, 'x'));
  ASSERT_TRUE(wait_for(loop, [&] { return !got.empty(); }));
  // The count travels with the next datagram that is received.
  send_raw(receiver->local(), "last");
  ASSERT_TRUE(wait_for(loop, [&] { return got.back().text == "last"; }));
  const auto heard = got.size() - 1;
  ASSERT_LT(heard, 500U);
  EXPECT_EQ(receiver->counters().dropped_by_kernel, 500U - heard);
}

TEST_F(UdpTest, SurvivesAPortThatNobodyHears) {
  std::vector<Got> got;
  const auto udp = open(on_loopback(), &got);
  const SocketAddress nobody = open(on_loopback())->local();
  for (int i = 0; i < 3; ++i) {
    (void)udp->send(nobody, bytes_of("?"));
    run_for(loop, 5ms);
  }
  send_raw(udp->local(), "still here");
  EXPECT_TRUE(wait_for(loop, [&] { return got.size() == 1; }));
}

TEST_F(UdpTest, SendsOnlyWhereThePolicyAllows) {
  AddressPolicy policy;
  UdpSocket::Options options = on_loopback();
  options.policy = &policy;
  const auto udp = open(options);
  EXPECT_EQ(udp->send({kLoopback, 9}, bytes_of("x")).error().code, ErrorCode::forbidden);
  EXPECT_EQ(udp->send({IpAddress::v4(169, 254, 169, 254), 9}, bytes_of("x"), true).error().code, ErrorCode::forbidden);
  EXPECT_EQ(udp->counters().send_failures, 0U);
  EXPECT_TRUE(udp->send({kLoopback, udp->local().port}, bytes_of("x"), true));
}

TEST_F(UdpTest, LetsTheKernelFilter) {
  std::vector<Got> got;
  const auto udp = open(on_loopback(), &got);
  // Accept when the first payload byte is 'A'; on a UDP socket the filter sees the UDP header first.
  const sock_filter code[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'A', 0, 1), BPF_STMT(BPF_RET | BPF_K, 0xffff), BPF_STMT(BPF_RET | BPF_K, 0)};
  std::vector<std::uint64_t> packed(std::size(code));
  std::memcpy(packed.data(), code, sizeof code);
  ASSERT_TRUE(udp->set_filter(packed));
  send_raw(udp->local(), "Bad");
  send_raw(udp->local(), "A good one");
  ASSERT_TRUE(wait_for(loop, [&] { return !got.empty(); }));
  EXPECT_EQ(got[0].text, "A good one");
  ASSERT_TRUE(udp->set_filter({}));
  ASSERT_TRUE(udp->set_filter({}));
  send_raw(udp->local(), "Bad");
  EXPECT_TRUE(wait_for(loop, [&] { return got.size() == 2; }));
}

TEST_F(UdpTest, HearsMulticastOnLoopback) {
  std::vector<Got> first, second;
  UdpSocket::Options options;
  options.bind = {IpAddress::v4(0), 0};
  options.share_port = true;
  options.groups = {IpAddress::v4(239, 255, 67, 72)};
  options.interfaces = {"lo"};
  const auto a = open(options, &first);
  options.bind.port = a->local().port;
  const auto b = open(options, &second);
  ASSERT_EQ(a->counters().joined, 1U);
  UdpSocket::Options plain;
  plain.bind = {IpAddress::v4(0), 0};
  plain.interfaces = {"lo"};
  const auto sender = open(plain);
  const auto sent = sender->send_multicast({options.groups[0], a->local().port}, bytes_of("hello all"));
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_EQ(*sent, 1U);
  ASSERT_TRUE(wait_for(loop, [&] { return first.size() == 1 && second.size() == 1; }));
  EXPECT_EQ(first[0].text, "hello all");
  EXPECT_TRUE(first[0].multicast);
  EXPECT_EQ(first[0].from.port, sender->local().port);
  EXPECT_EQ(sender->send_multicast({kLoopback, 1}, bytes_of("x")).error().code, ErrorCode::invalid);
}

TEST_F(UdpTest, HearsIPv6MulticastOnLoopback) {
  const auto all = interfaces();
  const auto lo = std::find_if(all.begin(), all.end(), [](const Interface& i) { return i.loopback; });
  if (lo == all.end() || std::count(lo->addresses.begin(), lo->addresses.end(), *parse_ip("::1")) == 0) CHOREGOS_SKIP("no IPv6 loopback here");
  std::vector<Got> got;
  UdpSocket::Options options;
  options.bind = {IpAddress{}, 0};
  options.groups = {*parse_ip("ff02::4348")};
  options.interfaces = {lo->name};
  const auto udp = open(options, &got);
  ASSERT_EQ(udp->counters().joined, 1U);
  const auto sent = udp->send_multicast({options.groups[0], udp->local().port}, bytes_of("six"));
  if (!sent) {
    // Some kernels have no IPv6 multicast route on loopback; then the refusal must be told and counted.
    EXPECT_EQ(sent.error().code, ErrorCode::io);
    EXPECT_EQ(udp->counters().send_failures, 1U);
    return;
  }
  ASSERT_TRUE(wait_for(loop, [&] { return got.size() == 1; }));
  EXPECT_TRUE(got[0].multicast);
  EXPECT_EQ(got[0].interface_index, lo->index);
}

TEST_F(UdpTest, RefusesAGroupThatIsNone) {
  UdpSocket::Options options = on_loopback();
  options.groups = {IpAddress::v4(10, 0, 0, 1)};
  EXPECT_EQ(UdpSocket::open(loop, options, {}).error().code, ErrorCode::invalid);
  options.groups = {*parse_ip("ff02::1")};
  EXPECT_EQ(UdpSocket::open(loop, options, {}).error().code, ErrorCode::invalid);
}

TEST_F(UdpTest, SaysThatAnAddressIsTaken) {
  const auto udp = open(on_loopback());
  UdpSocket::Options options;
  options.bind = udp->local();
  const auto again = UdpSocket::open(loop, options, {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::io);
}

TEST_F(UdpTest, DrainSaysUntilWhenEverythingWasHandedOver) {
  std::size_t got = 0;
  auto udp = UdpSocket::open(loop, on_loopback(), [&](std::span<const Datagram> batch) { got += batch.size(); }).value();
  Instant before = loop.now();
  EXPECT_GE(udp->drain(), before) << "nothing waits";
  for (int i = 0; i < 100; ++i) send_raw(udp->local(), "x");
  const Instant sent = loop.now();
  before = loop.now();
  const Instant cut = udp->drain(1);
  EXPECT_EQ(got, 64u);
  EXPECT_LT(cut, sent) << "the rest came later than the newest that was read";
  EXPECT_GE(udp->drain(), before);
  EXPECT_EQ(got, 100u);
}

TEST_F(UdpTest, MayBeDestroyedWhileItDrains) {
  std::unique_ptr<UdpSocket> udp;
  int called = 0;
  udp = UdpSocket::open(loop, on_loopback(), [&](std::span<const Datagram>) {
          ++called;
          udp.reset();
        }).value();
  for (int i = 0; i < 100; ++i) send_raw(udp->local(), "x");
  udp->drain();
  EXPECT_EQ(called, 1);
}

TEST_F(UdpTest, MayBeDestroyedInItsCallback) {
  std::unique_ptr<UdpSocket> udp;
  bool called = false;
  auto opened = UdpSocket::open(loop, on_loopback(), [&](std::span<const Datagram>) {
    called = true;
    udp.reset();
  });
  udp = std::move(*opened);
  send_raw(udp->local(), "x");
  send_raw(udp->local(), "y");
  EXPECT_TRUE(wait_for(loop, [&] { return called; }));
  run_for(loop, 5ms);
}

TEST(Interfaces, ListsLoopback) {
  const auto all = interfaces();
  const auto lo = std::find_if(all.begin(), all.end(), [](const Interface& i) { return i.loopback; });
  ASSERT_NE(lo, all.end());
  EXPECT_TRUE(lo->up);
  EXPECT_NE(std::find(lo->addresses.begin(), lo->addresses.end(), kLoopback), lo->addresses.end());
}

}  // namespace
}  // namespace choregos::net
