#include "choregos/store/sqlite/sqlite_store.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "choregos/base/rng.hpp"
#include "choregos/store/sqlite/database.hpp"

namespace choregos::store {
namespace {

/// A folder of its own for each test, gone afterwards.
class SqliteStoreTest : public testing::Test {
 protected:
  SqliteStoreTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "choregos-store-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    options_.path = folder_ / "state" / "state.db";
  }
  ~SqliteStoreTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Store> make() const { return make_sqlite_store(options_); }
  Database database() const { return Database::open(options_.path).value(); }

  std::filesystem::path folder_;
  SqliteOptions options_;
};

Agent agent_of(const std::string& id) {
  Agent agent;
  agent.id = id;
  agent.name = "Agent \"" + id + "\"";
  agent.status = Status::working;
  agent.capabilities = {"a", "b"};
  agent.model = "llama3.1:8b";
  agent.endpoint = "http://10.0.0.4:8080";
  agent.tasks_completed = 7;
  agent.current_team = "alpha";
  agent.p2p_addr = "10.0.0.4:9000";
  agent.cluster_id = "c";
  agent.incarnation = 1'700'000'000'123;
  agent.first_seen = WallTime{1'700'000'000'000};
  agent.liveness_since = WallTime{1'700'000'000'500};
  agent.task = SwarmTask{"chorus", "1", "t1"};
  agent.aliases = {"10.0.0.4:8081"};
  agent.labels = {{"zone", "b"}};
  agent.sources = {"beacon"};
  return agent;
}

Change change_of(std::uint64_t number, ChangeKind kind, Agent agent, std::int64_t seen_ms = 1'700'000'001'000) {
  auto vitals = std::make_shared<Vitals>();
  vitals->last_seen_ms = seen_ms;
  Change change;
  change.revision = {1, number};
  change.kind = kind;
  change.record = std::make_shared<AgentRecord>(AgentRecord{std::move(agent), number, vitals});
  change.wall_at = WallTime{1'700'000'000'000 + static_cast<std::int64_t>(number)};
  return change;
}

Result<void> persist(Store& store, std::vector<Change> changes) { return store.persist(changes); }

Result<void> persist_appeared(Store& store, std::uint64_t number, const std::string& id) {
  return persist(store, {change_of(number, ChangeKind::appeared, agent_of(id))});
}

TEST_F(SqliteStoreTest, KeepsRecordsAcrossReopening) {
  std::uint64_t number = 0;
  {
    const auto store = make();
    const auto loaded = store->open();
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_TRUE(loaded->agents.empty());
    number = loaded->start.number;
    ASSERT_TRUE(persist(*store, {change_of(number + 1, ChangeKind::appeared, agent_of("b")), change_of(number + 2, ChangeKind::appeared, agent_of("a"))}));
    Agent changed = agent_of("a");
    changed.model = "codellama";
    ASSERT_TRUE(persist(*store, {change_of(number + 3, ChangeKind::updated, changed, 1'700'000'002'000)}));
    store->close();
    store->close();
    EXPECT_EQ(persist_appeared(*store, 1, "x").error().code, ErrorCode::unavailable);
  }
  const auto store = make();
  const auto loaded = store->open();
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->agents.size(), 2U);
  Agent want = agent_of("a");
  want.model = "codellama";
  EXPECT_EQ(loaded->agents[0].agent, want);
  EXPECT_EQ(loaded->agents[0].last_seen.ms, 1'700'000'002'000);
  EXPECT_EQ(loaded->agents[1].agent, agent_of("b"));
  EXPECT_GE(loaded->start.number, number + 3);
  EXPECT_EQ(loaded->note, "");
}

