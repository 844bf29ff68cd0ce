#include "choregos/daemon/belief.hpp"

#include <chrono>

#include "choregos/base/limits.hpp"
#include "choregos/daemon/change_log.hpp"
#include "choregos/store/memory/memory_store.hpp"
#include "choregos/store/sqlite/sqlite_store.hpp"

namespace choregos::daemon {
namespace {

Instant now() { return {std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count()}; }
WallTime wall_now() {
  return {std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

std::unique_ptr<store::Store> make_store(const Settings& settings) {
  if (settings.state_store == "memory") return store::make_memory_store();
  store::SqliteOptions options;
  options.path = settings.state_dir + "/state.db";
  return store::make_sqlite_store(options);
}

}  // namespace

Result<std::unique_ptr<Belief>> Belief::open(const Settings& settings, const std::string& version, Logger& log) {
  auto store = make_store(settings);
  auto loaded = store->open();
  if (!loaded) return loaded.error();
  if (!loaded->note.empty()) log.warn("store_opened", "", {{"state", settings.state_dir}, {"reason", loaded->note}});

  std::unique_ptr<Belief> belief(new Belief(std::move(store), log));
  RegistrySettings registry_settings;
  registry_settings.forget_after = settings.liveness_forget_after;
  registry_settings.restart_grace = settings.liveness_restart_grace;
  if (auto made = belief->make_witnesses(settings, registry_settings, loaded->start, version); !made) return made.error();
  Registry registry(registry_settings, loaded->start);
  belief->epoch_ = registry.revision().epoch;
  belief->restore(registry, *loaded);

  Writer::Options options;
  options.persist = [b = belief.get()](std::span<const Change> changes) { return b->persist(changes); };
  options.ask = [b = belief.get()](std::vector<Ask> asks) {
    const std::lock_guard lock(b->ask_mutex_);
    if (b->take_asks_) b->take_asks_(std::move(asks));
  };
  options.taps = belief->taps_;
  belief->writer_ = std::make_unique<Writer>(std::move(registry), std::move(options));
  belief->log_subscription_ = belief->writer_->subscribe([&log](const BatchPtr& batch) { log_changes(log, *batch); });
  if (auto started = belief->writer_->start(); !started) return started.error();
  belief->keeper_ = std::thread([b = belief.get()] { b->keep(); });
  return belief;
}

Belief::~Belief() { stop(); }

Result<void> Belief::make_witnesses(const Settings& settings, const RegistrySettings& registry_settings, Revision start, const std::string& version) {
  if (!settings.record_file.empty()) {
    record::RecorderOptions options;
    options.path = settings.record_file;
    options.bytes_max = settings.record_bytes_max;
    options.version = version;
    options.on_end = [&log = log_, path = settings.record_file](const std::string& reason) { log.warn("recording_ended", "", {{"file", path}, {"reason", reason}}); };
    auto recorder = record::Recorder::open(std::move(options), registry_settings, start);
    if (!recorder) return fail(recorder.error().code, "record.file: " + recorder.error().message);
    recorder_ = std::move(*recorder);
    taps_.push_back(recorder_.get());
    log_.info("recording", {{"file", settings.record_file}, {"bytes_max", settings.record_bytes_max}});
  }
  if (!settings.shadow_settings.empty()) {
    auto shadow = record::Shadow::create(registry_settings, settings.shadow_settings, start);
    if (!shadow) return fail(shadow.error().code, "shadow.settings: " + shadow.error().message);
    shadow_ = std::move(*shadow);
    taps_.push_back(shadow_.get());
  }
  return {};
}

std::vector<SourceHealth> Belief::witnesses() const {
  std::vector<SourceHealth> out;
  if (recorder_) out.push_back(recorder_->health());
  if (shadow_) out.push_back(shadow_->health());
  return out;
}

void Belief::report_shadow() {
  if (!shadow_) return;
  const auto differences = shadow_->take_differences();
  for (std::size_t i = 0; i < std::min(differences.size(), limits::log_shadow_count_max); ++i)
    log_.info("shadow_differs", {{"agent_id", differences[i].id}, {"reason", differences[i].what}});
  if (differences.size() > limits::log_shadow_count_max) log_.info("shadow_differs", {{"count", differences.size() - limits::log_shadow_count_max}});
  if (shadow_->cut() && !std::exchange(shadow_ended_, true)) log_.warn("shadow_ended", "", {{"reason", "too many inputs waited for it"}});
}

void Belief::restore(Registry& registry, const store::Loaded& loaded) {
  const Instant at = now();
  const WallTime wall_at = wall_now();
  std::vector<Change> changes;
  for (const auto& stored : loaded.agents) {
    for (Tap* tap : taps_) tap->restored(stored.agent, stored.last_seen, at, wall_at);
    registry.restore(stored.agent, stored.last_seen, at, wall_at, changes);
  }
  const RegistrySettings defaults;
  for (const auto& archived : loaded.archived) {
    const Duration gone = std::chrono::milliseconds(wall_at.ms - archived.forgotten_at.ms);
    if (gone >= defaults.archive_for) continue;
    const Instant until = at + (defaults.archive_for - std::max(gone, Duration{0}));
    for (Tap* tap : taps_) tap->remembered(archived.agent, until);
    registry.remember(archived.agent, until);
  }
  for (Tap* tap : taps_) tap->changed(changes);
  restored_ = registry.size();
  // The store reserves the revisions that this used; the records themselves are on disk already.
  if (auto kept = persist(changes); !kept) log_.error("store_failed", "", {{"err", kept.error().message}});
  if (restored_ > 0) log_.info("agents_restored", {{"count", restored_}, {"revision", to_string(registry.revision())}});
}

Result<void> Belief::persist(std::span<const Change> changes) {
  auto kept = store_->persist(changes);
  const std::lock_guard lock(mutex_);
  if (!kept) {
    log_.error("store_failed", "", {{"err", kept.error().message}});
    if (!std::exchange(disk_failed_, true)) wake_.notify_all();
  } else if (std::exchange(disk_failed_, false)) {
    log_.info("store_recovered", {});
  }
  return kept;
}

void Belief::on_asks(std::function<void(std::vector<Ask>)> take) {
  const std::lock_guard lock(ask_mutex_);
  take_asks_ = std::move(take);
}

void Belief::past(std::string id, std::function<void(Result<Past>)> done) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && questions_.size() < limits::history_question_count_max) {
      questions_.emplace_back(std::move(id), std::move(done));
      wake_.notify_all();
      return;
    }
  }
  done(fail(ErrorCode::exhausted, "too many ask for histories at the moment; try again"));
}

