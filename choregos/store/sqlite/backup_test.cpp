#include "choregos/store/sqlite/backup.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "choregos/store/sqlite/database.hpp"
#include "choregos/store/sqlite/sqlite_store.hpp"

namespace choregos::store {
namespace {

class BackupTest : public testing::Test {
 protected:
  BackupTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "choregos-backup-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    state_ = folder_ / "state" / "state.db";
    saved_ = folder_ / "saved.db";
  }
  ~BackupTest() override { std::filesystem::remove_all(folder_); }

  /// Opens the store and persists agents "PREFIX0" … .
  std::unique_ptr<Store> store_with(const std::string& prefix, std::size_t count) {
    auto store = make_sqlite_store({.path = state_});
    const auto loaded = store->open();
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
    if (!loaded) return store;
    std::vector<Change> changes;
    for (std::size_t i = 0; i < count; ++i) {
      auto record = std::make_shared<AgentRecord>();
      record->agent.id = prefix + std::to_string(i);
      record->revision = loaded->start.number + 1 + i;
      Change change;
      change.kind = ChangeKind::appeared;
      change.revision = {loaded->start.epoch, record->revision};
      change.record = record;
      changes.push_back(change);
    }
    EXPECT_TRUE(store->persist(changes));
    return store;
  }
  std::vector<std::string> ids() const {
    auto store = make_sqlite_store({.path = state_});
    std::vector<std::string> out;
    const auto loaded = store->open();
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
    if (loaded)
      for (const auto& stored : loaded->agents) out.push_back(stored.agent.id);
    return out;
  }

  std::filesystem::path folder_;
  std::string state_, saved_;
};

TEST_F(BackupTest, SavesBesideARunningStoreAndPutsBack) {
  auto store = store_with("a", 3);
  const auto facts = save_snapshot(state_, saved_);
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->agents, 3);
  EXPECT_EQ(facts->schema, 2);
  struct stat info {};
  ASSERT_EQ(::stat(saved_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 2) << "one file, nothing left beside it";

  store->close();
  store_with("b", 2)->close();
  EXPECT_EQ(ids().size(), 5u);
  const auto restored = restore_snapshot(saved_, state_);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(ids(), (std::vector<std::string>{"a0", "a1", "a2"}));
}

TEST_F(BackupTest, PutsBackIntoAnEmptyPlace) {
  store_with("a", 1)->close();
  ASSERT_TRUE(save_snapshot(state_, saved_));
  std::filesystem::remove_all(folder_ / "state");
  ASSERT_TRUE(restore_snapshot(saved_, state_));
  EXPECT_EQ(ids(), std::vector<std::string>{"a0"});
}

TEST_F(BackupTest, RefusesWhileAStoreIsOpen) {
  auto store = store_with("a", 1);
  ASSERT_TRUE(save_snapshot(state_, saved_));
  const auto refused = restore_snapshot(saved_, state_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
}

TEST_F(BackupTest, NeverWritesOverAFile) {
  store_with("a", 1)->close();
  std::ofstream(saved_) << "precious";
  EXPECT_EQ(save_snapshot(state_, saved_).error().code, ErrorCode::conflict);
  std::string text;
  std::ifstream(saved_) >> text;
  EXPECT_EQ(text, "precious");
}

TEST_F(BackupTest, RefusesWhatIsNoSnapshotAndLeavesTheStore) {
  store_with("a", 1)->close();
  EXPECT_EQ(restore_snapshot(folder_ / "none", state_).error().code, ErrorCode::not_found);
  std::ofstream(saved_) << "this is no database, but it is long enough to be taken for one by somebody who looks at its size only, or so one may think";
  EXPECT_EQ(restore_snapshot(saved_, state_).error().code, ErrorCode::invalid);
  std::filesystem::remove(saved_);

  ASSERT_TRUE(save_snapshot(state_, saved_));
  const auto size = std::filesystem::file_size(saved_);
  const std::string cut = folder_ / "cut.db", newer = folder_ / "newer.db", other = folder_ / "other.db";
  for (const auto& copy : {cut, newer, other}) std::filesystem::copy_file(saved_, copy);
  std::filesystem::resize_file(cut, size - 4096);
  EXPECT_EQ(restore_snapshot(cut, state_).error().code, ErrorCode::invalid);
  ASSERT_TRUE(Database::open(newer)->run("PRAGMA user_version = 99"));
  EXPECT_EQ(restore_snapshot(newer, state_).error().code, ErrorCode::unsupported);
  ASSERT_TRUE(Database::open(other)->run("PRAGMA application_id = 7"));
  EXPECT_EQ(restore_snapshot(other, state_).error().code, ErrorCode::invalid);
  EXPECT_EQ(ids(), std::vector<std::string>{"a0"});
}

TEST_F(BackupTest, IsOldOrNewAfterAKillAtAnyTime) {
  store_with("new", 400)->close();
  ASSERT_TRUE(save_snapshot(state_, saved_));
  std::filesystem::remove_all(folder_ / "state");
  store_with("old", 300)->close();
  int killed = 0;
  for (int wait_us = 0; wait_us < 20'000; wait_us += 700) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(restore_snapshot(saved_, state_) ? 0 : 1);
    std::this_thread::sleep_for(std::chrono::microseconds(wait_us));
    (void)::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    killed += WIFSIGNALED(status) ? 1 : 0;
    const auto found = ids();
    ASSERT_TRUE((found.size() == 300 && found[0] == "old0") || (found.size() == 400 && found[0] == "new0")) << found.size() << " after " << wait_us << " us";
  }
  EXPECT_GT(killed, 0);
}

}  // namespace
}  // namespace choregos::store
