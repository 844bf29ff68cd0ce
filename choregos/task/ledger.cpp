#include "choregos/task/ledger.hpp"

#include "choregos/task/ledger_impl.hpp"

namespace choregos::task {

Result<Answer> Ledger::Impl::apply(const Command& command, Instant now, WallTime wall_now, Output& out) {
  begin(now, wall_now, out);
  Result<Answer> answer = std::visit([this](const auto& c) { return on(c); }, command);
  finish();
  // Work may have been bound at the end of the call; the answer shows the task as it is now.
  if (answer && answer->task) {
    if (const TaskPtr fresh = find(answer->task->number)) answer->task = fresh;
  }
  return answer;
}

Ledger::Ledger(LedgerSettings settings) : impl_(std::make_unique<Impl>(settings)) {}
Ledger::~Ledger() = default;
Ledger::Ledger(Ledger&&) noexcept = default;
Ledger& Ledger::operator=(Ledger&&) noexcept = default;

Result<Answer> Ledger::apply(const Command& command, Instant now, WallTime wall_now, Output& out) { return impl_->apply(command, now, wall_now, out); }
void Ledger::tick(Instant now, WallTime wall_now, Output& out) { impl_->tick(now, wall_now, out); }
Instant Ledger::next_deadline() const { return impl_->next_deadline(); }
void Ledger::stored(std::uint64_t sequence, Instant now, WallTime wall_now, Output& out) { impl_->stored(sequence, now, wall_now, out); }
std::uint64_t Ledger::sequence() const { return impl_->sequence(); }
Result<void> Ledger::restore(const std::vector<Record>& records, Instant now, WallTime wall_now) { return impl_->restore(records, now, wall_now); }
TaskPtr Ledger::find(TaskNumber number) const { return impl_->find(number); }
void Ledger::for_each(const std::function<void(const TaskPtr&)>& visit) const { impl_->for_each(visit); }
std::vector<TaskPtr> Ledger::dead_letters(std::size_t limit) const { return impl_->dead_letters(limit); }
std::optional<AgentView> Ledger::agent(std::string_view id) const { return impl_->agent(id); }
std::vector<AgentView> Ledger::agents() const { return impl_->agents(); }
std::vector<LaneView> Ledger::lanes() const { return impl_->lanes(); }
Counts Ledger::counts() const { return impl_->counts(); }
const Trial& Ledger::trial() const { return impl_->trial(); }
std::uint64_t Ledger::revision() const { return impl_->revision(); }
std::size_t Ledger::size() const { return impl_->size(); }
std::string Ledger::why_waiting(TaskNumber number) const { return impl_->why_waiting(number); }

}  // namespace choregos::task
