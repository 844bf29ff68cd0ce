#include "choregos/registry/expected_found.hpp"

#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "choregos/base/text.hpp"

namespace choregos {
namespace {

bool is_there(const Agent& agent) { return agent.liveness != Liveness::lost && agent.liveness != Liveness::left; }

std::string with_reason(std::string_view word, const std::string& reason) { return std::string(word) + (reason.empty() ? "" : " (" + reason + ")"); }

/// How to say that nobody answers there.
std::string silence_of(const FoundTarget& target) {
  if (!target.tried) return "it was not asked yet";
  return target.note.empty() ? "nobody answers" : "nobody answers: " + target.note;
}

/// One service, with everything that is known of it.
class Comparison {
 public:
  Comparison(ServiceFound& out, const Snapshot& snapshot) : out_(out), snapshot_(snapshot) {}

  void target(const FoundTarget& target) {
    if (target.behind_balancer) return;
    targets_.push_back(&target);
    if (target.task) target_by_task_.emplace(target.task->task_id, &target);
    else nameless_.emplace(target.address, &target);
    if (!target.draining) ++out_.in_dns;
    out_.answering += target.answering;
  }
  void agent(const AgentRecordPtr& record) {
    agents_.emplace(record->agent.id, record);
    if (record->agent.task) by_task_.emplace(record->agent.task->task_id, record);
  }
  /// All targets and agents of the service come first.
  void count_listed() {
    for (const FoundTarget* target : targets_)
      if (const auto record = agent_at(*target)) agents_.emplace(record->agent.id, record);
    for (const auto& [id, record] : agents_) out_.listed += is_there(record->agent);
  }

  void with_orchestrator(const ServiceExpectation& expected, const ExpectationReport& report) {
    out_.mode = to_string(expected.mode);
    out_.desired = expected.desired;
    if (expected.desired) out_.desired_by = report.source;
    out_.tasks = 0;
    std::uint64_t wanted = 0;
    for (const ExpectedTask& task : expected.tasks) {
      *out_.tasks += task.running && task.wanted;
      if (!task.wanted) continue;
      ++wanted;
      look_for(task);
    }
    if (expected.desired && wanted < *expected.desired) wanted += name_unreplaced(expected, *expected.desired - wanted);
    for (std::uint64_t i = wanted; expected.desired && i < *expected.desired; ++i)
      out_.missing.push_back({"", "", "", "", "no task exists for it yet: " + std::to_string(*expected.desired) + " are desired, " + std::to_string(wanted) + " are known"});
    // An engine that is no manager knows its own host only: what others run is no phantom.
    if (!report.whole_swarm) return;
    phantoms_in_dns(expected);
    phantoms_listed(expected);
  }

  void without_orchestrator() {
    std::uint64_t lacking = 0;
    if (out_.desired) {
      const std::uint64_t found = std::max(out_.listed, out_.answering);
      lacking = *out_.desired > found ? *out_.desired - found : 0;
    }
    for (const FoundTarget* target : targets_) {
      if (target->draining || target->answering || (agent_at(*target) && is_there(agent_at(*target)->agent))) continue;
      Discrepancy one = of(*target);
      one.reason = "DNS has " + one.address + ", " + silence_of(*target);
      if (lacking > 0) {
        --lacking;
        out_.missing.push_back(std::move(one));
      } else if (target->tried) {
        out_.phantom.push_back(std::move(one));
      }
    }
    for (; lacking > 0; --lacking) out_.missing.push_back({"", "", "", "", "not even DNS knows it: " + std::to_string(*out_.desired) + " should be there"});
  }

 private:
  Discrepancy of(const FoundTarget& target) const {
    Discrepancy out;
    if (target.task) out.task = target.task->name();
    out.address = to_string(target.address);
    if (const auto record = agent_at(target)) out.agent = record->agent.id;
    return out;
  }

  AgentRecordPtr agent_at(const FoundTarget& target) const {
    if (!target.id.empty())
      if (auto record = snapshot_.find(target.id)) return record;
    if (target.task)
      if (auto record = snapshot_.find(target.task->name())) return record;
    return snapshot_.find(to_string(target.address));
  }

