#include "choregos/store/sqlite/backup.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "choregos/store/sqlite/database.hpp"
#include "choregos/store/sqlite/place.hpp"

namespace choregos::store {
namespace {

Error about(const std::string& path, const Error& error) {
  return fail(error.code, path + (error.code == ErrorCode::invalid ? " is damaged or no store of choregos: " : ": ") + error.message);
}

Result<Database> open_existing(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return fail(ErrorCode::not_found, "there is no file " + path);
  auto database = Database::open(path);
  if (!database) return about(path, database.error());
  return database;
}

/// Reads every page: a snapshot that is put back must not fail later.
Result<SnapshotFacts> inspect(Database& database, const std::string& path) {
  const auto application = database.number("PRAGMA application_id");
  if (!application) return about(path, application.error());
  if (*application != kApplicationId) return fail(ErrorCode::invalid, path + " is no store of choregos");
  SnapshotFacts facts;
  const auto schema = database.number("PRAGMA user_version");
  if (!schema) return about(path, schema.error());
  facts.schema = *schema;
  if (facts.schema > kSchema)
    return fail(ErrorCode::unsupported, path + " was written by a newer choregos: schema " + std::to_string(facts.schema) + ", this one knows " + std::to_string(kSchema) + "; use the newer one");
  const auto sound = database.text("PRAGMA integrity_check(1)");
  if (!sound) return about(path, sound.error());
  if (*sound != "ok") return about(path, fail(ErrorCode::invalid, *sound));
  const std::pair<const char*, std::int64_t&> wanted[] = {{"SELECT value FROM meta WHERE key = 'epoch'", facts.epoch},
                                                          {"SELECT count(*) FROM agent", facts.agents},
                                                          {"SELECT count(*) FROM archive", facts.forgotten}};
  for (const auto& [sql, into] : wanted) {
    const auto number = database.number(sql);
    if (!number) return about(path, fail(ErrorCode::invalid, number.error().message));  // a table is missing
    into = *number;
  }
  return facts;
}

/// A file that is only there until it has its real name.
class PartFile {
 public:
  explicit PartFile(std::string path) : path_(std::move(path)) {}
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  ~PartFile() {
    if (made_)
      for (const char* suffix : {"", "-journal", "-wal", "-shm"}) (void)::unlink((path_ + suffix).c_str());
  }
  Result<void> make() {
    const Fd file(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0) return fail(ErrorCode::io, path_ + " cannot be made: " + system_words());
    made_ = true;
    return {};
  }
  /// Never over another file: link() refuses where rename() would replace.
  Result<void> name_it(const std::string& name) const {
    const Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0 || ::fsync(file.get()) != 0) return fail(ErrorCode::io, path_ + ": " + system_words());
    if (::link(path_.c_str(), name.c_str()) != 0)
      return errno == EEXIST ? fail(ErrorCode::conflict, name + " exists; choose another name or remove it") : fail(ErrorCode::io, name + " cannot be made: " + system_words());
    const std::string folder = std::filesystem::path(name).parent_path().string();
    const Fd above(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (above.get() >= 0) (void)::fsync(above.get());
    return {};
  }

 private:
  std::string path_;
  bool made_ = false;
};

}  // namespace

Result<SnapshotFacts> save_snapshot(const std::string& database, const std::string& snapshot) {
  std::error_code ignored;
  if (std::filesystem::exists(snapshot, ignored)) return fail(ErrorCode::conflict, snapshot + " exists; choose another name or remove it");
  auto from = open_existing(database);
  if (!from) return from.error();
  const std::string part_name = snapshot + ".part-" + std::to_string(::getpid());
  PartFile part(part_name);
  if (auto ok = part.make(); !ok) return ok.error();
  SnapshotFacts facts;
  {
    auto to = Database::open(part_name);
    if (!to) return about(part_name, to.error());
    if (auto ok = from->copy_to(*to); !ok) return about(database, ok.error());
    // The copy says that it has a write-ahead log, as the store has; a snapshot is one file.
    if (auto mode = to->text("PRAGMA journal_mode = DELETE"); !mode) return about(part_name, mode.error());
    auto found = inspect(*to, database);
    if (!found) return found.error();
    facts = *found;
  }
  if (auto ok = part.name_it(snapshot); !ok) return ok.error();
  return facts;
}

Result<SnapshotFacts> restore_snapshot(const std::string& snapshot, const std::string& database) {
  auto from = open_existing(snapshot);
  if (!from) return from.error();
  auto facts = inspect(*from, snapshot);
  if (!facts) return facts.error();
  if (auto ok = make_file(database); !ok) return ok.error();
  auto lock = lock_file(database);
  if (!lock) return lock.error();
  auto to = Database::open(database);
  if (!to) return about(database, to.error());
  const auto mode = to->text("PRAGMA journal_mode = WAL");
  if (!mode) return fail(mode.error().code, about(database, mode.error()).message + "; move it away, then restore");
  if (auto ok = to->run("PRAGMA synchronous = FULL"); !ok) return about(database, ok.error());
  if (auto ok = from->copy_to(*to); !ok) return about(database, ok.error());
  auto after = inspect(*to, database);
  if (!after) return after.error();
  (void)to->run("PRAGMA wal_checkpoint(TRUNCATE)");  // what a reader hinders, the next start does
  return facts;
}

}  // namespace choregos::store
