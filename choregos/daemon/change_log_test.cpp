#include "choregos/daemon/change_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>

#include "choregos/base/limits.hpp"

namespace choregos::daemon {
namespace {

using ::testing::HasSubstr;

/// What is logged of a batch.
std::string logged(const Batch& batch) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  std::string out;
  {
    Logger::Options options;
    options.descriptor = ends[1];
    Logger log(options);
    log_changes(log, batch);
  }
  ::close(ends[1]);
  std::string part(65536, '\0');
  for (ssize_t got = 0; (got = ::read(ends[0], part.data(), part.size())) > 0;) out.append(part, 0, static_cast<std::size_t>(got));
  ::close(ends[0]);
  return out;
}

Change change(ChangeKind kind, std::uint64_t number = 1) {
  auto vitals = std::make_shared<Vitals>();
  vitals->last_seen_ms = 1'795'428'414'120;  // 2026-11-23T10:06:54.120Z
  Agent agent;
  agent.id = "a1";
  agent.status = Status::working;
  agent.endpoint = "http://10.0.0.4:8080";
  agent.p2p_addr = "10.0.0.4:9000";
  agent.liveness = Liveness::lost;
  agent.reason = "beacon: silent for over 10s";
  Change made;
  made.revision = {2, number};
  made.kind = kind;
  made.record = std::make_shared<AgentRecord>(AgentRecord{agent, number, vitals});
  made.source = "beacon";
  return made;
}

TEST(ChangeLog, NewAgentsAreToldWithWhatTheySayOfThemselves) {
  const std::string text = logged({nullptr, {change(ChangeKind::appeared)}});
  for (const char* fact : {R"("event":"agent_appeared")", R"("agent_id":"a1")", R"("status":"working")", R"("endpoint":"http://10.0.0.4:8080")", R"("p2p_addr":"10.0.0.4:9000")", R"("source":"beacon")"})
    EXPECT_THAT(text, HasSubstr(fact));
}

TEST(ChangeLog, LossAndRemovalAreToldWithTheirReasonAndTheLastSignOfLife) {
  Change lost = change(ChangeKind::liveness);
  lost.was = Liveness::suspect;
  const std::string text = logged({nullptr, {lost, change(ChangeKind::forgotten, 2)}});
  EXPECT_THAT(text, HasSubstr(R"("from":"suspect","to":"lost","reason":"beacon: silent for over 10s")"));
  EXPECT_THAT(text, HasSubstr(R"("event":"agent_forgotten","agent_id":"a1","revision":"2.2","from":"lost","last_seen":"2026-11-23T10:06:54.120Z")"));
}

TEST(ChangeLog, ALargeBatchIsCountedNotToldOneByOne) {
  Batch batch;
  for (std::size_t i = 0; i < limits::log_change_count_max + 50; ++i) batch.changes.push_back(change(ChangeKind::appeared, i + 1));
  EXPECT_THAT(logged(batch), HasSubstr(R"("event":"agents_changed","count":50)"));
}

}  // namespace
}  // namespace choregos::daemon
