#include "choregos/wire/sse.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace choregos::wire {
namespace {

std::vector<SseEvent> read(std::string_view stream, std::size_t piece) {
  SseParser parser;
  std::vector<SseEvent> events;
  for (std::size_t at = 0; at < stream.size(); at += piece)
    EXPECT_TRUE(parser.feed(stream.substr(at, piece), [&](const SseEvent& event) { events.push_back(event); }));
  return events;
}

TEST(Sse, WritesTheFormat) {
  EXPECT_EQ(sse_event("3.1042", "change", "{\"a\":1}"), "id: 3.1042\nevent: change\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(sse_event("", "", "a\nb\r\nc\r"), "data: a\ndata: b\ndata: c\ndata: \n\n");
  EXPECT_EQ(sse_event("1\n2", "x\r\ny", ""), "id: 12\nevent: xy\ndata: \n\n");
  EXPECT_EQ(sse_comment("still here"), ": still here\n\n");
  EXPECT_EQ(sse_retry(1500ms), "retry: 1500\n\n");
}

TEST(Sse, ReadsTheSameInPiecesOfAnySize) {
  const std::string stream = "\xef\xbb\xbf: hi\r\n\r\nid: 1\r\nevent: list\r\ndata: a\r\ndata:b\r\n\r\ndata\rdata: \r\rid\ndata: x\n\nevent: dropped\n\ndata:  two\nunknown: 1\n\n";
  const std::vector<SseEvent> want{{"1", "list", "a\nb"}, {"1", "message", "\n"}, {"", "message", "x"}, {"", "message", " two"}};
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) EXPECT_EQ(read(stream, piece), want) << piece;
}

TEST(Sse, RoundTripsWhatItWrites) {
  const SseEvent event{"3.7", "change", "line one\nline two\n"};
  EXPECT_EQ(read(sse_event(event.id, event.event, event.data), 3), std::vector<SseEvent>{event});
}

TEST(Sse, RemembersIdRetryAndActivity) {
  SseParser parser;
  const auto ignore = [](const SseEvent&) {};
  EXPECT_FALSE(parser.take_activity());
  EXPECT_TRUE(parser.feed("retry: 2500\nid: 9\n", ignore));
  EXPECT_EQ(parser.last_event_id(), "");  // only a finished event moves it
  EXPECT_TRUE(parser.feed("\n", ignore));
  EXPECT_EQ(parser.last_event_id(), "9");
  EXPECT_EQ(parser.retry(), Duration(2500ms));
  EXPECT_TRUE(parser.feed("retry: soon\n\n", ignore));
  EXPECT_EQ(parser.retry(), Duration(2500ms));
  EXPECT_TRUE(parser.take_activity());
  EXPECT_FALSE(parser.take_activity());
}

TEST(Sse, StopsAtTheBoundAndAtBadBytes) {
  SseParser parser(64);
  const auto ignore = [](const SseEvent&) {};
  EXPECT_TRUE(parser.feed("data: " + std::string(40, 'x') + "\n", ignore));
  const auto full = parser.feed("data: " + std::string(40, 'x'), ignore);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::too_large);
  EXPECT_FALSE(parser.feed("\n\n", ignore));
  SseParser other;
  EXPECT_EQ(other.feed("data: \xff\n", ignore).error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace choregos::wire
