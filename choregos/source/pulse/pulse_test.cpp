#include "choregos/source/pulse/pulse.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "choregos/net/udp.hpp"

namespace choregos::source {
namespace {

struct PulseTest : testing::Test {
  net::Loop loop;
  std::vector<Sign> signs;
  Pulse::Options options;
  std::unique_ptr<Pulse> pulse;

  void start() {
    pulse = std::make_unique<Pulse>(loop, options, [this](Sign sign) { signs.push_back(std::move(sign)); });
    pulse->start();
  }
  bool wait(const std::function<bool()>& done) { return loop.run_until(done, 5s); }
  std::size_t count(SignKind kind) const {
    return static_cast<std::size_t>(std::count_if(signs.begin(), signs.end(), [kind](const Sign& s) { return s.kind == kind; }));
  }
  const Sign& first(SignKind kind) const { return *std::find_if(signs.begin(), signs.end(), [kind](const Sign& s) { return s.kind == kind; }); }
};

TEST_F(PulseTest, SaysTenTimesASecondThatItListenedNeverBeyondNow) {
  start();
  const Instant begin = loop.now();
  ASSERT_TRUE(wait([&] { return count(SignKind::listened) >= 5; }));
  EXPECT_GE(loop.now() - begin, 450ms);
  Instant before = Instant::min();
  for (const Sign& s : signs) {
    if (s.kind != SignKind::listened) continue;
    EXPECT_LE(s.until, s.at - Pulse::kStampSlack);
    EXPECT_GT(s.until, before);
    before = s.until;
  }
}

TEST_F(PulseTest, SaysSoOnlyAfterEverythingThatWasReadableHasBeenHandedOver) {
  // More sockets than the loop is told of in one look, all readable while it stands still; none of them is read by drain().
  constexpr std::size_t kSockets = 300;
  std::vector<std::unique_ptr<net::UdpSocket>> sockets;
  std::size_t read = 0;
  for (std::size_t i = 0; i < kSockets; ++i) {
    net::UdpSocket::Options on_loopback;
    on_loopback.bind = {IpAddress::v4(127, 0, 0, 1), 0};
    on_loopback.receive_buffer_bytes = 8192;
    sockets.push_back(net::UdpSocket::open(loop, on_loopback, [&](std::span<const net::Datagram> batch) { read += batch.size(); }).value());
  }
  Instant sent_at = Instant::never();
  std::size_t read_when_said = 0;
  pulse = std::make_unique<Pulse>(loop, options, [&](Sign sign) {
    if (sign.kind == SignKind::listened && sign.until > sent_at && read_when_said == 0) read_when_said = read;
    signs.push_back(std::move(sign));
  });
  pulse->start();
  ASSERT_TRUE(wait([&] { return count(SignKind::listened) >= 1; }));
  // The pulse is due before they become readable, so it comes first.
  ::usleep(200'000);
  const std::string text = "x";
  for (std::size_t i = 0; i < kSockets; ++i) ASSERT_TRUE(sockets[(i + 1) % kSockets]->send(sockets[i]->local(), std::as_bytes(std::span(text)), true));
  sent_at = loop.now();
  ::usleep(50'000);
  ASSERT_TRUE(wait([&] { return read_when_said > 0; }));
  EXPECT_EQ(read_when_said, kSockets);
}

TEST_F(PulseTest, AStallShowsInTheNextTimeItSays) {
  start();
  ASSERT_TRUE(wait([&] { return count(SignKind::listened) >= 2; }));
  const Instant before = signs.back().until;
  ::usleep(800'000);
  signs.clear();
  ASSERT_TRUE(wait([&] { return count(SignKind::listened) >= 1; }));
  EXPECT_GE(first(SignKind::listened).until - before, 700ms);
  ASSERT_EQ(count(SignKind::lag), 1U);
  EXPECT_GE(first(SignKind::lag).amount, 500ms);
}

TEST_F(PulseTest, GoesNoFurtherThanTheSocketsWereRead) {
  Instant read_until = loop.now() - 5s;
  options.drain = [&] { return read_until; };
  start();
  ASSERT_TRUE(wait([&] { return count(SignKind::listened) >= 1; }));
  EXPECT_EQ(signs.back().until, read_until - Pulse::kStampSlack);
  const auto said = count(SignKind::listened);
  const Instant end = loop.now() + 350ms;
  wait([&] { return loop.now() > end; });
  EXPECT_EQ(count(SignKind::listened), said) << "what was said once is not said again";
  read_until = Instant::never();
  ASSERT_TRUE(wait([&] { return count(SignKind::listened) > said; }));
}

TEST_F(PulseTest, NoticesThatTheMachineSlept) {
  Duration slept{};
  options.slept = [&] { return slept; };
  start();
  ASSERT_TRUE(wait([&] { return count(SignKind::listened) >= 2; }));
  EXPECT_EQ(count(SignKind::suspended), 0U);
  slept = 3s;
  ASSERT_TRUE(wait([&] { return count(SignKind::suspended) == 1; }));
  EXPECT_EQ(first(SignKind::suspended).amount, 3s);
}

TEST_F(PulseTest, StopsAtOnceEvenFromWithin) {
  pulse = std::make_unique<Pulse>(loop, options, [this](Sign sign) {
    signs.push_back(std::move(sign));
    pulse->stop();
  });
  pulse->start();
  ASSERT_TRUE(wait([&] { return !signs.empty(); }));
  const Instant end = loop.now() + 300ms;
  wait([&] { return loop.now() > end; });
  EXPECT_EQ(signs.size(), 1U);
}

}  // namespace
}  // namespace choregos::source