TEST_F(SqliteStoreTest, ArchivesTheForgottenAndRemovesTheMerged) {
  {
    const auto store = make();
    ASSERT_TRUE(store->open());
    ASSERT_TRUE(persist(*store, {change_of(1, ChangeKind::appeared, agent_of("a")), change_of(2, ChangeKind::appeared, agent_of("b")),
                                 change_of(3, ChangeKind::appeared, agent_of("c"))}));
    ASSERT_TRUE(persist(*store, {change_of(4, ChangeKind::forgotten, agent_of("a")), change_of(5, ChangeKind::merged, agent_of("b"))}));
  }
  const auto store = make();
  const auto loaded = store->open();
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->agents.size(), 1U);
  EXPECT_EQ(loaded->agents[0].agent.id, "c");
  ASSERT_EQ(loaded->archived.size(), 1U);
  EXPECT_EQ(loaded->archived[0].agent, agent_of("a"));
  EXPECT_EQ(loaded->archived[0].forgotten_at.ms, 1'700'000'000'004);
  ASSERT_TRUE(persist(*store, {change_of(6, ChangeKind::appeared, agent_of("a"))}));
  store->close();
  const auto again = make();
  const auto back = again->open();
  EXPECT_EQ(back->agents.size(), 2U);
  EXPECT_TRUE(back->archived.empty());
}

