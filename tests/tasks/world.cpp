#include "tests/tasks/world.hpp"

#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <variant>

#include "choregos/base/rng.hpp"
#include "tests/sim/event_queue.hpp"

namespace choregos::task_sim {
namespace {

using namespace choregos::task;

constexpr const char* kCapabilities[] = {"go", "sql", "docs"};
constexpr const char* kKinds[] = {"build", "review", "write"};

class World {
 public:
  explicit World(const Options& options) : options_(options), rng_(options.seed) {}

  Tally run() {
    boot({});
    for (int i = 0; i < options_.agents; ++i) {
      auto a = std::make_unique<Agent>();
      a->id = "a" + std::to_string(i);
      a->slots = 1 + static_cast<std::uint32_t>(rng_.below(options_.slots_max));
      for (int c = 0; c < 3; ++c) {
        // The first agent can do anything and refuses nothing, so that every task can be done by somebody.
        if (i == 0 || rng_.chance(0.6)) a->capabilities.push_back(kCapabilities[c]);
        if (i != 0 && rng_.chance(options_.refuse)) a->refuses.insert(kKinds[c]);
      }
      std::sort(a->capabilities.begin(), a->capabilities.end());
      if (options_.pools && i % 2 == 1) a->pools = {"gpu"};
      agents_.push_back(std::move(a));
    }
    for (auto& a : agents_) start(*a);
    for (int i = 0; i < options_.tasks; ++i) {
      queue_.after(Duration{static_cast<std::int64_t>(rng_.below(options_.submit_within.count()))}, [this, i] { submit(i, request(i)); });
    }
    later(options_.die_every, [this] { die(); });
    later(options_.stall_every, [this] { stall(); });
    later(options_.crash_every, [this] { crash(); });
    if (options_.drains) later(20s, [this] { drain(); });
    quiet_at_ = queue_.now() + options_.faults_for;
    const Instant limit = quiet_at_ + 2h;
    queue_.run_until(limit, [this] {
      ++tally_.steps;
      check();
      return tally_.violation.empty() && !(queue_.now() > quiet_at_ && all_ended());
    });
    if (tally_.violation.empty()) judge_the_end();
    return tally_;
  }

 private:
  struct Run {
    std::uint64_t fence = 0;
    enum { accepting, working, answering } phase = accepting;
    std::uint64_t stamp = 0;
  };
  struct Agent {
    std::string id;
    std::uint32_t slots = 1;
    std::vector<std::string> capabilities;
    std::vector<std::string> pools;
    std::set<std::string> refuses;
    std::uint64_t incarnation = 0;
    std::uint64_t known_life = 0;     ///< the incarnation that the registry has heard
    std::uint64_t stamp = 0;          ///< of its life, to ignore events of a former one
    bool up = false, stalled = false;
    Liveness believed = Liveness::unconfirmed;
    std::map<TaskNumber, Run> runs;
    std::set<std::pair<TaskNumber, std::uint64_t>> done;  ///< what it has finished with, or refused
  };
  struct Waiting {  // for the disk
    std::uint64_t sequence;
    std::function<void()> then;
  };

