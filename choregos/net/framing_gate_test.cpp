#include "choregos/net/framing_gate.hpp"

#include <gtest/gtest.h>

#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "choregos/net/framing_corpus.hpp"
#include "choregos/net/http_server.hpp"
#include "choregos/net/test_support.hpp"

namespace choregos::net {
namespace {

using namespace testing;

struct Reading {
  Verdict verdict;
  RequestHead head;
  std::string body;
  std::size_t used = 0;
};

/// Reads one request the way a session does, `step` bytes at a time.
Reading read(std::string_view bytes, std::size_t step) {
  Reading r;
  std::size_t searched = 0, end = 0;
  for (std::size_t have = 0; end == 0 && r.verdict.ok() && have < bytes.size();) {
    have = std::min(have + step, bytes.size());
    end = find_head_end(bytes.substr(0, have), searched, {}, r.verdict);
  }
  if (!r.verdict.ok()) return r;
  if (end == 0) return r.verdict = {400, "incomplete"}, r;
  r.verdict = read_request_head(bytes.substr(0, end), {}, r.head);
  r.used = end;
  if (!r.verdict.ok() || r.head.body == BodyKind::none) return r;
  if (r.head.body == BodyKind::sized) {
    r.body = bytes.substr(end, static_cast<std::size_t>(r.head.body_bytes));
    r.used += r.body.size();
    return r;
  }
  ChunkedReader chunks;
  while (!chunks.done() && !chunks.failed() && r.used < bytes.size()) {
    std::string_view piece;
    r.used += chunks.feed(bytes.substr(r.used, step), piece);
    r.body += piece;
  }
  if (chunks.failed()) r.verdict = {400, chunks.reason()};
  else if (!chunks.done()) r.verdict = {400, "incomplete"};
  return r;
}

TEST(FramingGate, RefusesEveryAmbiguousForm) {
  EXPECT_GE(std::size(kAmbiguous), 40U);
  for (const auto& one : kAmbiguous) {
    const std::string bytes = std::string(one.bytes) + std::string(kSmuggled);
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
      const Reading r = read(bytes, step);
      EXPECT_EQ(r.verdict.status, 400) << one.name << " in steps of " << step;
      EXPECT_FALSE(r.verdict.reason.empty()) << one.name;
      EXPECT_NE(r.verdict.reason, "incomplete") << one.name;
    }
  }
}

TEST(FramingGate, TakesSoundRequestsAndFindsTheirEnd) {
  for (const auto& one : kSound) {
    const std::string bytes = std::string(one.bytes) + std::string(kSmuggled);
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
      const Reading r = read(bytes, step);
      EXPECT_TRUE(r.verdict.ok()) << one.name << ": " << r.verdict.reason;
      EXPECT_EQ(r.used, one.bytes.size()) << one.name;
    }
  }
}

TEST(FramingGate, ReadsWhatItTakesAsBeastReadsIt) {
  namespace http = boost::beast::http;
  for (const auto& one : kSound) {
    const Reading ours = read(one.bytes, one.bytes.size());
    http::request_parser<http::string_body> theirs;
    theirs.eager(true);
    boost::system::error_code error;
    std::size_t used = 0;
    while (used < one.bytes.size() && !error && !theirs.is_done()) used += theirs.put(boost::asio::buffer(one.bytes.data() + used, one.bytes.size() - used), error);
    ASSERT_FALSE(error) << one.name << ": " << error.message();
    ASSERT_TRUE(theirs.is_done()) << one.name;
    EXPECT_EQ(theirs.get().method_string(), ours.head.method) << one.name;
    EXPECT_EQ(theirs.get().target(), ours.head.target) << one.name;
    EXPECT_EQ(theirs.get().body(), ours.body) << one.name;
    std::size_t fields = 0;
    for (const auto& field : theirs.get()) {
      ASSERT_LT(fields, ours.head.fields.size()) << one.name;
      EXPECT_EQ(field.name_string(), ours.head.fields[fields].first) << one.name;
      EXPECT_EQ(field.value(), ours.head.fields[fields].second) << one.name;
      ++fields;
    }
    EXPECT_EQ(fields, ours.head.fields.size()) << one.name;
  }
}

TEST(FramingGate, KeepsConnectionsAsTheVersionAndFieldSay) {
  const auto keeps = [](std::string_view bytes) { return read(bytes, bytes.size()).head.keep_alive; };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade , CLOSE\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: a\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(FramingGate, StopsAtItsLimits) {
  const auto status = [](const std::string& bytes) { return read(bytes, 100).verdict.status; };
  EXPECT_EQ(status("GET /" + std::string(2047, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
  EXPECT_EQ(status("GET /" + std::string(2048, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 414);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(8192 - 31, 'a') + "\r\n\r\n"), 431);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(8192 - 32, 'a') + "\r\n\r\n"), 0);
  EXPECT_EQ(status(std::string(9000, 'A')), 414);
  std::string fields;
  for (int i = 0; i < 63; ++i) fields += "A: b\r\n";
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n"), 0);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: x\r\n" + fields + "A: b\r\n\r\n"), 431);
  EXPECT_EQ(status("GET / HTTP/1.2\r\nHost: x\r\n\r\n"), 505);
  EXPECT_EQ(status("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n"), 501);
  EXPECT_EQ(status("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\n\r\n"), 417);
}

TEST(FramingGate, HoldsAgainstALiveServer) {
  Loop loop;
  std::vector<std::string> heard;
  HttpServer server(loop, {}, [&](HttpRequest&& request, Responder responder) {
    heard.push_back(request.method + " " + request.target);
    responder.reply({200, {}, "heard", nullptr});
  });
  const auto address = server.listen({kLoopback, 0});
  ASSERT_TRUE(address);
  for (const auto& one : kAmbiguous) {
    heard.clear();
    Peer peer(*address);
    const std::string got = exchange_to_end(loop, peer, std::string(one.bytes) + std::string(kSmuggled));
    EXPECT_TRUE(got.starts_with("HTTP/1.1 400 Bad Request\r\n")) << one.name << ": " << got;
    EXPECT_EQ(count_of(got, "\r\n\r\n"), 1U) << one.name << ": " << got;
    EXPECT_NE(got.find("Connection: close\r\n"), std::string::npos) << one.name;
    EXPECT_NE(got.find("application/problem+json"), std::string::npos) << one.name;
    EXPECT_TRUE(heard.empty()) << one.name << " was heard as " << heard.front();
    EXPECT_TRUE(peer.ended()) << one.name;
  }
  // Sound ones end where they should: what follows them is heard as the next request, unless the connection ends.
  for (const auto& one : kSound) {
    heard.clear();
    Peer peer(*address);
    const bool closes = one.bytes.find("HTTP/1.0") != std::string_view::npos;
    peer.send(std::string(one.bytes) + std::string(kSmuggled));
    EXPECT_TRUE(wait_for(loop, [&] { return closes ? peer.ended() : heard.size() == 2; })) << one.name;
    EXPECT_EQ(heard.size(), closes ? 1U : 2U) << one.name;
  }
}

}  // namespace
}  // namespace choregos::net
