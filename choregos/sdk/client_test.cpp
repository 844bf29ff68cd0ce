#include "choregos/sdk/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "choregos/net/http_server.hpp"
#include "choregos/net/loop.hpp"
#include <unistd.h>

#include "choregos/wire/url.hpp"

namespace choregos {
namespace {

using testing::HasSubstr;

/// Answers each target as told, on a thread of its own.
struct Server {
  explicit Server(std::function<net::HttpReply(const net::HttpRequest&)> answer)
      : http(loop, {}, [answer = std::move(answer)](net::HttpRequest&& request, net::Responder responder) { responder.reply(answer(request)); }) {
    address = http.listen({IpAddress::v4(127, 0, 0, 1), 0}).value();
    thread = std::thread([this] { loop.run(); });
  }
  ~Server() {
    loop.stop();
    thread.join();
  }
  Client client() const { return Client({.address = "http://" + to_string(address), .token = "tok-tok-tok-tok-tok"}); }
  net::Loop loop;
  net::HttpServer http;
  SocketAddress address;
  std::thread thread;
};
net::HttpReply json(std::string body, int status = 200) { return {status, {{"Content-Type", "application/json"}}, std::move(body), {}}; }

TEST(Client, ReadsAPageOfAgents) {
  Server server([](const net::HttpRequest& request) {
    EXPECT_EQ(request.header("Authorization"), "Bearer tok-tok-tok-tok-tok");
    EXPECT_EQ(request.target, "/api/v1/agents?capability=go&status=idle,working&sort=-last_seen&limit=2");
    return json(R"({"agents":[{"id":"a1","name":"A","status":"idle","capabilities":["go"],"model":"","endpoint":"","last_seen":"2026-11-23T10:06:54.120Z",
      "tasks_completed":3,"p2p_addr":"","cluster_id":"","liveness":"alive","identity":"declared","age_ms":250,"sources":["beacon"],"revision":7}],
      "total":5,"epoch":3,"revision":9,"mode":"normal","next_cursor":"abc"})");
  });
  auto client = server.client();
  Query query;
  query.capabilities = {"go"};
  query.status = {Status::idle, Status::working};
  query.sort = SortKey::last_seen;
  query.descending = true;
  query.limit = 2;
  const auto page = client.agents(query);
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->agents.size(), 1u);
  EXPECT_EQ(page->agents[0].agent.id, "a1");
  EXPECT_EQ(page->agents[0].agent.status, Status::idle);
  EXPECT_EQ(page->agents[0].age, 250ms);
  EXPECT_EQ(page->agents[0].revision, 7u);
  EXPECT_EQ(page->total, 5u);
  EXPECT_EQ(page->revision, (Revision{3, 9}));
  EXPECT_EQ(page->next_cursor, "abc");
}

TEST(Client, AsksForAnIdWhateverItsCharacters) {
  Server server([](const net::HttpRequest& request) {
    EXPECT_EQ(request.target, "/api/v1/agents/a%2Fb%3Ac");
    return json(R"({"id":"a/b:c","revision":1})");
  });
  auto client = server.client();
  const auto view = client.agent("a/b:c");
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->agent.id, "a/b:c");
}

TEST(Client, TellsErrorsApart) {
  std::atomic<int> status = 0;
  Server server([&](const net::HttpRequest&) {
    return json(R"({"title":"x","status":0,"detail":"the reason"})", status);
  });
  auto client = server.client();
  const std::vector<std::pair<int, ErrorCode>> cases{{404, ErrorCode::not_found}, {401, ErrorCode::denied}, {403, ErrorCode::forbidden}, {503, ErrorCode::unavailable}};
  for (const auto& [code, meaning] : cases) {
    status = code;
    const auto view = client.agent("x");
    ASSERT_FALSE(view);
    EXPECT_EQ(view.error().code, meaning) << code;
    EXPECT_THAT(view.error().message, HasSubstr("the reason"));
  }
}