  WallTime wall() const { return WallTime{1'700'000'000'000 + queue_.now().ns / 1'000'000}; }
  bool faults() const { return queue_.now() < quiet_at_; }
  Duration exponential(Duration mean) { return Duration{static_cast<std::int64_t>(-std::log(1 - rng_.unit()) * static_cast<double>(mean.count()))}; }
  void later(Duration mean, std::function<void()> what) {
    if (mean == Duration{0}) return;
    queue_.after(exponential(mean), [this, mean, what] {
      if (!faults()) return;
      what();
      later(mean, what);
    });
  }
  void violate(const std::string& what) {
    if (tally_.violation.empty()) tally_.violation = "at " + format_age(queue_.now() - Instant{1'000'000'000}) + ": " + what;
  }
  void trace(std::uint64_t value) { tally_.trace = (tally_.trace ^ value) * 1099511628211ull; }

  // ── The daemon and its disk ──
  void boot(const std::vector<Record>& records) {
    ++boots_;
    LedgerSettings settings;
    settings.seed = options_.seed + boots_;
    ledger_ = std::make_unique<Ledger>(settings);
    if (auto ok = ledger_->restore(records, queue_.now(), wall()); !ok) violate("restore: " + ok.error().message);
    armed_ = Instant::never();
    if (options_.pools) (void)tell(SetPool{"gpu", 2});
    for (auto& a : agents_) {
      a->believed = Liveness::unconfirmed;
      news(*a);
      reconnect(*a);
    }
    arm();
  }
  Result<Answer> tell(const Command& command) {
    Output out;
    auto answer = ledger_->apply(command, queue_.now(), wall(), out);
    take(out);
    return answer;
  }
  /// Whatever a call brought: to the disk, then to those whom it concerns.
  void take(Output& out) {
    for (const TaskChange& c : out.changes) {
      trace(c.task->number * 31 + static_cast<std::uint64_t>(c.task->state) * 7 + c.task->fence);
      if (c.task->cause == TaskCause::granted && c.from == TaskState::queued) ++tally_.grants;
    }
    for (Record& r : out.records) unwritten_.push_back(std::move(r));
    for (Notice& n : out.notices) {
      when_stored(n.sequence, [this, n] { deliver(n); });
    }
    if (!unwritten_.empty() && !flushing_) {
      flushing_ = true;
      queue_.after(options_.disk, [this, boot = boots_] {
        if (boot == boots_) flush();
      });
    }
    arm();
  }
  void flush() {
    flushing_ = false;
    if (unwritten_.empty()) return;
    const std::uint64_t sequence = unwritten_.back().sequence;
    for (Record& r : unwritten_) {
      if (options_.bug == Bug::loses_records && r.sequence % 20 == 0) continue;
      disk_.push_back(std::move(r));
    }
    unwritten_.clear();
    Output out;
    ledger_->stored(sequence, queue_.now(), wall(), out);
    std::vector<Waiting> ready;
    std::vector<Waiting> rest;
    for (Waiting& w : waiting_) (w.sequence <= sequence ? ready : rest).push_back(std::move(w));
    waiting_ = std::move(rest);
    for (Waiting& w : ready) w.then();
    take(out);
  }
  void when_stored(std::uint64_t sequence, std::function<void()> then) {
    const bool on_disk = unwritten_.empty() || sequence < unwritten_.front().sequence;
    if (on_disk || options_.bug == Bug::answers_before_disk) then();
    else waiting_.push_back({sequence, std::move(then)});
  }
  void arm() {
    const Instant at = ledger_->next_deadline();
    if (at >= armed_) return;
    armed_ = at;
    queue_.at(at, [this, at, boot = boots_] {
      if (boot != boots_ || armed_ != at) return;
      armed_ = Instant::never();
      Output out;
      ledger_->tick(queue_.now(), wall(), out);
      take(out);
      if (ledger_->next_deadline() <= queue_.now()) violate("tick left a deadline behind");
    });
  }
  void crash() {
    ++tally_.crashes;
    // Whatever was on its way to the disk got there up to some record.
    const std::size_t written = rng_.below(unwritten_.size() + 1);
    for (std::size_t i = 0; i < written; ++i) disk_.push_back(std::move(unwritten_[i]));
    unwritten_.clear();
    waiting_.clear();
    flushing_ = false;
    std::vector<Record> records = disk_;
    if (options_.bug == Bug::forgets_fences) {
      for (Record& r : records) {
        if (auto* image = std::get_if<TaskPtr>(&r.what); image && !has_ended((*image)->state)) {
          auto copy = std::make_shared<Task>(**image);
          copy->fence = 0;
          copy->state = TaskState::queued;
          *image = copy;
        }
      }
    }
    boot(records);
  }

  // ── Those who hand in work ──
  TaskRequest request(int i) {
    TaskRequest r;
    r.key = "k" + std::to_string(i);
    r.submitter = "client";
    const auto c = rng_.below(4);
    if (c < 3) r.capabilities = {kCapabilities[c]};
    r.kind = kKinds[rng_.below(3)];
    r.priority = static_cast<std::uint8_t>(rng_.below(10));
    r.attempts_max = 50;
    r.losses_max = 50;
    r.backoff_max = 10s;
    if (rng_.chance(0.2)) r.deadline = WallTime{wall().ms + 60'000 + static_cast<std::int64_t>(rng_.below(600'000))};
    if (rng_.chance(0.2)) r.run_max = options_.work * 20;
    if (rng_.chance(0.2)) r.progress_within = 30s;
    return r;
  }
  void submit(int i, TaskRequest r) {
    if (acknowledged_.contains(i)) return;
    auto answer = tell(Submit{r, std::make_shared<const std::string>("payload " + std::to_string(i))});
    if (!answer) return violate("submit refused: " + answer.error().message);
    const TaskNumber number = answer->task->number;
    when_stored(ledger_->sequence(), [this, i, number] {
      if (rng_.chance(options_.loss)) return;
      const auto [known, fresh] = acknowledged_.emplace(i, number);
      if (!fresh && known->second != number) violate("one key gave two tasks");
      if (!fresh) return;
      ++tally_.acknowledged;
      tasks_.insert(number);
      if (rng_.chance(options_.cancel)) queue_.after(exponential(10s), [this, number] { (void)tell(Cancel{number, "not wanted"}); });
    });
    // Until it hears that it was taken.
    queue_.after(3s, [this, i, r] { submit(i, r); });
  }

