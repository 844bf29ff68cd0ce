#include "choregos/daemon/logger.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "choregos/base/limits.hpp"

namespace choregos::daemon {
namespace {

struct Pipe {
  std::array<int, 2> ends{};
  Pipe() { EXPECT_EQ(::pipe(ends.data()), 0); }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  std::string drain() {
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    std::string out, part(65536, '\0');
    for (ssize_t got = 0; (got = ::read(ends[0], part.data(), part.size())) > 0;) out.append(part, 0, static_cast<std::size_t>(got));
    return out;
  }
};

Logger::Options to(const Pipe& pipe, LogLevel level = LogLevel::info) {
  Logger::Options options;
  options.descriptor = pipe.ends[1];
  options.level = level;
  return options;
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(Logger, WritesWhatIsImportantEnough) {
  Pipe pipe;
  {
    Logger log(to(pipe, LogLevel::warn));
    log.info("quiet", {});
    log.warn("loud", "", {{"n", 1}});
    log.set_level(LogLevel::debug);
    log.debug("now_too", {});
  }
  const std::string text = pipe.drain();
  EXPECT_EQ(count(text, "quiet"), 0u);
  EXPECT_EQ(count(text, "\"event\":\"loud\",\"n\":1"), 1u);
  EXPECT_EQ(count(text, "now_too"), 1u);
}

TEST(Logger, CountsRepeatsOfAWarning) {
  Pipe pipe;
  {
    Logger log(to(pipe));
    for (int i = 0; i < 100; ++i) log.warn("disk_full", "", {});
    for (int i = 0; i < 3; ++i) log.warn("source_state", i == 0 ? "dns" : "probe", {});
    for (int i = 0; i < 3; ++i) log.info("agent_appeared", {});
  }
  const std::string text = pipe.drain();
  EXPECT_EQ(count(text, "\"event\":\"disk_full\""), 1u);
  EXPECT_EQ(count(text, "\"event\":\"source_state\""), 2u);
  EXPECT_EQ(count(text, "\"what\":\"disk_full\",\"count\":99"), 1u) << text;
  EXPECT_EQ(count(text, "\"event\":\"agent_appeared\""), 3u);
}

TEST(Logger, DropsAndCountsWhenNobodyReadsAndStillEnds) {
  static Pipe& pipe = *new Pipe;  // never closed: the logger's thread may still write to it when the program ends
  const std::string big(10'000, 'x');
  {
    Logger log(to(pipe));
    for (std::size_t i = 0; i < 2 * limits::log_queue_bytes_max / big.size(); ++i) log.info("flood", {{"text", big}});
    EXPECT_GT(log.dropped(), 300u);
    EXPECT_LT(log.dropped(), 500u);
  }
  EXPECT_GT(pipe.drain().size(), 10'000u);
}

}  // namespace
}  // namespace choregos::daemon
