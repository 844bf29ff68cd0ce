#include "choregos/wire/url.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace choregos::wire {
namespace {

TEST(HttpUrl, ReadsItsParts) {
  struct Case {
    const char* text;
    HttpUrl want;
    const char* written;
  };
  const std::vector<Case> cases{
      {"http://example.org", {"http", "example.org", 80, "/"}, "http://example.org/"},
      {"HTTPS://Example.ORG/a", {"https", "example.org", 443, "/a"}, "https://example.org/a"},
      {"http://10.0.0.4:8080/health?x=1&y=%20", {"http", "10.0.0.4", 8080, "/health?x=1&y=%20"}, "http://10.0.0.4:8080/health?x=1&y=%20"},
      {"http://[FD00::0001]:8081", {"http", "fd00::1", 8081, "/"}, "http://[fd00::1]:8081/"},
      {"http://[::1]/", {"http", "::1", 80, "/"}, "http://[::1]/"},
      {"http://a_b-c.local:65535?q", {"http", "a_b-c.local", 65535, "/?q"}, "http://a_b-c.local:65535/?q"},
      {"https://x:443/", {"https", "x", 443, "/"}, "https://x/"},
      {"https://x:80/", {"https", "x", 80, "/"}, "https://x:80/"},
      {"http://host.1a", {"http", "host.1a", 80, "/"}, "http://host.1a/"},
  };
  for (const auto& [text, want, written] : cases) {
    const auto url = parse_http_url(text);
    ASSERT_TRUE(url) << text << ": " << url.error().message;
    EXPECT_EQ(*url, want) << text;
    EXPECT_EQ(to_string(*url), written);
    EXPECT_EQ(*parse_http_url(to_string(*url)), *url);
  }
  EXPECT_TRUE(parse_http_url("http://10.0.0.4")->ip());
  EXPECT_TRUE(parse_http_url("http://[fd00::1]")->ip());
  EXPECT_FALSE(parse_http_url("http://host")->ip());
}

TEST(HttpUrl, RefusesWhatFiltersAreFooledWith) {
  for (const char* text :
       {"", "example.org", "ftp://x", "file:///etc/passwd", "javascript:alert(1)", "http:/x", "http:x", "//x", "http://", "http:///x", "http://user@x", "http://user:pw@x",
        "http://x@10.0.0.1/", "http://2130706433", "http://0x7f000001", "http://0x7f.1", "http://127.1", "http://0177.0.0.1", "http://1.2.3.4.5", "http://1.2.3",
        "http://10.0.0.4.", "http://10.0.0.04", "http://host.7", "http://[::ffff:127.0.0.1]", "http://[::1", "http://[::1]x", "http://[1.2.3.4]", "http://[fe80::1%25eth0]",
        "http://[]", "http://x:", "http://x:0", "http://x:65536", "http://x:080", "http://x:+80", "http://x:8 0", "http://x y", "http://x/\n", "http://x/a b",
        "http://x/#f", "http://x/%zz", "http://x/%2", "http://x\\@y", "http://x/\\", "http://\xc3\xa4.de", "http://x/\xc3\xa4", "http://a..b", "http://.a", "http://-a",
        " http://x", "http://x "})
    EXPECT_FALSE(parse_http_url(text)) << text;
  EXPECT_FALSE(parse_http_url("http://x/" + std::string(3000, 'a')));
}

TEST(Percent, RoundTripsEveryUtf8Text) {
  const std::string text = "a/b c?&=+%\xc3\xa4~.-_";
  EXPECT_EQ(percent_encode(text), "a%2Fb%20c%3F%26%3D%2B%25%C3%A4~.-_");
  EXPECT_EQ(percent_encode("a/b", "/"), "a/b");
  EXPECT_EQ(*percent_decode(percent_encode(text)), text);
  EXPECT_EQ(*percent_decode("%c3%a4"), "\xc3\xa4");
  for (const char* bad : {"%", "%2", "%zz", "a%0", "%00", "%ff", "%c3"}) EXPECT_FALSE(percent_decode(bad)) << bad;
}

TEST(Parameters, KeepOrderAndRepeats) {
  const auto read = parse_parameters("capability=a&capability=b+c&flag&&q=%26&label.k=");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (Parameters{{"capability", "a"}, {"capability", "b c"}, {"flag", ""}, {"q", "&"}, {"label.k", ""}}));
  EXPECT_EQ(*parse_parameters(write_parameters(*read)), *read);
  EXPECT_FALSE(parse_parameters("a=%"));
  EXPECT_FALSE(parse_parameters("%=a"));
}

TEST(RequestTarget, SplitsBeforeItDecodes) {
  const auto target = parse_request_target("/api/v1/agents/a%2Fb:c?limit=5");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/api/v1/agents/a%2Fb:c");
  EXPECT_EQ(target->segments, (std::vector<std::string>{"api", "v1", "agents", "a/b:c"}));
  EXPECT_EQ(target->parameters, (Parameters{{"limit", "5"}}));
  EXPECT_EQ(parse_request_target("/")->segments.size(), 0U);
  EXPECT_EQ(parse_request_target("/a/")->segments.size(), 1U);
  for (const char* bad : {"", "a", "*", "http://x/", "//", "/a//b", "/../a", "/a/%2e%2e/b", "/a/.", "/%", "/%00", "/%ff", "/a b", "/a#b", "/\\", "/\xff"})
    EXPECT_FALSE(parse_request_target(bad)) << bad;
}

}  // namespace
}  // namespace choregos::wire
