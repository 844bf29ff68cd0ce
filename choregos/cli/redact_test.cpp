#include "choregos/cli/redact.hpp"

#include <gtest/gtest.h>

namespace choregos::cli {
namespace {

TEST(Redact, TakesOutWhatIsKnown) {
  EXPECT_EQ(redact("a s3cr3t-word b s3cr3t-word", {"s3cr3t-word"}), "a (left out) b (left out)");
  EXPECT_EQ(redact("an abc", {"a", ""}), "an abc") << "a short one would tear everything apart";
}

TEST(Redact, TakesOutValuesByTheirNames) {
  EXPECT_EQ(redact("token = \"xyz\"\nport = 1"), "token = \"(left out)\"\nport = 1");
  EXPECT_EQ(redact("{\"api_key\":\"x\\\"yz\",\"id\":\"a1\"}"), "{\"api_key\":\"(left out)\",\"id\":\"a1\"}");
  EXPECT_EQ(redact("http://h/p?access_token=xyz&a=b"), "http://h/p?access_token=(left out)&a=b");
  EXPECT_EQ(redact("db.password: hunter2 # why"), "db.password: (left out) # why");
  EXPECT_EQ(redact("Password='a b'"), "Password='(left out)'");
}

TEST(Redact, TakesOutHeadersAndUsersOfUrls) {
  EXPECT_EQ(redact("Authorization: Bearer abc.def"), "Authorization: Bearer (left out)");
  EXPECT_EQ(redact("http://ann:pw@host:1/x"), "http://(left out)@host:1/x");
  EXPECT_EQ(redact("http://host:1/x@y"), "http://host:1/x@y");
}

TEST(Redact, LeavesPathsAndTheRest) {
  for (const char* text : {"token_file = \"/etc/choregos/token\"", "{\"id\":\"a1\",\"endpoint\":\"http://10.0.0.1:8080\"}", "choregos_tokens_total 5", "no token here", "", "token"})
    EXPECT_EQ(redact(text), text);
}

TEST(Redact, EndsWithinTextThatStopsAnywhere) {
  const std::string text = "{\"token\":\"x\\\"y\",\"u\":\"http://a:b@c/\"} Bearer z";
  for (std::size_t n = 0; n <= text.size(); ++n) EXPECT_EQ(redact(text.substr(0, n)).find("a:b@"), std::string::npos);
}

}  // namespace
}  // namespace choregos::cli
