#include "choregos/source/docker_engine/docker_engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "choregos/source/docker_engine/fake_engine_for_tests.hpp"

namespace choregos::source {
namespace {

struct DockerEngineSource : ::testing::Test, ExpectationSink {
  net::Loop loop;
  FakeEngine engine{loop};
  std::vector<Observation> observations;
  std::vector<Sign> signs;
  std::vector<std::vector<Target>> published;
  std::vector<ExpectationReportPtr> reports;
  std::unique_ptr<DockerEngine> source;

  void report(ExpectationReportPtr report) override { reports.push_back(std::move(report)); }

  DockerEngine::Options options() const {
    DockerEngine::Options o;
    o.engine = "unix://" + engine.path;
    o.period = 1h;
    o.timeout = 1s;
    return o;
  }
  void make(DockerEngine::Options o) {
    ASSERT_TRUE(DockerEngine::check(o));
    DockerEngine::Takers takers;
    takers.submit = [this](Observation observation) { observations.push_back(std::move(observation)); };
    takers.publish = [this](const std::string& origin, std::vector<Target> targets) {
      EXPECT_EQ(origin, "docker_engine");
      published.push_back(std::move(targets));
    };
    takers.sign = [this](Sign sign) { signs.push_back(std::move(sign)); };
    takers.expected = this;
    source = std::make_unique<DockerEngine>(loop, std::move(o), std::move(takers));
    source->start();
  }
  void make() { make(options()); }
  std::uint64_t counter(std::string_view name) const {
    for (const auto& [key, value] : source->health().counters)
      if (key == name) return value;
    ADD_FAILURE() << name;
    return 0;
  }
  bool wait(const std::function<bool()>& done) { return loop.run_until(done, 5s); }
  bool wait_state(SourceState state) { return wait([&] { return source->health().state == state; }); }
};

TEST_F(DockerEngineSource, SubscribesThenListsAndYieldsTargets) {
  engine.set_tasks("[" + FakeEngine::task("t1", "running") + "]");
  engine.start();
  make();
  ASSERT_TRUE(wait_state(SourceState::ok)) << source->health().last_error << source->health().advice;
  ASSERT_EQ(published.size(), 1u);
  ASSERT_EQ(published[0].size(), 1u);
  EXPECT_EQ(to_string(published[0][0].address), "10.0.1.4:8081");
  EXPECT_EQ(published[0][0].task->name(), "chorus.1.t1");
  EXPECT_EQ(engine.asked, (std::vector<std::string>{"GET /_ping", "GET /version", "GET /v1.41/events", "GET /v1.41/containers/json", "GET /v1.41/nodes", "GET /v1.41/services", "GET /v1.41/tasks"}));
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0]->services.at(0).desired, 1u);
  EXPECT_TRUE(observations.empty()) << "no task is an agent";
}

TEST_F(DockerEngineSource, EventMakesItLookAndDeathFollowsWithTheReason) {
  engine.set_tasks("[" + FakeEngine::task("t1", "running") + "]");
  engine.start();
  make();
  ASSERT_TRUE(wait_state(SourceState::ok));
  engine.set_tasks("[" + FakeEngine::task("t1", "failed", "shutdown") + "]");
  loop.run_until([] { return false; }, 300ms);
  EXPECT_TRUE(observations.empty()) << "nobody looks without a hint";
  engine.event(R"({"Type":"container","Action":"die","timeNano":1763625662123456789})");
  ASSERT_TRUE(wait([&] { return !observations.empty(); }));
  EXPECT_EQ(observations[0].kind, ObservationKind::dead);
  EXPECT_EQ(observations[0].reason, "Docker: task chorus.1.t1 failed: exit 137 on node worker-1 (desired shutdown)");
  EXPECT_TRUE(published.back().empty());
}