TEST_F(SqliteStoreTest, PrunesTheArchiveByCountAndAge) {
  options_.archive_count_max = 3;
  options_.archive_for = 10s;
  {
    const auto store = make();
    ASSERT_TRUE(store->open());
    for (std::uint64_t i = 1; i <= 5; ++i) ASSERT_TRUE(persist(*store, {change_of(i, ChangeKind::forgotten, agent_of("a" + std::to_string(i)))}));
  }
  {
    const auto store = make();
    const auto loaded = store->open();
    ASSERT_EQ(loaded->archived.size(), 3U);
    EXPECT_EQ(loaded->archived[0].agent.id, "a5");
    ASSERT_TRUE(persist(*store, {change_of(10'005, ChangeKind::forgotten, agent_of("late"))}));  // wall time runs with the number: 10 s on
  }
  const auto store = make();
  const auto loaded = store->open();
  ASSERT_EQ(loaded->archived.size(), 2U);
  EXPECT_EQ(loaded->archived[0].agent.id, "late");
  EXPECT_EQ(loaded->archived[1].agent.id, "a5");
}

TEST_F(SqliteStoreTest, WaitsForTheDiskOnlyWhenSomethingDurableChanged) {
  const auto store = make();
  ASSERT_TRUE(store->open());
  ASSERT_TRUE(persist_appeared(*store, 1, "a"));
  const auto before = store->health();
  Agent suspect = agent_of("a");
  suspect.liveness = Liveness::suspect;
  suspect.reason = "silent";
  suspect.sources = {};
  ASSERT_TRUE(persist(*store, {change_of(2, ChangeKind::liveness, suspect)}));
  EXPECT_EQ(store->health().transactions, before.transactions);
  EXPECT_EQ(store->health().pending, 1U);
  ASSERT_TRUE(store->flush());
  EXPECT_EQ(store->health().transactions, before.transactions + 1);
  EXPECT_EQ(store->health().pending, 0U);
  ASSERT_TRUE(store->flush());
  EXPECT_EQ(store->health().transactions, before.transactions + 1);

  Agent back = suspect;  // alive again, and with news: a registration may be waiting for it
  back.liveness = Liveness::alive;
  back.endpoint = "http://10.0.0.5:8080";
  ASSERT_TRUE(persist(*store, {change_of(3, ChangeKind::liveness, back)}));
  EXPECT_EQ(store->health().transactions, before.transactions + 2);
  Agent left = back;
  left.liveness = Liveness::left;
  ASSERT_TRUE(persist(*store, {change_of(4, ChangeKind::liveness, left)}));
  EXPECT_EQ(store->health().transactions, before.transactions + 3);
  store->close();

  const auto again = make();
  const auto loaded = again->open();
  ASSERT_EQ(loaded->agents.size(), 1U);
  EXPECT_EQ(loaded->agents[0].agent, left);
  const auto opened = again->health().transactions;
  ASSERT_TRUE(persist(*again, {change_of(loaded->start.number + 1, ChangeKind::appeared, left)}));  // put back at the start: nothing new
  EXPECT_EQ(again->health().transactions, opened);
}

TEST_F(SqliteStoreTest, TouchesLastSeenForwardOnly) {
  const auto touch = [](Store& store, const std::string& id, std::int64_t ms) {
    store.touch(std::vector<std::pair<std::string, WallTime>>{{id, WallTime{ms}}});
  };
  {
    const auto store = make();
    ASSERT_TRUE(store->open());
    ASSERT_TRUE(persist(*store, {change_of(1, ChangeKind::appeared, agent_of("a"), 5000), change_of(2, ChangeKind::appeared, agent_of("b"), 5000)}));
    touch(*store, "a", 9000);
    touch(*store, "a", 7000);
    touch(*store, "b", 4000);
    touch(*store, "nobody", 9000);
    ASSERT_TRUE(store->flush());
  }
  const auto store = make();
  const auto loaded = store->open();
  ASSERT_EQ(loaded->agents.size(), 2U);
  EXPECT_EQ(loaded->agents[0].last_seen.ms, 9000);
  EXPECT_EQ(loaded->agents[1].last_seen.ms, 5000);
}

TEST_F(SqliteStoreTest, RenewsItsBlockOfRevisionsBeforeTheyRunOut) {
  options_.revision_block = 10;
  const auto store = make();
  ASSERT_TRUE(store->open());
  ASSERT_TRUE(persist_appeared(*store, 1, "a"));
  Agent suspect = agent_of("a");
  for (std::uint64_t number = 2; number < 200; ++number) {
    suspect.liveness = suspect.liveness == Liveness::alive ? Liveness::suspect : Liveness::alive;
    ASSERT_TRUE(persist(*store, {change_of(number, ChangeKind::liveness, suspect)}));
    ASSERT_GE(store->health().revision_reserved, number);
    ASSERT_GE(database().number("SELECT value FROM meta WHERE key = 'revision_reserved'").value(), static_cast<std::int64_t>(number));
  }
  EXPECT_LT(store->health().transactions, 60U);
}

TEST_F(SqliteStoreTest, NeverReusesARevisionAcross50OpeningsSomeOfThemCrashes) {
  options_.revision_block = 20;
  Rng rng(7);
  Revision last{0, 0};
  for (int round = 0; round < 50; ++round) {
    // The child hands out revisions and dies without closing in every other round.
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const auto changes = rng.below(60);
    const bool crash = round % 2 == 0;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto store = make();
      const auto loaded = store->open();
      Revision used = loaded ? loaded->start : Revision{};
      const Revision first = used;
      for (std::uint64_t i = 0; loaded && i < changes; ++i) {
        ++used.number;
        Agent agent = agent_of("a");
        agent.liveness = i % 2 == 0 ? Liveness::alive : Liveness::suspect;
        if (!persist(*store, {change_of(used.number, ChangeKind::liveness, agent)})) ::_exit(2);
      }
      const std::array<Revision, 2> told{first, used};
      if (!loaded || ::write(pipe[1], told.data(), sizeof told) != sizeof told) ::_exit(3);
      if (crash) ::kill(::getpid(), SIGKILL);
      store->close();
      ::_exit(0);
    }
    ::close(pipe[1]);
    std::array<Revision, 2> told{};
    ASSERT_EQ(::read(pipe[0], told.data(), sizeof told), static_cast<ssize_t>(sizeof told));
    ::close(pipe[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WIFSIGNALED(status), crash);
    EXPECT_GT(told[0].epoch, last.epoch);
    EXPECT_GE(told[0].number, last.number);
    last = told[1];
  }
}

/// In the child: acknowledge through the pipe what persist() said is durable, for ever.
[[noreturn]] void persist_for_ever(Store& store, int out) {
  auto loaded = store.open();
  if (!loaded) ::_exit(1);
  std::uint64_t number = loaded->start.number;
  for (;;) {
    std::vector<Change> batch;
    const std::uint64_t first = number + 1;
    for (int i = 0; i < 5; ++i) {
      ++number;
      batch.push_back(change_of(number, ChangeKind::appeared, agent_of("a-" + std::to_string(number))));
    }
    batch.push_back(change_of(++number, ChangeKind::forgotten, agent_of("a-" + std::to_string(first))));
    if (!store.persist(batch)) ::_exit(2);
    if (::write(out, &number, sizeof number) != sizeof number) ::_exit(3);
  }
}

TEST_F(SqliteStoreTest, LosesNothingAcknowledgedWhenKilledAtRandomPoints) {
  Rng rng(20);
  std::set<std::uint64_t> acknowledged;  // last number of each batch
  for (int round = 0; round < 20; ++round) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(pipe[0]);
      const auto store = make();
      persist_for_ever(*store, pipe[1]);
    }
    ::close(pipe[1]);
    std::uint64_t number = 0;
    for (auto batches = 1 + rng.below(40); batches > 0; --batches) {
      ASSERT_EQ(::read(pipe[0], &number, sizeof number), static_cast<ssize_t>(sizeof number));
      acknowledged.insert(number);
    }
    // Land at another point of the next batch each time: opening, writing, syncing.
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(rng.below(3000));
    while (std::chrono::steady_clock::now() < until) {
    }
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    while (::read(pipe[0], &number, sizeof number) == static_cast<ssize_t>(sizeof number)) acknowledged.insert(number);
    ::close(pipe[0]);

    {
      Database raw = database();
      ASSERT_EQ(raw.text("PRAGMA integrity_check").value(), "ok");
    }
    const auto store = make();
    const auto loaded = store->open();
    ASSERT_TRUE(loaded) << loaded.error().message;
    ASSERT_GE(loaded->start.number, *acknowledged.rbegin());
    std::set<std::string> listed, archived;
    for (const auto& agent : loaded->agents) listed.insert(agent.agent.id);
    for (const auto& agent : loaded->archived) archived.insert(agent.agent.id);
    for (const std::uint64_t end : acknowledged) {
      ASSERT_TRUE(archived.contains("a-" + std::to_string(end - 5))) << "round " << round;
      for (std::uint64_t n = end - 4; n < end; ++n) ASSERT_TRUE(listed.contains("a-" + std::to_string(n))) << "round " << round;
    }
  }
}

TEST_F(SqliteStoreTest, KeepsWhatAFullDiskRefusedAndWritesItLater) {
  options_.page_count_max = 24;
  const auto store = make();
  ASSERT_TRUE(store->open());
  std::uint64_t number = 0;
  std::set<std::string> acknowledged;
  Result<void> written;
  while (number < 10'000 && (written = persist_appeared(*store, number + 1, "a" + std::to_string(number + 1))).has_value())
    acknowledged.insert("a" + std::to_string(++number));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::io);
  EXPECT_NE(written.error().message.find(options_.path), std::string::npos);
  EXPECT_NE(written.error().message.find("full"), std::string::npos) << written.error().message;
  EXPECT_NE(written.error().message.find("space"), std::string::npos);
  EXPECT_FALSE(persist_appeared(*store, number + 2, "later"));
  EXPECT_FALSE(store->health().ok);
  EXPECT_EQ(store->health().pending, 2U);
  EXPECT_EQ(store->health().errors, 2U);
  {
    // What was acknowledged is still there, and nothing else: the file itself is whole.
    Database raw = database();
    EXPECT_EQ(raw.number("SELECT count(*) FROM agent").value(), static_cast<std::int64_t>(acknowledged.size()));
    EXPECT_EQ(raw.text("PRAGMA integrity_check").value(), "ok");
  }
  // Forgetting makes room in the record table; with it goes everything that waited.
  std::vector<Change> merged;
  for (std::uint64_t n = 1; n <= number; ++n) merged.push_back(change_of(number + 2 + n, ChangeKind::merged, agent_of("a" + std::to_string(n))));
  const auto room = store->persist(merged);
  ASSERT_TRUE(room) << room.error().message;
  EXPECT_TRUE(store->health().ok);
  EXPECT_EQ(store->health().pending, 0U);
  EXPECT_EQ(database().number("SELECT count(*) FROM agent").value(), 2);
}

TEST_F(SqliteStoreTest, SurvivesAFileSizeLimitOfTheSystem) {
  // In a child, because the limit of a process cannot be confined to one file.
  ::fflush(nullptr);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const auto store = make();
    if (!store->open()) ::_exit(10);
    const rlimit small{256 * 1024, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &small) != 0) ::_exit(11);
    std::uint64_t acknowledged = 0;
    while (acknowledged < 10'000 && persist_appeared(*store, acknowledged + 1, "a" + std::to_string(acknowledged + 1))) ++acknowledged;
    if (acknowledged == 0 || acknowledged == 10'000 || store->health().ok) ::_exit(12);
    const rlimit large{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &large) != 0) ::_exit(13);
    if (!persist_appeared(*store, acknowledged + 2, "after")) ::_exit(14);
    if (store->health().pending != 0 || !store->health().ok) ::_exit(15);
    store->close();
    const auto again = make();
    const auto loaded = again->open();
    ::_exit(loaded && loaded->agents.size() == acknowledged + 2 ? 0 : 16);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(SqliteStoreTest, RefusesANewerSchemaAndAnotherProgramsFile) {
  { ASSERT_TRUE(make()->open()); }
  ASSERT_TRUE(database().run("PRAGMA user_version = 7"));
  const auto newer = make()->open();
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::unsupported);
  EXPECT_NE(newer.error().message.find("written by a newer choregos: schema 7, this one knows 2"), std::string::npos) << newer.error().message;
  ASSERT_TRUE(database().run("PRAGMA user_version = 1; PRAGMA application_id = 5"));
  EXPECT_NE(make()->open().error().message.find("another program"), std::string::npos);
}

TEST_F(SqliteStoreTest, RefusesADamagedFileAndLeavesItAlone) {
  {
    const auto store = make();
    ASSERT_TRUE(store->open());
    for (std::uint64_t n = 1; n < 200; ++n) ASSERT_TRUE(persist_appeared(*store, n, "a" + std::to_string(n)));
  }
  const auto size = std::filesystem::file_size(options_.path);
  for (const std::uint64_t at : {std::uint64_t{0}, size / 2}) {
    const std::filesystem::path copy = options_.path + ".copy";
    std::filesystem::copy_file(options_.path, copy, std::filesystem::copy_options::overwrite_existing);
    {
      std::fstream file(options_.path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(at));
      const std::string junk(8192, '\x5a');
      file.write(junk.data(), static_cast<std::streamsize>(junk.size()));
    }
    const auto damaged_size = std::filesystem::file_size(options_.path);
    const auto damaged = make()->open();
    ASSERT_FALSE(damaged) << at;
    EXPECT_EQ(damaged.error().code, ErrorCode::invalid);
    EXPECT_NE(damaged.error().message.find("is damaged"), std::string::npos) << damaged.error().message;
    EXPECT_NE(damaged.error().message.find("backup"), std::string::npos);
    EXPECT_EQ(std::filesystem::file_size(options_.path), damaged_size);
    std::filesystem::rename(copy, options_.path);
  }
  EXPECT_TRUE(make()->open());
}

TEST_F(SqliteStoreTest, SkipsARecordItCannotReadAndSaysSo) {
  {
    const auto store = make();
    ASSERT_TRUE(store->open());
    ASSERT_TRUE(persist_appeared(*store, 1, "a"));
    ASSERT_TRUE(persist_appeared(*store, 2, "b"));
  }
  ASSERT_TRUE(database().run("UPDATE agent SET record = 'x' WHERE id = 'a'"));
  const auto store = make();
  const auto loaded = store->open();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->agents.size(), 1U);
  EXPECT_NE(loaded->note.find("1 record of "), std::string::npos);
}

TEST_F(SqliteStoreTest, KeepsASecondProcessOutAndReadersIn) {
  const auto store = make();
  ASSERT_TRUE(store->open());
  EXPECT_EQ(store->open().error().code, ErrorCode::conflict);
  const auto second = make()->open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  ASSERT_TRUE(persist_appeared(*store, 1, "a"));
  EXPECT_EQ(database().text("SELECT record ->> 'model' FROM agent").value(), "llama3.1:8b");
  store->close();
  EXPECT_TRUE(make()->open());
}

TEST_F(SqliteStoreTest, IsReadableForItsOwnerOnly) {
  const mode_t before = ::umask(0);
  const auto store = make();
  ASSERT_TRUE(store->open());
  ASSERT_TRUE(persist_appeared(*store, 1, "a"));
  ::umask(before);
  const auto mode = [](const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0U;
  };
  EXPECT_EQ(mode(std::filesystem::path(options_.path).parent_path()), 0700U);
  for (const char* suffix : {"", "-wal", ".lock"}) EXPECT_EQ(mode(options_.path + suffix), 0600U) << suffix;
}

TEST_F(SqliteStoreTest, NamesThePathThatCannotBeMade) {
  std::ofstream(folder_ / "state") << "a file where a folder should be";
  const auto opened = make()->open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::io);
  EXPECT_NE(opened.error().message.find((folder_ / "state").string()), std::string::npos) << opened.error().message;
}

