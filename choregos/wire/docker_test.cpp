#include "choregos/wire/docker.hpp"

#include <gtest/gtest.h>

#include "choregos/base/limits.hpp"

namespace choregos::wire {
namespace {

constexpr std::string_view kTask = R"j([{"ID":"qf3","Version":{"Index":33},"ServiceID":"m2v","Slot":3,"NodeID":"9f2","Unknown":[{}],
  "Status":{"Timestamp":"2026-11-20T08:01:02.123456789Z","State":"failed","Message":"started","Err":"task: non-zero exit (137)","ContainerStatus":{"ContainerID":"6a0d","PID":0,"ExitCode":137}},
  "DesiredState":"shutdown","NetworksAttachments":[{"Network":{"Spec":{"Name":"fleet"}},"Addresses":["10.0.1.4/24","nonsense","0.0.0.0/0"]},
  {"Network":{"Spec":{"Name":"ingress","Ingress":true}},"Addresses":["10.0.0.9/24"]}]}])j";

TEST(DockerReply, TaskIsReadWithItsEndAndItsAddresses) {
  const auto tasks = read_docker_tasks(kTask);
  ASSERT_TRUE(tasks) << tasks.error().message;
  ASSERT_EQ(tasks->size(), 1u);
  const DockerTask& t = tasks->front();
  EXPECT_EQ(t.id, "qf3");
  EXPECT_EQ(t.service_id, "m2v");
  EXPECT_EQ(t.slot, 3u);
  EXPECT_EQ(t.node_id, "9f2");
  EXPECT_EQ(t.state, "failed");
  EXPECT_EQ(t.desired_state, "shutdown");
  EXPECT_EQ(t.exit_code, 137);
  EXPECT_EQ(t.error, "task: non-zero exit (137)");
  EXPECT_EQ(t.container_id, "6a0d");
  EXPECT_EQ(to_rfc3339(t.since), "2026-11-20T08:01:02.123Z");
  ASSERT_EQ(t.attachments.size(), 2u);
  EXPECT_EQ(t.attachments[0].network, "fleet");
  EXPECT_EQ(t.attachments[0].addresses, std::vector{IpAddress::v4(10, 0, 1, 4)});
  EXPECT_TRUE(t.attachments[1].ingress);
}

TEST(DockerReply, WhatIsAbsentStaysEmpty) {
  const auto tasks = read_docker_tasks(R"j( [ {"ID":"a","Status":{"State":"new"}} , {"ID":"b","Status":{"State":"pending"},"NetworksAttachments":null,"Slot":null} ] )j");
  ASSERT_TRUE(tasks) << tasks.error().message;
  ASSERT_EQ(tasks->size(), 2u);
  EXPECT_EQ((*tasks)[0].slot, 0u);
  EXPECT_FALSE((*tasks)[0].exit_code);
  EXPECT_EQ((*tasks)[0].since, WallTime{});
  EXPECT_TRUE((*tasks)[1].attachments.empty());
  EXPECT_TRUE(read_docker_tasks("null")->empty()) << "Go writes an empty list so";
  EXPECT_TRUE(read_docker_tasks("[]")->empty());
}

TEST(DockerReply, ListWithOneBadItemIsRefusedAsAWhole) {
  for (const std::string_view bad : {R"j([{"ID":"a","Status":{"State":"running"}},{"ID":7}])j", R"j([{"ID":"a"}])j", R"j([{"Status":{"State":"running"}}])j", R"j([{"ID":"../x","Status":{"State":"running"}}])j",
                                     R"j([{"ID":"a","Status":{"State":"RUNNING now"}}])j", R"j([{"ID":"a","Status":{"State":"running"},"Slot":-1}])j", R"j([{"ID":"a","Status":"running"}])j",
                                     R"j([{"ID":"a","Status":{"State":"running"}},])j", R"j([{"ID":"a","Status":{"State":"running"}})j", R"j([{"ID":"a","Status":{"State":"running"}}] x)", R"([1])j", R"j({})j", "", "[", "[{]}",
                                     R"j([{"ID":"a","ID":"b","Status":{"State":"running"}}])j", R"j([{"ID":"a","Status":{"State":"running"},"NetworksAttachments":[{"Addresses":[1]}]}])j"}) {
    const auto tasks = read_docker_tasks(bad);
    EXPECT_FALSE(tasks) << bad;
  }
}

