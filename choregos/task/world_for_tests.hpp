// A ledger with a clock and a disk that never fails, for stories in unit tests.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "choregos/task/ledger.hpp"

namespace choregos::task {

struct World {
  explicit World(LedgerSettings settings = {}) : ledger(settings) {}

  WallTime wall() const { return WallTime{1'700'000'000'000 + now.ns / 1'000'000}; }
  Result<Answer> say(const Command& command) {
    auto answer = ledger.apply(command, now, wall(), out);
    keep();
    return answer;
  }
  void must(const Command& command) {
    const auto answer = say(command);
    if (!answer) ADD_FAILURE() << answer.error().message;
  }
  /// The message of the error that the command meets; "" when it is done.
  std::string refused(const Command& command, ErrorCode code = ErrorCode::conflict) {
    const auto answer = say(command);
    if (answer) return {};
    EXPECT_EQ(to_string(answer.error().code), to_string(code)) << answer.error().message;
    return answer.error().message;
  }
  void keep() {
    for (const Record& r : out.records) disk.push_back(r);
    out.records.clear();
    ledger.stored(ledger.sequence(), now, wall(), out);
    for (const Record& r : out.records) disk.push_back(r);
    for (const Notice& n : out.notices) notices.push_back(n);
    out.clear();
  }
  /// Lets time pass, acting on each deadline when it comes.
  void pass(Duration time) {
    const Instant end = now + time;
    while (ledger.next_deadline() <= end) {
      now = std::max(now, ledger.next_deadline());
      ledger.tick(now, wall(), out);
      keep();
    }
    now = end;
  }
  AgentNews news(const std::string& id) {
    AgentNews n;
    n.id = id;
    n.incarnation = 1;
    n.capabilities = {"go"};
    n.version = "1";
    return n;
  }
  void arrive(const AgentNews& n) {
    must(n);
    must(Listen{n.id, Instant::never(), 0});
  }
  void arrive(const std::string& id) { arrive(news(id)); }
  static TaskRequest request() {
    TaskRequest r;
    r.capabilities = {"go"};
    return r;
  }
  TaskNumber submit(const TaskRequest& r = request()) {
    const auto answer = say(Submit{r, std::make_shared<const std::string>("payload")});
    if (!answer) {
      ADD_FAILURE() << answer.error().message;
      return 0;
    }
    return answer->task->number;
  }
  /// Offers since the last call: "a1:3#1" is task 3 with fence 1 for a1.
  std::vector<std::string> told(NoticeKind kind = NoticeKind::offer) {
    std::vector<std::string> text;
    for (const Notice& n : notices) {
      if (n.kind == kind) text.push_back(n.agent + ":" + std::to_string(n.task) + "#" + std::to_string(n.fence));
    }
    std::erase_if(notices, [kind](const Notice& n) { return n.kind == kind; });
    return text;
  }
  /// The grip of whoever was offered the task last.
  Grip grip(TaskNumber number) const {
    const TaskPtr task = ledger.find(number);
    return {task->agent, number, task->fence};
  }
  TaskState state(TaskNumber number) const { return ledger.find(number)->state; }
  /// Another life of ours, from what is on disk.
  void restart(LedgerSettings settings = {}) {
    ledger = Ledger(settings);
    ASSERT_TRUE(ledger.restore(disk, now, wall()));
    notices.clear();
    out.clear();
  }

  Instant now{1'000'000'000};
  Ledger ledger;
  Output out;
  std::vector<Record> disk;
  std::vector<Notice> notices;
};

using Told = std::vector<std::string>;

}  // namespace choregos::task
