#include <gtest/gtest.h>

#include "choregos/api/http/fakes_for_tests.hpp"
#include "choregos/api/http/handlers.hpp"
#include "choregos/api/http/reply.hpp"

namespace choregos::api {
namespace {

TEST(AcceptsGzip, WhenItIsNamedOrAnythingIs) {
  for (const char* text : {"gzip", "gzip, deflate, br", "br;q=1, gzip;q=0.5", "*", "identity, *;q=0.1", " GZIP ", "gzip;q=0.001"}) EXPECT_TRUE(accepts_gzip(text)) << text;
  for (const char* text : {"", "identity", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *", "xgzip", ",,,"}) EXPECT_FALSE(accepts_gzip(text)) << text;
}

/// A page of two files.
Reply ask(RouteId id, std::string path, bool gzip = false, std::string if_none_match = "", bool with_page = true) {
  Services services;
  if (with_page)
    services.page = [](std::string_view name) -> std::optional<PageFile> {
      if (name == "/") return PageFile{"text/html; charset=utf-8", "\"one\"", false, "<p>", "packed"};
      if (name == "/assets/a-1.js") return PageFile{"text/javascript; charset=utf-8", "\"two\"", true, "let x;", "packed too"};
      return std::nullopt;
    };
  const View view{services, nullptr, "normal", Instant{}, WallTime{}};
  return get_page(Call{route(id), "", std::move(path), {}, std::move(if_none_match), gzip, "", {}, view});
}

std::string header(const Reply& reply, std::string_view name) {
  for (const auto& [key, value] : reply.headers)
    if (key == name) return value;
  return "";
}

TEST(Page, IsServedPlainOrPackedAsTheBrowserLikes) {
  const Reply plain = ask(RouteId::index, "/");
  EXPECT_EQ(plain.status, 200);
  EXPECT_EQ(plain.body, "<p>");
  EXPECT_EQ(header(plain, "Content-Encoding"), "");
  EXPECT_EQ(header(plain, "Vary"), "Accept-Encoding");
  const Reply packed = ask(RouteId::index, "/", true);
  EXPECT_EQ(packed.body, "packed");
  EXPECT_EQ(header(packed, "Content-Encoding"), "gzip");
}

TEST(Page, MayLoadItsOwnFilesOnly) {
  const std::string policy = header(ask(RouteId::index, "/"), "Content-Security-Policy");
  for (const char* part : {"default-src 'none'", "script-src 'self';", "style-src 'self';", "connect-src 'self';", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"})
    EXPECT_NE(policy.find(part), std::string::npos) << part;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
}

TEST(Page, NamedByItsContentIsKeptForEverAndTheRestIsAskedForAgain) {
  EXPECT_EQ(header(ask(RouteId::page_asset, "/assets/a-1.js"), "Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(header(ask(RouteId::index, "/"), "Cache-Control"), "no-cache");
  const Reply unchanged = ask(RouteId::index, "/", true, "\"one\"");
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.body, "");
  EXPECT_EQ(ask(RouteId::index, "/", true, "\"other\"").status, 200);
}

TEST(Page, OfAnOlderBuildIsAProblemThatSaysWhatToDo) {
  const Reply missing = ask(RouteId::page_asset, "/assets/old-9.js");
  EXPECT_EQ(missing.status, 404);
  EXPECT_NE(missing.body.find("reload it"), std::string::npos);
}

TEST(Page, IsAPlainListOfLinksInABuildWithoutOne) {
  const Reply plain = ask(RouteId::index, "/", true, "", false);
  EXPECT_EQ(plain.status, 200);
  EXPECT_NE(plain.body.find("/api/v1/agents"), std::string::npos);
  EXPECT_EQ(ask(RouteId::page_icon, "/favicon.svg", true, "", false).status, 404);
}

}  // namespace
}  // namespace choregos::api
