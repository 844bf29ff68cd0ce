#include "choregos/source/docker_engine/picture.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace choregos::source {
namespace {

const IpAddress kIp = IpAddress::v4(10, 0, 1, 4);

wire::DockerService service(std::string id, std::string name, Labels labels = {{"choregos.enable", "true"}}, std::uint64_t replicas = 3) {
  wire::DockerService s;
  s.id = std::move(id);
  s.name = std::move(name);
  s.labels = std::move(labels);
  s.replicas = replicas;
  return s;
}

wire::DockerTask task(std::string id, std::uint64_t slot, std::string state = "running", std::string desired = "running", IpAddress ip = kIp, std::string service_id = "s1") {
  wire::DockerTask t;
  t.id = std::move(id);
  t.service_id = std::move(service_id);
  t.slot = slot;
  t.node_id = "n1";
  t.state = std::move(state);
  t.desired_state = std::move(desired);
  t.attachments = {{"fleet", false, {ip}}, {"ingress", true, {IpAddress::v4(10, 0, 0, 9)}}};
  t.container_id = "c" + t.id;
  return t;
}

wire::DockerContainer container(std::string id, std::string state, Labels labels, IpAddress ip = IpAddress::v4(172, 17, 0, 2)) {
  wire::DockerContainer c;
  c.id = std::move(id);
  c.name = "solo";
  c.state = std::move(state);
  c.labels = std::move(labels);
  c.attachments = {{"bridge", false, {ip}}};
  return c;
}

/// An engine whose lists are edited between looks.
struct Engine {
  explicit Engine(PictureSettings settings = {}) : picture(std::move(settings)) {}
  Picture picture;
  Instant now{1'000'000'000};
  std::optional<std::vector<wire::DockerNode>> nodes = std::vector<wire::DockerNode>{{"n1", "worker-1", NodeState::ready, "active", ""}};
  std::optional<std::vector<wire::DockerService>> services = std::vector<wire::DockerService>{service("s1", "chorus")};
  std::optional<std::vector<wire::DockerTask>> tasks = std::vector<wire::DockerTask>{task("t1", 1)};
  std::optional<std::vector<wire::DockerContainer>> containers;

  Picture::Output look(Duration later = 1s) {
    now = now + later;
    return picture.look({now - 10ms, now, WallTime{now.ns / 1'000'000}, nodes, services, tasks, containers});
  }
  std::vector<Target> targets() { return picture.take_changed(now).value_or(std::vector<Target>{}); }
  Observation heard(std::string id, std::optional<SwarmTask> as, std::optional<SocketAddress> at = {}) const {
    Observation o;
    o.source = "http_probe";
    o.names.id = std::move(id);
    o.names.task = std::move(as);
    o.names.address = at;
    o.heard_at = now;
    return o;
  }
};

const SwarmTask kTask{"chorus", "1", "t1"};

TEST(DockerPicture, RunningTaskOfAnEnabledServiceIsATarget) {
  Engine e;
  e.services->push_back(service("s2", "database", {}));
  e.tasks->push_back(task("t9", 1, "running", "running", IpAddress::v4(10, 0, 1, 9), "s2"));
  e.look();
  const auto targets = e.targets();
  ASSERT_EQ(targets.size(), 1u) << "the database is no agent, and nobody reaches a task through ingress";
  EXPECT_EQ(targets[0].address, (SocketAddress{kIp, 8081}));
  EXPECT_EQ(targets[0].task, kTask);
  EXPECT_EQ(targets[0].path, "/health");
  EXPECT_FALSE(targets[0].draining);
  e.look();
  EXPECT_FALSE(e.picture.take_changed(e.now)) << "nothing changed";
}

TEST(DockerPicture, LabelsSayWhereToAsk) {
  struct Case {
    const char* name;
    Labels labels, container_labels;
    std::size_t targets;
    std::uint16_t port;
    const char* path;
    bool warns;
  };
  const Case cases[] = {
      {"port and path", {{"choregos.enable", "true"}, {"choregos.health", "/live"}, {"choregos.port", "9000"}}, {}, 1, 9000, "/live", false},
      {"labels of the container", {}, {{"choregos.enable", "1"}, {"choregos.port", "9000"}}, 1, 9000, "/health", false},
      {"the service's word comes first", {{"choregos.enable", "yes"}, {"choregos.port", "9001"}}, {{"choregos.port", "9000"}}, 1, 9001, "/health", false},
      {"another label of the same meaning", {{"org.agntcy/discover", "true"}}, {}, 1, 8081, "/health", false},
      {"bad port", {{"choregos.enable", "true"}, {"choregos.port", "70000"}}, {}, 1, 8081, "/health", true},
      {"bad path", {{"choregos.enable", "true"}, {"choregos.health", "http://metadata/"}}, {}, 1, 8081, "/health", true},
      {"bad enable", {{"choregos.enable", "maybe"}}, {}, 0, 0, "", true},
      {"disabled", {{"choregos.enable", "false"}, {"org.agntcy/discover", "true"}}, {}, 0, 0, "", false},
      {"unlabelled", {}, {}, 0, 0, "", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Engine e;
    e.services->front().labels = c.labels;
    e.services->front().container_labels = c.container_labels;
    e.look();
    const auto targets = e.targets();
    ASSERT_EQ(targets.size(), c.targets);
    if (c.targets == 1) {
      EXPECT_EQ(targets[0].address.port, c.port);
      EXPECT_EQ(targets[0].path, c.path);
    }
    EXPECT_EQ(!e.picture.warning().empty(), c.warns) << e.picture.warning();
  }
}

TEST(DockerPicture, NamedServiceNeedsNoLabelUnlessItSaysNo) {
  PictureSettings settings;
  settings.named = {{"chorus", 7000, "/up"}};
  Engine e(settings);
  *e.services = {service("s1", "stack_chorus", {}), service("s2", "chorus", {{"choregos.enable", "false"}}), service("s3", "antichorus", {})};
  *e.tasks = {task("t1", 1), task("t2", 1, "running", "running", IpAddress::v4(10, 0, 1, 5), "s2"), task("t3", 1, "running", "running", IpAddress::v4(10, 0, 1, 6), "s3")};
  e.look();
  const auto targets = e.targets();
  ASSERT_EQ(targets.size(), 1u);
  EXPECT_EQ(targets[0].address, (SocketAddress{kIp, 7000}));
  EXPECT_EQ(targets[0].path, "/up");
  EXPECT_EQ(targets[0].task->service, "stack_chorus");
}

TEST(DockerPicture, EachFinalStateIsADeathWithItsReason) {
  struct Case {
    const char *state, *desired, *error;
    std::optional<std::int64_t> code;
    const char* reason;
  };
  const Case cases[] = {
      {"failed", "shutdown", "task: non-zero exit (137)", 137, "Docker: task chorus.1.t1 failed: exit 137 on node worker-1 (desired shutdown)"},
      {"complete", "shutdown", "", 0, "Docker: task chorus.1.t1 complete: exit 0 on node worker-1 (desired shutdown)"},
      {"shutdown", "shutdown", "", 0, "Docker: task chorus.1.t1 shutdown on node worker-1 (desired shutdown)"},
      {"rejected", "shutdown", "No such image: x", {}, "Docker: task chorus.1.t1 rejected: No such image: x on node worker-1 (desired shutdown)"},
      {"orphaned", "shutdown", "", {}, "Docker: task chorus.1.t1 orphaned on node worker-1 (desired shutdown)"},
      {"remove", "remove", "", {}, "Docker: task chorus.1.t1 remove on node worker-1 (desired remove)"},
  };
  for (const Case& c : cases) {
    Engine e;
    EXPECT_TRUE(e.look().observations.empty());
    e.tasks->front() = task("t1", 1, c.state, c.desired);
    e.tasks->front().exit_code = c.code;
    e.tasks->front().error = c.error;
    const auto out = e.look();
    ASSERT_EQ(out.observations.size(), 1u) << c.state;
    const Observation& o = out.observations.front();
    EXPECT_EQ(o.kind, ObservationKind::dead);
    EXPECT_EQ(o.names.task, kTask);
    EXPECT_TRUE(o.names.id.empty());
    EXPECT_EQ(o.heard_at, e.now);
    EXPECT_EQ(o.reason, c.reason);
    EXPECT_TRUE(e.targets().empty());
    EXPECT_TRUE(e.look().observations.empty()) << "said once";
  }
}

TEST(DockerPicture, NoStateOnTheWayIsADeath) {
  for (const char* state : {"new", "allocated", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running"}) {
    Engine e;
    e.look();
    e.tasks->front().state = state;
    EXPECT_TRUE(e.look().observations.empty()) << state;
  }
}

TEST(DockerPicture, TaskThatIsToldToStopDrainsUntilItHasEnded) {
  Engine e;
  e.look();
  EXPECT_FALSE(e.picture.unsettled());
  e.targets();
  e.tasks->front().desired_state = "shutdown";
  EXPECT_TRUE(e.look().observations.empty()) << "it may still answer";
  EXPECT_TRUE(e.picture.unsettled());
  ASSERT_EQ(e.targets().size(), 1u);
  e.tasks->front().state = "shutdown";
  EXPECT_EQ(e.look().observations.size(), 1u);
}

TEST(DockerPicture, TaskToldToGoThatLeftTheListHasEnded) {
  Engine e;
  e.tasks->front().desired_state = "remove";
  e.look();
  e.tasks->clear();
  const auto out = e.look();
  ASSERT_EQ(out.observations.size(), 1u);
  EXPECT_EQ(out.observations[0].kind, ObservationKind::dead);
  EXPECT_NE(out.observations[0].reason.find("told to stop"), std::string::npos);
}

TEST(DockerPicture, WantedTaskThatLeftTheListIsOnlyDraining) {
  Engine e;
  e.look();
  e.targets();
  e.tasks->clear();
  EXPECT_TRUE(e.look().observations.empty()) << "its absence proves nothing";
  auto targets = e.targets();
  ASSERT_EQ(targets.size(), 1u);
  EXPECT_TRUE(targets[0].draining);
  EXPECT_EQ(e.picture.next(), e.now + Picture::kVanishedFor);
  e.tasks->push_back(task("t1", 1));
  e.look();
  EXPECT_FALSE(e.targets().at(0).draining) << "it came back";
  e.tasks->clear();
  e.look();
  e.targets();
  e.picture.silent({kIp, 8081});
  EXPECT_EQ(e.picture.take_changed(e.now), std::vector<Target>{});
}

TEST(DockerPicture, WantedTaskThatLeftTheListIsForgottenAfterAMinute) {
  Engine e;
  e.look();
  e.tasks->clear();
  e.look();
  e.targets();
  EXPECT_FALSE(e.picture.take_changed(e.now + Picture::kVanishedFor - 1us));
  EXPECT_EQ(e.picture.take_changed(e.now + Picture::kVanishedFor), std::vector<Target>{});
}

TEST(DockerPicture, WhatCouldNotBeAskedStays) {
  Engine e;
  e.look();
  ASSERT_EQ(e.targets().size(), 1u);
  e.tasks.reset(), e.services.reset(), e.nodes.reset();
  e.containers = std::vector<wire::DockerContainer>{};
  const auto out = e.look();
  EXPECT_TRUE(out.observations.empty());
  EXPECT_EQ(out.report, nullptr) << "the last report grows old";
  EXPECT_FALSE(e.picture.take_changed(e.now));
  EXPECT_EQ(e.picture.figures().running, 1u);
}

TEST(DockerPicture, DisabledServiceLosesItsTargetsButNobodyDies) {
  Engine e;
  e.tasks->front().desired_state = "shutdown";
  e.look();
  e.targets();
  e.services->front().labels.clear();
  EXPECT_TRUE(e.look().observations.empty());
  EXPECT_TRUE(e.targets().empty());
}

TEST(DockerPicture, ContainerOnThisHostTellsOfTheEndFirst) {
  Engine e;
  e.containers = std::vector<wire::DockerContainer>{container("ct1", "running", {{"com.docker.swarm.task.id", "t1"}})};
  e.look();
  e.containers->front().state = "exited";
  e.containers->front().exit_code = 137;
  const auto out = e.look();
  ASSERT_EQ(out.observations.size(), 1u);
  EXPECT_EQ(out.observations[0].names.task, kTask);
  EXPECT_EQ(out.observations[0].reason, "Docker: the container of task chorus.1.t1 ended: exit 137 on node worker-1");
  ASSERT_TRUE(out.report);
  EXPECT_TRUE(out.report->services.at(0).tasks.at(0).ended);
  // The managers know it a moment later: nothing new.
  EXPECT_TRUE(e.look().observations.empty());
  e.tasks->front().state = "failed";
  EXPECT_TRUE(e.look().observations.empty());
}

TEST(DockerPicture, EventOfAContainersEndIsADeathBeforeAnyListShowsIt) {
  Engine e;
  e.look();
  e.targets();
  EXPECT_TRUE(e.picture.container_died("stranger", 1, e.now, WallTime{1}).observations.empty());
  const auto out = e.picture.container_died("t1", 137, e.now, WallTime{1});
  ASSERT_EQ(out.observations.size(), 1u);
  EXPECT_EQ(out.observations[0].reason, "Docker: the container of task chorus.1.t1 ended: exit 137 on node worker-1");
  EXPECT_EQ(e.picture.take_changed(e.now), std::vector<Target>{});
  EXPECT_TRUE(e.look().observations.empty()) << "the list that still says running is late";
  EXPECT_FALSE(e.picture.take_changed(e.now));
  EXPECT_TRUE(e.picture.container_died("t1", 137, e.now, WallTime{1}).observations.empty());
}

TEST(DockerPicture, DeathOfAFormerTaskDoesNotTouchWhoLivesOnInANewOne) {
  Engine e;
  e.look();
  EXPECT_TRUE(e.picture.met(e.heard("keeper", kTask)));
  e.tasks->push_back(task("t2", 1, "running", "running", IpAddress::v4(10, 0, 1, 5)));
  e.look();
  EXPECT_TRUE(e.picture.met(e.heard("keeper", SwarmTask{"chorus", "1", "t2"})));
  e.picture.met(e.heard("keeper", kTask));  // both answer for a while when the new one starts first
  e.tasks->front().state = "failed";
  EXPECT_TRUE(e.look().observations.empty());
  EXPECT_EQ(e.picture.figures().deaths_superseded, 1u);
  e.tasks->back().state = "failed";
  EXPECT_EQ(e.look().observations.size(), 1u) << "now it has no other life";
}

TEST(DockerPicture, DeathIsThatOfTheLifeThatWasHeard) {
  Engine e;
  e.look();
  Observation heard = e.heard("a1", kTask);
  heard.incarnation = 41;
  e.picture.met(heard);
  heard.incarnation = 42;
  e.picture.met(heard);
  e.tasks->front().state = "failed";
  EXPECT_EQ(e.look().observations.at(0).incarnation, 42u);
}

TEST(DockerPicture, DeadAtFirstSightCountsOnlyWhileItsPlaceIsFree) {
  Engine e;
  *e.tasks = {task("t0", 1, "failed", "shutdown"), task("t1", 1), task("t8", 2, "failed", "shutdown")};
  const auto out = e.look();
  ASSERT_EQ(out.observations.size(), 1u);
  EXPECT_EQ(out.observations[0].names.task->task_id, "t8");
}

TEST(DockerPicture, NodeDownIsASignAndKillsNobody) {
  Engine e;
  EXPECT_TRUE(e.look().signs.empty());
  e.nodes->front().state = NodeState::down;
  e.nodes->front().message = "heartbeat failure";
  e.tasks->front().desired_state = "shutdown";
  auto out = e.look();
  EXPECT_TRUE(out.observations.empty());
  ASSERT_EQ(out.signs.size(), 1u);
  EXPECT_EQ(out.signs[0].kind, SignKind::node_down);
  EXPECT_EQ(out.signs[0].subject, "worker-1");
  EXPECT_EQ(out.signs[0].reason, "Docker says that node worker-1 is down: heartbeat failure");
  EXPECT_TRUE(e.look().signs.empty()) << "said once";
  e.nodes->front().state = NodeState::unknown;
  EXPECT_TRUE(e.look().signs.empty());
  e.nodes->front().state = NodeState::ready;
  out = e.look();
  ASSERT_EQ(out.signs.size(), 1u);
  EXPECT_EQ(out.signs[0].kind, SignKind::node_up);
}

TEST(DockerPicture, WhoIsMetGetsTaskNodeAndDeclaredCapabilitiesOnce) {
  Engine e;
  e.services->front().labels = {{"choregos.capabilities", "review, go_development,,review,b@d"}, {"choregos.enable", "true"}};
  e.look();
  EXPECT_NE(e.picture.warning().find("b@d"), std::string::npos);
  Observation beacon = e.heard("a1", {});
  beacon.source = "beacon";
  beacon.from = kIp;
  beacon.incarnation = 5;
  const auto said = e.picture.met(beacon);
  ASSERT_TRUE(said);
  EXPECT_EQ(said->source, "docker_engine");
  EXPECT_EQ(said->names.id, "a1");
  EXPECT_EQ(said->names.task, kTask);
  EXPECT_EQ(said->incarnation, 5u);
  EXPECT_EQ(said->heard_at, beacon.heard_at);
  EXPECT_EQ(said->lease, (Lease{Duration{0}, Duration{0}, Duration{0}})) << "a statement shows no life";
  EXPECT_EQ(said->claims->capabilities, (std::vector<std::string>{"go_development", "review"}));
  EXPECT_EQ(said->claims->node, "worker-1");
  EXPECT_FALSE(said->claims->model);
  EXPECT_FALSE(e.picture.met(beacon)) << "once";
  beacon.heard_at = beacon.heard_at + 61s;
  EXPECT_TRUE(e.picture.met(beacon)) << "and again after a while";
  Observation stranger = e.heard("b", {}, SocketAddress{IpAddress::v4(10, 9, 9, 9), 1});
  EXPECT_FALSE(e.picture.met(stranger));
  Observation other = e.heard("c", SwarmTask{"chorus", "1", "unknown"}, SocketAddress{kIp, 8081});
  EXPECT_FALSE(e.picture.met(other)) << "it answers for another task";
  Observation shared = e.heard("d", {}, SocketAddress{kIp, 8081});
  shared.names.behind_balancer = true;
  EXPECT_FALSE(e.picture.met(shared));
}

TEST(DockerPicture, CapabilitiesStayUnsaidWithoutTheLabel) {
  Engine e;
  e.look();
  const auto said = e.picture.met(e.heard("a1", kTask));
  ASSERT_TRUE(said);
  EXPECT_FALSE(said->claims->capabilities);
}

TEST(DockerPicture, PlainContainersWithTheLabelAreTargetsAndTheirEndIsADeath) {
  Engine e;
  e.services.reset(), e.tasks.reset(), e.nodes.reset();
  e.containers = std::vector<wire::DockerContainer>{container("abc", "running", {{"choregos.enable", "true"}, {"choregos.port", "99"}}), container("def", "running", {}, IpAddress::v4(172, 17, 0, 3))};
  auto out = e.look();
  ASSERT_EQ(e.targets().size(), 1u);
  ASSERT_TRUE(out.report);
  EXPECT_FALSE(out.report->whole_swarm);
  EXPECT_EQ(out.report->services.at(0).mode, ServiceMode::containers);
  EXPECT_FALSE(out.report->services.at(0).desired);
  e.containers->front().state = "exited";
  e.containers->front().attachments.clear();
  e.containers->front().exit_code = 1;
  out = e.look();
  ASSERT_EQ(out.observations.size(), 1u);
  EXPECT_EQ(out.observations[0].names.address, (SocketAddress{IpAddress::v4(172, 17, 0, 2), 99}));
  EXPECT_EQ(out.observations[0].reason, "Docker: container solo ended: exit 1");
  EXPECT_EQ(e.picture.take_changed(e.now), std::vector<Target>{});
  e.containers->front() = container("abc", "running", {{"choregos.enable", "true"}, {"choregos.port", "99"}});
  EXPECT_TRUE(e.look().observations.empty());
  EXPECT_EQ(e.targets().size(), 1u) << "started again";
}

TEST(DockerPicture, AddressThatIsUsedAgainIsNotTheDeadOnes) {
  Engine e;
  e.services.reset(), e.tasks.reset(), e.nodes.reset();
  const Labels on{{"choregos.enable", "true"}};
  e.containers = std::vector<wire::DockerContainer>{container("abc", "running", on)};
  e.look();
  e.targets();
  e.containers->front().state = "exited";
  e.containers->push_back(container("xyz", "running", on));
  EXPECT_TRUE(e.look().observations.empty());
  ASSERT_EQ(e.targets().size(), 0u) << "the same target as before";
  EXPECT_EQ(e.picture.figures().targets, 1u);
}

TEST(DockerPicture, WorkerKnowsItsOwnTasksByTheirLabels) {
  Engine e;
  e.services.reset(), e.tasks.reset(), e.nodes.reset();
  e.containers = std::vector<wire::DockerContainer>{
      container("abc", "running", {{"choregos.enable", "true"}, {"com.docker.swarm.service.name", "chorus"}, {"com.docker.swarm.task.id", "t1"}, {"com.docker.swarm.task.name", "chorus.1.t1"}}),
      container("def", "running", {{"choregos.enable", "true"}, {"com.docker.swarm.service.name", "chorus"}, {"com.docker.swarm.task.id", "t2"}, {"com.docker.swarm.task.name", "other.1.t2"}})};
  e.look();
  const auto targets = e.targets();
  ASSERT_EQ(targets.size(), 1u) << "a name that contradicts itself is none";
  EXPECT_EQ(targets[0].task, kTask);
}

TEST(DockerPicture, ReportSaysWhatIsExpectedAndWhatThereIs) {
  Engine e;
  *e.tasks = {task("t10", 10), task("t2", 2, "failed", "shutdown"), task("t2b", 2, "preparing"), task("t1", 1)};
  e.services->push_back(service("s2", "everywhere", {{"choregos.enable", "true"}}));
  e.services->back().mode = ServiceMode::global;
  e.services->back().replicas.reset();
  e.tasks->push_back(task("g1", 0, "running", "running", IpAddress::v4(10, 0, 1, 9), "s2"));
  const auto out = e.look();
  ASSERT_TRUE(out.report);
  const ExpectationReport& r = *out.report;
  EXPECT_TRUE(r.whole_swarm);
  EXPECT_EQ(r.age(e.now), 10ms);
  ASSERT_EQ(r.services.size(), 2u);
  EXPECT_EQ(r.services[0].name, "chorus");
  EXPECT_EQ(r.services[0].desired, 3u);
  std::vector<std::string> order;
  for (const auto& t : r.services[0].tasks) order.push_back(t.task.task_id);
  EXPECT_EQ(order, (std::vector<std::string>{"t1", "t2b", "t2", "t10"}));
  EXPECT_EQ(r.services[0].tasks[0].targets, (std::vector<SocketAddress>{{kIp, 8081}}));
  EXPECT_EQ(r.services[0].tasks[0].node, "worker-1");
  EXPECT_TRUE(r.services[0].tasks[2].ended);
  EXPECT_FALSE(r.services[0].tasks[2].wanted);
  EXPECT_EQ(r.services[1].mode, ServiceMode::global);
  EXPECT_EQ(r.services[1].desired, 1u);
  EXPECT_EQ(r.services[1].tasks[0].task.slot, "n1");
  ASSERT_EQ(r.nodes.size(), 1u);
  EXPECT_EQ(r.nodes[0].state, NodeState::ready);
}

TEST(DockerPicture, ServiceThatIsOnIngressAloneIsWarnedOf) {
  Engine e;
  e.tasks->front().attachments.erase(e.tasks->front().attachments.begin());
  e.look();
  EXPECT_NE(e.picture.warning().find("outside of the ingress network"), std::string::npos);
}

TEST(DockerPicture, OnlyTheNetworkThatIsNamedCounts) {
  PictureSettings settings;
  settings.network = "other";
  Engine e(settings);
  e.tasks->front().attachments.push_back({"other", false, {IpAddress::v4(10, 0, 7, 7)}});
  e.look();
  const auto targets = e.targets();
  ASSERT_EQ(targets.size(), 1u);
  EXPECT_EQ(targets[0].address.ip, IpAddress::v4(10, 0, 7, 7));
}

}  // namespace
}  // namespace choregos::source
