#include "choregos/store/sqlite/sqlite_store.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <iterator>
#include <limits>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

#include "choregos/store/chronicle.hpp"
#include "choregos/store/epoch.hpp"
#include "choregos/store/sqlite/database.hpp"
#include "choregos/store/sqlite/place.hpp"
#include "choregos/store/sqlite/record_text.hpp"
#include "choregos/wire/history_json.hpp"

namespace choregos::store {
namespace {

constexpr std::size_t kNotesWaiting = 10'000;
constexpr const char* kCreate =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
    "CREATE TABLE agent (id TEXT PRIMARY KEY, record TEXT NOT NULL, last_seen_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE archive (id TEXT PRIMARY KEY, record TEXT NOT NULL, last_seen_ms INTEGER NOT NULL, forgotten_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX archive_by_time ON archive (forgotten_ms);"
    "INSERT INTO meta VALUES ('epoch', 0), ('revision_reserved', 0);"
    "PRAGMA application_id = 1128813127; PRAGMA user_version = 1;";
/// From each schema to the next; a new file goes through all of them, so that it equals one that grew.
constexpr const char* kUpgrades[] = {
    // 1 -> 2: histories. `event` is the JSON of wire/history_json.hpp; numbers rise, so that the oldest is the smallest.
    "CREATE TABLE history (seq INTEGER PRIMARY KEY, agent TEXT NOT NULL, event TEXT NOT NULL) STRICT;"
    "CREATE INDEX history_by_agent ON history (agent, seq);"
    "PRAGMA user_version = 2;",
};
static_assert(std::size(kUpgrades) == kSchema - 1);

struct Pending {
  enum class Act { keep, archive, remove };
  Act act = Act::keep;
  AgentRecordPtr record;
  WallTime at;
};

WallTime last_seen_of(const AgentRecord& record) {
  return record.vitals ? WallTime{record.vitals->last_seen_ms.load(std::memory_order_relaxed)} : WallTime{};
}

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(SqliteOptions options) : options_(std::move(options)) {
    options_.revision_block = std::max<std::uint64_t>(options_.revision_block, 2);
  }
  ~SqliteStore() override { close(); }

  Result<Loaded> open() override {
    const std::lock_guard disk(disk_mutex_);
    if (database_.is_open()) return fail(ErrorCode::conflict, options_.path + " is open already");
    auto loaded = open_and_load();
    if (!loaded) release();
    return loaded;
  }

  Result<void> persist(std::span<const Change> changes) override {
    const std::lock_guard disk(disk_mutex_);
    if (!database_.is_open()) return fail(ErrorCode::unavailable, options_.path + " is not open");
    bool must = false, wants = false;
    {
      const std::lock_guard lock(mutex_);
      for (const Change& change : changes) take(change);
      must = durable_due_ || newest_revision_ > reserved_;
      wants = must || newest_revision_ + options_.revision_block / 2 > reserved_;
    }
    if (!wants) return {};
    const auto written = write(true, false);
    // A block that could not be renewed early is no failure of this batch: its numbers are still reserved.
    return must ? written : Result<void>{};
  }

