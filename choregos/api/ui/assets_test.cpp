#include "choregos/api/ui/assets.hpp"

#include <gtest/gtest.h>

#include <string>

namespace choregos::api {
namespace {

TEST(Assets, TheIndexStandsAtTheRoot) {
  const Asset* index = find_asset("/");
  ASSERT_NE(index, nullptr);
  EXPECT_EQ(index, find_asset("/index.html"));
  EXPECT_EQ(index->content_type, "text/html; charset=utf-8");
  EXPECT_FALSE(index->immutable) << "it names the others, so it must be asked for each time";
  EXPECT_NE(index->plain.find("<div id=\"app\">"), std::string_view::npos);
}

TEST(Assets, EveryFileThatTheIndexNamesIsThereAndKeptForEver) {
  const std::string_view page = find_asset("/")->plain;
  int found = 0;
  for (std::size_t at = page.find("/assets/"); at != std::string_view::npos; at = page.find("/assets/", at + 1)) {
    const std::string_view path = page.substr(at, page.find('"', at) - at);
    const Asset* asset = find_asset(path);
    ASSERT_NE(asset, nullptr) << path;
    EXPECT_TRUE(asset->immutable) << path;
    ++found;
  }
  EXPECT_GE(found, 2) << "a script and a style";
}

TEST(Assets, HoldNothingInlineThatThePolicyForbids) {
  const std::string_view page = find_asset("/")->plain;
  EXPECT_EQ(page.find("<style"), std::string_view::npos);
  for (std::size_t at = page.find("<script"); at != std::string_view::npos; at = page.find("<script", at + 1))
    EXPECT_NE(page.substr(at, page.find('>', at) - at).find("src="), std::string_view::npos);
}

// What a browser loads before it shows the overview is measured by tests/browser.
TEST(Assets, ArePackedAndKeepTheBudget) {
  std::size_t all = 0;
  for (const Asset& asset : assets()) {
    ASSERT_GT(asset.gzip.size(), 10U) << asset.path;
    EXPECT_EQ(asset.gzip.substr(0, 2), "\x1f\x8b") << asset.path;
    all += asset.gzip.size();
  }
  EXPECT_LE(all, 150U * 1000);
}

TEST(Assets, UnknownPathsAreNone) {
  for (const char* path : {"", "/assets/", "/assets/../index.html", "/index.html/", "/INDEX.HTML"}) EXPECT_EQ(find_asset(path), nullptr) << path;
}

}  // namespace
}  // namespace choregos::api
