// What choregosd believes and keeps: the store, the writer with its registry, and the thread that writes soft state
// and reads histories. Opened
// before anything is heard, stopped after the last source.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/daemon/logger.hpp"
#include "choregos/daemon/settings.hpp"
#include "choregos/model/source_health.hpp"
#include "choregos/record/recorder.hpp"
#include "choregos/record/shadow.hpp"
#include "choregos/store/store.hpp"
#include "choregos/wire/metrics.hpp"
#include "choregos/writer/writer.hpp"

namespace choregos::daemon {

class Belief {
 public:
  /// How often last_seen is written, and what else is soft (liveness, histories), while the disk works; when it does not, it is
  /// tried again each kRetryEvery.
  static constexpr Duration kTouchEvery = 30s;
  static constexpr Duration kFlushEvery = 5s;
  static constexpr Duration kRetryEvery = 500ms;

  /// Opens the store, puts back what it knew, starts the writer. Blocks for as long as the disk takes. Errors: those of
  /// Store::open; the message says what to do.
  /// `version` is told by a recording.
  static Result<std::unique_ptr<Belief>> open(const Settings& settings, const std::string& version, Logger& log);
  ~Belief();

  Writer& writer() { return *writer_; }
  SnapshotPtr snapshot() const { return writer_->snapshot(); }
  /// Of this life of the registry.
  std::uint64_t epoch() const { return epoch_; }
  std::size_t restored() const { return restored_; }
  store::StoreHealth store_health() const { return store_->health(); }
  /// What is kept of one id. `done` is called once, on the keeper's thread, when the disk has answered, or on this one. Errors:
  /// those of Store::past; exhausted (too many wait).
  void past(std::string id, std::function<void(Result<Past>)> done);
  /// How the recorder and the shadow do, those of them that there are: further rows beside the sources.
  std::vector<SourceHealth> witnesses() const;
  /// Logs what the shadow would have done otherwise since the last call. Call it about once a second, on one thread.
  void report_shadow();
  /// Families choregos_store_*, and choregos_shadow_* when there is one.
  void write_metrics(wire::MetricsWriter& out) const;

  /// Who takes the registry's questions to agents, on the writer's thread; until then, and after {}, they are dropped. When it
  /// returns, the former one is not running and will not be called.
  void on_asks(std::function<void(std::vector<Ask>)> take);

  /// Applies what is queued, writes everything and lets go of the disk. Safe to call twice.
  void stop();

 private:
  Belief(std::unique_ptr<store::Store> store, Logger& log) : store_(std::move(store)), log_(log) {}
  Result<void> make_witnesses(const Settings& settings, const RegistrySettings& registry_settings, Revision start, const std::string& version);
  void restore(Registry& registry, const store::Loaded& loaded);
  Result<void> persist(std::span<const Change> changes);
  void keep();
  void answer_questions();
  void touch_all();

  std::unique_ptr<store::Store> store_;
  Logger& log_;
  std::unique_ptr<record::Recorder> recorder_;
  std::unique_ptr<record::Shadow> shadow_;
  std::vector<Tap*> taps_;     ///< those two
  bool shadow_ended_ = false;  ///< was reported
  std::unique_ptr<Writer> writer_;
  Writer::Subscription log_subscription_ = 0;
  std::uint64_t epoch_ = 0;
  std::size_t restored_ = 0;
  WallTime touched_until_;  ///< the keeper's thread, and stop() after it has ended

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool disk_failed_ = false;
  std::vector<std::pair<std::string, std::function<void(Result<Past>)>>> questions_;
  std::thread keeper_;

  std::mutex ask_mutex_;  ///< guards take_asks_, and is held while that runs
  std::function<void(std::vector<Ask>)> take_asks_;
};

}  // namespace choregos::daemon
