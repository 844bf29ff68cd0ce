// Following a registry through everything that can break on the way.
#include "choregos/sdk/watch.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "choregos/net/http_server.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/sdk/client.hpp"
#include "choregos/sdk/mirror.hpp"
#include "choregos/wire/sse.hpp"
#include "choregos/wire/watch_json.hpp"

namespace choregos {
namespace {

using Kind = WatchEvent::Kind;

Change change_of(const std::string& id, std::uint64_t number, ChangeKind kind = ChangeKind::updated) {
  Agent agent;
  agent.id = id;
  Change change;
  change.revision = {3, number};
  change.kind = kind;
  change.record = std::make_shared<AgentRecord>(AgentRecord{agent, number, nullptr});
  return change;
}
std::string put(const std::string& id, std::uint64_t number) {
  return wire::sse_event(to_string(Revision{3, number}), "put", wire::put_json(change_of(id, number), {}, {}));
}
std::string list(const std::vector<std::string>& ids, std::uint64_t number, wire::ResetReason reason = wire::ResetReason::start) {
  std::vector<AgentRecordPtr> records;
  for (const auto& id : ids) records.push_back(change_of(id, number).record);
  return "id:\n" + wire::sse_event("", "reset", wire::reset_json(reason, {3, number}, ids.size())) + wire::sse_event("", "agents", wire::agents_json(records, {}, {})) +
         wire::sse_event(to_string(Revision{3, number}), "ready", wire::ready_json({3, number}, ids.size(), {}, {}));
}
std::string mode() { return wire::sse_event("", "mode", wire::mode_json({}, {})); }

/// A registry whose streams say what the test wants.
struct Following : testing::Test {
  net::Loop loop;
  std::unique_ptr<net::HttpServer> server;
  SocketAddress address;
  std::thread thread;
  std::mutex mutex;
  std::condition_variable moved;
  std::vector<net::HttpRequest> asked;
  std::shared_ptr<net::Stream> stream;
  int status = 200;
  std::vector<WatchEvent> events;
  Mirror mirror;

  void SetUp() override {
    server = std::make_unique<net::HttpServer>(loop, net::HttpServer::Options{}, [this](net::HttpRequest&& request, net::Responder responder) {
      const std::lock_guard lock(mutex);
      asked.push_back(std::move(request));
      if (status != 200) {
        responder.reply({status, {{"Content-Type", "application/problem+json"}}, R"({"type":"urn:choregos:problem:denied","title":"t","status":401,"detail":"send a token","code":"denied"})", {}});
      } else {
        stream = responder.stream(200, {{"Content-Type", "text/event-stream"}});
      }
      moved.notify_all();
    });
    address = server->listen({IpAddress::v4(127, 0, 0, 1), 0}).value();
    thread = std::thread([this] { loop.run(); });
  }
  void TearDown() override {
    loop.stop();
    thread.join();
  }
  Client client() const { return Client({.address = "http://" + to_string(address), .token = {}}); }
  std::function<void(const WatchEvent&)> collect() {
    return [this](const WatchEvent& event) {
      const std::lock_guard lock(mutex);
      events.push_back(event);
      mirror.apply(event);
      moved.notify_all();
    };
  }
  bool wait(const std::function<bool()>& done) {
    std::unique_lock lock(mutex);
    return moved.wait_for(lock, std::chrono::seconds(10), done);
  }
  bool wait_for_connection(std::size_t number) { return wait([&] { return asked.size() >= number && (stream || status != 200); }); }
  bool wait_for_event(Kind kind, std::size_t times = 1) {
    return wait([&] { return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [&](const auto& e) { return e.kind == kind; })) >= times; });
  }
  void say(const std::string& bytes) {
    loop.post([this, bytes] {
      const std::lock_guard lock(mutex);
      if (stream) stream->write(bytes);
    });
  }
  void hang_up() {
    loop.post([this] {
      const std::lock_guard lock(mutex);
      if (stream) stream->close();
      stream.reset();
    });
  }
};

TEST_F(Following, TellsTheListAndThenEachChange) {
  auto client_of_mine = client();
  Query query;
  query.status = {Status::idle};
  query.limit = 5;
  auto watch = client_of_mine.watch(query, collect());
  ASSERT_TRUE(watch);
  ASSERT_TRUE(wait_for_connection(1));
  EXPECT_EQ(asked[0].target, "/api/v1/watch?status=idle");
  EXPECT_EQ(asked[0].header("Accept"), "text/event-stream");
  EXPECT_FALSE(asked[0].has_header("Last-Event-ID"));
  say(list({"a1", "a2"}, 7));
  ASSERT_TRUE(wait_for_event(Kind::ready));
  say(put("a3", 8));
  ASSERT_TRUE(wait([&] { return mirror.agents().size() == 3; }));
  say(wire::sse_event("3.9", "remove", wire::remove_json(change_of("a1", 9, ChangeKind::forgotten), wire::RemoveReason::forgotten, {}, {})));
  ASSERT_TRUE(wait_for_event(Kind::remove));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(mirror.agents().size(), 2U);
  EXPECT_EQ(mirror.revision(), (Revision{3, 9}));
  EXPECT_TRUE(mirror.current());
  EXPECT_EQ(events[1].kind, Kind::put);
  EXPECT_TRUE(events[1].listed);
  EXPECT_FALSE(events[4].listed);
}

