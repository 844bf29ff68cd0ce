#include "choregos/net/http_client.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "choregos/net/http_server.hpp"
#include "choregos/net/test_support.hpp"

namespace choregos::net {
namespace {

using namespace testing;

struct Outcome {
  std::optional<HttpResponse> response;
  Failure failure = Failure::none;
  Error error;
  int count = 0;
};

class HttpClientTest : public ::testing::Test {
 protected:
  HttpClientTest() : client(std::make_unique<HttpClient>(loop, HttpClient::Options{})) {}

  static HttpClientRequest to(const SocketAddress& address, std::string path = "/") {
    HttpClientRequest request;
    request.target.address = address;
    request.path = std::move(path);
    request.timeout = 3s;
    return request;
  }
  HttpClient::Done into(Outcome& outcome) {
    return [&outcome](Result<HttpResponse> result, Failure failure) {
      ++outcome.count;
      outcome.failure = failure;
      if (result) outcome.response = std::move(*result);
      else outcome.error = result.error();
    };
  }
  Outcome ask(HttpClientRequest request) {
    Outcome outcome;
    client->request(std::move(request), into(outcome));
    EXPECT_EQ(outcome.count, 0) << "never inside the call";
    EXPECT_TRUE(wait_for(loop, [&] { return outcome.count > 0; }));
    return outcome;
  }
  /// Answers one request at `door` with these bytes, then ends the connection.
  Outcome ask_raw(std::string answer, std::function<void(HttpClientRequest&)> change = {}) {
    Door door;
    HttpClientRequest request = to(door.address);
    if (change) change(request);
    Outcome outcome;
    client->request(std::move(request), into(outcome));
    FdGuard fd;
    EXPECT_TRUE(wait_for(loop, [&] {
      if (!fd) {
        fd = FdGuard(door.accept());
        if (fd) ::send(fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
        if (fd) ::shutdown(fd.get(), SHUT_WR);
      }
      return outcome.count > 0;
    }));
    return outcome;
  }
  void serve(HttpServer::Handler handler) {
    server = std::make_unique<HttpServer>(loop, HttpServer::Options{}, std::move(handler));
    address = *server->listen({kLoopback, 0});
  }

  Loop loop;
  std::unique_ptr<HttpServer> server;
  SocketAddress address;
  std::unique_ptr<HttpClient> client;
};

TEST_F(HttpClientTest, AsksAndReads) {
  HttpRequest seen;
  serve([&](HttpRequest&& request, Responder responder) {
    seen = std::move(request);
    responder.reply({201, {{"X-A", "b"}}, "made", nullptr});
  });
  HttpClientRequest request = to(address, "/a/b?c=d%20e");
  request.method = "PUT";
  request.headers = {{"Content-Type", "application/json"}};
  request.body = "{}";
  const Outcome outcome = ask(std::move(request));
  ASSERT_TRUE(outcome.response) << outcome.error.message;
  EXPECT_EQ(outcome.response->status, 201);
  EXPECT_EQ(outcome.response->header("x-a"), "b");
  EXPECT_EQ(outcome.response->body, "made");
  EXPECT_GT(outcome.response->latency.count(), 0);
  EXPECT_FALSE(outcome.response->connection_reused);
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.path, "/a/b");
  EXPECT_EQ(seen.query_value("c"), "d e");
  EXPECT_EQ(seen.body, "{}");
  EXPECT_EQ(seen.header("Host"), to_string(address));
  EXPECT_EQ(seen.header("connection"), "close");
}

TEST_F(HttpClientTest, ReadsEveryKindOfBody) {
  EXPECT_EQ(ask_raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").response->body, "hello");
  EXPECT_EQ(ask_raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Trailer: 1\r\n\r\n").response->body, "hello");
  EXPECT_EQ(ask_raw("HTTP/1.1 200 OK\r\n\r\nto the end").response->body, "to the end");
  EXPECT_EQ(ask_raw("HTTP/1.0 200 OK\r\n\r\nold").response->body, "old");
  EXPECT_EQ(ask_raw("HTTP/1.1 204 No Content\r\n\r\n").response->status, 204);
  EXPECT_EQ(ask_raw("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").response->body, "ok");
  const Outcome head = ask_raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", [](HttpClientRequest& r) { r.method = "HEAD"; });
  ASSERT_TRUE(head.response) << head.error.message;
  EXPECT_EQ(head.response->body, "");
}

TEST_F(HttpClientTest, DoesNotFollowRedirects) {
  EXPECT_EQ(ask_raw("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n").response->status, 302);
}

TEST_F(HttpClientTest, IgnoresTheProxyEnvironment) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  EXPECT_EQ(ask_raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").response->status, 200);
  ::unsetenv("http_proxy");
}

TEST_F(HttpClientTest, TellsRefusedFromResetFromTimeout) {
  SocketAddress nobody;
  {
    const Door door;
    nobody = door.address;
  }
  Outcome outcome = ask(to(nobody));
  EXPECT_EQ(outcome.failure, Failure::refused) << outcome.error.message;
  EXPECT_EQ(outcome.error.code, ErrorCode::unavailable);

  EXPECT_EQ(ask_raw("").failure, Failure::reset);
  EXPECT_EQ(ask_raw("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort").failure, Failure::reset);
  EXPECT_EQ(ask_raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel").failure, Failure::reset);

  const Door silent;
  HttpClientRequest request = to(silent.address);
  request.timeout = 50ms;
  outcome = ask(std::move(request));
  EXPECT_EQ(outcome.failure, Failure::timeout);
  EXPECT_EQ(outcome.error.code, ErrorCode::timeout);
}

TEST_F(HttpClientTest, TellsUnreachable) {
  // TEST-NET addresses go nowhere; inside a machine without a route the kernel says so at once, elsewhere it takes silence.
  HttpClientRequest request = to({*parse_ip("2001:db8::1"), 80});
  request.timeout = 100ms;
  const Outcome outcome = ask(std::move(request));
  EXPECT_TRUE(outcome.failure == Failure::unreachable || outcome.failure == Failure::timeout) << to_string(outcome.failure) << " " << outcome.error.message;
}

TEST_F(HttpClientTest, RefusesWhatIsTooLargeOrNoHttp) {
  EXPECT_EQ(ask_raw("HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n").failure, Failure::too_large);
  EXPECT_EQ(ask_raw("HTTP/1.1 200 OK\r\n\r\n" + std::string(70000, 'x')).failure, Failure::too_large);
  EXPECT_EQ(ask_raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" + std::string(70000, 'x')).failure, Failure::too_large);
  EXPECT_EQ(ask_raw("HTTP/1.1 200 OK\r\nX: " + std::string(10000, 'x') + "\r\n\r\n").failure, Failure::too_large);
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 100; ++i) many += "A: b\r\n";
  EXPECT_EQ(ask_raw(many + "\r\n").failure, Failure::too_large);
  EXPECT_EQ(ask_raw("SSH-2.0-OpenSSH_9.2\r\n").failure, Failure::malformed);
  EXPECT_EQ(ask_raw("HTTP/1.1 101 Switching Protocols\r\n\r\n").failure, Failure::malformed);
  EXPECT_EQ(ask_raw("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n").failure, Failure::malformed);
}

TEST_F(HttpClientTest, DoesNotSendWhatWouldBreakOut) {
  const Door door;
  for (const auto& change : std::vector<std::function<void(HttpClientRequest&)>>{
           [](HttpClientRequest& r) { r.path = "/ HTTP/1.1\r\nX: y"; }, [](HttpClientRequest& r) { r.path = "a"; }, [](HttpClientRequest& r) { r.method = "GET /"; },
           [](HttpClientRequest& r) { r.host = "x\r\ny"; }, [](HttpClientRequest& r) { r.headers = {{"A", "b\r\nC: d"}}; }, [](HttpClientRequest& r) { r.headers = {{"host", "y"}}; },
           [](HttpClientRequest& r) { r.headers = {{"Content-Length", "5"}}; }}) {
    HttpClientRequest request = to(door.address);
    change(request);
    const Outcome outcome = ask(std::move(request));
    EXPECT_EQ(outcome.error.code, ErrorCode::invalid) << outcome.error.message;
  }
}

TEST_F(HttpClientTest, DialsOnlyWhatThePolicyAllows) {
  AddressPolicy policy;
  client = std::make_unique<HttpClient>(loop, HttpClient::Options{&policy});
  Door door;
  Outcome outcome = ask(to(door.address));
  EXPECT_EQ(outcome.failure, Failure::policy);
  EXPECT_EQ(outcome.error.code, ErrorCode::forbidden);
  for (const char* name : {"0x7f000001", "127.1", "localhost", "2852039166", "0"}) {
    HttpClientRequest request = to(door.address);
    request.target.name = name;
    request.host = "x";
    const Outcome named = ask(std::move(request));
    EXPECT_EQ(named.failure, Failure::policy) << name << ": " << named.error.message;
  }
  EXPECT_EQ(door.accept(), -1) << "somebody was connected to";
  serve([](HttpRequest&&, Responder responder) { responder.reply({}); });
  HttpClientRequest request = to(address);
  request.target.configured = true;
  EXPECT_TRUE(ask(std::move(request)).response);
}

TEST_F(HttpClientTest, FindsHostsByName) {
  serve([](HttpRequest&& request, Responder responder) { responder.reply({200, {}, std::string(request.header("host")), nullptr}); });
  HttpClientRequest request = to(address);
  request.target.name = "localhost";
  const Outcome outcome = ask(std::move(request));
  ASSERT_TRUE(outcome.response) << outcome.error.message;
  EXPECT_EQ(outcome.response->body, "localhost:" + std::to_string(address.port));
  HttpClientRequest unknown = to(address);
  unknown.target.name = "999.999.999.999";
  EXPECT_EQ(ask(std::move(unknown)).failure, Failure::resolve);
}

TEST_F(HttpClientTest, SpeaksOverAUnixSocket) {
  serve([](HttpRequest&& request, Responder responder) { responder.reply({200, {}, request.over_unix ? "unix" : "tcp", nullptr}); });
  char folder[] = "/tmp/choregos_net_XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/s";
  ASSERT_TRUE(server->listen_unix(path));
  HttpClientRequest request = to({});
  request.target.unix_path = path;
  EXPECT_EQ(ask(request).response->body, "unix");
  request.target.unix_path = path + ".none";
  EXPECT_EQ(ask(request).failure, Failure::other);
  server.reset();
  ::rmdir(folder);
}

TEST_F(HttpClientTest, KeepsOneConnectionPerTarget) {
  serve([](HttpRequest&&, Responder responder) { responder.reply({200, {}, "x", nullptr}); });
  HttpClientRequest request = to(address);
  request.keep_alive = true;
  EXPECT_FALSE(ask(request).response->connection_reused);
  EXPECT_TRUE(client->has_idle(request.target));
  EXPECT_TRUE(ask(request).response->connection_reused);
  EXPECT_EQ(server->stats().accepted, 1U);
  client->close_idle(request.target);
  EXPECT_FALSE(client->has_idle(request.target));
  EXPECT_FALSE(ask(request).response->connection_reused);
}

TEST_F(HttpClientTest, ReplacesAConnectionThatDiedUnseen) {
  Door door;
  HttpClientRequest request = to(door.address);
  request.keep_alive = true;
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
  Outcome first;
  client->request(request, into(first));
  FdGuard fd;
  ASSERT_TRUE(wait_for(loop, [&] {
    if (!fd && (fd = FdGuard(door.accept()))) ::send(fd.get(), (answer + "1").data(), answer.size() + 1, MSG_NOSIGNAL);
    return first.count > 0;
  }));
  // Ended, and asked again before the loop could see it.
  fd = FdGuard();
  Outcome second;
  client->request(request, into(second));
  ASSERT_TRUE(wait_for(loop, [&] {
    if (!fd && (fd = FdGuard(door.accept()))) ::send(fd.get(), (answer + "2").data(), answer.size() + 1, MSG_NOSIGNAL);
    return second.count > 0;
  }));
  ASSERT_TRUE(second.response) << second.error.message;
  EXPECT_EQ(second.response->body, "2");
}

TEST_F(HttpClientTest, SeesWithinMillisecondsThatAnIdlePeerWasKilled) {
  Duration worst{0};
  for (int i = 0; i < 5; ++i) {
    auto door = std::make_unique<Door>();
    const SocketAddress at = door->address;
    const int listening = door->fd();
    Child child([listening] {
      pollfd p{listening, POLLIN, 0};
      ::poll(&p, 1, 5000);
      const int fd = ::accept(listening, nullptr, nullptr);
      const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
      char buffer[4096];
      while (::recv(fd, buffer, sizeof buffer, 0) > 0) ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    });
    door->close();
    HttpClientRequest request = to(at);
    request.keep_alive = true;
    std::optional<Instant> told;
    int calls = 0;
    client->on_idle_close(request.target, [&] { told = loop.now(), ++calls; });
    ASSERT_TRUE(ask(request).response);
    ASSERT_TRUE(client->has_idle(request.target));
    run_for(loop, 5ms);
    ASSERT_FALSE(told);
    const Instant killed = loop.now();
    child.kill();
    ASSERT_TRUE(wait_for(loop, [&] { return told.has_value(); }));
    EXPECT_EQ(calls, 1);
    EXPECT_FALSE(client->has_idle(request.target));
    worst = std::max(worst, *told - killed);
    EXPECT_EQ(ask(request).failure, Failure::refused) << "the positive evidence that follows";
  }
  RecordProperty("worst_us", static_cast<int>(worst.count() / 1000));
  EXPECT_LT(worst, 250ms) << "on an idle machine it is below 5 ms";
}

TEST_F(HttpClientTest, DoesNotReportItsOwnClosing) {
  serve([](HttpRequest&&, Responder responder) { responder.reply({}); });
  client = std::make_unique<HttpClient>(loop, HttpClient::Options{nullptr, "t", 1, 30ms});
  HttpClientRequest request = to(address);
  request.keep_alive = true;
  int calls = 0;
  client->on_idle_close(request.target, [&] { ++calls; });
  ask(request);
  EXPECT_TRUE(wait_for(loop, [&] { return !client->has_idle(request.target); }));
  ask(request);
  client->close_idle(request.target);
  run_for(loop, 20ms);
  EXPECT_EQ(calls, 0);
}

TEST_F(HttpClientTest, CallsNobodyAfterCancel) {
  const Door door;
  Outcome outcome;
  HttpCall call = client->request(to(door.address), into(outcome));
  EXPECT_TRUE(call.active());
  run_for(loop, 5ms);
  call.cancel();
  EXPECT_FALSE(call.active());
  call.cancel();
  client->request(to(door.address), into(outcome));
  client->lookup("localhost", 1, [&](auto) { ++outcome.count; });
  client.reset();
  run_for(loop, 20ms);
  EXPECT_EQ(outcome.count, 0);
}

TEST_F(HttpClientTest, MayBeDestroyedInACallback) {
  serve([](HttpRequest&&, Responder responder) { responder.reply({}); });
  bool called = false;
  client->request(to(address), [&](Result<HttpResponse>, Failure) {
    client.reset();
    called = true;
  });
  EXPECT_TRUE(wait_for(loop, [&] { return called; }));
}

// ---- Streams ----

struct Heard {
  std::optional<HttpResponse> head;
  std::string body;
  int ends = 0;
  Failure failure = Failure::none;
  bool well = false;
};

HttpClient::StreamCallbacks hear(Heard& heard) {
  return {[&heard](const HttpResponse& head) {
            heard.head = head;
            return true;
          },
          [&heard](std::string_view piece) { heard.body += piece; },
          [&heard](Result<void> result, Failure failure) {
            ++heard.ends;
            heard.well = result.has_value();
            heard.failure = failure;
          }};
}

TEST_F(HttpClientTest, StreamsPiecesAsTheyCome) {
  std::shared_ptr<Stream> stream;
  serve([&](HttpRequest&&, Responder responder) { stream = responder.stream(200, {{"Content-Type", "text/event-stream"}}); });
  Heard heard;
  HttpClientRequest request = to(address);
  request.timeout = 1s;  // for the head only
  HttpCall call = client->open_stream(request, hear(heard));
  ASSERT_TRUE(wait_for(loop, [&] { return heard.head.has_value(); }));
  EXPECT_EQ(heard.head->header("content-type"), "text/event-stream");
  run_for(loop, 1100ms);
  ASSERT_EQ(heard.ends, 0);
  for (int i = 0; i < 3; ++i) {
    stream->write("event " + std::to_string(i) + "\n");
    ASSERT_TRUE(wait_for(loop, [&] { return heard.body.ends_with(std::to_string(i) + "\n"); }));
  }
  stream->write(std::string(300'000, 'x'));
  stream->close();
  ASSERT_TRUE(wait_for(loop, [&] { return heard.ends > 0; }));
  EXPECT_TRUE(heard.well);
  EXPECT_EQ(heard.body.size(), 24U + 300'000U);
  EXPECT_FALSE(call.active());
}

TEST_F(HttpClientTest, TellsHowAStreamBroke) {
  std::shared_ptr<Stream> stream;
  serve([&](HttpRequest&&, Responder responder) { stream = responder.stream(200, {}); });
  Heard heard;
  client->open_stream(to(address), hear(heard));
  ASSERT_TRUE(wait_for(loop, [&] { return heard.head.has_value(); }));
  server.reset();
  ASSERT_TRUE(wait_for(loop, [&] { return heard.ends > 0; }));
  EXPECT_EQ(heard.failure, Failure::reset);
  EXPECT_FALSE(heard.well);

  Heard refused;
  client->open_stream(to(address), hear(refused));
  ASSERT_TRUE(wait_for(loop, [&] { return refused.ends > 0; }));
  EXPECT_EQ(refused.failure, Failure::refused);
  EXPECT_FALSE(refused.head);
}

TEST_F(HttpClientTest, ReportsAnErrorStatusOfAStreamWithItsBody) {
  serve([](HttpRequest&&, Responder responder) { responder.reply({410, {}, "compacted", nullptr}); });
  Heard heard;
  client->open_stream(to(address), hear(heard));
  ASSERT_TRUE(wait_for(loop, [&] { return heard.ends > 0; }));
  EXPECT_EQ(heard.head->status, 410);
  EXPECT_EQ(heard.body, "compacted");
  EXPECT_TRUE(heard.well);
}

TEST_F(HttpClientTest, EndsASilentStream) {
  std::shared_ptr<Stream> stream;
  serve([&](HttpRequest&&, Responder responder) { stream = responder.stream(200, {}); });
  Heard heard;
  HttpClientRequest request = to(address);
  request.idle_timeout = 60ms;
  client->open_stream(request, hear(heard));
  ASSERT_TRUE(wait_for(loop, [&] { return stream != nullptr; }));
  const Instant began = loop.now();
  Timer beat = loop.every(20ms, [&] {
    if (loop.now() - began < 150ms) stream->write(".");
  });
  ASSERT_TRUE(wait_for(loop, [&] { return heard.ends > 0; }));
  EXPECT_EQ(heard.failure, Failure::timeout);
  EXPECT_GE(loop.now() - began, 180ms) << "it was not silent that long";
}

TEST_F(HttpClientTest, CancelsAStreamInsideItsOwnCallbacks) {
  std::shared_ptr<Stream> stream;
  std::optional<StreamEnd> end;
  serve([&](HttpRequest&&, Responder responder) {
    stream = responder.stream(200, {});
    stream->on_close([&](StreamEnd reason) { end = reason; });
    stream->write("one");
    stream->write("two");
  });
  Heard heard;
  HttpCall call;
  auto callbacks = hear(heard);
  callbacks.on_chunk = [&](std::string_view piece) {
    heard.body += piece;
    call.cancel();
  };
  call = client->open_stream(to(address), callbacks);
  ASSERT_TRUE(wait_for(loop, [&] { return end.has_value(); }));
  EXPECT_EQ(heard.body, "one");
  EXPECT_EQ(heard.ends, 0);
  end.reset();
  callbacks.on_head = [](const HttpResponse&) { return false; };
  client->open_stream(to(address), callbacks);
  ASSERT_TRUE(wait_for(loop, [&] { return end.has_value(); }));
  EXPECT_EQ(heard.ends, 0);
}

}  // namespace
}  // namespace choregos::net
