#include "choregos/cli/event_text.hpp"

#include <gtest/gtest.h>

namespace choregos::cli {
namespace {

WatchEvent event_of(WatchEvent::Kind kind, Liveness liveness) {
  WatchEvent event;
  event.kind = kind;
  event.at = {1'795'424'400'120};
  event.agent.agent.id = "a1";
  event.agent.agent.liveness = liveness;
  event.agent.agent.reason = "no answer for 10 s";
  return event;
}

TEST(EventText, SaysWhatChangedAndWhy) {
  auto event = event_of(WatchEvent::Kind::put, Liveness::lost);
  event.was = Liveness::suspect;
  event.source = "beacon";
  EXPECT_EQ(event_line(event, false), to_rfc3339(event.at) + "  a1  suspect -> lost  no answer for 10 s (beacon)");
  EXPECT_NE(event_line(event, true).find("\x1b["), std::string::npos);
  event.folded = 3;
  EXPECT_NE(event_line(event, false).find("[3 before it left out]"), std::string::npos);
}

TEST(EventText, AChangeOfStatusIsTheStatus) {
  auto event = event_of(WatchEvent::Kind::put, Liveness::alive);
  event.agent.agent.status = Status::working;
  EXPECT_EQ(event_line(event, false), to_rfc3339(event.at) + "  a1  working");
}

TEST(EventText, SaysHowOneLeft) {
  auto event = event_of(WatchEvent::Kind::remove, Liveness::lost);
  event.change = ChangeKind::forgotten;
  event.reason = "no answer for 10 s";
  EXPECT_NE(event_line(event, false).find("a1  forgotten  no answer for 10 s"), std::string::npos);
  event.unmatched = true;
  event.change = ChangeKind::updated;
  EXPECT_NE(event_line(event, false).find("no longer matches"), std::string::npos);
  event.unmatched = false;
  event.change = ChangeKind::merged;
  event.into = "chorus-1";
  EXPECT_NE(event_line(event, false).find("is chorus-1"), std::string::npos);
}

TEST(EventText, NothingThatAnAgentSaidMovesTheTerminal) {
  auto event = event_of(WatchEvent::Kind::put, Liveness::lost);
  event.was = Liveness::alive;
  event.agent.agent.id = "a\x1b[2J\n";
  event.agent.agent.reason = "\x1b]0;x\a";
  const std::string line = event_line(event, false);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace choregos::cli
