// The daemon may be killed between any two records. Whatever prefix of them is on disk: what was acknowledged by then is there, nothing that
// had ended runs again, and no fence is granted twice.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "choregos/base/rng.hpp"
#include "choregos/task/ledger.hpp"

namespace choregos::task {
namespace {

Instant at(std::int64_t ms) { return {1'000'000'000 + ms * 1'000'000}; }
WallTime wall(std::int64_t ms) { return {1'700'000'000'000 + ms}; }

/// What was told to somebody, and the record that had to be stored for it.
struct Told {
  std::uint64_t sequence = 0;
  TaskNumber task = 0;
  std::uint64_t fence = 0;
  TaskState state = TaskState::submitted;
};

struct History {
  std::vector<Record> records;
  std::vector<Told> told;
};

History some_history(std::uint64_t seed) {
  Rng rng(seed);
  Ledger ledger({});
  History h;
  Output out;
  std::vector<Grip> offers;
  std::vector<Grip> held;
  std::int64_t ms = 0;
  const auto take = [&] {
    for (Record& r : out.records) h.records.push_back(r);
    for (const Notice& n : out.notices) {
      if (n.kind != NoticeKind::offer) continue;
      offers.push_back({n.agent, n.task, n.fence});
      h.told.push_back({n.sequence, n.task, n.fence, TaskState::offered});
    }
    out.clear();
  };
  const auto say = [&](const Command& c) {
    auto answer = ledger.apply(c, at(ms), wall(ms), out);
    if (answer && answer->task) h.told.push_back({ledger.sequence(), answer->task->number, answer->task->fence, answer->task->state});
    take();
    ledger.stored(ledger.sequence(), at(ms), wall(ms), out);
    take();
    return answer.has_value();
  };
  for (int i = 0; i < 4; ++i) {
    AgentNews n;
    n.id = "a" + std::to_string(i);
    n.incarnation = 1;
    n.slots = 2;
    n.capabilities = {"go"};
    say(n);
    say(Listen{n.id, Instant::never(), 0});
  }
  for (int step = 0; step < 150; ++step) {
    ms += static_cast<std::int64_t>(rng.below(2000));
    ledger.tick(at(ms), wall(ms), out);
    take();
    switch (rng.below(8)) {
      case 0:
      case 1: {
        TaskRequest r;
        r.key = "k" + std::to_string(step);
        r.capabilities = {"go"};
        r.kind = "kind" + std::to_string(rng.below(3));
        r.keep_for = 20s;
        say(Submit{r, std::make_shared<const std::string>("p")});
        break;
      }
      case 2:
      case 3:
        if (!offers.empty()) {
          const Grip grip = offers.back();
          offers.pop_back();
          if (say(Accept{grip})) held.push_back(grip);
        }
        break;
      case 4:
      case 5:
        if (!held.empty()) {
          const std::size_t i = rng.below(held.size());
          say(Complete{held[i], std::make_shared<const std::string>("r")});
          held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
        }
        break;
      case 6:
        if (!held.empty()) {
          const Grip grip = held.back();
          held.pop_back();
          if (rng.chance(0.5)) say(Fail{grip, "no", rng.chance(0.8), nullptr});
          else say(Refuse{grip, "no", rng.chance(0.3), 2s, false});
        }
        break;
      default: {
        AgentNews n;
        n.id = "a" + std::to_string(rng.below(4));
        n.incarnation = 1;
        n.slots = 2;
        n.capabilities = {"go"};
        n.liveness = rng.chance(0.3) ? Liveness::lost : Liveness::alive;
        say(n);
      }
    }
  }
  return h;
}

int order(TaskState s) { return has_ended(s) ? 1 : 0; }

TEST(Crash, BetweenAnyTwoRecordsLosesNothingAndRunsNothingTwice) {
  std::size_t boundaries = 0, grants = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const History h = some_history(seed);
    for (std::size_t cut = 0; cut <= h.records.size(); ++cut, ++boundaries) {
      const std::vector<Record> disk(h.records.begin(), h.records.begin() + static_cast<std::ptrdiff_t>(cut));
      const std::uint64_t stored = disk.empty() ? 0 : disk.back().sequence;
      std::set<TaskNumber> forgotten;
      std::map<TaskNumber, TaskPtr> newest;
      for (const Record& r : disk) {
        if (const auto* gone = std::get_if<Forgotten>(&r.what)) forgotten.insert(gone->task);
        if (const auto* image = std::get_if<TaskPtr>(&r.what)) newest[(*image)->number] = *image;
      }
      Ledger again({});
      ASSERT_TRUE(again.restore(disk, at(1'000'000), wall(1'000'000)));
      ASSERT_EQ(again.sequence(), stored);
      std::map<TaskNumber, std::uint64_t> fence_told;
      for (const Told& t : h.told) {
        if (t.sequence > stored) continue;
        fence_told[t.task] = std::max(fence_told[t.task], t.fence);
        if (forgotten.contains(t.task)) continue;
        const TaskPtr task = again.find(t.task);
        ASSERT_TRUE(task) << task_id(t.task) << " was told of and is lost; seed " << seed << " cut " << cut;
        ASSERT_GE(task->fence, t.fence);
        if (has_ended(t.state)) {
          ASSERT_EQ(task->state, t.state) << task_id(t.task) << " had ended";
        }
      }
      for (const auto& [number, image] : newest) {
        if (forgotten.contains(number)) continue;
        const TaskPtr task = again.find(number);
        ASSERT_TRUE(task);
        ASSERT_EQ(order(task->state), order(image->state));
        ASSERT_EQ(task->fence, image->fence);
        ASSERT_EQ(task->attempts, image->attempts);
        if (image->result) { ASSERT_EQ(*task->result, *image->result); }
      }
      // A fresh agent takes all that waits, after those of the former life are found to be gone: every grant is above what was told.
      Output out;
      again.tick(at(1'100'000), wall(1'100'000), out);
      AgentNews n;
      n.id = "fresh";
      n.slots = 1000;
      n.capabilities = {"go"};
      (void)again.apply(n, at(1'100'000), wall(1'100'000), out);
      (void)again.apply(Listen{"fresh", Instant::never(), 0}, at(1'100'000), wall(1'100'000), out);
      again.tick(at(2'000'000), wall(2'000'000), out);
      for (const Notice& offer : out.notices) {
        if (offer.kind != NoticeKind::offer) continue;
        ++grants;
        ASSERT_GT(offer.fence, fence_told[offer.task]) << task_id(offer.task) << " was granted under a fence that is out; seed " << seed << " cut " << cut;
      }
      TaskRequest r;
      const auto fresh = again.apply(Submit{r, nullptr}, at(2'000'000), wall(2'000'000), out);
      ASSERT_TRUE(fresh);
      for (const Told& t : h.told) {
        if (t.sequence <= stored) { ASSERT_GT(fresh->task->number, t.task) << "a number was used twice"; }
      }
    }
  }
  EXPECT_GT(boundaries, 500u);
  EXPECT_GT(grants, 500u);
}

TEST(Crash, RowsInsteadOfTheLogGiveTheSame) {
  // A store that keeps only the newest of each subject, and of forgotten tasks the highest number.
  const History h = some_history(9);
  std::map<TaskNumber, Record> tasks;
  std::map<std::string, Record> others;
  Record highest;
  for (const Record& r : h.records) {
    if (const auto* image = std::get_if<TaskPtr>(&r.what)) {
      tasks[(*image)->number] = r;
    } else if (const auto* gone = std::get_if<Forgotten>(&r.what)) {
      tasks.erase(gone->task);
      if (!highest.sequence || gone->task > std::get<Forgotten>(highest.what).task) highest = r;
    } else if (const auto* refusal = std::get_if<Refusal>(&r.what)) {
      others["r " + refusal->agent + " " + refusal->kind] = r;
    } else if (const auto* hold = std::get_if<Hold>(&r.what)) {
      others["h " + hold->agent + " " + hold->provider] = r;
    }
    if (r.tally) {
      Record alone{r.sequence, *r.tally};
      others["t " + r.tally->agent] = alone;
    }
  }
  std::map<std::uint64_t, std::vector<Record>> in_order;
  for (auto& [number, r] : tasks) in_order[r.sequence].push_back(r);
  for (auto& [name, r] : others) in_order[r.sequence].push_back(r);
  if (highest.sequence) in_order[highest.sequence].push_back(highest);
  std::vector<Record> rows;
  std::uint64_t sequence = 0;
  for (auto& [s, list] : in_order) {
    for (Record& r : list) {
      r.sequence = ++sequence;
      rows.push_back(r);
    }
  }
  EXPECT_LT(rows.size(), h.records.size());
  Ledger log({}), table({});
  ASSERT_TRUE(log.restore(h.records, at(500'000), wall(500'000)));
  ASSERT_TRUE(table.restore(rows, at(500'000), wall(500'000)));
  std::vector<Task> a, b;
  log.for_each([&](const TaskPtr& t) { a.push_back(*t); });
  table.for_each([&](const TaskPtr& t) { b.push_back(*t); });
  EXPECT_EQ(a, b);
  EXPECT_FALSE(a.empty());
  const auto one = log.agents(), two = table.agents();
  ASSERT_EQ(one.size(), two.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].id, two[i].id);
    EXPECT_EQ(one[i].succeeded, two[i].succeeded);
    EXPECT_EQ(one[i].tasks, two[i].tasks);
  }
}

}  // namespace
}  // namespace choregos::task