TEST_F(DockerEngineSource, EndOfALocalContainerDoesNotWaitForSlowManagers) {
  engine.set_tasks("[" + FakeEngine::task("t1", "running") + "]");
  const std::string container = R"j([{"Id":"c1","State":"%","Status":"Exited (137) 1 second ago","Labels":{"com.docker.swarm.task.id":"t1"}}])j";
  const auto in_state = [&](const std::string& state) { return FakeEngine::json(std::string(container).replace(container.find('%'), 1, state)); };
  engine.replies["/containers/json"] = in_state("running");
  engine.start();
  make();
  ASSERT_TRUE(wait_state(SourceState::ok));
  engine.replies["/containers/json"] = in_state("exited");
  engine.slow = "/tasks";
  engine.event(R"({"Type":"container","Action":"die","timeNano":1})");
  ASSERT_TRUE(wait([&] { return !observations.empty(); }));
  EXPECT_EQ(observations[0].reason, "Docker: the container of task chorus.1.t1 ended: exit 137 on node worker-1");
  EXPECT_EQ(counter("looks"), 1u) << "the look is still under way";
}

TEST_F(DockerEngineSource, LooksAgainWhileATasksStateLagsBehindItsEvent) {
  engine.set_tasks("[" + FakeEngine::task("t1", "running") + "]");
  engine.start();
  make();
  ASSERT_TRUE(wait_state(SourceState::ok));
  engine.event(R"({"Type":"container","Action":"die","timeNano":1})");
  const std::size_t before = engine.count("GET /v1.41/tasks");
  ASSERT_TRUE(wait([&] { return engine.count("GET /v1.41/tasks") > before + 1; }));
  engine.set_tasks("[" + FakeEngine::task("t1", "failed") + "]");
  ASSERT_TRUE(wait([&] { return !observations.empty(); }));
}

TEST_F(DockerEngineSource, DoubtOfAnotherSourceMakesItLook) {
  engine.set_tasks("[" + FakeEngine::task("t1", "running") + "]");
  engine.start();
  make();
  ASSERT_TRUE(wait_state(SourceState::ok));
  engine.set_tasks("[" + FakeEngine::task("t1", "failed") + "]");
  Observation doubt;
  doubt.kind = ObservationKind::doubt;
  doubt.source = "http_probe";
  doubt.names.address = SocketAddress{IpAddress::v4(10, 9, 9, 9), 8081};
  source->met(doubt);
  loop.run_until([] { return false; }, 200ms);
  EXPECT_TRUE(observations.empty()) << "none of Docker's";
  doubt.names.task = SwarmTask{"chorus", "1", "t1"};
  source->met(doubt);
  ASSERT_TRUE(wait([&] { return !observations.empty(); }));
}

TEST_F(DockerEngineSource, FailingEngineKeepsItQuietAndItComesBackWithNothingMissed) {
  engine.set_tasks("[" + FakeEngine::task("t1", "running") + "]");
  engine.start();
  make();
  ASSERT_TRUE(wait_state(SourceState::ok));
  engine.event(R"({"Type":"service","Action":"update","timeNano":1763625662123456789})");
  ASSERT_TRUE(wait([&] { return counter("events") == 1; }));
  engine.stop();
  ASSERT_TRUE(wait_state(SourceState::failed));
  ASSERT_TRUE(wait([&] { return source->health().advice.find("is Docker running") != std::string::npos; })) << source->health().advice;
  EXPECT_EQ(published.size(), 1u);
  EXPECT_TRUE(observations.empty());
  engine.set_tasks("[" + FakeEngine::task("t1", "failed") + "," + FakeEngine::task("t2", "running") + "]");
  engine.start();
  ASSERT_TRUE(wait_state(SourceState::ok));
  EXPECT_EQ(engine.since, "1763625662.123456789");
  ASSERT_EQ(observations.size(), 1u);
  EXPECT_EQ(observations[0].names.task->task_id, "t1");
  EXPECT_EQ(published.back().at(0).task->task_id, "t2");
}