  void touch(std::span<const std::pair<std::string, WallTime>> last_seen) override {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, time] : last_seen) {
      WallTime& newest = touched_[id];
      newest = std::max(newest, time);
    }
  }

  Result<void> flush() override {
    const std::lock_guard disk(disk_mutex_);
    if (!database_.is_open()) return fail(ErrorCode::unavailable, options_.path + " is not open");
    bool durable = false;
    {
      const std::lock_guard lock(mutex_);
      if (pending_.empty() && touched_.empty() && notes_.empty() && !durable_due_) return {};
      durable = durable_due_;
    }
    return write(durable, true);
  }

  void close() override {
    if (flush().has_value()) {
      const std::lock_guard disk(disk_mutex_);
      (void)database_.run("PRAGMA wal_checkpoint(TRUNCATE)");  // a reader may hinder it; the log is then read at the next start
    }
    const std::lock_guard disk(disk_mutex_);
    release();
  }

  Result<Past> past(std::string_view id) override {
    const std::lock_guard disk(disk_mutex_);
    if (!database_.is_open()) return fail(ErrorCode::unavailable, options_.path + " is not open");
    bool waiting = false, durable = false;
    {
      const std::lock_guard lock(mutex_);
      waiting = !notes_.empty();
      durable = durable_due_;
    }
    if (waiting) (void)write(durable, true);  // when the disk takes nothing, what waits is read from memory
    Past out;
    {
      const std::lock_guard lock(mutex_);
      for (auto note = notes_.rbegin(); note != notes_.rend(); ++note)
        if (note->id == id && out.events.size() < limits::history_of_agent_max) out.events.push_back(note->event);
    }
    if (auto ok = read_past(id, out); !ok) return at_path(ok.error(), "reading");
    return out;
  }

  StoreHealth health() const override {
    const std::lock_guard lock(mutex_);
    StoreHealth out = health_;
    out.kind = "sqlite";
    out.where = options_.path;
    out.pending = pending_.size();
    out.revision_reserved = reserved_;
    for (const char* suffix : {"", "-wal"}) {
      std::error_code ignored;
      const auto size = std::filesystem::file_size(options_.path + suffix, ignored);
      if (!ignored) out.bytes += size;
    }
    return out;
  }

 private:
  // ---- opening; disk_mutex_ held ----

  Error at_path(const Error& error, std::string_view doing) const {
    if (error.code == ErrorCode::invalid)
      return fail(ErrorCode::invalid, options_.path + " is damaged (" + error.message + "); it was left as it is: put a backup in its place, or move it away to start empty");
    return fail(error.code, std::string(doing) + " " + options_.path + " failed: " + error.message + "; see that its disk has space and lets this user write");
  }

  Result<Loaded> open_and_load() {
    if (auto ok = make_file(options_.path); !ok) return ok.error();
    auto lock = lock_file(options_.path);
    if (!lock) return lock.error();
    lock_ = std::move(lock).value();
    auto database = Database::open(options_.path);
    if (!database) return at_path(database.error(), "opening");
    database_ = std::move(database).value();
    if (auto ok = check_schema(); !ok) return ok.error();
    Loaded out;
    if (auto ok = reserve_epoch(out.start); !ok) return at_path(ok.error(), "opening");
    if (auto ok = load(out); !ok) return at_path(ok.error(), "reading");
    if (auto ok = prepare(); !ok) return at_path(ok.error(), "opening");
    return out;
  }

  Result<void> check_schema() {
    const auto version = database_.number("PRAGMA user_version");
    if (!version) return at_path(version.error(), "reading");
    const auto application = database_.number("PRAGMA application_id");
    if (!application) return at_path(application.error(), "reading");
    const auto tables = database_.number("SELECT count(*) FROM sqlite_schema");
    if (!tables) return at_path(tables.error(), "reading");
    is_new_ = *tables == 0 && *version == 0 && *application == 0;
    schema_ = is_new_ ? 1 : *version;
    if (is_new_) return {};
    if (*application != kApplicationId)
      return fail(ErrorCode::invalid, options_.path + " is a database of another program; choose another place for the state");
    if (*version < 1) return fail(ErrorCode::invalid, options_.path + " has no version of its schema; it was left as it is: put a backup in its place, or move it away to start empty");
    if (*version > kSchema)
      return fail(ErrorCode::unsupported, options_.path + " was written by a newer choregos: schema " + std::to_string(*version) + ", this one knows " +
                                              std::to_string(kSchema) + "; run the newer one, or move the file away to start empty");
    if (const auto sound = database_.text("PRAGMA quick_check(1)"); !sound) return at_path(sound.error(), "reading");
    else if (*sound != "ok") return at_path(fail(ErrorCode::invalid, *sound), "reading");
    return {};
  }

  Result<void> reserve_epoch(Revision& start) {
    const auto mode = database_.text("PRAGMA journal_mode = WAL");
    if (!mode) return mode.error();
    if (*mode != "wal") return fail(ErrorCode::io, "its file system does not allow a write-ahead log");
    if (auto ok = database_.run("PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864"); !ok) return ok;
    if (options_.page_count_max != 0)
      if (auto ok = database_.run("PRAGMA max_page_count = " + std::to_string(options_.page_count_max)); !ok) return ok;
    SqlTransaction transaction(database_);
    if (auto ok = transaction.begin(); !ok) return ok;
    if (is_new_)
      if (auto ok = database_.run(kCreate); !ok) return ok;
    for (std::int64_t from = schema_; from < kSchema; ++from)
      if (auto ok = database_.run(kUpgrades[from - 1]); !ok) return ok;
    const auto epoch = database_.number("SELECT value FROM meta WHERE key = 'epoch'");
    if (!epoch) return epoch.error();
    const auto reserved = database_.number("SELECT value FROM meta WHERE key = 'revision_reserved'");
    if (!reserved) return reserved.error();
    const auto block = static_cast<std::int64_t>(options_.revision_block);
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    if (*epoch < 0 || *reserved < 0 || *epoch == kMost || *reserved > kMost - block) return fail(ErrorCode::invalid, "its revisions are out of range");
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    const std::uint64_t fresh = next_epoch(static_cast<std::uint64_t>(*epoch), {std::chrono::duration_cast<std::chrono::milliseconds>(wall).count()});
    if (auto ok = database_.run("UPDATE meta SET value = " + std::to_string(fresh) + " WHERE key = 'epoch'"); !ok) return ok;
    if (auto ok = database_.run("UPDATE meta SET value = " + std::to_string(*reserved + block) + " WHERE key = 'revision_reserved'"); !ok) return ok;
    if (auto ok = transaction.commit(); !ok) return ok;
    start = {fresh, static_cast<std::uint64_t>(*reserved)};
    const std::lock_guard lock(mutex_);
    reserved_ = static_cast<std::uint64_t>(*reserved + block);
    newest_revision_ = start.number;
    return {};
  }

  Result<void> load(Loaded& out) {
    std::size_t unreadable = 0;
    auto agents = database_.prepare("SELECT record, last_seen_ms FROM agent ORDER BY id");
    if (!agents) return agents.error();
    for (;;) {
      const auto row = agents->step();
      if (!row) return row.error();
      if (!*row) break;
      auto agent = read_record(agents->text(0));
      if (!agent) {
        ++unreadable;
        continue;
      }
      on_disk_[std::hash<std::string_view>{}(agent->id)] = durable_digest(*agent);
      chronicle_.know(*agent);
      out.agents.push_back({std::move(agent).value(), WallTime{agents->number(1)}});
    }
    auto archived = database_.prepare("SELECT record, last_seen_ms, forgotten_ms FROM archive ORDER BY forgotten_ms DESC, id");
    if (!archived) return archived.error();
    for (;;) {
      const auto row = archived->step();
      if (!row) return row.error();
      if (!*row) break;
      auto agent = read_record(archived->text(0));
      if (!agent) ++unreadable;
      else out.archived.push_back({std::move(agent).value(), WallTime{archived->number(1)}, WallTime{archived->number(2)}});
    }
    if (unreadable > 0) out.note = std::to_string(unreadable) + (unreadable == 1 ? " record" : " records") + " of " + options_.path + " could not be read and stayed in the file";
    return {};
  }

  Result<void> prepare() {
    const std::pair<SqlStatement*, const char*> wanted[] = {
        {&keep_, "INSERT INTO agent VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET record = excluded.record, last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)"},
        {&remove_, "DELETE FROM agent WHERE id = ?1"},
        {&archive_, "INSERT INTO archive VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO UPDATE SET record = excluded.record, "
                    "last_seen_ms = excluded.last_seen_ms, forgotten_ms = excluded.forgotten_ms"},
        {&unarchive_, "DELETE FROM archive WHERE id = ?1"},
        {&touch_, "UPDATE agent SET last_seen_ms = ?2 WHERE id = ?1 AND last_seen_ms < ?2"},
        {&reserve_, "UPDATE meta SET value = ?1 WHERE key = 'revision_reserved' AND value < ?1"},
        {&prune_age_, "DELETE FROM archive WHERE forgotten_ms < ?1"},
        {&prune_count_, "DELETE FROM archive WHERE id IN (SELECT id FROM archive ORDER BY forgotten_ms DESC, id LIMIT -1 OFFSET ?1)"},
        {&note_, "INSERT INTO history (agent, event) VALUES (?1, ?2)"},
        {&rename_, "UPDATE history SET agent = ?2 WHERE agent = ?1"},
        {&prune_agent_, "DELETE FROM history WHERE agent = ?1 AND seq <= (SELECT seq FROM history WHERE agent = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)"},
        {&prune_history_, "DELETE FROM history WHERE seq <= (SELECT max(seq) FROM history) - ?1"},
        {&events_, "SELECT event FROM history WHERE agent = ?1 ORDER BY seq DESC LIMIT ?2"},
        {&forgotten_, "SELECT record, last_seen_ms, forgotten_ms FROM archive WHERE id = ?1"}};
    for (const auto& [statement, sql] : wanted) {
      auto prepared = database_.prepare(sql);
      if (!prepared) return prepared.error();
      *statement = std::move(prepared).value();
    }
    return {};
  }

  void release() {
    for (SqlStatement* statement : {&keep_, &remove_, &archive_, &unarchive_, &touch_, &reserve_, &prune_age_, &prune_count_, &note_, &rename_, &prune_agent_, &prune_history_, &events_, &forgotten_})
      *statement = SqlStatement();
    database_.close();
    lock_ = Fd();
  }

  // ---- reading; disk_mutex_ held ----

  /// Appends what the file has to `out`, which holds what is newer.
  Result<void> read_past(std::string_view id, Past& out) {
    events_.bind(1, id).bind(2, static_cast<std::int64_t>(limits::history_of_agent_max - out.events.size()));
    Result<bool> row = events_.step();
    for (; row && *row; row = events_.step())
      if (auto event = wire::read_event(events_.text(0))) out.events.push_back(std::move(event).value());
    events_.reset();
    if (!row) return row.error();
    row = forgotten_.bind(1, id).step();
    if (row && *row)
      if (auto agent = read_record(forgotten_.text(0))) out.forgotten = Forgotten{std::move(agent).value(), WallTime{forgotten_.number(1)}, WallTime{forgotten_.number(2)}};
    forgotten_.reset();
    if (!row) return row.error();
    return {};
  }

  // ---- writing; disk_mutex_ held ----

  /// mutex_ held, too. The newest form by id is all that is kept, so what waits is bounded by the list and the archive.
  void take(const Change& change) {
    newest_revision_ = std::max(newest_revision_, change.revision.number);
    newest_wall_ = std::max(newest_wall_, change.wall_at);
    fresh_notes_.clear();
    chronicle_.take(change, fresh_notes_);
    for (Note& note : fresh_notes_) notes_.push_back(std::move(note));
    while (notes_.size() > options_.history_count_max) notes_.pop_front();
    const Agent& agent = change.record->agent;
    Pending& pending = pending_[agent.id];
    pending.record = change.record;
    pending.at = change.wall_at;
    if (change.kind == ChangeKind::forgotten) pending.act = Pending::Act::archive;
    else if (change.kind == ChangeKind::merged) pending.act = Pending::Act::remove;
    else pending.act = Pending::Act::keep;
    const auto known = on_disk_.find(std::hash<std::string_view>{}(agent.id));
    if (pending.act != Pending::Act::keep || known == on_disk_.end() || known->second != durable_digest(agent)) durable_due_ = true;
  }

  /// One transaction for all that waits. What fails stays waiting, unless something newer came meanwhile. Notes are soft: those
  /// who wait for a record need not wait for them, too, unless there are many.
  Result<void> write(bool durable, bool with_notes) {
    std::unordered_map<std::string, Pending> batch;
    std::unordered_map<std::string, WallTime> touched;
    std::deque<Note> notes;
    std::uint64_t reserve = 0;
    WallTime now;
    {
      const std::lock_guard lock(mutex_);
      batch.swap(pending_);
      touched.swap(touched_);
      if (with_notes || notes_.size() > kNotesWaiting) notes.swap(notes_);
      // Only a commit that waits for the disk can reserve: a number must not be given out that power loss could give out again.
      reserve = reserved_;
      if (durable && newest_revision_ + options_.revision_block / 2 > reserved_) reserve = newest_revision_ + options_.revision_block;
      now = newest_wall_;
    }
    const auto written = write_transaction(batch, touched, notes, reserve, now, durable);
    const std::lock_guard lock(mutex_);
    health_.ok = written.has_value();
    if (!written) {
      ++health_.errors;
      const Error error = at_path(written.error(), "writing");
      health_.last_error = error.message;
      for (auto& [id, pending] : batch) pending_.try_emplace(id, std::move(pending));
      for (const auto& [id, time] : touched) touched_[id] = std::max(touched_[id], time);
      notes_.insert(notes_.begin(), std::make_move_iterator(notes.begin()), std::make_move_iterator(notes.end()));
      return fail(ErrorCode::io, error.message + "; what was not written is kept and written with the next change");
    }
    ++health_.transactions;
    health_.records += batch.size();
    for (const auto& [id, pending] : batch) {
      const auto key = std::hash<std::string_view>{}(id);
      if (pending.act == Pending::Act::keep) on_disk_[key] = durable_digest(pending.record->agent);
      else on_disk_.erase(key);
    }
    reserved_ = reserve;
    durable_due_ = false;  // persist is the only one that sets it, under disk_mutex_
    return {};
  }

  Result<void> write_transaction(const std::unordered_map<std::string, Pending>& batch, const std::unordered_map<std::string, WallTime>& touched,
                                 const std::deque<Note>& notes, std::uint64_t reserve, WallTime now, bool durable) {
    // Without FULL a commit in WAL mode does not wait for the disk; the next FULL one brings it along.
    if (auto ok = database_.run(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"); !ok) return ok;
    SqlTransaction transaction(database_);
    if (auto ok = transaction.begin(); !ok) return ok;
    if (durable)
      if (auto ok = reserve_.bind(1, static_cast<std::int64_t>(reserve)).run(); !ok) return ok;
    bool archived = false;
    for (const auto& [id, pending] : batch) {
      if (auto ok = write_one(id, pending); !ok) return ok;
      archived = archived || pending.act == Pending::Act::archive;
    }
    for (const auto& [id, time] : touched)
      if (auto ok = touch_.bind(1, id).bind(2, time.ms).run(); !ok) return ok;
    if (archived) {
      const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(options_.archive_for).count();
      if (auto ok = prune_age_.bind(1, now.ms - age).run(); !ok) return ok;
      if (auto ok = prune_count_.bind(1, static_cast<std::int64_t>(options_.archive_count_max)).run(); !ok) return ok;
    }
    if (auto ok = write_notes(notes); !ok) return ok;
    return transaction.commit();
  }

  Result<void> write_notes(const std::deque<Note>& notes) {
    if (notes.empty()) return {};
    std::set<std::string_view> whose;
    for (const Note& note : notes) {
      if (!note.renamed_from.empty())
        if (auto ok = rename_.bind(1, note.renamed_from).bind(2, note.id).run(); !ok) return ok;
      const std::string text = wire::event_json(note.event);
      if (auto ok = note_.bind(1, note.id).bind(2, text).run(); !ok) return ok;
      if (note.event.kind != HistoryKind::appeared) whose.insert(note.id);
    }
    for (const std::string_view id : whose)
      if (auto ok = prune_agent_.bind(1, id).bind(2, static_cast<std::int64_t>(limits::history_of_agent_max)).run(); !ok) return ok;
    return prune_history_.bind(1, static_cast<std::int64_t>(options_.history_count_max)).run();
  }

  Result<void> write_one(const std::string& id, const Pending& pending) {
    const std::string text = write_record(*pending.record);
    const std::int64_t seen = last_seen_of(*pending.record).ms;
    if (pending.act == Pending::Act::keep) {
      if (auto ok = keep_.bind(1, id).bind(2, text).bind(3, seen).run(); !ok) return ok;
      return unarchive_.bind(1, id).run();
    }
    if (auto ok = remove_.bind(1, id).run(); !ok) return ok;
    if (pending.act == Pending::Act::remove) return {};
    return archive_.bind(1, id).bind(2, text).bind(3, seen).bind(4, pending.at.ms).run();
  }

  SqliteOptions options_;  // fixed after construction

  std::mutex disk_mutex_;  // held while the disk works; taken before mutex_
  // Guarded by disk_mutex_.
  Fd lock_;
  Database database_;
  SqlStatement keep_, remove_, archive_, unarchive_, touch_, reserve_, prune_age_, prune_count_;
  SqlStatement note_, rename_, prune_agent_, prune_history_, events_, forgotten_;
  bool is_new_ = false;
  std::int64_t schema_ = 0;  ///< of the file as it was found; 1 for a new one

  mutable std::mutex mutex_;  // never held while the disk works
  // Guarded by mutex_.
  std::unordered_map<std::string, Pending> pending_;
  std::unordered_map<std::string, WallTime> touched_;
  Chronicle chronicle_;
  std::deque<Note> notes_;          ///< not written yet, oldest first
  std::vector<Note> fresh_notes_;   ///< of the change at hand
  std::unordered_map<std::uint64_t, std::uint64_t> on_disk_;  ///< hash of id -> digest of what is written
  std::uint64_t newest_revision_ = 0;
  std::uint64_t reserved_ = 0;
  WallTime newest_wall_;
  bool durable_due_ = false;  ///< something that waits must be on disk before success is told
  StoreHealth health_;
};

}  // namespace

std::unique_ptr<Store> make_sqlite_store(SqliteOptions options) { return std::make_unique<SqliteStore>(std::move(options)); }

}  // namespace choregos::store
