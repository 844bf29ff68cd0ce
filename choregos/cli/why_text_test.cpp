#include "choregos/cli/why_text.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "choregos/cli/guard_text.hpp"

namespace choregos::cli {
namespace {

std::string shown(const Explanation& explanation) {
  std::ostringstream out;
  print_why(explanation, true, false, out);
  return out.str();
}

/// An agent whose HTTP died: its probe is refused, its tether holds.
Explanation held_by_a_tether() {
  Explanation e;
  e.id = "builder-1";
  e.liveness = Liveness::alive;
  e.reason = "";
  e.evidence_needed = 27.6;
  e.silence_needed = 30s;
  e.would_change = {"suspect at once when its connection breaks or stops answering, lost when its port then refuses twice"};
  e.channels.push_back({"http_probe", "10.0.1.7:8081", 0, "refused", true, 4200ms, Duration{0}, std::nullopt, 0, 0, 0, 0, "connection refused"});
  e.channels.push_back({"registration", "builder-1", 1790000000000, "open", true, 65s, Duration::max(), std::nullopt, 0, 0, 0, 0, ""});
  e.fields.push_back({"model", "codellama", "registration", "builder-1", 65s, "most trusted channel that says it", {"http_probe says llama3"}});
  e.fields.push_back({"name", "Builder", "", "", {}, "kept from before", {}});
  return e;
}

TEST(WhyText, NamesTheFailedProbeTheLiveTetherAndTheVerdict) {
  EXPECT_EQ(shown(held_by_a_tether()),
            R"(builder-1 is alive

would change
  suspect at once when its connection breaks or stops answering, lost when its port then refuses twice

evidence
  CHANNEL                   SAYS     HEARD      HOLDS FOR              DETAIL
  http_probe 10.0.1.7:8081  refused  4.2 s ago  no longer              connection refused
  registration              open     65 s ago   as long as it is open

fields
  FIELD  VALUE      SAID BY       AGE   BECAUSE                            BUT
  model  codellama  registration  65 s  most trusted channel that says it  http_probe says llama3
  name   Builder                        kept from before
)");
}

TEST(WhyText, OfASuspectSaysHowMuchSpeaksAgainstItAndWhatHoldsItBack) {
  Explanation e;
  e.id = "a1";
  e.liveness = Liveness::suspect;
  e.reason = "no beacon for 4 s";
  e.silence = 5s;
  e.silence_needed = 10s;
  e.longest_silence = 3s;
  e.evidence = 23.04;
  e.evidence_needed = 27.6;
  e.stretch = 1.5;
  e.held_by = {"subnet 10.0.1.0/24 is frozen"};
  e.would_change = {"not lost by silence while subnet 10.0.1.0/24 is frozen", "alive at once when it is heard on any channel"};
  e.channels.push_back({"beacon", "a1", 7, "silent", true, 5s, Duration{0}, 0.0123, 5, 1, 2, 23.04, ""});
  e.channels.push_back({"beacon", "a1", 6, "alive", false, 1s, 2s, std::nullopt, 0, 0, 0, 0, ""});
  EXPECT_EQ(shown(e),
            R"(a1 is suspect: no beacon for 4 s
  silent for 5.0 s; lost takes 10 s and evidence of 27.6, there is 23.0; it came back from 3.0 s within the last hour; every wait is stretched by 1.5

held back by
  subnet 10.0.1.0/24 is frozen

would change
  not lost by silence while subnet 10.0.1.0/24 is frozen
  alive at once when it is heard on any channel

evidence
  CHANNEL  SAYS    HEARD      HOLDS FOR                                       WEIGHT OF SILENCE
  beacon   silent  5.0 s ago  no longer                                       23.0 (5 missed, asked 1 time in vain, 2 by others, loses 1.2 %)
  beacon   alive   1.0 s ago  does not count: another life, or somebody else
)");
}

TEST(WhyText, OfALostOneSaysWhyAndNothingOfWaits) {
  Explanation e;
  e.id = "a1";
  e.liveness = Liveness::lost;
  e.reason = "tether broke, then its port refused twice";
  e.silence = 2s;
  e.silence_needed = 120s;
  e.would_change = {"forgotten in 299 s; alive at once when it is heard"};
  e.channels.push_back({"registration", "a1", 7, "refused", true, 10s, Duration{0}, std::nullopt, 0, 0, 0, 0, ""});
  EXPECT_EQ(shown(e),
            R"(a1 is lost: tether broke, then its port refused twice
  silent for 2.0 s

would change
  forgotten in 299 s; alive at once when it is heard

evidence
  CHANNEL       SAYS     HEARD
  registration  refused  10 s ago
)");
}

TEST(WhyText, WhatAStrangerSaidCannotMoveTheTerminal) {
  Explanation e;
  e.id = "a\x1b[2J";
  e.reason = "r\x1b[31m";
  e.held_by = {"h\x1b[0m\n"};
  e.channels.push_back({"beacon", "s\x1b[1m", 0, "alive", true, 1s, 1s, std::nullopt, 0, 0, 0, 0, "d\x07"});
  e.fields.push_back({"name", "n\x1b[5m", "beacon", "x", 1s, "rule", {"o\x1b"}});
  const std::string text = shown(e);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
}

TEST(GuardText, SaysWhatIsHeldSinceWhenAndWhatThatMeans) {
  GuardView guard;
  EXPECT_TRUE(guard_lines(guard).empty());
  guard.domains.push_back({DomainKind::subnet, "subnet 10.0.1.0/24", Mode::frozen, 20, 14, {}, Instant{-12'000'000'000}, "14 of 20 agents fell silent within 10 s", Instant{588'000'000'000}});
  guard.domains.push_back({DomainKind::source, "source beacon", Mode::draining, 20, 3, {}, Instant{-60'000'000'000}, "thawed", Instant::never()});
  guard.health_score = 3;
  guard.health_reason = "our loop was late by 2 s";
  EXPECT_EQ(guard_lines(guard), (std::vector<std::string>{
                                    "FROZEN since 12 s: subnet 10.0.1.0/24 - 14 of 20 agents fell silent within 10 s; nobody there is declared lost",
                                    "DRAINING since 60 s: source beacon - thawed; 3 silent ones are let go, one a second",
                                    "DOUBTFUL: the registry's own ears (3 of 8): our loop was late by 2 s; every wait is stretched",
                                }));
}

}  // namespace
}  // namespace choregos::cli