void Belief::answer_questions() {
  decltype(questions_) questions;
  {
    const std::lock_guard lock(mutex_);
    questions.swap(questions_);
  }
  for (const auto& [id, done] : questions) done(store_->past(id));
}

void Belief::keep() {
  std::unique_lock lock(mutex_);
  Instant next_touch = now() + kTouchEvery, next_flush = now() + kFlushEvery;
  while (!stopping_) {
    const Duration wait = disk_failed_ ? kRetryEvery : std::min(next_touch, next_flush) - now();
    const bool was_failed = disk_failed_;
    wake_.wait_for(lock, std::max<Duration>(wait, 1ms), [&] { return stopping_ || disk_failed_ != was_failed || !questions_.empty(); });
    if (stopping_) break;
    if (!questions_.empty()) {
      lock.unlock();
      answer_questions();
      lock.lock();
      continue;
    }
    const bool due = now() >= next_touch;
    if (!due && now() < next_flush && !disk_failed_) continue;
    lock.unlock();
    if (due) {
      touch_all();
      next_touch = now() + kTouchEvery;
    }
    next_flush = now() + kFlushEvery;
    const auto written = store_->flush();
    lock.lock();
    if (!written) {
      log_.error("store_failed", "", {{"err", written.error().message}});
      disk_failed_ = true;
    } else if (std::exchange(disk_failed_, false)) {
      log_.info("store_recovered", {});
    }
  }
  lock.unlock();
  answer_questions();
}

void Belief::touch_all() {
  std::vector<std::pair<std::string, WallTime>> seen;
  const WallTime from = touched_until_;
  touched_until_ = wall_now();
  snapshot()->for_each([&](const AgentRecordPtr& record) {
    const WallTime last{record->vitals->last_seen_ms.load(std::memory_order_relaxed)};
    if (last >= from) seen.emplace_back(record->agent.id, last);
  });
  store_->touch(seen);
}

void Belief::write_metrics(wire::MetricsWriter& out) const {
  using enum wire::MetricType;
  const store::StoreHealth health = store_->health();
  out.family("choregos_store_ok", gauge, "1 when the last write to the store worked.").sample(health.ok ? 1 : 0, {{"kind", health.kind}});
  out.family("choregos_store_pending", gauge, "Records whose newest form is not on disk yet.").sample(health.pending);
  out.family("choregos_store_transactions_total", counter, "Transactions written.").sample(health.transactions);
  out.family("choregos_store_records_total", counter, "Records written.").sample(health.records);
  out.family("choregos_store_errors_total", counter, "Writes that failed; what they held was kept and written later.").sample(health.errors);
  out.family("choregos_store_bytes", gauge, "Size of the store's file and its log.").sample(health.bytes);
  if (shadow_) shadow_->write_metrics(out);
}

void Belief::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    wake_.notify_all();
  }
  if (keeper_.joinable()) keeper_.join();
  if (writer_) {
    writer_->stop();
    writer_->unsubscribe(log_subscription_);
    touch_all();
  }
  if (recorder_) recorder_->stop();
  if (shadow_) shadow_->stop();
  report_shadow();
  store_->close();
  if (const auto health = store_->health(); health.pending > 0)
    log_.error("store_closed", "", {{"pending", health.pending}, {"err", health.last_error}});
}

}  // namespace choregos::daemon