TEST(DockerReply, BracketsAndCommasInTextDoNotEndAnItem) {
  const auto tasks = read_docker_tasks(R"j([{"ID":"a","Status":{"State":"failed","Err":"x]},{\"[\\"}},{"ID":"b","Status":{"State":"failed"}}])j");
  ASSERT_TRUE(tasks) << tasks.error().message;
  ASSERT_EQ(tasks->size(), 2u);
  EXPECT_EQ((*tasks)[0].error, "x]},{\"[\\");
}

TEST(DockerReply, TextIsMadeFitToBeShown) {
  const auto tasks = read_docker_tasks("[{\"ID\":\"a\",\"Status\":{\"State\":\"failed\",\"Err\":\"two\\nlines \\u001b[31m\\u202e" + std::string(5000, 'x') + "\"}}]");
  ASSERT_TRUE(tasks) << tasks.error().message;
  const std::string& said = tasks->front().error;
  EXPECT_TRUE(said.starts_with("two lines \xef\xbf\xbd[31m\xef\xbf\xbd")) << said;
  EXPECT_LE(said.size(), limits::text_bytes_max);
}

TEST(DockerReply, SizesAreBounded) {
  std::string many = "[";
  for (std::size_t i = 0; i <= limits::docker_item_count_max; ++i) many += (i == 0 ? "" : ",") + std::string(R"j({"ID":"a","Status":{"State":"running"}})j");
  EXPECT_EQ(read_docker_tasks(many + "]").error().code, ErrorCode::too_large);
  const std::string long_item = R"j([{"ID":"a","Status":{"State":"running"},"X":")j" + std::string(limits::docker_item_bytes_max, 'x') + "\"}]";
  EXPECT_EQ(read_docker_tasks(long_item).error().code, ErrorCode::too_large);
  EXPECT_EQ(read_docker_tasks(std::string(limits::docker_reply_bytes_max + 1, ' ')).error().code, ErrorCode::too_large);
  EXPECT_FALSE(read_docker_tasks("[" + std::string(100'000, '[')));
}

TEST(DockerReply, ServiceIsReadWithOurLabelsOnly) {
  const auto services = read_docker_services(R"j([{"ID":"m2","Spec":{"Name":"chorus","Labels":{"choregos.enable":"true","x":"y","org.agntcy/discover":"true","choregos.bad":7},
    "TaskTemplate":{"ContainerSpec":{"Labels":{"choregos.port":"9"}}},"Mode":{"Replicated":{"Replicas":0}}}},{"ID":"m3","Spec":{"Name":"all","Mode":{"Global":{}}}}])j");
  ASSERT_TRUE(services) << services.error().message;
  EXPECT_EQ((*services)[0].labels, (Labels{{"choregos.enable", "true"}, {"org.agntcy/discover", "true"}}));
  EXPECT_EQ((*services)[0].container_labels, (Labels{{"choregos.port", "9"}}));
  EXPECT_EQ((*services)[0].replicas, 0u) << "scaled to nothing is not the same as not said";
  EXPECT_EQ((*services)[1].mode, ServiceMode::global);
  EXPECT_FALSE((*services)[1].replicas);
}

TEST(DockerReply, NodeStateIsDockersWord) {
  const auto nodes = read_docker_nodes(R"j([{"ID":"n1","Description":{"Hostname":"worker-2"},"Status":{"State":"down","Message":"heartbeat failure"},"Spec":{"Availability":"drain"}},{"ID":"n2","Status":{"State":"later"}}])j");
  ASSERT_TRUE(nodes) << nodes.error().message;
  EXPECT_EQ((*nodes)[0].name, "worker-2");
  EXPECT_EQ((*nodes)[0].state, NodeState::down);
  EXPECT_EQ((*nodes)[0].message, "heartbeat failure");
  EXPECT_EQ((*nodes)[1].name, "n2");
  EXPECT_EQ((*nodes)[1].state, NodeState::unknown);
}

TEST(DockerReply, ContainerSaysHowItEnded) {
  const auto containers = read_docker_containers(R"j([{"Id":"6a0d8c9f","Names":["/other/alias","/chorus"],"State":"exited","Status":"Exited (137) 3 seconds ago","Labels":null,
    "NetworkSettings":{"Networks":{"bridge":{"IPAddress":""},"none":null}}},{"Id":"0123456789abcdef","State":"running","Status":"Up (healthy)","NetworkSettings":{"Networks":{"bridge":{"IPAddress":"172.17.0.2"}}}}])j");
  ASSERT_TRUE(containers) << containers.error().message;
  EXPECT_EQ((*containers)[0].name, "chorus");
  EXPECT_EQ((*containers)[0].exit_code, 137);
  EXPECT_TRUE((*containers)[0].attachments.at(0).addresses.empty());
  EXPECT_EQ((*containers)[1].name, "0123456789ab");
  EXPECT_FALSE((*containers)[1].exit_code);
  EXPECT_EQ((*containers)[1].attachments.at(0).addresses, std::vector{IpAddress::v4(172, 17, 0, 2)});
}

