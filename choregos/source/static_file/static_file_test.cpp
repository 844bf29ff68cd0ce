#include "choregos/source/static_file/static_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace choregos::source {
namespace {

struct Files {
  std::filesystem::path folder;
  net::Loop loop;
  std::vector<std::vector<Target>> published;

  Files() {
    char name[] = "/tmp/static_file_XXXXXX";
    folder = ::mkdtemp(name);
  }
  ~Files() { std::filesystem::remove_all(folder); }
  std::string path(const std::string& name = "targets.toml") const { return (folder / name).string(); }
  void write(const std::string& text, const std::string& name = "targets.toml") const { std::ofstream(path(name), std::ios::binary) << text; }
  StaticFile::Options options() const {
    StaticFile::Options o;
    o.path = path();
    o.look_every = 10ms;
    return o;
  }
  PublishTargets taker() {
    return [this](const std::string& origin, std::vector<Target> targets) {
      EXPECT_EQ(origin, "static_file");
      published.push_back(std::move(targets));
    };
  }
  bool wait(const std::function<bool()>& done) { return loop.run_until(done, 5s); }
};

std::string one(const std::string& address) { return "[[target]]\naddress = \"" + address + "\"\n"; }

TEST(StaticFile, PublishesTheListAtOnceAndAgainWhenItChanges) {
  Files f;
  f.write(one("127.0.0.1:8081"));
  StaticFile source(f.loop, f.options(), f.taker());
  source.start();
  source.start();
  ASSERT_EQ(f.published.size(), 1u) << "before start returns";
  ASSERT_EQ(f.published[0].size(), 1u);
  EXPECT_TRUE(f.published[0][0].configured) << "an operator wrote it, so loopback is allowed";
  EXPECT_EQ(source.health().state, SourceState::ok);

  f.write(one("127.0.0.1:8081") + one("10.0.0.4:8081"));
  ASSERT_TRUE(f.wait([&] { return f.published.size() == 2; }));
  EXPECT_EQ(f.published[1].size(), 2u);
}

TEST(StaticFile, FollowsAnAtomicRename) {
  Files f;
  f.write(one("10.0.0.1:1"));
  StaticFile source(f.loop, f.options(), f.taker());
  source.start();
  f.write(one("10.0.0.2:1"), "next");  // same size
  ASSERT_EQ(std::rename(f.path("next").c_str(), f.path().c_str()), 0);
  ASSERT_TRUE(f.wait([&] { return f.published.size() == 2; }));
  EXPECT_EQ(f.published[1][0].address, *parse_socket_address("10.0.0.2:1"));
}

TEST(StaticFile, BrokenEditKeepsTheOldListAndSaysWhere) {
  Files f;
  f.write(one("10.0.0.1:1"));
  StaticFile source(f.loop, f.options(), f.taker());
  source.start();
  f.write(one("10.0.0.1:1") + "[[target]]\nadress = \"10.0.0.2:1\"\n");
  ASSERT_TRUE(f.wait([&] { return source.health().state == SourceState::degraded; }));
  const SourceHealth health = source.health();
  EXPECT_NE(health.last_error.find("line 4, column 1"), std::string::npos) << health.last_error;
  EXPECT_NE(health.advice.find("did you mean address?"), std::string::npos);
  EXPECT_NE(health.detail.find("the last good list stays in use"), std::string::npos);
  EXPECT_EQ(f.published.size(), 1u);
  f.write(one("10.0.0.3:1"));
  ASSERT_TRUE(f.wait([&] { return f.published.size() == 2; }));
  EXPECT_EQ(source.health().state, SourceState::ok);
}

TEST(StaticFile, MissingAtStartIsFailedAndLookedForAgain) {
  Files f;
  StaticFile source(f.loop, f.options(), f.taker());
  source.start();
  EXPECT_EQ(source.health().state, SourceState::failed);
  EXPECT_TRUE(f.published.empty()) << "not being able to read is not an empty list";
  f.write(one("10.0.0.1:1"));
  ASSERT_TRUE(f.wait([&] { return f.published.size() == 1; }));
  EXPECT_EQ(source.health().state, SourceState::ok);
}

TEST(StaticFile, FileThatVanishesKeepsTheOldList) {
  Files f;
  f.write(one("10.0.0.1:1"));
  StaticFile source(f.loop, f.options(), f.taker());
  source.start();
  std::filesystem::remove(f.path());
  ASSERT_TRUE(f.wait([&] { return source.health().state == SourceState::degraded; }));
  EXPECT_EQ(f.published.size(), 1u);
  f.write(one("10.0.0.1:1"));
  ASSERT_TRUE(f.wait([&] { return source.health().state == SourceState::ok; }));
  EXPECT_EQ(f.published.size(), 1u) << "nothing changed";
}

TEST(StaticFile, FolderAndPipeAreRefusedWithoutBlocking) {
  Files f;
  std::filesystem::create_directory(f.path());
  StaticFile folder(f.loop, f.options(), f.taker());
  folder.start();
  EXPECT_EQ(folder.health().state, SourceState::failed);
  StaticFile::Options o = f.options();
  o.path = f.path("pipe");
  ASSERT_EQ(::mkfifo(o.path.c_str(), 0600), 0);
  StaticFile pipe(f.loop, o, f.taker());
  pipe.start();
  EXPECT_EQ(pipe.health().state, SourceState::failed);
}

TEST(StaticFile, NamesAreResolvedAndOneHostIsNotTwoTargets) {
  Files f;
  f.write(one("localhost:8081"));
  StaticFile source(f.loop, f.options(), f.taker());
  source.start();
  ASSERT_TRUE(f.wait([&] { return !f.published.empty(); }));
  ASSERT_EQ(f.published[0].size(), 1u) << "127.0.0.1, not ::1 too";
  EXPECT_EQ(f.published[0][0].address, *parse_socket_address("127.0.0.1:8081"));
  EXPECT_EQ(f.published[0][0].host, "localhost:8081");
}

TEST(StaticFile, StopTwiceIsHarmlessAndNothingIsPublishedAfterIt) {
  Files f;
  f.write(one("10.0.0.1:1"));
  StaticFile source(f.loop, f.options(), f.taker());
  source.stop();
  source.start();
  source.stop();
  source.stop();
  f.write(one("10.0.0.2:1"));
  f.loop.run_until([] { return false; }, 60ms);
  EXPECT_EQ(f.published.size(), 1u);
  EXPECT_EQ(source.health().state, SourceState::off);
  source.start();
  EXPECT_EQ(f.published.size(), 2u) << "started again it reads again";
}

}  // namespace
}  // namespace choregos::source
