// The inside of the ledger. One file for each side of it: submit.cpp takes work in, grants.cpp binds it to agents, answers.cpp hears what
// agents say of it, fleet.cpp what the registry says of agents, holds.cpp what operators say, time.cpp acts on deadlines, keep.cpp makes
// and reads records, views.cpp answers questions.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "choregos/base/rng.hpp"
#include "choregos/base/text.hpp"
#include "choregos/task/entry.hpp"
#include "choregos/task/lanes.hpp"
#include "choregos/task/ledger.hpp"
#include "choregos/task/refusals.hpp"
#include "choregos/task/states.hpp"
#include "choregos/task/trial.hpp"
#include "choregos/task/wakes.hpp"

namespace choregos::task {

class Ledger::Impl {
 public:
  explicit Impl(LedgerSettings settings) : settings_(settings), rng_(settings.seed) {}

  Result<Answer> apply(const Command& command, Instant now, WallTime wall_now, Output& out);
  void tick(Instant now, WallTime wall_now, Output& out);
  Instant next_deadline() const;
  void stored(std::uint64_t sequence, Instant now, WallTime wall_now, Output& out);
  Result<void> restore(const std::vector<Record>& records, Instant now, WallTime wall_now);

  // views.cpp
  TaskPtr find(TaskNumber number) const;
  void for_each(const std::function<void(const TaskPtr&)>& visit) const;
  std::vector<TaskPtr> dead_letters(std::size_t limit) const;
  std::optional<AgentView> agent(std::string_view id) const;
  std::vector<AgentView> agents() const;
  std::vector<LaneView> lanes() const;
  Counts counts() const;
  std::string why_waiting(TaskNumber number) const;
  const Trial& trial() const { return trial_; }
  std::uint64_t sequence() const { return sequence_; }
  std::uint64_t revision() const { return revision_; }
  std::size_t size() const { return tasks_.size(); }

 private:
  struct Team {
    std::vector<std::vector<std::string>> seats;
    std::set<TaskNumber> tasks;  ///< that have not ended
    bool known = false;
  };

  // submit.cpp
  Result<Answer> on(const Submit& command);
  Result<Answer> on(const NotStored& command);
  Result<Answer> on(const Cancel& command);
  Result<Answer> on(const Retry& command);
  Result<Answer> on(const Forget& command);
  /// Ancestry and root of what is delegated. See Submit for the errors.
  struct Lineage {
    std::vector<std::string> ancestry;
    TaskNumber root = 0;
    Entry* parent = nullptr;
  };
  Result<Lineage> lineage(const TaskRequest& request);

  // answers.cpp
  Result<Answer> on(const Listen& command);
  Result<Answer> on(const Accept& command);
  Result<Answer> on(const Start& command);
  Result<Answer> on(const Progress& command);
  Result<Answer> on(const Complete& command);
  Result<Answer> on(const Fail& command);
  Result<Answer> on(const Refuse& command);
  Result<Answer> on(const Stopped& command);
  Result<Answer> on(const Present& command);
  struct Held {
    Entry* entry;
    AgentEntry* agent;
  };
  /// The task that the grip is about, if it is the newest one.
  Result<Held> grip(const Grip& grip);
  /// Makes it running in the hands of the agent, by way of whatever is missing. `presented`: it names it now, so it is no message of a
  /// former life that comes late.
  Result<void> hold_on(Entry& entry, AgentEntry& agent, bool presented = false);
  void accept(Entry& entry, AgentEntry& agent);
  bool end_stopping(AgentEntry& agent, TaskNumber task, std::uint64_t fence);
  void repeat_notices(AgentEntry& agent);
  void learn(AgentEntry& agent, Entry& entry, bool success);

  // fleet.cpp
  Result<Answer> on(const AgentNews& command);
  Result<Answer> on(const AgentRenamed& command);
  Result<Answer> on(const SetTeam& command);
  Result<Answer> on(const EndTeam& command);
  AgentEntry* find_agent_entry(std::string_view id);
  AgentEntry& agent_entry(const std::string& id);
  AgentIndex index_of(const AgentEntry& agent) const { return agent.place.agent; }
  void set_capabilities(AgentEntry& agent, const std::vector<std::string>& names);
  void set_pools(AgentEntry& agent, const std::vector<std::string>& pools);
  void drop_everything(AgentEntry& agent);
  void erase_agent(AgentEntry& agent);
  void apply_holds(AgentEntry& agent);

  // holds.cpp
  Result<Answer> on(const SetPool& command);
  Result<Answer> on(const SetFloor& command);
  Result<Answer> on(const Rest& command);
  Result<Answer> on(const Drain& command);
  Result<Answer> on(const Undrain& command);
  Result<Answer> on(const Quarantine& command);
  Result<Answer> on(const Release& command);
  Result<Answer> on(const SetTrial& command);
  Result<Hold*> hold_of_agent(const std::string& id);
  void keep_hold(const Hold& hold);
  void rest_agent(AgentEntry& agent, Duration length, const std::string& reason);
  Result<void> rest_provider(const std::string& provider, Duration length, const std::string& reason);
  bool in_service(const AgentEntry& agent) const;
  /// The capability whose floor would be broken if these went, too; "" = none.
  std::string broken_floor(const std::vector<std::string>& going) const;
  void start_drain(AgentEntry& agent);
  void advance_drains();
  void take_back(AgentEntry& agent, bool for_drain);