TEST_F(Following, GoesOnWhereItWas) {
  auto client_of_mine = client();
  auto watch = client_of_mine.watch({}, collect());
  ASSERT_TRUE(wait_for_connection(1));
  say(list({"a1"}, 7) + put("a2", 8));
  ASSERT_TRUE(wait([&] { return mirror.agents().size() == 2; }));
  hang_up();
  ASSERT_TRUE(wait_for_event(Kind::lost));
  ASSERT_TRUE(wait_for_connection(2));
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(asked[1].header("Last-Event-ID"), "3.8");
    EXPECT_EQ(mirror.agents().size(), 2U) << "what was known is still shown";
    EXPECT_FALSE(mirror.current());
  }
  say(put("a3", 9) + mode());
  ASSERT_TRUE(wait([&] { return mirror.current(); }));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(mirror.agents().size(), 3U);
  EXPECT_EQ(events.back().kind, Kind::ready);
  EXPECT_EQ(events.back().revision, (Revision{3, 9}));
}

TEST_F(Following, HalfAListIsNothing) {
  auto client_of_mine = client();
  auto watch = client_of_mine.watch({}, collect());
  ASSERT_TRUE(wait_for_connection(1));
  say(list({"a1", "a2"}, 7));
  ASSERT_TRUE(wait([&] { return mirror.known(); }));
  const std::string again = list({"b1", "b2"}, 20, wire::ResetReason::behind);
  say(again.substr(0, again.find("event: ready")));
  ASSERT_TRUE(wait_for_event(Kind::put, 4));
  hang_up();
  ASSERT_TRUE(wait_for_connection(2));
  {
    const std::lock_guard lock(mutex);
    EXPECT_FALSE(asked[1].has_header("Last-Event-ID")) << "it holds neither the old list nor the new one";
    EXPECT_TRUE(mirror.agents().contains("a1")) << "nobody is shown half a fleet";
  }
  say(list({"b1", "b2", "b3"}, 21));
  ASSERT_TRUE(wait([&] { return mirror.agents().size() == 3; }));
}

TEST_F(Following, SaysWhyItCannotAndTriesOn) {
  status = 401;
  auto client_of_mine = client();
  auto watch = client_of_mine.watch({}, collect());
  ASSERT_TRUE(wait_for_event(Kind::lost, 2));
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(events[0].error.code, ErrorCode::denied);
    EXPECT_NE(events[0].error.message.find("send a token"), std::string::npos);
    EXPECT_GT(events[0].retry_after, Duration{0});
    status = 200;
    asked.clear();
  }
  ASSERT_TRUE(wait_for_connection(1));
  say(list({"a1"}, 7));
  EXPECT_TRUE(wait_for_event(Kind::ready));
}

TEST_F(Following, PassesOverWhatItDoesNotKnowAndBreaksOffAtNonsense) {
  auto client_of_mine = client();
  auto watch = client_of_mine.watch({}, collect());
  ASSERT_TRUE(wait_for_connection(1));
  say(list({"a1"}, 7) + wire::sse_event("3.8", "weather", R"({"event":"weather","sun":true})") + put("a2", 9));
  ASSERT_TRUE(wait([&] { return mirror.agents().size() == 2; }));
  say(wire::sse_event("3.10", "put", R"({"event":"put","kind":"updated","agent":{"id":7}})"));
  ASSERT_TRUE(wait_for_event(Kind::lost));
  ASSERT_TRUE(wait_for_connection(2));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(asked[1].header("Last-Event-ID"), "3.9");
}

TEST_F(Following, IsQuietOnceStopped) {
  auto client_of_mine = client();
  auto watch = client_of_mine.watch({}, collect());
  ASSERT_TRUE(wait_for_connection(1));
  say(list({"a1"}, 7));
  ASSERT_TRUE(wait_for_event(Kind::ready));
  watch->stop();
  std::size_t before = 0;
  {
    const std::lock_guard lock(mutex);
    before = events.size();
  }
  say(put("a2", 8));
  EXPECT_TRUE(wait([&] { return !stream || !stream->open(); })) << "the connection is given up";
  const std::lock_guard lock(mutex);
  EXPECT_EQ(events.size(), before);
  watch->stop();
}

TEST_F(Following, MayStopWithinItsCallbackAndOutliveItsClient) {
  auto client_of_mine = std::make_unique<Client>(client());
  Watch watch;
  std::mutex handed;
  handed.lock();
  auto got = client_of_mine->watch({}, [&](const WatchEvent& event) {
    if (event.kind != Kind::ready) return;
    {
      const std::lock_guard until_it_is_ours(handed);
      watch.stop();
    }
    const std::lock_guard lock(mutex);
    events.push_back(event);
    moved.notify_all();
  });
  ASSERT_TRUE(got);
  watch = std::move(*got);
  handed.unlock();
  client_of_mine.reset();
  ASSERT_TRUE(wait_for_connection(1));
  say(list({"a1"}, 7));
  EXPECT_TRUE(wait_for_event(Kind::ready));
}

TEST(WatchOfNobody, ARegistryThatIsNotThereIsAnEventAndNoError) {
  Client client({.address = "http://127.0.0.1:1", .token = {}});
  std::mutex mutex;
  std::condition_variable moved;
  std::vector<WatchEvent> events;
  auto watch = client.watch({}, [&](const WatchEvent& event) {
    const std::lock_guard lock(mutex);
    events.push_back(event);
    moved.notify_all();
  });
  ASSERT_TRUE(watch);
  std::unique_lock lock(mutex);
  ASSERT_TRUE(moved.wait_for(lock, std::chrono::seconds(10), [&] { return events.size() >= 2; }));
  EXPECT_EQ(events[0].kind, Kind::lost);
  EXPECT_EQ(events[0].error.code, ErrorCode::unavailable);
  lock.unlock();
  EXPECT_FALSE(Client({.address = "nonsense", .token = {}}).watch({}, [](const WatchEvent&) {}));
}

}  // namespace
}  // namespace choregos
