#include "choregos/store/chronicle.hpp"

#include <gtest/gtest.h>

namespace choregos::store {
namespace {

class ChronicleTest : public ::testing::Test {
 protected:
  /// The events of one change of `agent`, each as "id:kind".
  std::vector<std::string> take(ChangeKind kind, const Agent& agent, const std::string& into = "") {
    Change change;
    change.revision = {1, ++revision};
    change.kind = kind;
    change.record = std::make_shared<AgentRecord>(AgentRecord{agent, revision, nullptr});
    change.into = into;
    change.source = "beacon";
    change.wall_at = WallTime{static_cast<std::int64_t>(revision)};
    notes.clear();
    chronicle.take(change, notes);
    std::vector<std::string> out;
    for (const Note& note : notes) out.push_back(note.id + ":" + std::string(to_string(note.event.kind)));
    return out;
  }
  static Agent agent(const std::string& id, Liveness liveness = Liveness::alive) {
    Agent out;
    out.id = id;
    out.liveness = liveness;
    out.incarnation = 7;
    return out;
  }
  using Lines = std::vector<std::string>;
  Chronicle chronicle;
  std::vector<Note> notes;
  std::uint64_t revision = 0;
};

TEST_F(ChronicleTest, TellsOfLivenessWithReasonAndWhatItWas) {
  EXPECT_EQ(take(ChangeKind::appeared, agent("a")), Lines{"a:appeared"});
  Agent silent = agent("a", Liveness::suspect);
  silent.reason = "no beacon for 4 s";
  EXPECT_EQ(take(ChangeKind::liveness, silent), Lines{"a:liveness"});
  EXPECT_EQ(notes[0].event.was, Liveness::alive);
  EXPECT_EQ(notes[0].event.liveness, Liveness::suspect);
  EXPECT_EQ(notes[0].event.reason, "no beacon for 4 s");
  EXPECT_EQ(notes[0].event.source, "beacon");
  EXPECT_EQ(notes[0].event.revision, (Revision{1, 2}));
  silent.model = "other";
  EXPECT_EQ(take(ChangeKind::updated, silent), Lines{});
  EXPECT_EQ(take(ChangeKind::forgotten, silent), Lines{"a:forgotten"});
  EXPECT_EQ(take(ChangeKind::appeared, agent("a")), Lines{"a:appeared"});
}

TEST_F(ChronicleTest, ARestartOfTheRegistryLeavesNoTrace) {
  chronicle.know(agent("a"));
  chronicle.know(agent("b"));
  EXPECT_EQ(take(ChangeKind::appeared, agent("a", Liveness::unconfirmed)), Lines{});
  EXPECT_EQ(take(ChangeKind::liveness, agent("a")), Lines{});
  EXPECT_EQ(take(ChangeKind::appeared, agent("b", Liveness::unconfirmed)), Lines{});
  EXPECT_EQ(take(ChangeKind::liveness, agent("b", Liveness::lost)), Lines{"b:liveness"});
  EXPECT_EQ(notes[0].event.was, Liveness::alive);
}

TEST_F(ChronicleTest, TellsOfIdentityRestartAndConflict) {
  Agent a = agent("a");
  a.identity = IdentityKind::task;
  take(ChangeKind::appeared, a);
  a.identity = IdentityKind::proven;
  a.incarnation = 8;
  a.conflict = true;
  a.contenders = {"10.0.0.9:80", "10.0.0.9:81"};
  EXPECT_EQ(take(ChangeKind::updated, a), (Lines{"a:identity", "a:restarted", "a:conflict"}));
  EXPECT_EQ(notes[0].event.other, "task");
  EXPECT_EQ(notes[1].event.reason, "incarnation 8 after 7");
  EXPECT_EQ(notes[2].event.other, "10.0.0.9:80, 10.0.0.9:81");
  a.conflict = false;
  EXPECT_EQ(take(ChangeKind::updated, a), Lines{"a:conflict_over"});
}

TEST_F(ChronicleTest, AMergeBringsTheOldNameAlong) {
  take(ChangeKind::appeared, agent("10.0.0.1:80"));
  take(ChangeKind::appeared, agent("a"));
  EXPECT_EQ(take(ChangeKind::merged, agent("10.0.0.1:80"), "a"), Lines{"a:merged"});
  EXPECT_EQ(notes[0].renamed_from, "10.0.0.1:80");
  EXPECT_EQ(notes[0].event.other, "10.0.0.1:80");
  EXPECT_EQ(take(ChangeKind::appeared, agent("10.0.0.1:80")), Lines{"10.0.0.1:80:appeared"});
}

}  // namespace
}  // namespace choregos::store
