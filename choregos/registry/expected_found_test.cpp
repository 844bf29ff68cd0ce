#include "choregos/registry/expected_found.hpp"

#include <gtest/gtest.h>

#include "choregos/registry/registry.hpp"

namespace choregos {
namespace {

class ExpectedTest : public ::testing::Test {
 protected:
  static SocketAddress at(std::uint8_t last) { return {IpAddress::v4(10, 0, 1, last), 8081}; }
  static SwarmTask name(int slot) { return {"chorus", std::to_string(slot), "t" + std::to_string(slot)}; }

  /// The orchestrator runs task `slot` on worker-<slot>, at 10.0.1.<slot>.
  ExpectedTask& runs(int slot) {
    ExpectedTask task;
    task.task = name(slot);
    task.node = "worker-" + std::to_string(slot);
    task.state = task.desired_state = "running";
    task.wanted = task.running = true;
    task.targets = {at(static_cast<std::uint8_t>(slot))};
    service.tasks.push_back(task);
    return service.tasks.back();
  }
  FoundTarget& dns(std::uint8_t last, std::optional<int> slot, bool answering) {
    FoundTarget target;
    target.address = at(last);
    target.services = {"chorus"};
    if (slot) target.task = name(*slot);
    target.tried = true;
    target.answering = answering;
    if (!answering) target.note = "connection refused";
    targets.push_back(target);
    return targets.back();
  }
  /// An agent answers as that task.
  void hear(int slot, const std::string& id = "") {
    Observation o;
    o.source = "http_probe";
    o.subject = to_string(at(static_cast<std::uint8_t>(slot)));
    o.names.id = id;
    o.names.task = name(slot);
    o.names.address = at(static_cast<std::uint8_t>(slot));
    o.heard_at = now;
    o.claims = Claims{};
    ASSERT_TRUE(registry.apply(o, now, WallTime{1}, changes));
  }
  void say(ObservationKind kind, int slot, const std::string& reason) {
    Observation o;
    o.kind = kind;
    o.source = "http_probe";
    o.subject = to_string(at(static_cast<std::uint8_t>(slot)));
    o.names.task = name(slot);
    o.heard_at = now;
    o.reason = reason;
    ASSERT_TRUE(registry.apply(o, now, WallTime{1}, changes));
  }
  ExpectedFound compare(bool with_report = true) {
    std::vector<ExpectationReportPtr> reports;
    if (with_report) {
      auto report = std::make_shared<ExpectationReport>();
      report->source = "docker_engine";
      report->asked_at = now - 2s;
      report->whole_swarm = whole_swarm;
      report->services = {service};
      report->nodes = nodes;
      reports.push_back(report);
    }
    return compare_expected(reports, configured, targets, *registry.snapshot(now, WallTime{1}), now);
  }
  static std::vector<std::string> lines(const std::vector<Discrepancy>& list) {
    std::vector<std::string> out;
    for (const auto& d : list) out.push_back(name_of(d) + (d.node.empty() ? "" : " on " + d.node) + ": " + d.reason);
    return out;
  }
  using Lines = std::vector<std::string>;

