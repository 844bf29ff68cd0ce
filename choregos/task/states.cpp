#include "choregos/task/states.hpp"

namespace choregos::task {
namespace {

using enum TaskState;
using C = TaskCause;

// clang-format off
constexpr Edge kEdges[] = {
    // Taken in. Nobody but its submitter knows of it until it is on disk.
    {submitted, C::stored,      queued},
    {submitted, C::not_stored,  cancelled},
    {submitted, C::cancelled,   cancelled},
    {submitted, C::team_ended,  cancelled},
    {submitted, C::deadline,    expired},
    // Waiting.
    {queued,    C::granted,     offered},
    {queued,    C::adopted,     running},
    {queued,    C::cancelled,   cancelled},
    {queued,    C::team_ended,  cancelled},
    {queued,    C::deadline,    expired},
    // One agent was asked.
    {offered,   C::accepted,    accepted},
    {offered,   C::refused,     queued},
    {offered,   C::handed_back, queued},
    {offered,   C::unanswered,  queued},
    {offered,   C::suspected,   queued},
    {offered,   C::lost,        queued},
    {offered,   C::taken_back,  queued},
    {offered,   C::cancelled,   cancelled},
    {offered,   C::team_ended,  cancelled},
    {offered,   C::deadline,    expired},
    // It said yes.
    {accepted,  C::started,     running},
    {accepted,  C::refused,     queued},
    {accepted,  C::handed_back, queued},
    {accepted,  C::lost,        queued},
    {accepted,  C::abandoned,   queued},
    {accepted,  C::overran,     queued},
    {accepted,  C::stalled,     queued},
    {accepted,  C::taken_back,  queued},
    {accepted,  C::gave_up,     failed},
    {accepted,  C::cancelled,   cancelled},
    {accepted,  C::deadline,    expired},
    // It works.
    {running,   C::completed,   succeeded},
    {running,   C::retrying,    queued},
    {running,   C::refused,     queued},
    {running,   C::handed_back, queued},
    {running,   C::lost,        queued},
    {running,   C::abandoned,   queued},
    {running,   C::overran,     queued},
    {running,   C::stalled,     queued},
    {running,   C::taken_back,  queued},
    {running,   C::failed,      failed},
    {running,   C::gave_up,     failed},
    {running,   C::cancelled,   cancelled},
    {running,   C::deadline,    expired},
    // The dead may be woken by a person, never by the machine.
    {failed,    C::retried,     queued},
    {expired,   C::retried,     queued},
};
// clang-format on

}  // namespace

std::span<const Edge> edges() { return kEdges; }

Result<TaskState> next_state(TaskState from, TaskCause cause) {
  for (const Edge& edge : kEdges) {
    if (edge.from == from && edge.cause == cause) return edge.to;
  }
  std::string legal;
  for (const Edge& edge : kEdges) {
    if (edge.from == from) legal.append(legal.empty() ? "" : ", ").append(to_string(edge.cause));
  }
  return fail(ErrorCode::conflict, "the task is " + std::string(to_string(from)) + ", so it cannot be " + std::string(to_string(cause)) +
                                       (legal.empty() ? "; this is its end" : "; it can be " + legal));
}

}  // namespace choregos::task
