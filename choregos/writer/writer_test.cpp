#include "choregos/writer/writer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <thread>

namespace choregos {
namespace {

Instant steady_now() { return {std::chrono::steady_clock::now().time_since_epoch().count()}; }

Observation beacon(const std::string& id) {
  Observation o;
  o.source = "beacon";
  o.subject = id;
  o.names.id = id;
  o.heard_at = steady_now();
  o.wall_at = WallTime{1};
  return o;
}

Registry registry() { return Registry({}, Revision{1, 0}); }

/// Blocks until the answer, bounded.
Result<AgentRecordPtr> submit_and_wait(Writer& writer, Observation o) {
  auto promise = std::make_shared<std::promise<Result<AgentRecordPtr>>>();
  auto future = promise->get_future();
  writer.submit(std::move(o), [promise](Result<AgentRecordPtr> result) { promise->set_value(std::move(result)); });
  if (future.wait_for(std::chrono::seconds(10)) != std::future_status::ready) return fail(ErrorCode::timeout, "no answer");
  return future.get();
}

TEST(Writer, AnswersAfterTheSnapshotShowsTheChange) {
  Writer writer(registry(), {});
  ASSERT_TRUE(writer.start());
  const auto record = submit_and_wait(writer, beacon("a1"));
  ASSERT_TRUE(record);
  EXPECT_EQ((*record)->agent.id, "a1");
  EXPECT_NE(writer.snapshot()->find("a1"), nullptr);
}

TEST(Writer, PersistsBeforeItAnswersAndPassesTheErrorOn) {
  std::atomic<bool> full{false};
  std::atomic<std::size_t> kept{0};
  Writer::Options options;
  options.persist = [&](std::span<const Change> changes) -> Result<void> {
    if (full) return fail(ErrorCode::io, "disk full");
    kept += changes.size();
    return {};
  };
  Writer writer(registry(), options);
  ASSERT_TRUE(writer.start());
  ASSERT_TRUE(submit_and_wait(writer, beacon("a1")));
  EXPECT_EQ(kept, 1U);
  full = true;
  const auto refused = submit_and_wait(writer, beacon("a2"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "disk full");
  EXPECT_NE(writer.snapshot()->find("a2"), nullptr) << "belief goes on without the disk";
}

TEST(Writer, TellsTheBorderErrorToWhoAsked) {
  Writer writer(registry(), {});
  ASSERT_TRUE(writer.start());
  EXPECT_EQ(submit_and_wait(writer, beacon("bad id")).error().code, ErrorCode::invalid);
  EXPECT_EQ(writer.stats().refused, 1U);
}

TEST(Writer, StartsOnceAndStopsAnyNumberOfTimesFromAnyThread) {
  Writer never_started(registry(), {});
  never_started.stop();
  Writer writer(registry(), {});
  ASSERT_TRUE(writer.start());
  EXPECT_EQ(writer.start().error().code, ErrorCode::conflict);
  std::thread other([&] { writer.stop(); });
  writer.stop();
  other.join();
  EXPECT_EQ(writer.start().error().code, ErrorCode::conflict);
  EXPECT_FALSE(writer.submit(beacon("a1")));
}

TEST(Writer, WakesForDeadlinesWithoutObservations) {
  Writer writer(registry(), {});
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Liveness> seen;
  const auto subscription = writer.subscribe([&](const BatchPtr& batch) {
    const std::lock_guard lock(mutex);
    for (const Change& change : batch->changes) seen.push_back(change.record->agent.liveness);
    changed.notify_all();
  });
  ASSERT_TRUE(writer.start());
  Observation o = beacon("a1");
  o.lease = {50ms, 100ms};
  writer.submit(o);
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return seen.size() == 3; }));
  lock.unlock();
  writer.unsubscribe(subscription);
  EXPECT_EQ(seen, (std::vector<Liveness>{Liveness::alive, Liveness::suspect, Liveness::lost}));
}

TEST(Writer, ReadersAndWritersTogetherSeeEveryRevisionOnce) {
  Writer writer(registry(), {});
  std::vector<std::uint64_t> revisions;
  writer.subscribe([&](const BatchPtr& batch) {
    for (const Change& change : batch->changes) revisions.push_back(change.revision.number);
  });
  ASSERT_TRUE(writer.start());
  std::atomic<bool> done{false};
  std::thread reader([&] {
    std::size_t most = 0;
    while (!done) {
      const auto snapshot = writer.snapshot();
      EXPECT_GE(snapshot->size(), most);
      most = snapshot->size();
      snapshot->for_each([](const AgentRecordPtr& record) { (void)record->vitals->last_seen_ms.load(); });
    }
  });
  std::vector<std::thread> submitters;
  for (int t = 0; t < 3; ++t)
    submitters.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) writer.submit(beacon("agent-" + std::to_string(i * 3 + t)));
    });
  for (auto& thread : submitters) thread.join();
  ASSERT_TRUE(submit_and_wait(writer, beacon("last")));
  done = true;
  reader.join();
  writer.stop();
  EXPECT_EQ(writer.snapshot()->size(), 1501U);
  ASSERT_EQ(revisions.size(), 1501U);
  for (std::size_t i = 0; i < revisions.size(); ++i) EXPECT_EQ(revisions[i], i + 1);
  EXPECT_EQ(writer.changes_since(Revision{1, 1400}, 1000)->size(), 101U);
}

}  // namespace
}  // namespace choregos