  Registry registry{RegistrySettings{}, Revision{1, 0}};
  std::vector<Change> changes;
  Instant now{1'000'000'000'000};
  ServiceExpectation service{"s1", "chorus", ServiceMode::replicated, 3, {}};
  std::vector<ExpectedNode> nodes;
  bool whole_swarm = true;
  std::vector<FoundTarget> targets;
  std::vector<ConfiguredCount> configured;
};

TEST_F(ExpectedTest, AllThereIsAMatchWithItsCounts) {
  for (int slot = 1; slot <= 3; ++slot) {
    runs(slot);
    dns(static_cast<std::uint8_t>(slot), slot, true);
    hear(slot, "agent-" + std::to_string(slot));
  }
  const auto found = compare();
  ASSERT_EQ(found.services.size(), 1U);
  const auto& chorus = found.services[0];
  EXPECT_TRUE(found.matches()) << mismatch_line(chorus, 9);
  EXPECT_EQ(chorus.desired, 3U);
  EXPECT_EQ(chorus.desired_by, "docker_engine");
  EXPECT_EQ(chorus.tasks, 3U);
  EXPECT_EQ(chorus.in_dns, 3U);
  EXPECT_EQ(chorus.answering, 3U);
  EXPECT_EQ(chorus.listed, 3U);
  EXPECT_EQ(found.orchestrator_age, 2s);
}

TEST_F(ExpectedTest, NamesAKilledTaskAndAPhantomOfDns) {
  service.desired = 5;
  for (int slot = 1; slot <= 4; ++slot) {
    runs(slot);
    dns(static_cast<std::uint8_t>(slot), slot, true);
    hear(slot);
  }
  ExpectedTask& killed = runs(5);
  killed.state = "failed";
  killed.running = false;
  killed.message = "task: non-zero exit (137)";
  dns(99, std::nullopt, false);
  const auto found = compare();
  const auto& chorus = found.services[0];
  EXPECT_EQ(lines(chorus.missing), Lines{"chorus.5.t5 on worker-5: it is wanted and failed (task: non-zero exit (137))"});
  EXPECT_EQ(lines(chorus.phantom), Lines{"10.0.1.99:8081: DNS has 10.0.1.99:8081, and no task has it; nobody answers: connection refused"});
  EXPECT_EQ(chorus.tasks, 4U);
  EXPECT_EQ(chorus.in_dns, 5U);
  EXPECT_EQ(mismatch_line(chorus, 1),
            "chorus: 5 should be there, 4 are listed; missing chorus.5.t5 (it is wanted and failed (task: non-zero exit (137))); phantom 10.0.1.99:8081 (DNS has 10.0.1.99:8081, and no task has it; "
            "nobody answers: connection refused)");
}

TEST_F(ExpectedTest, SaysAtWhichStepARunningTaskIsLost) {
  service.desired = 6;
  runs(1);                                           // not in DNS
  runs(2), dns(2, 2, false);                         // in DNS, silent
  runs(3), dns(3, 3, true).note = "says no id";      // answers, not listed
  runs(4), dns(4, 4, true), hear(4, "four");         // listed, then gone
  say(ObservationKind::dead, 4, "connection refused twice");
  runs(5).targets.clear();                           // no address at all
  const auto found = compare();
  EXPECT_EQ(lines(found.services[0].missing), (Lines{
                                                  "chorus.1.t1 on worker-1: it runs, and DNS lacks it",
                                                  "chorus.2.t2 on worker-2: it runs, and at 10.0.1.2:8081 nobody answers: connection refused",
                                                  "chorus.3.t3 on worker-3: it answers at 10.0.1.3:8081, and is not listed: says no id",
                                                  "chorus.4.t4 on worker-4: it runs, and its agent four is lost (connection refused twice)",
                                                  "chorus.5.t5 on worker-5: it runs, and nobody has an address for it",
                                                  "?: no task exists for it yet: 6 are desired, 5 are known",
                                              }));
  EXPECT_EQ(found.services[0].listed, 0U);
}

TEST_F(ExpectedTest, NamesTheNewestTaskOfASlotThatNothingReplaces) {
  service.desired = 4;
  runs(1), dns(1, 1, true), hear(1);
  for (const auto& [id, since] : {std::pair{"older", 100}, std::pair{"newer", 200}}) {
    ExpectedTask& task = runs(2);
    task.task.task_id = id;
    task.wanted = task.running = false;
    task.ended = true;
    task.state = "failed";
    task.message = "task: non-zero exit (137)";
    task.since = WallTime{since};
  }
  ExpectedTask& replaced = runs(1);  // of a slot that is taken
  replaced.task.task_id = "before";
  replaced.wanted = replaced.running = false;
  replaced.ended = true;
  EXPECT_EQ(lines(compare().services[0].missing), (Lines{
                                                      "chorus.2.newer on worker-2: it ended: failed (task: non-zero exit (137)), and nothing replaces it yet",
                                                      "?: no task exists for it yet: 4 are desired, 2 are known",
                                                      "?: no task exists for it yet: 4 are desired, 2 are known",
                                                  }));
}

TEST_F(ExpectedTest, ATaskThatEndedIsAPhantomWhereverItIsStillNamed) {
  service.desired = 1;
  runs(1), dns(1, 1, true), hear(1);
  ExpectedTask& old = runs(2);
  old.wanted = old.running = false;
  old.ended = true;
  old.state = "shutdown";
  dns(2, 2, false);
  hear(3);  // a task that nobody knows
  ExpectedTask& leaving = runs(4);  // being replaced: neither missing nor a phantom
  leaving.wanted = false;
  leaving.desired_state = "shutdown";
  dns(4, 4, true), hear(4);
  dns(5, 5, true).draining = true;
  const auto found = compare();
  const auto& chorus = found.services[0];
  EXPECT_EQ(lines(chorus.missing), Lines{});
  EXPECT_EQ(lines(chorus.phantom), (Lines{
                                       "chorus.2.t2 on worker-2: DNS has 10.0.1.2:8081 for a task that ended: shutdown; nobody answers: connection refused",
                                       "chorus.3.t3: it is listed as alive, and the orchestrator does not know its task",
                                   }));
  whole_swarm = false;
  EXPECT_EQ(lines(compare().services[0].phantom), Lines{}) << "one host's engine does not know what others run";
}

TEST_F(ExpectedTest, WithoutAnOrchestratorTheConfiguredCountDecides) {
  configured = {{"chorus", 4}, {"other", std::nullopt}};
  dns(1, 1, true), hear(1);
  dns(2, 2, false);
  const auto found = compare(false);
  ASSERT_EQ(found.services.size(), 2U);
  const auto& chorus = found.services[0];
  EXPECT_EQ(chorus.desired_by, "configuration");
  EXPECT_FALSE(chorus.tasks);
  EXPECT_FALSE(found.orchestrator_age);
  EXPECT_EQ(lines(chorus.missing), (Lines{"chorus.2.t2: DNS has 10.0.1.2:8081, nobody answers: connection refused", "?: not even DNS knows it: 4 should be there", "?: not even DNS knows it: 4 should be there"}));
  EXPECT_TRUE(found.services[1].matches());

  configured = {{"chorus", 1}};
  EXPECT_EQ(lines(compare(false).services[0].missing), Lines{});
  EXPECT_EQ(lines(compare(false).services[0].phantom), Lines{"chorus.2.t2: DNS has 10.0.1.2:8081, nobody answers: connection refused"});
}

TEST_F(ExpectedTest, NothingFoundWithSomethingExpectedIsNoMatch) {
  configured = {{"chorus", 2}};
  const auto found = compare(false);
  EXPECT_FALSE(found.matches());
  EXPECT_EQ(found.services[0].missing.size(), 2U);
  EXPECT_EQ(found.services[0].listed, 0U);
}

TEST_F(ExpectedTest, NodesThatAreDownAreNamed) {
  nodes = {{"n1", "worker-1", NodeState::ready, "active", ""}, {"n3", "worker-3", NodeState::down, "active", "heartbeat failure"}};
  EXPECT_EQ(compare().nodes, Lines{"worker-3 is down: heartbeat failure"});
}

}  // namespace
}  // namespace choregos
