#include "choregos/net/http_message.hpp"

#include <gtest/gtest.h>

namespace choregos::net {
namespace {

TEST(HttpMessage, DecodesTargets) {
  const struct {
    const char* target;
    const char* path;  // null = refused
    std::vector<std::pair<std::string, std::string>> query;
  } cases[] = {
      {"/", "/", {}},
      {"/a/b/", "/a/b/", {}},
      {"/a%20b", "/a b", {}},
      {"/a+b", "/a+b", {}},
      {"/a%2fb%2Fc", "/a%2Fb%2Fc", {}},
      {"/100%25", "/100%25", {}},
      {"/%252F", "/%252F", {}},
      {"/%C3%A9", "/é", {}},
      {"/x?a=1&b=x+y%20z&c&=d&&e=f=g?", "/x", {{"a", "1"}, {"b", "x y z"}, {"c", ""}, {"", "d"}, {"e", "f=g?"}}},
      {"/x?", "/x", {}},
      {"*", "*", {}},
      {"/%", nullptr, {}},
      {"/%4", nullptr, {}},
      {"/%zz", nullptr, {}},
      {"/%00", nullptr, {}},
      {"/%0a", nullptr, {}},
      {"/%7f", nullptr, {}},
      {"/%ff", nullptr, {}},
      {"/%c0%af", nullptr, {}},
      {"/..", nullptr, {}},
      {"/a/../b", nullptr, {}},
      {"/a/./b", nullptr, {}},
      {"/%2e%2e/b", nullptr, {}},
      {"/a/%2E", nullptr, {}},
      {"//a", nullptr, {}},
      {"/a//b", nullptr, {}},
      {"/?a=%00", nullptr, {}},
      {"/?%ff", nullptr, {}},
      {"", nullptr, {}},
      {"a", nullptr, {}},
  };
  for (const auto& one : cases) {
    std::string path;
    std::vector<std::pair<std::string, std::string>> query;
    const auto split = split_target(one.target, path, query);
    ASSERT_EQ(split.has_value(), one.path != nullptr) << one.target;
    if (!split) continue;
    EXPECT_EQ(path, one.path);
    EXPECT_EQ(query, one.query) << one.target;
  }
}

TEST(HttpMessage, FindsHeadersInAnyCase) {
  const HttpHeaders headers{{"Content-Type", "a"}, {"content-type", "b"}, {"X", ""}};
  EXPECT_EQ(find_header(headers, "CONTENT-type"), "a");
  EXPECT_TRUE(has_header(headers, "x"));
  EXPECT_FALSE(has_header(headers, "Content-Typ"));
}

TEST(HttpMessage, WritesReplies) {
  EXPECT_EQ(reply_bytes({200, {{"A", "b"}}, "hi", nullptr}), "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(reply_bytes({204, {}, "ignored", nullptr}), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(reply_bytes({304, {{"ETag", "\"1\""}}, "", nullptr}, true), "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(reply_bytes({200, {}, "", std::make_shared<const std::string>("shared")}), "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nshared");
}

}  // namespace
}  // namespace choregos::net
