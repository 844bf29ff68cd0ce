// docs/PROTOCOL.md tells writers of agents what a beacon looks like, with a program and its output: both are tried here.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "choregos/source/beacon/receiver.hpp"
#include "choregos/wire/statement.hpp"

namespace choregos::source::beacon {
namespace {

std::string document() {
  std::ifstream file(CHOREGOS_SOURCE_DIR "/docs/PROTOCOL.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The fenced block after the comment `<!-- beacons: name -->`.
std::string block(const std::string& name) {
  const std::string text = document();
  const auto mark = text.find("<!-- beacons: " + name + " -->");
  if (mark == std::string::npos) return {};
  const auto begin = text.find('\n', text.find("```", mark)) + 1;
  return text.substr(begin, text.find("```", begin) - begin);
}

/// Paragraphs of hex digits, each one datagram.
std::vector<std::string> datagrams(const std::string& hex) {
  std::vector<std::string> out{""};
  std::string digits;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (hex[i] != '\n') digits += hex[i];
    if (digits.size() == 2) {
      out.back() += static_cast<char>(std::stoi(digits, nullptr, 16));
      digits.clear();
    }
    if (hex[i] == '\n' && i + 1 < hex.size() && hex[i + 1] == '\n') out.emplace_back();
  }
  return out;
}

std::string key() {
  std::string out;
  for (char c = 0; c < 32; ++c) out += c;
  return out;
}

TEST(Protocol, TheDocumentedDatagramsAreBelieved) {
  const auto shown = datagrams(block("hex"));
  ASSERT_EQ(shown.size(), 4U);
  ReceiverSettings settings;
  ASSERT_TRUE(settings.keys.add({7, key(), "writer-1"}));
  Receiver receiver(settings);
  std::vector<Taken> taken;
  for (const auto& datagram : shown) taken.push_back(receiver.take({datagram, {IpAddress::v4(10, 0, 0, 7), 50000}, Instant{1'000'000'000}, false}));

  ASSERT_TRUE(taken[0].heard) << to_string(taken[0].drop);
  EXPECT_EQ(taken[0].heard->type, wire::BeaconType::announce);
  EXPECT_EQ(taken[0].heard->id, "writer-1");
  EXPECT_EQ(taken[0].heard->incarnation, 1700000000000U);
  EXPECT_EQ(taken[0].heard->claims.capabilities, std::vector<std::string>{"documentation"});
  EXPECT_EQ(taken[0].heard->claims.status, Status::idle);
  EXPECT_TRUE(taken[0].heard->proven);

  ASSERT_TRUE(taken[1].heard) << to_string(taken[1].drop);
  EXPECT_EQ(taken[1].heard->claims.status, Status::working);
  EXPECT_EQ(taken[1].heard->claims.running, 2U);
  EXPECT_EQ(taken[1].heard->claims.capacity, 4U);

  ASSERT_TRUE(taken[2].question) << to_string(taken[2].drop);
  EXPECT_EQ(taken[2].question->nonce, 4711U);
  EXPECT_FALSE(receiver.answer(*taken[2].question, {4711, 1000, 1, 0}).empty());

  ASSERT_TRUE(taken[3].heard) << to_string(taken[3].drop);
  EXPECT_EQ(taken[3].heard->type, wire::BeaconType::bye);
  EXPECT_EQ(taken[3].heard->reason, "scaled down");
}

TEST(Protocol, WeEncodeTheSameBytes) {
  const auto shown = datagrams(block("hex"));
  ASSERT_EQ(shown.size(), 4U);
  const auto frame = [](wire::BeaconType type, std::uint64_t sequence, std::string payload) {
    return wire::encode_beacon({type, 0, 0, 7, 0x1122334455667788, sequence, std::move(payload)}, key()).value();
  };
  EXPECT_EQ(frame(wire::BeaconType::alive, 2, wire::write_alive({"writer-1", 1700000000000, Status::working, 2, 4, 500})), shown[1]);
  EXPECT_EQ(frame(wire::BeaconType::ping, 3, wire::write_ping(4711)), shown[2]);
  EXPECT_EQ(frame(wire::BeaconType::bye, 4, wire::write_bye({"writer-1", 1700000000000, "scaled down"})), shown[3]);
}

TEST(Protocol, TheDocumentedProgramPrintsThem) {
  char path[] = "/tmp/choregos-protocol-XXXXXX";
  const int fd = ::mkstemp(path);
  ASSERT_GE(fd, 0);
  const std::string program = block("program");
  ASSERT_EQ(::write(fd, program.data(), program.size()), static_cast<ssize_t>(program.size()));
  ::close(fd);
  FILE* const pipe = ::popen(("python3 " + std::string(path)).c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string printed;
  std::array<char, 4096> buffer{};
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) printed.append(buffer.data(), n);
  const int status = ::pclose(pipe);
  ::unlink(path);
  if (status == 127 << 8) {
    ASSERT_EQ(::getenv("CHOREGOS_NO_SKIP"), nullptr);
    GTEST_SKIP() << "needs python3";
  }
  ASSERT_EQ(status, 0);
  std::string spaced;
  for (const char c : printed) spaced += c == '\n' ? std::string("\n\n") : std::string(1, c);
  auto lines = datagrams(spaced);
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  EXPECT_EQ(lines, datagrams(block("hex")));
}

TEST(Protocol, TheDocumentedKeyFileIsOne) {
  const std::string text = document();
  const auto begin = text.find("# number  secret");
  ASSERT_NE(begin, std::string::npos);
  const auto ring = KeyRing::parse(text.substr(begin, text.find("```", begin) - begin));
  ASSERT_TRUE(ring) << ring.error().message;
  EXPECT_EQ(ring->find(7)->secret, key());
  EXPECT_EQ(ring->find(7)->agents, "writer-1");
  EXPECT_EQ(ring->find(8)->secret.size(), 32U);
}

}  // namespace
}  // namespace choregos::source::beacon