TEST_F(SqliteStoreTest, Loads100000Agents) {
  using Clock = std::chrono::steady_clock;
  const auto millis = [](Clock::time_point from) { return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - from).count(); };
  constexpr std::uint64_t kCount = 100'000;
  const auto writing = Clock::now();
  {
    const auto store = make();
    ASSERT_TRUE(store->open());
    std::vector<Change> changes;
    for (std::uint64_t n = 1; n <= kCount; ++n) changes.push_back(change_of(n, ChangeKind::appeared, agent_of("agent-" + std::to_string(n))));
    ASSERT_TRUE(store->persist(changes));
  }
  const auto wrote = millis(writing);
  const auto reading = Clock::now();
  const auto store = make();
  const auto loaded = store->open();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->agents.size(), kCount);
  std::printf("100,000 agents: written in %lld ms, loaded in %lld ms, %llu bytes\n", static_cast<long long>(wrote),
              static_cast<long long>(millis(reading)), static_cast<unsigned long long>(store->health().bytes));
}

// ---- history ----------------------------------------------------------------------------------------------------------

Agent with_liveness(const std::string& id, Liveness liveness, const std::string& reason = "") {
  Agent agent = agent_of(id);
  agent.liveness = liveness;
  agent.reason = reason;
  return agent;
}