  // ── The registry ──
  void news(Agent& a) {
    AgentNews n;
    n.id = a.id;
    n.liveness = a.believed;
    if (a.believed == Liveness::alive) a.known_life = a.incarnation;
    n.incarnation = a.known_life;
    n.capabilities = a.capabilities;
    n.slots = a.slots;
    n.pools = a.pools;
    (void)tell(n);
  }
  void believe(Agent& a, Liveness liveness) {
    if (a.believed == liveness) return;
    a.believed = liveness;
    news(a);
  }

  // ── Agents ──
  void start(Agent& a) {
    a.up = true;
    a.stalled = false;
    ++a.incarnation;
    ++a.stamp;
    a.runs.clear();
    a.done.clear();
    reconnect(a);
    listen(a, a.stamp);
    beat(a, a.stamp);
  }
  void beat(Agent& a, std::uint64_t stamp) {
    queue_.after(500ms + Duration{static_cast<std::int64_t>(rng_.below(500'000'000))}, [this, &a, stamp] {
      if (a.stamp != stamp) return;
      if (!a.stalled && a.up && (a.believed != Liveness::alive || a.known_life != a.incarnation)) {
        a.believed = Liveness::alive;
        news(a);
      }
      beat(a, stamp);
    });
  }
  /// Says what it has, then listens: as each does on a new connection.
  void reconnect(Agent& a) {
    if (!a.up) return;
    send(a, [this, &a] {
      Present p{a.id, {}};
      for (const auto& [task, run] : a.runs) {
        if (run.phase != Run::accepting) p.tasks.emplace_back(task, run.fence);
      }
      (void)tell(p);
    });
  }
  void listen(Agent& a, std::uint64_t stamp) {
    if (a.stamp != stamp) return;
    send(a, [this, &a] { (void)tell(Listen{a.id, queue_.now() + 5s, 0}); });
    queue_.after(1s, [this, &a, stamp] { listen(a, stamp); });
  }
  /// A message of the agent to the daemon: late, lost, twice. What is said is decided when it arrives only where that is harmless.
  void send(Agent& a, std::function<void()> arrives) {
    if (!a.up || a.stalled) return;
    const int copies = rng_.chance(options_.duplicate) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      if (faults() && rng_.chance(options_.loss)) continue;
      queue_.after(delay(), arrives);
    }
  }
  Duration delay() { return Duration{static_cast<std::int64_t>(rng_.below(options_.delay_max.count()))}; }
  void deliver(const Notice& n) {
    Agent* to = nullptr;
    for (auto& a : agents_) {
      if (a->id == n.agent) to = a.get();
    }
    if (n.kind == NoticeKind::offer) {
      const auto [known, fresh] = offered_to_.emplace(std::pair{n.task, n.fence}, n.agent);
      if (!fresh && known->second != n.agent) violate(task_id(n.task) + " fence " + std::to_string(n.fence) + " was offered to " + known->second + " and to " + n.agent);
    }
    const int copies = rng_.chance(options_.duplicate) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      if (faults() && rng_.chance(options_.loss)) continue;
      queue_.after(delay(), [this, to, n, stamp = to->stamp] {
        if (to->stamp != stamp || to->stalled || !to->up) return;
        if (n.kind == NoticeKind::stop) return stop(*to, n.task, n.fence);
        offered(*to, n);
      });
    }
  }
  void stop(Agent& a, TaskNumber task, std::uint64_t fence) {
    const auto found = a.runs.find(task);
    if (found != a.runs.end() && found->second.fence == fence) a.runs.erase(found), a.done.emplace(task, fence);
    send(a, [this, &a, task, fence] { (void)tell(Stopped{{a.id, task, fence}}); });
  }
  void offered(Agent& a, const Notice& n) {
    const Grip grip{a.id, n.task, n.fence};
    const auto known = a.runs.find(n.task);
    if (known != a.runs.end() && known->second.fence >= n.fence) return;
    if (a.done.contains({n.task, n.fence})) return;
    if (a.refuses.contains(n.image->request->kind)) {
      send(a, [this, grip] { (void)tell(Refuse{grip, "not my kind of work", true, {}, false}); });
      return;
    }
    if (a.runs.size() >= a.slots && known == a.runs.end()) {
      send(a, [this, grip] { (void)tell(Refuse{grip, "busy with something else", false, {}, false}); });
      return;
    }
    Run run;
    run.fence = n.fence;
    run.stamp = ++run_count_;
    a.runs[n.task] = run;
    say_until_answered(a, n.task, run.stamp, [this, grip] { return tell(Accept{grip}); }, [this, &a, n](bool ok) {
      if (!ok) return drop(a, n.task, n.fence);
      begin_work(a, n.task);
    });
  }
  void drop(Agent& a, TaskNumber task, std::uint64_t fence) {
    const auto run = a.runs.find(task);
    if (run == a.runs.end() || run->second.fence != fence) return;
    a.runs.erase(run);
    a.done.emplace(task, fence);
  }
  /// Sends and sends again, until an answer comes through: good or bad.
  void say_until_answered(Agent& a, TaskNumber task, std::uint64_t stamp, std::function<Result<Answer>()> say, std::function<void(bool)> heard) {
    const auto run = a.runs.find(task);
    if (run == a.runs.end() || run->second.stamp != stamp) return;
    send(a, [this, &a, task, stamp, say, heard] {
      const auto answer = say();
      const bool ok = answer.has_value();
      const bool counts = ok && !answer->repeated;
      const TaskPtr image = ok ? answer->task : nullptr;
      if (!ok && answer.error().code == ErrorCode::conflict) ++tally_.refused_late;
      when_stored(ledger_->sequence(), [this, &a, task, stamp, heard, ok, counts, image] {
        if (counts) told(*image);
        if (faults() && rng_.chance(options_.loss)) return;
        queue_.after(delay(), [&a, task, stamp, heard, ok] {
          if (!a.up || a.stalled) return;
          const auto again = a.runs.find(task);
          if (again != a.runs.end() && again->second.stamp == stamp) heard(ok);
        });
      });
    });
    queue_.after(1s, [this, &a, task, stamp, say, heard] {
      if (a.up) say_until_answered(a, task, stamp, say, heard);
    });
  }
  /// Something was acknowledged to an agent for the first time; that must not happen twice.
  void told(const Task& task) {
    if (task.state == TaskState::succeeded && !successes_.insert(task.number).second) violate(task_id(task.number) + " was completed twice");
    if (task.state == TaskState::accepted && !accepted_.emplace(task.number, task.fence).second) {
      violate(task_id(task.number) + " fence " + std::to_string(task.fence) + " was accepted twice");
    }
  }
  void begin_work(Agent& a, TaskNumber task) {
    Run& run = a.runs[task];
    if (run.phase != Run::accepting) return;
    run.phase = Run::working;
    run.stamp = ++run_count_;
    const auto [known, fresh] = worked_.emplace(std::pair{task, run.fence}, a.id + "." + std::to_string(a.incarnation));
    if (!fresh) violate(task_id(task) + " fence " + std::to_string(run.fence) + " was worked on by " + known->second + " and by " + a.id);
    if (a.runs.size() > a.slots) violate(a.id + " works on more than it has slots");
    const std::uint64_t stamp = run.stamp;
    progress(a, task, stamp);
    queue_.after(exponential(options_.work), [this, &a, task, stamp] { finish(a, task, stamp); });
  }
  void progress(Agent& a, TaskNumber task, std::uint64_t stamp) {
    const auto run = a.runs.find(task);
    if (run == a.runs.end() || run->second.stamp != stamp) return;
    const Grip grip{a.id, task, run->second.fence};
    send(a, [this, &a, grip, stamp] {
      const auto answer = tell(Progress{grip, 0.5f, "half"});
      if (answer) return;
      when_stored(ledger_->sequence(), [this, &a, grip, stamp] {
        const auto again = a.runs.find(grip.task);
        if (again != a.runs.end() && again->second.stamp == stamp) drop(a, grip.task, grip.fence);
      });
    });
    queue_.after(5s, [this, &a, task, stamp] { progress(a, task, stamp); });
  }
  void finish(Agent& a, TaskNumber task, std::uint64_t stamp) {
    const auto run = a.runs.find(task);
    if (!a.up || run == a.runs.end() || run->second.stamp != stamp) return;
    if (a.stalled) {  // goes on when it wakes
      queue_.after(1s, [this, &a, task, stamp] { finish(a, task, stamp); });
      return;
    }
    run->second.phase = Run::answering;
    run->second.stamp = ++run_count_;
    const Grip grip{a.id, task, run->second.fence};
    std::function<Result<Answer>()> say = [this, grip] { return tell(Complete{grip, std::make_shared<const std::string>("done")}); };
    if (rng_.chance(options_.fail)) say = [this, grip] { return tell(Fail{grip, "it did not work", true, nullptr}); };
    say_until_answered(a, task, run->second.stamp, say, [this, &a, grip](bool) { drop(a, grip.task, grip.fence); });
  }