TEST_F(DockerEngineSource, HostileRepliesAreHarmlessAndSaidInHealth) {
  engine.set_tasks("[" + FakeEngine::task("t1", "running") + "]");
  engine.start();
  make();
  ASSERT_TRUE(wait_state(SourceState::ok));
  const auto sound = engine.replies;
  const std::string deep(100'000, '[');
  const std::pair<const char*, net::HttpReply> hostile[] = {
      {"/tasks", FakeEngine::json("")},
      {"/tasks", FakeEngine::json("[")},
      {"/tasks", FakeEngine::json(deep)},
      {"/tasks", FakeEngine::json("{\"message\":\"no list\"}")},
      {"/tasks", FakeEngine::json("[{\"ID\":\"a\",\"ID\":\"b\"}]")},
      {"/tasks", FakeEngine::json(std::string(limits::docker_reply_bytes_max + 1, ' '))},
      {"/tasks", FakeEngine::json("[]", 500)},
      {"/tasks", FakeEngine::json("", 301)},
      {"/services", FakeEngine::json("[{\"ID\":\"a\"}]")},
      {"/nodes", FakeEngine::json("<html>")},
      {"/containers/json", FakeEngine::json("[1,2]")},
      {"/version", FakeEngine::json("{\"ApiVersion\":\"1.41/../../secrets\"}")},
      {"/_ping", FakeEngine::json("", 500)},
      {"/events", FakeEngine::json("", 500)},
  };
  for (const auto& [path, reply] : hostile) {
    SCOPED_TRACE(std::string(path) + " " + std::to_string(reply.status) + " " + reply.body.substr(0, 40));
    engine.replies = sound;
    engine.replies[path] = reply;
    const auto failures = counter("failures");
    if (engine.stream) engine.stream->close();
    ASSERT_TRUE(wait([&] { return counter("failures") > failures + 1; }));
    EXPECT_EQ(source->health().state, SourceState::failed);
    EXPECT_FALSE(source->health().advice.empty());
    EXPECT_TRUE(observations.empty());
    EXPECT_EQ(published.size(), 1u) << "old knowledge stays";
    engine.replies = sound;
    ASSERT_TRUE(wait_state(SourceState::ok));
  }
  // An endless event ends the stream, not us.
  const auto failures = counter("failures");
  engine.stream->write(std::string(limits::docker_item_bytes_max + 1, 'x'));
  ASSERT_TRUE(wait([&] { return counter("failures") > failures; }));
  ASSERT_TRUE(wait_state(SourceState::ok));
  engine.event("rubbish");
  engine.event("{\"Type\":7}");
  ASSERT_TRUE(wait([&] { return counter("events_unread") == 2; }));
  EXPECT_EQ(source->health().state, SourceState::ok);

  const std::set<std::string> allowed{"GET /_ping", "GET /version", "GET /v1.41/events", "GET /v1.41/nodes", "GET /v1.41/services", "GET /v1.41/tasks", "GET /v1.41/containers/json"};
  for (const std::string& asked : engine.asked) EXPECT_TRUE(allowed.contains(asked)) << asked;
}

TEST_F(DockerEngineSource, MuteEngineTimesOut) {
  engine.mute = true;
  engine.start();
  auto o = options();
  o.timeout = 200ms;
  make(o);
  ASSERT_TRUE(wait_state(SourceState::failed));
  EXPECT_NE(source->health().advice.find("nothing comes back"), std::string::npos) << source->health().advice;
  EXPECT_TRUE(published.empty());
}

TEST_F(DockerEngineSource, WorkerSeesItsOwnContainersAndSaysSo) {
  for (const char* list : {"/nodes", "/services", "/tasks"}) engine.replies[list] = FakeEngine::json(R"j({"message":"This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state."})j", 503);
  engine.replies["/containers/json"] = FakeEngine::json(R"j([{"Id":"abc","Names":["/solo"],"State":"running","Status":"Up","Labels":{"choregos.enable":"true"},"NetworkSettings":{"Networks":{"bridge":{"IPAddress":"172.17.0.2"}}}}])j");
  engine.start();
  make();
  ASSERT_TRUE(wait_state(SourceState::degraded)) << source->health().last_error;
  EXPECT_NE(source->health().advice.find("no Swarm manager"), std::string::npos);
  ASSERT_EQ(published.size(), 1u);
  EXPECT_EQ(to_string(published[0].at(0).address), "172.17.0.2:8081");
  EXPECT_FALSE(reports.at(0)->whole_swarm);
}

TEST_F(DockerEngineSource, EngineWithoutLeaderIsAFailureAndNotAnEmptySwarm) {
  engine.set_tasks("[" + FakeEngine::task("t1", "running") + "]");
  engine.start();
  make();
  ASSERT_TRUE(wait_state(SourceState::ok));
  engine.replies["/tasks"] = FakeEngine::json(R"j({"message":"rpc error: code = Unknown desc = The swarm does not have a leader."})j", 503);
  engine.event(R"({"Type":"node","Action":"update"})");
  ASSERT_TRUE(wait_state(SourceState::failed));
  EXPECT_NE(source->health().last_error.find("does not have a leader"), std::string::npos);
  EXPECT_EQ(published.size(), 1u);
}

TEST_F(DockerEngineSource, ProxyThatForbidsSomePathsIsNamed) {
  engine.set_tasks("[" + FakeEngine::task("t1", "running") + "]");
  engine.replies["/events"] = FakeEngine::json("", 403);
  engine.replies["/containers/json"] = FakeEngine::json("", 403);
  engine.start();
  make();
  ASSERT_TRUE(wait_state(SourceState::degraded));
  EXPECT_NE(source->health().advice.find("/containers/json, /events"), std::string::npos) << source->health().advice;
  EXPECT_EQ(published.size(), 1u) << "it works with what it is given";
}

TEST_F(DockerEngineSource, MissingSocketIsExplained) {
  make();
  ASSERT_TRUE(wait_state(SourceState::failed));
  EXPECT_NE(source->health().advice.find("mounted"), std::string::npos) << source->health().advice << source->health().last_error;
}

TEST_F(DockerEngineSource, NothingLeavesAfterStopAndItStartsAgain) {
  engine.set_tasks("[" + FakeEngine::task("t1", "running") + "]");
  engine.start();
  make();
  ASSERT_TRUE(wait_state(SourceState::ok));
  source->stop();
  source->stop();
  const auto asked = engine.asked.size();
  engine.event(R"({"Type":"service","Action":"update"})");
  loop.run_until([] { return false; }, 200ms);
  EXPECT_EQ(engine.asked.size(), asked);
  EXPECT_EQ(source->health().state, SourceState::off);
  engine.set_tasks("[" + FakeEngine::task("t1", "failed") + "]");
  source->start();
  source->start();
  ASSERT_TRUE(wait([&] { return !observations.empty(); }));
}

TEST_F(DockerEngineSource, MayBeDestroyedByWhoeverTakesWhatItLearnt) {
  engine.set_tasks("[" + FakeEngine::task("t1", "running") + "]");
  engine.start();
  DockerEngine::Takers takers;
  takers.submit = [](Observation) {};
  takers.publish = [this](const std::string&, std::vector<Target>) { source.reset(); };
  source = std::make_unique<DockerEngine>(loop, options(), std::move(takers));
  source->start();
  ASSERT_TRUE(wait([&] { return source == nullptr; }));
  loop.run_until([] { return false; }, 50ms);
}

TEST_F(DockerEngineSource, TcpIsJudgedByTheAddressPolicyAsConfigured) {
  engine.start();
  const auto bound = engine.server->listen({IpAddress::v4(127, 0, 0, 1), 0});
  ASSERT_TRUE(bound);
  net::AddressPolicy policy;
  auto o = options();
  o.engine = "tcp://" + to_string(*bound);
  o.policy = &policy;
  make(o);
  ASSERT_TRUE(wait([&] { return counter("looks") > 0; })) << source->health().last_error;
  o.engine = "tcp://169.254.169.254:80";
  make(o);
  ASSERT_TRUE(wait_state(SourceState::failed));
  EXPECT_NE(source->health().advice.find("address policy"), std::string::npos) << source->health().advice;
}

TEST(DockerEngineAddress, IsReadStrictly) {
  EXPECT_EQ(parse_docker_engine("unix:///var/run/docker.sock")->unix_path, "/var/run/docker.sock");
  EXPECT_EQ(to_string(parse_docker_engine("tcp://127.0.0.1:2375")->address), "127.0.0.1:2375");
  EXPECT_EQ(to_string(parse_docker_engine("tcp://[::1]:2375/")->address), "[::1]:2375");
  EXPECT_EQ(parse_docker_engine("tcp://docker-proxy:2375")->name, "docker-proxy");
  EXPECT_TRUE(parse_docker_engine("tcp://docker-proxy:2375")->configured);
  for (const char* bad : {"", "docker", "unix://docker.sock", "https://docker:2376", "ssh://root@docker", "tcp://docker", "tcp://docker:0", "tcp://user@docker:1", "tcp://127.0.0.1:2375/v1.41"})
    EXPECT_FALSE(parse_docker_engine(bad)) << bad;
}

}  // namespace
}  // namespace choregos::source