  // grants.cpp
  void enqueue(Entry& entry);
  void leave_lane(Entry& entry);
  void dispatch();
  void serve_agents();
  void serve_lanes();
  bool eligible(const Lane& lane, const AgentEntry& agent) const;
  Lane* best_lane(const AgentEntry& agent);
  AgentEntry* best_agent(const Lane& lane);
  AgentEntry* first_free(const std::set<Place>& places, const Lane& lane, bool trial_only) ;
  void grant(Entry& entry, AgentEntry& agent);
  /// Ends the holder's lease. `stop`: it is told to, and its slot counts until it has.
  void release(Entry& entry, bool stop);
  /// From the holder back to the queue. `pause` 0 = at once.
  void hand_back(Entry& entry, TaskCause cause, const std::string& note, bool stop, Duration pause);
  /// The same, counted: after too many of them it is a dead letter. Not for offers.
  void lose(Entry& entry, TaskCause cause, const std::string& note);
  void overdue(Entry& entry, TaskCause cause, const std::string& note);
  void end(Entry& entry, TaskCause cause, const std::string& note);
  Duration pause_after(const Entry& entry, std::uint32_t failures);
  void take_slot(AgentEntry& agent);
  void free_slot(AgentEntry& agent);
  /// Brings the agent's place among the free ones up to date. To be called after whatever bears on it.
  void refresh(AgentEntry& agent);
  void refresh_pool(const Pool& pool);
  bool is_free(const AgentEntry& agent) const;
  void place(AgentEntry& agent);
  void unplace(AgentEntry& agent);
  std::set<Place>& free_with(CapId id);
  Place place_for(const AgentEntry& agent, const AgentCapability& capability) const;

  // time.cpp
  void arm(Entry& entry);
  void arm(AgentEntry& agent);
  void act(Entry& entry);
  void act(AgentEntry& agent);
  std::uint8_t behind(const Entry& entry) const;
  Instant instant_of(WallTime wall) const { return wall.ms == 0 ? Instant::never() : now_ + Duration{(wall.ms - wall_.ms) * 1'000'000}; }
  WallTime wall_of(Instant at) const { return WallTime{wall_.ms + (at - now_).count() / 1'000'000}; }

  // keep.cpp
  void begin(Instant now, WallTime wall_now, Output& out);
  void finish();
  void move(Entry& entry, TaskCause cause, const std::string& note = {});
  void publish(Entry& entry, TaskState from);
  void touch(Entry& entry);
  void record(decltype(Record::what) what) { out_->records.push_back({++sequence_, std::move(what), std::nullopt}); }
  void notify(NoticeKind kind, const AgentEntry& agent, TaskNumber task, std::uint64_t fence);
  void changed(AgentEntry& agent);
  void forget(Entry& entry);
  void drop_blob(Blob& blob);
  void keep_blob(Blob& to, const Blob& blob);
  Entry* find_entry(TaskNumber number);
  Status derived(const AgentEntry& agent) const;
  Availability availability(const AgentEntry& agent) const;
  AgentView view(const AgentEntry& agent) const;

  // Fixed.
  const LedgerSettings settings_;

  // Tasks.
  std::unordered_map<TaskNumber, Entry> tasks_;
  TaskNumber next_number_ = 1;
  std::unordered_map<std::string, TaskNumber> by_key_;  ///< "submitter\x1fkey"
  std::unordered_map<TaskNumber, std::uint32_t> living_in_tree_;
  std::deque<std::pair<std::uint64_t, TaskNumber>> unstored_;  ///< submissions by the sequence of their record
  Lanes lanes_;
  Counts counts_;
  Refusals refusals_;

  // Agents.
  std::deque<AgentEntry> agents_;
  std::vector<AgentIndex> free_entries_;
  ByText<AgentIndex> by_id_;
  std::vector<std::set<Place>> free_with_;  ///< by CapId: free agents that have it, outside of teams
  std::set<Place> free_;                    ///< all of them
  std::vector<std::uint32_t> agents_with_;  ///< by CapId
  std::unordered_map<std::string, Pool> pools_;
  std::map<std::string, Hold, NaturalLess> holds_;  ///< by agent
  std::map<std::string, Hold> provider_holds_;
  struct ProviderRest {
    Instant until;
    Duration spread;
  };
  std::map<std::string, ProviderRest> provider_rests_;
  std::map<std::string, std::uint32_t> floors_;
  std::unordered_map<std::string, Team> teams_;
  Trial trial_;
  struct KindPace {
    double mean_ln = 0;
    std::uint64_t count = 0;
  };
  ByText<KindPace> kind_paces_;
  std::uint64_t given_count_ = 0;
  std::size_t drains_waiting_ = 0;

  // Deadlines.
  Wakes<TaskNumber> task_wakes_;
  Wakes<AgentIndex> agent_wakes_;

  // Numbers.
  std::uint64_t revision_ = 0;
  std::uint64_t sequence_ = 0;
  Rng rng_;

  // Of the call that is under way.
  Instant now_;
  WallTime wall_;
  Output* out_ = nullptr;
  std::size_t notices_before_ = 0;
  std::vector<TaskNumber> touched_;
  std::vector<AgentIndex> dirty_agents_;
  std::vector<AgentIndex> changed_agents_;
  std::vector<Lane*> dirty_lanes_;
  bool service_changed_ = false;
};

}  // namespace choregos::task
