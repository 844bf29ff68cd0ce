#include "choregos/writer/writer.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <variant>

#include "choregos/base/limits.hpp"
#include "choregos/registry/journal.hpp"

namespace choregos {
namespace {

struct Question {
  std::string id;
  std::function<void(Result<Explanation>)> done;
};

struct Job {
  std::variant<Observation, Sign, Question> input;
  Writer::Done done;  ///< of an observation; empty = nobody waits
};

}  // namespace

class Writer::Impl {
 public:
  Impl(Registry registry, Options options)
      : options_(std::move(options)), registry_(std::move(registry)), journal_(registry_.revision()) {
    if (!options_.clock.now) options_.clock.now = [] { return Instant{std::chrono::steady_clock::now().time_since_epoch().count()}; };
    if (!options_.clock.wall_now)
      options_.clock.wall_now = [] {
        return WallTime{std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
      };
    snapshot_ = registry_.snapshot(options_.clock.now(), options_.clock.wall_now());
  }

  Result<void> start() {
    const std::lock_guard lock(queue_mutex_);
    if (started_) return fail(ErrorCode::conflict, "the writer was started already; make a new one to start again");
    started_ = true;
    thread_ = std::thread([this] { run(); });
    return {};
  }

  void stop() {
    {
      const std::lock_guard lock(queue_mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    const std::lock_guard joining(join_mutex_);
    if (thread_.joinable()) thread_.join();
    // Whatever was handed over to a writer that never started still gets its answer.
    std::vector<Job> left;
    {
      const std::lock_guard lock(queue_mutex_);
      left.swap(queue_);
    }
    for (Job& job : left) refuse(job.input, job.done, "the registry stopped before it took this in");
  }

  bool submit(std::variant<Observation, Sign, Question> input, Done done) {
    {
      const std::lock_guard lock(queue_mutex_);
      if (!stopping_ && queue_.size() < limits::observation_queue_max) {
        queue_.push_back({std::move(input), std::move(done)});
        if (queue_.size() == 1) wake_.notify_one();
        return true;
      }
      ++dropped_;
    }
    refuse(input, done, "the registry takes nothing in at the moment; try again");
    return false;
  }

  SnapshotPtr snapshot() const {
    const std::lock_guard lock(snapshot_mutex_);
    return snapshot_;
  }

  Result<std::vector<Change>> changes_since(Revision from, std::size_t count_max) const {
    const std::lock_guard lock(snapshot_mutex_);
    return journal_.since(from, count_max);
  }

  Subscription subscribe(std::function<void(const BatchPtr&)> on_batch) {
    const std::lock_guard lock(subscribers_mutex_);
    subscribers_.emplace(++last_subscription_, std::move(on_batch));
    return last_subscription_;
  }

  void unsubscribe(Subscription subscription) {
    const std::lock_guard lock(subscribers_mutex_);
    subscribers_.erase(subscription);
  }

  Stats stats() const {
    Stats out;
    {
      const std::lock_guard lock(queue_mutex_);
      out.dropped = dropped_;
      out.queued = queue_.size();
    }
    out.applied = applied_;
    out.refused = refused_;
    out.signs = signs_;
    out.asks = asks_;
    out.batches = batches_;
    out.changes = changes_;
    out.persist_errors = persist_errors_;
    return out;
  }

 private:
  void run() {
    std::vector<Job> jobs;
    while (true) {
      jobs.clear();
      {
        std::unique_lock lock(queue_mutex_);
        const auto ready = [&] { return !queue_.empty() || stopping_; };
        const Instant deadline = registry_.next_deadline();
        if (deadline == Instant::never()) {
          wake_.wait(lock, ready);
        } else if (const Duration wait = deadline - options_.clock.now(); wait > Duration{0}) {
          wake_.wait_for(lock, std::min<Duration>(wait, 1h), ready);
        }
        if (stopping_ && queue_.empty()) return;
        // A bound, so that readers get news while a flood is drained.
        if (queue_.size() <= limits::batch_count_max) {
          jobs.swap(queue_);
        } else {
          jobs.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.begin() + limits::batch_count_max));
          queue_.erase(queue_.begin(), queue_.begin() + limits::batch_count_max);
        }
      }
      turn(jobs);
    }
  }

  static void refuse(std::variant<Observation, Sign, Question>& input, const Done& done, const char* why) {
    if (done) done(fail(ErrorCode::unavailable, why));
    if (auto* question = std::get_if<Question>(&input)) question->done(fail(ErrorCode::unavailable, why));
  }

  /// One input. What waits for an answer is put by until the batch is durable and published.
  void take(Job& job, Instant& now, WallTime wall_now, std::vector<Change>& changes, std::vector<std::function<void(const Result<void>&)>>& answers) {
    if (auto* sign = std::get_if<Sign>(&job.input)) {
      for (Tap* tap : options_.taps) tap->noted(*sign, now, wall_now);
      registry_.note(*sign, now, wall_now, changes);
      ++signs_;
      return;
    }
    if (auto* question = std::get_if<Question>(&job.input)) {
      auto explanation = registry_.explain(question->id, now);
      answers.push_back([done = std::move(question->done), explanation = std::move(explanation), id = question->id](const Result<void>&) {
        if (explanation) return done(*explanation);
        done(fail(ErrorCode::not_found, "no agent is listed as \"" + id + "\""));
      });
      return;
    }
    const Observation& observation = std::get<Observation>(job.input);
    // A kernel time stamp may lie a little after the reading of our own clock.
    now = std::max(now, std::min(observation.heard_at, now + 1s));
    for (Tap* tap : options_.taps) tap->applied(observation, now, wall_now);
    auto applied = registry_.apply(observation, now, wall_now, changes);
    ++(applied ? applied_ : refused_);
    if (!job.done) return;
    Result<AgentRecordPtr> result = applied ? Result<AgentRecordPtr>(applied->record) : Result<AgentRecordPtr>(applied.error());
    answers.push_back([done = std::move(job.done), result = std::move(result)](const Result<void>& kept) { done(kept || !result ? result : Result<AgentRecordPtr>(kept.error())); });
  }

  /// One batch: apply, tick, persist, publish, tell, ask, answer, in this order, so that nobody is told of what is not yet
  /// readable and nobody is answered before it is durable.
  void turn(std::vector<Job>& jobs) {
    std::vector<Change> changes;
    std::vector<std::function<void(const Result<void>&)>> answers;
    Instant now = std::max(last_now_, options_.clock.now());
    const WallTime wall_now = options_.clock.wall_now();
    bool durable_answers = false;
    for (Job& job : jobs) {
      durable_answers |= static_cast<bool>(job.done);
      take(job, now, wall_now, changes, answers);
    }
    for (Tap* tap : options_.taps) tap->ticked(now, wall_now);
    registry_.tick(now, wall_now, changes);
    last_now_ = now;
    for (Tap* tap : options_.taps) tap->changed(changes);
    ++batches_;

    Result<void> kept;
    if (options_.persist && (!changes.empty() || durable_answers)) {
      kept = options_.persist(changes);
      if (!kept) ++persist_errors_;
    }
    SnapshotPtr next = registry_.snapshot(now, wall_now);
    if (next != snapshot_) publish(std::move(next), std::move(changes));
    if (auto asks = registry_.take_asks(); !asks.empty()) {
      asks_ += asks.size();
      if (options_.ask) options_.ask(std::move(asks));
    }
    for (const auto& answer : answers) answer(kept);
  }

  void publish(SnapshotPtr snapshot, std::vector<Change> changes) {
    changes_ += changes.size();
    {
      const std::lock_guard lock(snapshot_mutex_);
      snapshot_ = snapshot;
      for (const Change& change : changes) journal_.append(change);
    }
    const BatchPtr batch = std::make_shared<const Batch>(Batch{std::move(snapshot), std::move(changes)});
    const std::lock_guard lock(subscribers_mutex_);
    for (const auto& [id, on_batch] : subscribers_) on_batch(batch);
  }

  Options options_;

  // The writer's thread only (before start: the constructor).
  Registry registry_;
  Instant last_now_ = Instant::min();  ///< the registry's times never fall

  // Guarded by queue_mutex_.
  mutable std::mutex queue_mutex_;
  std::condition_variable wake_;
  std::vector<Job> queue_;
  bool started_ = false;
  bool stopping_ = false;
  std::uint64_t dropped_ = 0;

  // Guarded by snapshot_mutex_.
  mutable std::mutex snapshot_mutex_;
  SnapshotPtr snapshot_;
  Journal journal_;

  // Guarded by subscribers_mutex_; held while callbacks run, so that unsubscribe waits for them.
  std::mutex subscribers_mutex_;
  std::map<Subscription, std::function<void(const BatchPtr&)>> subscribers_;
  Subscription last_subscription_ = 0;

  std::atomic<std::uint64_t> applied_{0}, refused_{0}, signs_{0}, asks_{0}, batches_{0}, changes_{0}, persist_errors_{0};
  std::mutex join_mutex_;
  std::thread thread_;
};

Writer::Writer(Registry registry, Options options) : impl_(std::make_unique<Impl>(std::move(registry), std::move(options))) {}
Writer::~Writer() { stop(); }
Result<void> Writer::start() { return impl_->start(); }
void Writer::stop() { impl_->stop(); }
bool Writer::submit(Observation observation) { return impl_->submit(std::move(observation), Done{}); }
bool Writer::submit(Sign sign) { return impl_->submit(std::move(sign), Done{}); }
void Writer::explain(std::string id_or_alias, std::function<void(Result<Explanation>)> done) { impl_->submit(Question{std::move(id_or_alias), std::move(done)}, Done{}); }
void Writer::submit(Observation observation, Done done) { impl_->submit(std::move(observation), std::move(done)); }
SnapshotPtr Writer::snapshot() const { return impl_->snapshot(); }
Result<std::vector<Change>> Writer::changes_since(Revision from, std::size_t count_max) const { return impl_->changes_since(from, count_max); }
Writer::Subscription Writer::subscribe(std::function<void(const BatchPtr&)> on_batch) { return impl_->subscribe(std::move(on_batch)); }
void Writer::unsubscribe(Subscription subscription) { impl_->unsubscribe(subscription); }
Writer::Stats Writer::stats() const { return impl_->stats(); }

}  // namespace choregos