  const FoundTarget* target_of(const ExpectedTask& task) const {
    if (const auto it = target_by_task_.find(task.task.task_id); it != target_by_task_.end()) return it->second;
    for (const SocketAddress& address : task.targets)
      if (const auto it = nameless_.find(address); it != nameless_.end()) return it->second;
    return nullptr;
  }

  AgentRecordPtr agent_of(const ExpectedTask& task, const FoundTarget* target) const {
    if (const auto it = by_task_.find(task.task.task_id); it != by_task_.end()) return it->second;
    if (auto record = snapshot_.find(task.task.name())) return record;
    if (target != nullptr)
      if (auto record = agent_at(*target)) return record;
    for (const SocketAddress& address : task.targets)
      if (auto record = snapshot_.find(to_string(address))) return record;
    return nullptr;
  }

  void look_for(const ExpectedTask& task) {
    const FoundTarget* target = target_of(task);
    const AgentRecordPtr record = agent_of(task, target);
    if (task.running && record && is_there(record->agent)) return;
    Discrepancy one;
    one.task = task.task.name();
    one.node = task.node;
    if (record) one.agent = record->agent.id;
    if (target != nullptr) one.address = to_string(target->address);
    else if (!task.targets.empty()) one.address = to_string(task.targets.front());
    if (!task.running) one.reason = "it is wanted and " + with_reason(task.state.empty() ? "does not run" : task.state, task.message);
    else if (record) one.reason = "it runs, and its agent " + record->agent.id + " is " + with_reason(to_string(record->agent.liveness), record->agent.reason);
    else if (target == nullptr && one.address.empty()) one.reason = "it runs, and nobody has an address for it";
    else if (target == nullptr) one.reason = "it runs, and DNS lacks it";
    else if (target->answering) one.reason = "it answers at " + one.address + ", and is not listed" + (target->note.empty() ? "" : ": " + target->note);
    else one.reason = "it runs, and at " + one.address + " " + silence_of(*target);
    out_.missing.push_back(std::move(one));
  }

  /// Tasks that ended and that nothing replaces, the newest of each slot: at most `count_max`. Returns how many.
  std::uint64_t name_unreplaced(const ServiceExpectation& expected, std::uint64_t count_max) {
    std::set<std::string_view> taken;
    std::map<std::string, const ExpectedTask*, NaturalLess> last;
    for (const ExpectedTask& task : expected.tasks)
      if (task.wanted) taken.insert(task.task.slot);
    for (const ExpectedTask& task : expected.tasks) {
      if (!task.ended || taken.contains(task.task.slot)) continue;
      const ExpectedTask*& newest = last[task.task.slot];
      if (newest == nullptr || newest->since < task.since) newest = &task;
    }
    std::uint64_t named = 0;
    for (const auto& [slot, task] : last) {
      if (named == count_max) break;
      ++named;
      Discrepancy one{task->task.name(), "", "", task->node, "it ended: " + with_reason(task->state, task->message) + ", and nothing replaces it yet"};
      if (const AgentRecordPtr record = agent_of(*task, target_of(*task))) one.agent = record->agent.id;
      out_.missing.push_back(std::move(one));
    }
    return named;
  }

  void phantoms_in_dns(const ServiceExpectation& expected) {
    std::map<std::string_view, const ExpectedTask*> by_id;
    std::set<SocketAddress> owned;
    for (const ExpectedTask& task : expected.tasks) {
      by_id.emplace(task.task.task_id, &task);
      if (!task.ended) owned.insert(task.targets.begin(), task.targets.end());
    }
    for (const FoundTarget* target : targets_) {
      if (target->draining || target->services.empty()) continue;
      Discrepancy one = of(*target);
      const std::string there = target->answering ? "somebody answers there" : silence_of(*target);
      if (!target->task) {
        if (owned.contains(target->address)) continue;
        one.reason = "DNS has " + one.address + ", and no task has it; " + there;
      } else if (const auto it = by_id.find(target->task->task_id); it == by_id.end()) {
        one.reason = "DNS has " + one.address + " for a task that the orchestrator does not know; " + there;
      } else if (it->second->ended) {
        one.node = it->second->node;
        one.reason = "DNS has " + one.address + " for a task that ended: " + with_reason(it->second->state, it->second->message) + "; " + there;
      } else {
        continue;
      }
      named_.insert(one.agent);
      out_.phantom.push_back(std::move(one));
    }
  }