  // ── Faults ──
  void die() {
    Agent& a = *agents_[rng_.below(agents_.size())];
    if (!a.up) return;
    ++tally_.deaths;
    a.up = false;
    const std::uint64_t stamp = ++a.stamp;
    a.runs.clear();
    // By its tether at once, or by silence.
    queue_.after(rng_.chance(0.5) ? 300ms : 10s, [this, &a, stamp] {
      if (a.stamp == stamp) believe(a, Liveness::lost);
    });
    queue_.after(1s + exponential(10s), [this, &a, stamp] {
      if (a.stamp == stamp) start(a);
    });
  }
  void stall() {
    Agent& a = *agents_[rng_.below(agents_.size())];
    if (!a.up || a.stalled) return;
    ++tally_.stalls;
    a.stalled = true;
    const std::uint64_t stamp = a.stamp;
    const Duration length = exponential(12s);
    if (length > 3s) queue_.after(3s, [this, &a, stamp] { if (a.stamp == stamp && a.stalled) believe(a, Liveness::suspect); });
    if (length > 10s) queue_.after(10s, [this, &a, stamp] { if (a.stamp == stamp && a.stalled) believe(a, Liveness::lost); });
    queue_.after(length, [this, &a, stamp] {
      if (a.stamp != stamp) return;
      a.stalled = false;
      reconnect(a);
    });
  }
  void drain() {
    Agent& a = *agents_[rng_.below(agents_.size())];
    (void)tell(Drain{{a.id}, false, rng_.chance(0.5)});
    queue_.after(exponential(10s), [this, &a] { (void)tell(Undrain{a.id}); });
  }