std::vector<std::string> kinds_of(const Result<Past>& past) {
  std::vector<std::string> out;
  if (!past) return {past.error().message};
  for (const auto& event : past->events) out.emplace_back(to_string(event.kind));
  return out;
}
using Kinds = std::vector<std::string>;

TEST_F(SqliteStoreTest, KeepsWhatHappenedToAnAgentAcrossRestarts) {
  {
    const auto store = make();
    ASSERT_TRUE(store->open());
    ASSERT_TRUE(store->persist(std::vector<Change>{change_of(1, ChangeKind::appeared, agent_of("a")), change_of(2, ChangeKind::appeared, agent_of("b"))}));
    ASSERT_TRUE(store->persist(std::vector<Change>{change_of(3, ChangeKind::liveness, with_liveness("a", Liveness::suspect, "no beacon for 4 s"))}));
    EXPECT_EQ(kinds_of(store->past("a")), (Kinds{"liveness", "appeared"})) << "before any flush, too";
    EXPECT_EQ(kinds_of(store->past("nobody")), Kinds{});
    store->close();
    EXPECT_FALSE(store->past("a"));
  }
  const auto store = make();
  ASSERT_TRUE(store->open());
  // Put back at the start and confirmed: nothing happened.
  ASSERT_TRUE(store->persist(std::vector<Change>{change_of(200'000, ChangeKind::appeared, with_liveness("a", Liveness::unconfirmed)),
                                                 change_of(200'001, ChangeKind::liveness, with_liveness("a", Liveness::suspect, "no beacon for 4 s"))}));
  ASSERT_TRUE(store->persist(std::vector<Change>{change_of(200'002, ChangeKind::liveness, with_liveness("a", Liveness::lost, "silent")),
                                                 change_of(200'003, ChangeKind::forgotten, with_liveness("a", Liveness::lost, "silent"))}));
  const auto past = store->past("a");
  EXPECT_EQ(kinds_of(past), (Kinds{"forgotten", "liveness", "liveness", "appeared"}));
  EXPECT_EQ(past->events[2].reason, "no beacon for 4 s");
  EXPECT_EQ(past->events[2].was, Liveness::alive);
  ASSERT_TRUE(past->forgotten);
  EXPECT_EQ(past->forgotten->agent.reason, "silent");
  EXPECT_EQ(past->forgotten->forgotten_at.ms, 1'700'000'200'003);
  EXPECT_FALSE(store->past("b")->forgotten);
}

TEST_F(SqliteStoreTest, HistoryIsBoundedForEachAgentAndInAll) {
  options_.history_count_max = 200;
  const auto store = make();
  ASSERT_TRUE(store->open());
  std::uint64_t number = 0;
  const auto flap = [&](const std::string& id, int times) {
    std::vector<Change> changes{change_of(++number, ChangeKind::appeared, agent_of(id))};
    for (int i = 0; i < times; ++i) changes.push_back(change_of(++number, ChangeKind::liveness, with_liveness(id, i % 2 == 0 ? Liveness::suspect : Liveness::alive, std::to_string(i))));
    ASSERT_TRUE(store->persist(changes));
    EXPECT_FALSE(kinds_of(store->past(id)).empty());
  };
  flap("a", 100);
  const auto past = store->past("a");
  ASSERT_EQ(past->events.size(), limits::history_of_agent_max);
  EXPECT_EQ(past->events.front().reason, "99");
  EXPECT_EQ(past->events.back().reason, "36");
  EXPECT_EQ(*database().number("SELECT count(*) FROM history"), static_cast<std::int64_t>(limits::history_of_agent_max));
  for (int i = 0; i < 10; ++i) flap("b" + std::to_string(i), 30);
  EXPECT_LE(*database().number("SELECT count(*) FROM history"), 200);
  EXPECT_EQ(kinds_of(store->past("a")), Kinds{}) << "the oldest went first";
  EXPECT_EQ(store->past("b9")->events.size(), 31U);
}

TEST_F(SqliteStoreTest, AMergedRecordBringsItsHistoryAlong) {
  const auto store = make();
  ASSERT_TRUE(store->open());
  Change merged = change_of(3, ChangeKind::merged, agent_of("10.0.0.1:80"));
  merged.into = "a";
  ASSERT_TRUE(store->persist(std::vector<Change>{change_of(1, ChangeKind::appeared, agent_of("10.0.0.1:80")), change_of(2, ChangeKind::appeared, agent_of("a")), merged}));
  const auto past = store->past("a");
  EXPECT_EQ(kinds_of(past), (Kinds{"merged", "appeared", "appeared"}));
  EXPECT_EQ(past->events[0].other, "10.0.0.1:80");
  EXPECT_EQ(past->events[2].id, "10.0.0.1:80");
  EXPECT_TRUE(store->past("10.0.0.1:80")->empty());
}

TEST_F(SqliteStoreTest, AFileOfTheFirstSchemaGrowsAHistoryAndKeepsItsRecords) {
  {
    const auto store = make();
    ASSERT_TRUE(store->open());
    ASSERT_TRUE(store->persist(std::vector<Change>{change_of(1, ChangeKind::appeared, agent_of("a"))}));
  }
  const std::string grown = *database().text("SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name)");
  ASSERT_TRUE(database().run("DROP TABLE history; PRAGMA user_version = 1"));
  const auto store = make();
  const auto loaded = store->open();
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->agents.size(), 1U);
  EXPECT_EQ(*database().number("PRAGMA user_version"), 2);
  EXPECT_EQ(*database().text("SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name)"), grown);
  ASSERT_TRUE(store->persist(std::vector<Change>{change_of(200'001, ChangeKind::liveness, with_liveness("a", Liveness::lost))}));
  EXPECT_EQ(kinds_of(store->past("a")), Kinds{"liveness"});
}

}  // namespace
}  // namespace choregos::store