TEST(Client, SaysThatNobodyAnswers) {
  Client client({.address = "http://127.0.0.1:1"});
  const auto page = client.agents();
  ASSERT_FALSE(page);
  EXPECT_EQ(exit_code(page.error().code), 4);
  EXPECT_THAT(page.error().message, HasSubstr("http://127.0.0.1:1"));
}

TEST(Client, GivesUpAfterItsTime) {
  net::Loop loop;
  std::vector<net::Responder> kept;
  net::HttpServer silent(loop, {}, [&](net::HttpRequest&&, net::Responder responder) { kept.push_back(std::move(responder)); });
  const auto address = silent.listen({IpAddress::v4(127, 0, 0, 1), 0}).value();
  std::thread thread([&] { loop.run(); });
  Client client({.address = "http://" + to_string(address), .token = {}, .timeout = 50ms});
  const auto page = client.agents();
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::timeout);
  loop.stop();
  thread.join();
  kept.clear();
}

TEST(Client, RefusesAnswersThatAreNotOurs) {
  Server server([](const net::HttpRequest&) { return json("<html>"); });
  auto client = server.client();
  EXPECT_FALSE(client.agents());
  EXPECT_FALSE(client.agent("a"));
  EXPECT_FALSE(client.capabilities());
  EXPECT_THAT(client.sources().error().message, HasSubstr("not understood"));
}

TEST(Client, RefusesAnAddressThatIsNone) {
  for (const char* text : {"", "127.0.0.1:4470", "https://127.0.0.1", "http://u:p@127.0.0.1", "http://0x7f.1"}) {
    Client client({.address = text});
    const auto raw = client.get("/healthz");
    ASSERT_FALSE(raw) << text;
    EXPECT_EQ(raw.error().code, ErrorCode::invalid) << text;
  }
}

TEST(Client, RefusesAQuestionThatIsWrongWithoutAsking) {
  Client client({.address = "http://127.0.0.1:1"});
  Query query;
  query.capabilities = {"two words"};
  EXPECT_EQ(client.agents(query).error().code, ErrorCode::invalid);
}

TEST(Client, BoundsWhatItTakes) {
  Server server([](const net::HttpRequest&) { return json(std::string(100'000, ' ')); });
  Client client({.address = "http://" + to_string(server.address), .token = {}, .timeout = 5s, .body_bytes_max = 10'000});
  EXPECT_EQ(client.get_raw("/").error().code, ErrorCode::too_large);
}

TEST(Client, SpeaksOverASocketFile) {
  net::Loop loop;
  net::HttpServer http(loop, {}, [](net::HttpRequest&& request, net::Responder responder) { responder.reply(json("{\"over_unix\":" + std::string(request.over_unix ? "true" : "false") + "}")); });
  const std::string path = testing::TempDir() + "choregos-client-" + std::to_string(getpid());
  ASSERT_TRUE(http.listen_unix(path));
  std::thread thread([&] { loop.run(); });
  for (const auto& address : {path, "unix:" + path}) {
    Client client({.address = address});
    const auto body = client.get_raw("/healthz");
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_EQ(*body, "{\"over_unix\":true}");
  }
  loop.stop();
  thread.join();
  unlink(path.c_str());
}

TEST(Client, MayBeUsedByManyThreads) {
  Server server([](const net::HttpRequest& request) { return json("{\"version\":\"" + request.path + "\"}"); });
  auto client = server.client();
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k) good += client.version().has_value();
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 400);
}

TEST(AgentsPath, SaysTheWholeQuery) {
  Query query;
  EXPECT_EQ(agents_path(query), "/api/v1/agents");
  query.liveness = {Liveness::alive, Liveness::suspect};
  query.model = "llama3*";
  query.team = {"-"};
  query.cluster = {"a", "b"};
  query.labels = {{"zone", "eu west"}};
  query.text = "x&y";
  query.cursor = "c";
  auto parameters = wire::parse_parameters(agents_path(query).substr(std::string("/api/v1/agents?").size()));
  ASSERT_TRUE(parameters);
  auto back = parse_query(*parameters);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, query);
}

}  // namespace
}  // namespace choregos
