#include "choregos/api/watch/hub.hpp"

#include <gtest/gtest.h>

#include "choregos/api/watch/world_for_tests.hpp"

namespace choregos::api::watch {
namespace {

using wire::RemoveReason;
using wire::ResetReason;
using wire::WatchKind;

Claims with_status(Status status) {
  Claims claims;
  claims.status = status;
  return claims;
}

WatchRequest idle_only(WatchForm form = WatchForm::sse) {
  WatchRequest request;
  request.filter.status = {Status::idle};
  request.form = form;
  return request;
}

struct Watching : testing::Test {
  World world;
  Reader reader;
  Watching() { reader.keep = true; }

  std::vector<WatchKind> kinds() const {
    std::vector<WatchKind> out;
    for (const auto& m : reader.seen) out.push_back(m.kind);
    return out;
  }
  void read(FakeStream& stream) {
    for (std::string bytes; !(bytes = stream.take()).empty();) reader.read(bytes);
    EXPECT_TRUE(reader.faults.empty()) << reader.faults.front();
  }
};

TEST_F(Watching, BeginsWithTheListAndGoesOnWithTheChanges) {
  world.hear("a1");
  world.hear("a2");
  world.step();
  const auto stream = world.open();
  read(*stream);
  EXPECT_EQ(kinds(), (std::vector{WatchKind::reset, WatchKind::agents, WatchKind::ready}));
  EXPECT_EQ(reader.seen[0].reset, ResetReason::start);
  EXPECT_EQ(reader.position, (Revision{3, 1002}));

  world.hear("a3", with_status(Status::idle));
  world.step();
  read(*stream);
  ASSERT_EQ(reader.seen.size(), 4U);
  EXPECT_EQ(reader.seen[3].kind, WatchKind::put);
  EXPECT_EQ(reader.seen[3].change, ChangeKind::appeared);
  EXPECT_EQ(reader.seen[3].source, "beacon");
  EXPECT_EQ(reader.seen[3].agents[0].agent.id, "a3");
  EXPECT_EQ(reader.position, (Revision{3, 1003}));
  EXPECT_EQ(world.hub->stats().watchers, 1U);
}

TEST_F(Watching, AnObservationThatChangesNothingWakesNobody) {
  world.hear("a1");
  world.step();
  const auto stream = world.open();
  read(*stream);
  world.now = world.now + 100ms;
  world.hear("a1");
  world.step();
  EXPECT_EQ(stream->take(), "");
}

TEST_F(Watching, SaysWhyAndHowAnAgentLeftAndWhatItWas) {
  world.hear("a1");
  world.step();
  const auto stream = world.open();
  world.hear("a1", {}, ObservationKind::goodbye);
  world.step();
  world.advance(6min);
  world.step();
  read(*stream);
  ASSERT_GE(reader.seen.size(), 5U);
  EXPECT_EQ(reader.seen[3].change, ChangeKind::liveness);
  EXPECT_EQ(reader.seen[3].was, Liveness::alive);
  EXPECT_EQ(reader.seen[4].kind, WatchKind::remove);
  EXPECT_EQ(reader.seen[4].removed, RemoveReason::forgotten);
  EXPECT_EQ(reader.seen[4].reason, "said goodbye");
  EXPECT_EQ(reader.seen[4].agents[0].agent.liveness, Liveness::left);
  EXPECT_TRUE(reader.held.empty());
}

TEST_F(Watching, AppliesTheFilterOnOurSideAndSaysWhoLeavesIt) {
  world.hear("a1", with_status(Status::idle));
  world.hear("a2", with_status(Status::working));
  world.step();
  const auto stream = world.open(idle_only());
  read(*stream);
  EXPECT_EQ(reader.held, (std::map<std::string, std::uint64_t>{{"a1", 1001}}));

  world.now = world.now + 1s;
  world.hear("a2", with_status(Status::online));
  world.step();
  EXPECT_EQ(stream->take(), "") << "neither before nor after it was one of theirs";

  world.now = world.now + 1s;
  world.hear("a1", with_status(Status::working));
  world.hear("a2", with_status(Status::idle));
  world.step();
  read(*stream);
  ASSERT_EQ(reader.seen.size(), 5U);
  EXPECT_EQ(reader.seen[3].kind, WatchKind::remove);
  EXPECT_EQ(reader.seen[3].removed, RemoveReason::unmatched);
  EXPECT_EQ(reader.seen[3].agents[0].agent.status, Status::working) << "its record as it is now";
  EXPECT_EQ(reader.seen[4].kind, WatchKind::put);
  EXPECT_EQ(reader.held, (std::map<std::string, std::uint64_t>{{"a2", 1005}}));
}

TEST_F(Watching, OneRenderingServesAllWhoAskForTheSame) {
  const auto a = world.open(), b = world.open();
  a->take(), b->take();
  world.hear("a1");
  world.step();
  EXPECT_EQ(a->queued_count(), 1U);
  EXPECT_EQ(a->take(), b->take());
}

TEST_F(Watching, ResumesExactly) {
  const auto first = world.open();
  world.hear("a1");
  world.step();
  read(*first);
  first->hang_up();
  EXPECT_EQ(world.hub->stats().watchers, 0U);
  world.hear("a2");
  world.hear("a1", {}, ObservationKind::goodbye);
  world.step();
  reader.reconnect();
  reader.seen.clear();
  const auto second = world.open({{}, {}, WatchForm::sse, reader.position});
  read(*second);
  EXPECT_EQ(kinds(), (std::vector{WatchKind::put, WatchKind::put, WatchKind::mode}));
  EXPECT_EQ(reader.position, (Revision{3, 1003}));
  EXPECT_EQ(world.hub->stats().resumed, 1U);
}

TEST_F(Watching, APositionThatIsNotHeldBeginsWithTheListAndSaysWhy) {
  World small(3);
  for (int i = 0; i < 10; ++i) small.hear("a" + std::to_string(i)), small.step();
  const auto reason_of = [&](Revision since) {
    Reader one;
    one.keep = true;
    const auto stream = small.open({{}, {}, WatchForm::sse, since});
    for (std::string bytes; !(bytes = stream->take()).empty();) one.read(bytes);
    EXPECT_EQ(one.seen.at(0).kind, WatchKind::reset);
    EXPECT_EQ(one.held.size(), 10U);
    return one.seen.at(0).reset;
  };
  EXPECT_EQ(reason_of({3, 1002}), ResetReason::gone);
  EXPECT_EQ(reason_of({2, 1009}), ResetReason::restart);
  EXPECT_EQ(reason_of({3, 9999}), ResetReason::unknown);
  EXPECT_EQ(small.hub->holds({3, 1002}).error().code, ErrorCode::gone);
  EXPECT_TRUE(small.hub->holds({3, 1008}));
}

TEST_F(Watching, WaitsUntilAListMayBeBelieved) {
  world.not_ready = {"swarm_dns has not answered yet"};
  const auto stream = world.open();
  read(*stream);
  EXPECT_EQ(kinds(), (std::vector{WatchKind::waiting}));
  EXPECT_EQ(reader.seen[0].reason, "swarm_dns has not answered yet");
  world.hear("a1");
  world.step();
  world.hub->beat();
  EXPECT_EQ(stream->take(), "");
  world.not_ready.clear();
  world.hub->beat();
  read(*stream);
  EXPECT_EQ(kinds(), (std::vector{WatchKind::waiting, WatchKind::reset, WatchKind::agents, WatchKind::ready}));
}

TEST_F(Watching, TellsOfTheGuardWithoutARevision) {
  for (int i = 0; i < 20; ++i) {
    Observation o;
    o.source = "beacon", o.subject = "a" + std::to_string(i), o.names.id = o.subject, o.incarnation = 1;
    o.heard_at = world.now, o.wall_at = world.wall(), o.lease = {3s, 10s, 1s};
    (void)world.registry.apply(o, world.now, world.wall(), world.changes);
  }
  world.step();
  const auto stream = world.open();
  world.advance(4s);
  world.step();
  read(*stream);
  const auto mode = std::find_if(reader.seen.begin(), reader.seen.end(), [](const auto& m) { return m.kind == WatchKind::mode; });
  ASSERT_NE(mode, reader.seen.end());
  EXPECT_EQ(mode->mode, "frozen");
  ASSERT_TRUE(mode->guard);
  EXPECT_FALSE(mode->guard->domains.empty());
  // Whoever comes later hears of it with the list, and whoever resumes at once.
  Reader late;
  late.keep = true;
  const auto stream_of_late = world.open();
  for (std::string bytes; !(bytes = stream_of_late->take()).empty();) late.read(bytes);
  EXPECT_EQ(late.seen.back().mode, "frozen");
  Reader back;
  back.keep = true;
  const auto stream_of_back = world.open({{}, {}, WatchForm::sse, reader.position});
  for (std::string bytes; !(bytes = stream_of_back->take()).empty();) back.read(bytes);
  ASSERT_EQ(back.seen.size(), 1U);
  EXPECT_EQ(back.seen[0].mode, "frozen");
}

TEST_F(Watching, IsNeverSilentForLongAndKeepsThePositionFresh) {
  world.hear("a1", with_status(Status::working));
  world.step();
  const auto stream = world.open(idle_only());
  read(*stream);
  const auto lines = world.open(idle_only(WatchForm::ndjson));
  lines->take();
  world.now = world.now + kHeartbeat;
  world.hub->beat();
  EXPECT_EQ(stream->take(), wire::sse_comment("alive"));
  EXPECT_EQ(lines->take(), wire::mark_json({3, 1001}) + "\n");
  world.hear("a2", with_status(Status::working));
  world.step();
  world.now = world.now + kHeartbeat - 1ms;
  world.hub->beat();
  EXPECT_EQ(stream->take(), "");
  world.now = world.now + 1ms;
  world.hub->beat();
  read(*stream);
  EXPECT_EQ(reader.seen.back().kind, WatchKind::mark);
  EXPECT_EQ(reader.position, (Revision{3, 1002}));
}

TEST_F(Watching, ASlowReaderIsFoldedAndItsNeighbourIsNot) {
  const auto slow = world.open(), quick = world.open();
  read(*slow);
  Reader neighbour;
  for (std::string bytes; !(bytes = quick->take()).empty();) neighbour.read(bytes);
  // Ten agents change their status far more often than the slow one can hear.
  for (int i = 0; i < 900; ++i) {
    world.now = world.now + 1ms;
    world.hear("a" + std::to_string(i % 10), with_status(i / 10 % 2 == 0 ? Status::idle : Status::working));
    world.step();
    neighbour.read(quick->take());
  }
  EXPECT_LE(slow->queued_bytes(), limits::watch_queue_bytes_max + 2 * kPieceBytes);
  EXPECT_EQ(neighbour.position, (Revision{3, 1900}));
  EXPECT_EQ(neighbour.resets, 1U);
  for (std::string bytes; !(bytes = slow->take()).empty();) reader.read(bytes);
  EXPECT_TRUE(reader.faults.empty()) << reader.faults.front();
  EXPECT_EQ(reader.held, listed(*world.snapshot, {}));
  EXPECT_EQ(reader.position, (Revision{3, 1900}));
  const auto folded = std::count_if(reader.seen.begin(), reader.seen.end(), [](const auto& m) { return m.folded && *m.folded > 0; });
  EXPECT_GT(folded, 5);
  EXPECT_GT(world.hub->stats().folded, 300U);
  // It is in step again.
  world.hear("b");
  world.step();
  reader.read(slow->take());
  EXPECT_EQ(reader.position, (Revision{3, 1901}));
}

TEST_F(Watching, OneThatIsFarBehindBeginsAgain) {
  const auto slow = world.open();
  for (int i = 0; i < 3000; ++i) {
    world.now = world.now + 1ms;
    world.hear("a" + std::to_string(i % 10), with_status(i / 10 % 2 == 0 ? Status::idle : Status::working));
    world.step();
  }
  read(*slow);
  EXPECT_EQ(reader.resets, 2U);
  EXPECT_EQ(reader.held, listed(*world.snapshot, {}));
}

TEST_F(Watching, OneThatReadsNothingIsToldSoAndCut) {
  const auto slow = world.open();
  slow->take();
  for (int i = 0; i < 600; ++i) world.hear("a" + std::to_string(i)), world.step();
  world.now = world.now + kBehindMax;
  world.hub->beat();
  EXPECT_TRUE(slow->open());
  world.now = world.now + 1ms;
  world.hub->beat();
  EXPECT_FALSE(slow->open());
  EXPECT_EQ(world.hub->stats().cut, 1U);
  reader.read(slow->take());
  EXPECT_EQ(reader.seen.back().kind, WatchKind::end);
  slow->tell();
  EXPECT_EQ(world.hub->stats().watchers, 0U);
}

TEST_F(Watching, WhoReadsALongListSlowlyIsNotCut) {
  for (int i = 0; i < 2000; ++i) world.hear("a" + std::to_string(i));
  world.step();
  const auto slow = world.open();
  for (int turns = 0; reader.held.size() < 2000 || !reader.whole; ++turns) {
    ASSERT_LT(turns, 200);
    reader.read(slow->take(1));
    world.now = world.now + kBehindMax - 1s;
    world.hub->beat();
    ASSERT_TRUE(slow->open()) << "after " << turns;
  }
}

TEST_F(Watching, TellsThatItStops) {
  const auto stream = world.open();
  read(*stream);
  std::optional<Error> answered;
  world.hub->poll({{}, {}, WatchForm::sse, Revision{3, 1000}}, 10s, [&](const Result<std::string>& body) { answered = body.error(); });
  world.hub->close_all("choregosd is stopping");
  read(*stream);
  EXPECT_EQ(reader.seen.back().kind, WatchKind::end);
  EXPECT_EQ(reader.seen.back().reason, "choregosd is stopping");
  EXPECT_FALSE(stream->open());
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->code, ErrorCode::unavailable);
}

TEST_F(Watching, HasRoomForSoManyAndNoMore) {
  std::vector<std::shared_ptr<FakeStream>> streams;
  while (world.hub->has_room()) streams.push_back(world.open());
  EXPECT_EQ(streams.size(), limits::watcher_count_max);
  EXPECT_EQ(world.hub->has_room().error().code, ErrorCode::exhausted);
  streams.back()->hang_up();
  EXPECT_TRUE(world.hub->has_room());
}

TEST_F(Watching, BatchesThatItNeverHeardOfAreFetched) {
  const auto stream = world.open();
  read(*stream);
  world.hear("a1");
  world.publish();
  world.batches.clear();
  world.hear("a2");
  world.step();
  read(*stream);
  EXPECT_EQ(reader.held.size(), 2U);
  EXPECT_EQ(reader.resets, 1U);
}

TEST_F(Watching, BatchesThatItKnowsFromTheBeginningAreNotToldAgain) {
  world.hear("a1");
  world.publish();
  const auto older = world.batches;
  world.hear("a2");
  world.publish();
  world.hub = world.make_hub();
  const auto stream = world.open();
  read(*stream);
  EXPECT_EQ(reader.position, (Revision{3, 1002}));
  world.hub->tell(older);
  EXPECT_EQ(stream->take(), "");
  const auto another = world.open();
  another->take();
  another->take();
  EXPECT_EQ(world.hub->stats().watchers, 2U);
  world.tell();
  world.hear("a3");
  world.step();
  read(*stream);
  EXPECT_EQ(reader.position, (Revision{3, 1003}));
  EXPECT_EQ(reader.seen.size(), 4U);
}

// ---- Long polls -----------------------------------------------------------------------------------------------------

struct Polling : Watching {
  std::vector<std::string> bodies;
  std::vector<Error> errors;
  std::function<void()> poll(std::uint64_t since, Duration wait = 10s, Query filter = {}) {
    return world.hub->poll({std::move(filter), {}, WatchForm::sse, Revision{3, since}}, wait, [this](Result<std::string> body) {
      if (body) bodies.push_back(std::move(*body));
      else errors.push_back(body.error());
    });
  }
};

TEST_F(Polling, AnswersAtOnceWithWhatHappenedSince) {
  world.hear("a1");
  world.step();
  poll(1000);
  ASSERT_EQ(bodies.size(), 1U);
  EXPECT_NE(bodies[0].find("\"id\":\"a1\""), std::string::npos) << bodies[0];
  EXPECT_NE(bodies[0].find("\"epoch\":3,\"revision\":1001,\"more\":false"), std::string::npos) << bodies[0];
}

TEST_F(Polling, WaitsForTheNextChangeThatPassesTheFilter) {
  Query filter;
  filter.status = {Status::idle};
  poll(1000, 10s, filter);
  EXPECT_EQ(world.hub->stats().polls, 1U);
  world.hear("a1", with_status(Status::working));
  world.step();
  EXPECT_TRUE(bodies.empty());
  world.hear("a2", with_status(Status::idle));
  world.step();
  ASSERT_EQ(bodies.size(), 1U);
  EXPECT_EQ(bodies[0].find("a1"), std::string::npos);
  EXPECT_EQ(world.hub->stats().polls, 0U);
}

TEST_F(Polling, AnswersWithNothingWhenTheTimeIsOver) {
  poll(1000, 10s);
  world.now = world.now + 9s;
  world.hub->beat();
  EXPECT_TRUE(bodies.empty());
  world.now = world.now + 1s;
  world.hub->beat();
  ASSERT_EQ(bodies.size(), 1U);
  EXPECT_NE(bodies[0].find("\"events\":[],\"epoch\":3,\"revision\":1000"), std::string::npos) << bodies[0];
}

TEST_F(Polling, RefusesAPositionThatIsNotHeld) {
  poll(2000);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].code, ErrorCode::invalid);
}

TEST_F(Polling, IsForgottenWhenGivenUp) {
  const auto give_up = poll(1000);
  give_up();
  EXPECT_EQ(world.hub->stats().polls, 0U);
  world.hear("a1");
  world.step();
  EXPECT_TRUE(bodies.empty());
  give_up();
}

TEST_F(Polling, ALongWayIsGoneInSeveralAnswers) {
  for (int i = 0; i < 600; ++i) world.hear("a" + std::to_string(i));
  world.step();
  std::uint64_t at = 1000;
  std::size_t answers = 0;
  for (bool more = true; more; ++answers) {
    ASSERT_LT(answers, 10U);
    poll(at);
    more = bodies.back().find("\"more\":true") != std::string::npos;
    const auto key = bodies.back().rfind("\"revision\":");
    at = std::stoull(bodies.back().substr(key + 11));
  }
  EXPECT_EQ(at, 1600U);
  EXPECT_EQ(answers, 3U);
}

}  // namespace
}  // namespace choregos::api::watch
