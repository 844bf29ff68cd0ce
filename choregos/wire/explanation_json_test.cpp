#include "choregos/wire/explanation_json.hpp"

#include <gtest/gtest.h>

#include "choregos/wire/guard_json.hpp"

namespace choregos::wire {
namespace {

boost::json::object object_of(const std::string& text) { return parse_json(text).value().as_object(); }

Explanation example() {
  Explanation e;
  e.id = "a1";
  e.liveness = Liveness::suspect;
  e.reason = "no beacon for 4 s";
  e.silence = 5s;
  e.evidence = 23.0258509;
  e.evidence_needed = 27.6;
  e.silence_needed = 10s;
  e.held_by = {"subnet 10.0.1.0/24 is frozen"};
  e.would_change = {"alive at once when it is heard on any channel"};
  e.channels.push_back({"beacon", "a1", 7, "silent", true, 5s, Duration{0}, 0.0123456, 5, 1, 0, 23.0258509, ""});
  e.channels.push_back({"registration", "a1", 7, "open", false, std::nullopt, Duration::max(), std::nullopt, 0, 0, 0, 0, "closed"});
  e.fields.push_back({"model", "codellama", "beacon", "a1", 5s, "most trusted channel that says it", {"http_probe says llama3"}});
  e.fields.push_back({"name", "A", "", "", {}, "kept from before", {}});
  return e;
}

TEST(ExplanationJson, SaysWhatIsKnownAndLeavesOutTheRest) {
  JsonWriter out;
  out.begin_object();
  write_explanation(out, example());
  out.end_object();
  EXPECT_EQ(std::move(out).take(),
            R"({"id":"a1","liveness":"suspect","liveness_reason":"no beacon for 4 s","silence_ms":5000,"silence_needed_ms":10000,"longest_silence_ms":0,)"
            R"("evidence":23.026,"evidence_needed":27.6,"stretch":1,"held_by":["subnet 10.0.1.0/24 is frozen"],)"
            R"("would_change":["alive at once when it is heard on any channel"],"channels":[)"
            R"({"source":"beacon","subject":"a1","incarnation":7,"says":"silent","counts":true,"age_ms":5000,"alive_for_ms":0,"loss":0.012,"missed":5,"asked":1,"asked_by_helpers":0,"weight":23.026},)"
            R"({"source":"registration","subject":"a1","incarnation":7,"says":"open","counts":false,"while_open":true,"missed":0,"asked":0,"asked_by_helpers":0,"weight":0,"detail":"closed"}],"fields":[)"
            R"({"field":"model","value":"codellama","source":"beacon","subject":"a1","age_ms":5000,"rule":"most trusted channel that says it","others":["http_probe says llama3"]},)"
            R"({"field":"name","value":"A","rule":"kept from before"}]})");
}

TEST(ExplanationJson, ReadsBackWhatItWrote) {
  JsonWriter out;
  out.begin_object();
  write_explanation(out, example());
  out.end_object();
  const std::string text = std::move(out).take();
  const auto read = read_explanation(object_of(text));
  ASSERT_TRUE(read) << read.error().message;
  JsonWriter again;
  again.begin_object();
  write_explanation(again, *read);
  again.end_object();
  EXPECT_EQ(std::move(again).take(), text);
  EXPECT_EQ(read->channels[1].alive_for, Duration::max());
  EXPECT_FALSE(read->channels[1].age);
  EXPECT_FALSE(read_explanation(object_of(R"({"id":"a","channels":[1]})")));
  EXPECT_FALSE(read_explanation(object_of(R"({"id":"a","evidence":"much"})")));
  EXPECT_FALSE(read_explanation(object_of("{}")));
}

TEST(GuardJson, ReadsBackWhatItWroteWithAgesInPlaceOfInstants) {
  GuardView view;
  EXPECT_TRUE(is_plain(view));
  view.mode = Mode::frozen;
  view.health_score = 2;
  view.health_reason = "our loop was late";
  view.freezes = 3;
  view.domains.push_back({DomainKind::subnet, "subnet 10.0.1.0/24", Mode::frozen, 20, 14, WallTime{1'795'424'400'000}, Instant{100'000'000'000}, "14 of 20 agents fell silent within 10 s",
                          Instant{700'000'000'000}});
  EXPECT_FALSE(is_plain(view));
  JsonWriter out;
  write_guard(out, view, Instant{112'000'000'000});
  const std::string text = std::move(out).take();
  EXPECT_EQ(text, R"({"health_score":2,"health_reason":"our loop was late","freezes":3,"domains":[{"kind":"subnet","name":"subnet 10.0.1.0/24","mode":"frozen","members":20,"silent":14,)"
                  R"("since":"2026-11-23T09:00:00.000Z","for_ms":12000,"cause":"14 of 20 agents fell silent within 10 s","drains_in_ms":588000}]})");
  const auto read = read_guard(object_of(text));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->mode, Mode::frozen);
  EXPECT_EQ(read->health_score, 2U);
  ASSERT_EQ(read->domains.size(), 1U);
  EXPECT_EQ(Instant{} - read->domains[0].since_at, 12s);
  EXPECT_EQ(read->domains[0].until - Instant{}, 588s);
  EXPECT_EQ(read->domains[0].cause, view.domains[0].cause);
  EXPECT_EQ(*read_guard_member(object_of("{}")), nullptr);
  EXPECT_FALSE(read_guard_member(object_of(R"({"guard":1})")));
  EXPECT_FALSE(read_guard(object_of(R"({"domains":[{"mode":"thawed"}]})")));
}

}  // namespace
}  // namespace choregos::wire