  // ── Checks ──
  void check() {
    std::uint32_t in_pool = 0;
    for (const AgentView& v : ledger_->agents()) {
      if (v.slots_used > v.slots) violate(v.id + " has " + std::to_string(v.slots_used) + " leases on " + std::to_string(v.slots) + " slots");
      const std::size_t index = std::stoul(v.id.substr(1));
      if (index < agents_.size() && !agents_[index]->pools.empty()) in_pool += v.slots_used;
      for (const TaskNumber number : v.tasks) {
        const TaskPtr task = ledger_->find(number);
        if (!task || task->agent != v.id || !is_held(task->state)) violate(v.id + " holds " + task_id(number) + ", and the task does not know it");
      }
      if (v.availability == Availability::lost && !v.tasks.empty()) violate(v.id + " is lost and holds " + task_id(v.tasks.front()));
    }
    if (options_.pools && in_pool > 2) violate("the pool has 2 slots and " + std::to_string(in_pool) + " leases");
    for (const LaneView& lane : ledger_->lanes()) {
      if (ledger_->why_waiting(lane.first).find("about to be asked") != std::string::npos) violate(lane.label + " waits though an agent is free: " + ledger_->why_waiting(lane.first));
    }
    for (const TaskNumber number : successes_) {
      const TaskPtr task = ledger_->find(number);
      if (!task || task->state != TaskState::succeeded) violate(task_id(number) + " was acknowledged as completed and is not");
    }
    for (const TaskNumber number : tasks_) {
      if (!ledger_->find(number)) violate(task_id(number) + " was acknowledged and is lost");
    }
  }
  bool all_ended() {
    if (acknowledged_.size() < static_cast<std::size_t>(options_.tasks)) return false;
    const Counts counts = ledger_->counts();
    for (int s = 0; s < static_cast<int>(TaskState::succeeded); ++s) {
      if (counts.by_state[s] != 0) return false;
    }
    return true;
  }
  void judge_the_end() {
    if (!all_ended()) {
      std::string waiting;
      ledger_->for_each([&](const TaskPtr& t) {
        if (!has_ended(t->state) && waiting.size() < 400) {
          waiting += " " + task_id(t->number) + " " + std::string(to_string(t->state)) + " (" + t->agent + ", " + ledger_->why_waiting(t->number) + ")";
        }
      });
      return violate("not everything has ended:" + waiting);
    }
    const Counts counts = ledger_->counts();
    tally_.succeeded = counts.by_state[static_cast<int>(TaskState::succeeded)];
    tally_.failed = counts.by_state[static_cast<int>(TaskState::failed)];
    tally_.cancelled = counts.by_state[static_cast<int>(TaskState::cancelled)];
    tally_.expired = counts.by_state[static_cast<int>(TaskState::expired)];
    for (const TaskNumber number : tasks_) {
      const TaskPtr task = ledger_->find(number);
      if (!task || !has_ended(task->state)) violate(task_id(number) + " was acknowledged and did not end");
    }
    // Agents come to rest, too: no lease outlives its task.
    std::uint64_t counted = 0;
    for (const AgentView& v : ledger_->agents()) counted += v.succeeded;
    if (counted != tally_.succeeded) violate("agents completed " + std::to_string(counted) + " by their count, " + std::to_string(tally_.succeeded) + " tasks succeeded");
  }

  const Options options_;
  Rng rng_;
  sim::EventQueue queue_;
  Tally tally_;
  Instant quiet_at_;
  std::unique_ptr<Ledger> ledger_;
  std::uint64_t boots_ = 0;
  Instant armed_ = Instant::never();
  std::vector<Record> disk_;
  std::vector<Record> unwritten_;
  std::vector<Waiting> waiting_;
  bool flushing_ = false;
  std::vector<std::unique_ptr<Agent>> agents_;
  std::uint64_t run_count_ = 0;
  std::map<int, TaskNumber> acknowledged_;
  std::set<TaskNumber> tasks_;
  std::set<TaskNumber> successes_;
  std::set<std::pair<TaskNumber, std::uint64_t>> accepted_;
  std::map<std::pair<TaskNumber, std::uint64_t>, std::string> offered_to_;
  std::map<std::pair<TaskNumber, std::uint64_t>, std::string> worked_;
};

}  // namespace

Tally run(const Options& options) { return World(options).run(); }

}  // namespace choregos::task_sim
