// choregos wait: until so many agents are there, and stay for so long. For scripts that deploy, by one stream and without asking again.
//   choregos wait --capability go --idle 5 --for 30s --timeout 10m
// Exit codes: 0 it is so, 124 not in time (as timeout(1) has it), 2 usage, 5 denied.
#include <chrono>
#include <ostream>

#include "choregos/base/text.hpp"
#include "choregos/cli/feed.hpp"
#include "choregos/cli/filters.hpp"
#include "choregos/cli/paint.hpp"
#include "choregos/cli/verbs.hpp"
#include "choregos/sdk/mirror.hpp"

namespace choregos::cli {
namespace {

constexpr int kNotInTime = 124;

Instant now() { return {std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count()}; }

std::string state_text(const Mirror& mirror, const WaitArguments& wanted, bool held) {
  const std::string have = std::to_string(mirror.agents().size());
  if (!mirror.current()) return "nobody tells";
  if (wanted.none) return have + " are still there";
  return held ? have + " match, for too short a time" : have + " of " + std::to_string(wanted.count) + " match";
}

}  // namespace

int wait(const Context& context, const WaitArguments& arguments, Streams s) {
  auto query = query_of(arguments.filter);
  if (!query) return report(context, query.error(), s.err);
  // Who is asked to be there is to be alive, unless somebody said otherwise.
  if (query->liveness.empty()) query->liveness = {Liveness::alive};
  Feed feed(context);
  if (const auto opened = feed.open(*query); !opened) return report(context, opened.error(), s.err);

  const Instant began = now();
  const Instant end = arguments.timeout > Duration{0} ? began + arguments.timeout : Instant::never();
  std::optional<Instant> held_since;
  Mirror mirror;
  bool told = false;
  while (true) {
    const bool holds = mirror.current() && (arguments.none ? mirror.agents().empty() : mirror.agents().size() >= arguments.count);
    const Instant at = now();
    if (!holds) held_since.reset();
    else if (!held_since) held_since = at;
    if (held_since && at - *held_since >= arguments.hold) break;
    if (at >= end) {
      s.err << "choregos: not within " << format_duration(arguments.timeout) << ": " << state_text(mirror, arguments, held_since.has_value()) << "\n";
      return kNotInTime;
    }
    const Instant until = held_since ? std::min(end, *held_since + arguments.hold) : end;
    const auto event = feed.next(until == Instant::never() ? Duration{-1} : until - at);
    if (!event) continue;
    if (event->kind == WatchEvent::Kind::lost) {
      if (is_final(event->error)) return report(context, event->error, s.err);
      // A daemon that is only starting is one of the things to wait for.
      if (!std::exchange(told, true)) s.err << "choregos: " << printable(event->error.message) << "; waiting\n";
    }
    mirror.apply(*event);
  }
  for (const auto& [id, view] : mirror.agents()) s.out << printable(id) << "\n";
  return 0;
}

}  // namespace choregos::cli