TEST(DockerVersion, NearestToOursIsChosen) {
  const auto chosen = [](std::string api, std::string least) { return choose_docker_api({"", std::move(api), std::move(least)}); };
  EXPECT_EQ(*chosen("1.41", "1.12"), "1.41");
  EXPECT_EQ(*chosen("1.51", "1.24"), "1.41");
  EXPECT_EQ(*chosen("1.52", "1.44"), "1.44") << "an engine that has dropped 1.41";
  EXPECT_EQ(*chosen("1.30", "1.12"), "1.30");
  EXPECT_FALSE(chosen("1.23", "1.12"));
  EXPECT_EQ(read_docker_version(R"j({"Version":"20.10.24+dfsg1","ApiVersion":"1.41","MinAPIVersion":"1.12"})j")->engine, "20.10.24+dfsg1");
  for (const std::string_view bad : {R"j({})j", R"j({"ApiVersion":"latest"})j", R"j({"ApiVersion":"1.41/../.."})j", R"j({"ApiVersion":1.41})j", R"j([])j", "OK"}) EXPECT_FALSE(read_docker_version(bad)) << bad;
}

TEST(DockerEvents, LinesAreFoundHoweverTheStreamIsCut) {
  const std::string stream = "{\"Type\":\"container\",\"Action\":\"die\",\"timeNano\":1763625662123456789}\n\n{\"Type\":\"service\",\"Action\":\"update\"}\r\n{\"cut";
  for (std::size_t size = 1; size < stream.size(); ++size) {
    DockerEventLines lines;
    std::vector<std::string> got;
    for (std::size_t at = 0; at < stream.size(); at += size) ASSERT_TRUE(lines.put(std::string_view(stream).substr(at, size), [&](std::string_view line) { got.emplace_back(line); }));
    ASSERT_EQ(got.size(), 2u) << size;
    EXPECT_EQ(read_docker_event(got[0])->action, "die");
    EXPECT_EQ(read_docker_event(got[0])->time_ns, 1763625662123456789u);
    EXPECT_EQ(read_docker_event(got[1])->type, "service");
  }
}

TEST(DockerEvents, EndOfATasksContainerSaysWhoseAndHow) {
  const auto event = read_docker_event(R"j({"Type":"container","Action":"die","Actor":{"ID":"6a0d","Attributes":{"exitCode":"137","com.docker.swarm.task.id":"qf3","x":"y"}},"timeNano":5})j");
  ASSERT_TRUE(event) << event.error().message;
  EXPECT_EQ(event->task_id, "qf3");
  EXPECT_EQ(event->exit_code, 137);
  const auto plain = read_docker_event(R"j({"Type":"container","Action":"die","Actor":{"ID":"6a0d","Attributes":{"exitCode":"soon"}}})j");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->task_id, "");
  EXPECT_FALSE(plain->exit_code);
  EXPECT_FALSE(read_docker_event(R"j({"Type":"container","Actor":{"Attributes":{"com.docker.swarm.task.id":"../x"}}})j"));
}

TEST(DockerEvents, EndlessLineIsRefused) {
  DockerEventLines lines;
  const std::string piece(limits::docker_item_bytes_max / 2 + 1, 'x');
  EXPECT_TRUE(lines.put(piece, [](std::string_view) { FAIL(); }));
  EXPECT_EQ(lines.put(piece, [](std::string_view) { FAIL(); }).error().code, ErrorCode::too_large);
  EXPECT_FALSE(read_docker_event("{}"));
  EXPECT_FALSE(read_docker_event("[]"));
}

TEST(DockerError, MessageIsReadFromAnythingOrNothing) {
  EXPECT_EQ(read_docker_error(R"j({"message":"This node is not a swarm manager."})j"), "This node is not a swarm manager.");
  EXPECT_EQ(read_docker_error("<html>"), "");
  EXPECT_EQ(read_docker_error(""), "");
}

}  // namespace
}  // namespace choregos::wire