  void phantoms_listed(const ServiceExpectation& expected) {
    std::map<std::string_view, const ExpectedTask*> by_id;
    for (const ExpectedTask& task : expected.tasks) by_id.emplace(task.task.task_id, &task);
    for (const auto& [id, record] : agents_) {
      const Agent& agent = record->agent;
      if (!is_there(agent) || !agent.task || named_.contains(id)) continue;
      const auto it = by_id.find(agent.task->task_id);
      if (it != by_id.end() && !it->second->ended) continue;
      Discrepancy one{agent.task->name(), "", id, agent.node, ""};
      one.reason = "it is listed as " + std::string(to_string(agent.liveness)) + ", and " +
                   (it == by_id.end() ? std::string("the orchestrator does not know its task") : "its task ended: " + with_reason(it->second->state, it->second->message));
      out_.phantom.push_back(std::move(one));
    }
  }

  ServiceFound& out_;
  const Snapshot& snapshot_;
  std::vector<const FoundTarget*> targets_;
  std::unordered_map<std::string, const FoundTarget*> target_by_task_;    ///< by task id
  std::map<SocketAddress, const FoundTarget*> nameless_;                  ///< of whom no task is known
  std::map<std::string, AgentRecordPtr> agents_;                          ///< by id
  std::unordered_map<std::string, AgentRecordPtr> by_task_;               ///< by task id
  std::set<std::string> named_;                                           ///< agents that are phantoms already
};

}  // namespace

ExpectedFound compare_expected(std::span<const ExpectationReportPtr> reports, std::span<const ConfiguredCount> configured, std::span<const FoundTarget> targets, const Snapshot& snapshot,
                               Instant now) {
  ExpectedFound out;
  std::map<std::string, std::pair<const ServiceExpectation*, const ExpectationReport*>, NaturalLess> names;
  std::map<std::string, std::string> by_task;  // task id -> service
  for (const auto& report : reports) {
    const Duration age = report->age(now);
    out.orchestrator_age = std::max(out.orchestrator_age.value_or(age), age);
    for (const auto& service : report->services) {
      names.try_emplace(service.name, &service, report.get());
      for (const auto& task : service.tasks) by_task.emplace(task.task.task_id, service.name);
    }
    for (const auto& node : report->nodes)
      if (node.state == NodeState::down || node.state == NodeState::disconnected)
        out.nodes.push_back(node.name + " is " + std::string(to_string(node.state)) + (node.message.empty() ? "" : ": " + node.message));
  }
  for (const auto& service : configured) names.try_emplace(service.service, nullptr, nullptr);

  out.services.reserve(names.size());
  std::map<std::string, Comparison> comparisons;
  for (const auto& [name, from] : names) {
    out.services.push_back({});
    out.services.back().name = name;
    comparisons.emplace(name, Comparison(out.services.back(), snapshot));
  }
  const auto service_of = [&](const std::string& name) { return comparisons.find(name); };
  for (const auto& target : targets) {
    std::set<std::string> whose(target.services.begin(), target.services.end());
    if (target.task) {
      const auto known = by_task.find(target.task->task_id);
      whose.insert(known != by_task.end() ? known->second : target.task->service);
    }
    for (const auto& name : whose)
      if (const auto it = service_of(name); it != comparisons.end()) it->second.target(target);
  }
  snapshot.for_each([&](const AgentRecordPtr& record) {
    if (!record->agent.task) return;
    const auto known = by_task.find(record->agent.task->task_id);
    if (const auto it = service_of(known != by_task.end() ? known->second : record->agent.task->service); it != comparisons.end()) it->second.agent(record);
  });
  for (auto& service : out.services) {
    const auto& [expectation, report] = names.at(service.name);
    Comparison& comparison = comparisons.at(service.name);
    comparison.count_listed();
    const auto written = std::find_if(configured.begin(), configured.end(), [&](const auto& c) { return c.service == service.name && c.count; });
    if (expectation != nullptr) comparison.with_orchestrator(*expectation, *report);
    if (!service.desired && written != configured.end()) {
      service.desired = written->count;
      service.desired_by = "configuration";
    }
    if (expectation == nullptr) comparison.without_orchestrator();
  }
  return out;
}

}  // namespace choregos
