// How a request becomes what the hub is asked for; the hub itself is tested where it stands.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "choregos/api/http/fakes_for_tests.hpp"
#include "choregos/api/http/handlers.hpp"

namespace choregos::api {
namespace {

class FakeDoor final : public WatchDoor {
 public:
  Result<void> holds(Revision since) const override {
    if (since.epoch != 3) return fail(ErrorCode::gone, "of another epoch");
    return {};
  }
  Result<void> has_room() const override {
    if (full) return fail(ErrorCode::exhausted, "full");
    return {};
  }
  void open(WatchRequest request, std::shared_ptr<net::Stream>) override { opened = std::move(request); }
  std::function<void()> poll(WatchRequest request, Duration wait, std::function<void(Result<std::string>)> done) override {
    polled = std::move(request);
    waits = wait;
    answer = std::move(done);
    return [this] { given_up = true; };
  }
  WatchStats stats() const override { return {}; }

  bool full = false, given_up = false;
  std::optional<WatchRequest> opened, polled;
  Duration waits{};
  std::function<void(Result<std::string>)> answer;
};

class NoStream final : public net::Stream {
 public:
  using Stream::write;
  bool write(std::shared_ptr<const std::string>) override { return true; }
  void close() override {}
  void on_close(std::function<void(net::StreamEnd)>) override {}
  void on_drained(std::function<void()>) override {}
  bool open() const override { return true; }
  std::size_t queued_bytes() const override { return 0; }
  std::size_t queued_count() const override { return 0; }
  SocketAddress peer() const override { return {}; }
};

struct Watch : testing::Test {
  fakes::Fleet fleet;
  FakeDoor door;
  Services services;
  Readiness readiness{true, {}, 1s};
  std::optional<Reply> head, reply;
  std::function<void()> gone;
  Watch() {
    services.snapshot = [this] { return fleet.snapshot(); };
    services.readiness = [this] { return readiness; };
    services.watch = &door;
  }
  void ask(wire::Parameters parameters = {}, std::string accept = {}, std::string last_event_id = {}) {
    head.reset(), reply.reset(), door.opened.reset(), door.polled.reset();
    const View view{services, fleet.snapshot(), "normal", fleet.now, fleet.wall()};
    const Call call{route(RouteId::watch), "", "/api/v1/watch", std::move(parameters), "", false, "", {}, view, std::move(accept), std::move(last_event_id)};
    watch_agents(call, [this](Reply r) { reply = std::move(r); },
                 [this](const Reply& h) -> std::shared_ptr<net::Stream> {
                   head = h;
                   return std::make_shared<NoStream>();
                 },
                 [this](std::function<void()> fn) { gone = std::move(fn); });
  }
};

TEST_F(Watch, IsServerSentEventsUnlessLinesAreAskedFor) {
  ask();
  ASSERT_TRUE(head && door.opened);
  EXPECT_EQ(head->content_type, "text/event-stream");
  EXPECT_EQ(door.opened->form, WatchForm::sse);
  ask({}, "application/x-ndjson");
  EXPECT_EQ(head->content_type, "application/x-ndjson");
  EXPECT_EQ(door.opened->form, WatchForm::ndjson);
  ask({}, "text/event-stream, */*");
  EXPECT_EQ(door.opened->form, WatchForm::sse);
}

TEST_F(Watch, TakesTheFiltersOfTheListAndItsFields) {
  ask({{"status", "idle"}, {"capability", "go"}, {"label.zone", "a"}, {"fields", "status"}});
  ASSERT_TRUE(door.opened);
  EXPECT_EQ(door.opened->filter.status, std::vector{Status::idle});
  EXPECT_EQ(door.opened->filter.capabilities, std::vector<std::string>{"go"});
  EXPECT_EQ(door.opened->filter.labels, (Labels{{"zone", "a"}}));
  EXPECT_TRUE(door.opened->fields.has(0)) << "the id is always told";
}

TEST_F(Watch, RefusesWhatAStreamCannotHave) {
  for (const wire::Parameters& wrong : {wire::Parameters{{"sort", "id"}}, {{"limit", "3"}}, {{"cursor", "aa"}}, {{"since", "7"}}, {{"since", "x.y"}}, {{"fields", "ids"}},
                                        {{"stauts", "idle"}}, {{"since", "3.1"}, {"since", "3.2"}}, {{"wait", "5s"}}, {{"since", "3.1"}, {"wait", "soon"}},
                                        {{"since", "3.1"}, {"wait", "301s"}}, {{"since", "3.1"}, {"wait", "-1s"}}}) {
    ask(wrong);
    ASSERT_TRUE(reply) << wrong[0].first;
    EXPECT_EQ(reply->status, 400) << wrong[0].first << reply->body;
    EXPECT_FALSE(door.opened || door.polled);
  }
}

TEST_F(Watch, ANamedPositionIsHeldOrRefusedABrowsersOwnIsNeverRefused) {
  ask({{"since", "2.5"}});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 410);
  ask({{"since", "3.5"}});
  EXPECT_EQ(door.opened->since, (Revision{3, 5}));
  ask({}, "", "2.5");
  ASSERT_TRUE(door.opened) << "a browser would take an error for the end";
  EXPECT_EQ(door.opened->since, (Revision{2, 5}));
  ask({{"since", "2.1"}}, "", "3.9");
  EXPECT_EQ(door.opened->since, (Revision{3, 9})) << "where the stream was left counts, not where the page began";
  ask({}, "", "nonsense");
  EXPECT_EQ(reply->status, 400);
}

TEST_F(Watch, PollsWaitAndAreGivenUpWithTheirPeer) {
  ask({{"since", "3.5"}, {"wait", "30s"}});
  ASSERT_TRUE(door.polled);
  EXPECT_EQ(door.waits, 30s);
  EXPECT_FALSE(reply);
  ASSERT_TRUE(gone);
  gone();
  EXPECT_TRUE(door.given_up);
  door.answer(std::string("{}"));
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->content_type, "application/json");
  ask({{"since", "2.5"}, {"wait", "30s"}});
  EXPECT_EQ(reply->status, 410);
}

TEST_F(Watch, SaysWhenToComeAgain) {
  door.full = true;
  ask();
  EXPECT_EQ(reply->status, 429);
  door.full = false;
  readiness = {false, {"swarm_dns has not answered yet"}, 2s};
  ask({{"since", "3.5"}, {"wait", "30s"}});
  EXPECT_EQ(reply->status, 503);
  ask();
  EXPECT_TRUE(door.opened) << "a stream waits with its reader";
  services.watch = nullptr;
  ask();
  EXPECT_EQ(reply->status, 503);
}

}  // namespace
}  // namespace choregos::api
