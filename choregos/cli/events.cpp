// choregos events: what changes, as it changes. And `choregos agents --watch`, which begins with the list.
#include <optional>
#include <ostream>
#include <string>
#include <utility>

#include "choregos/base/text.hpp"
#include "choregos/cli/event_text.hpp"
#include "choregos/cli/feed.hpp"
#include "choregos/cli/filters.hpp"
#include "choregos/cli/guard_text.hpp"
#include "choregos/cli/paint.hpp"
#include "choregos/cli/verbs.hpp"

namespace choregos::cli {
namespace {

/// What both verbs do with a stream that broke: without any answer from the start it ends the verb, later it is told, once each way.
std::optional<int> lost(const Context& context, const WatchEvent& event, bool was_there, std::string& told, Streams s) {
  if (!was_there || is_final(event.error)) return report(context, event.error, s.err);
  if (std::exchange(told, event.error.message) != event.error.message) s.err << "choregos: no news: " << printable(event.error.message) << "; trying again\n";
  return std::nullopt;
}

void tell_mode(const WatchEvent& event, const Context& context, Streams s) {
  if (event.guard) print_guard(event.guard, context, s.err);
  else if (event.kind == WatchEvent::Kind::mode) s.err << "mode: " << printable(event.mode) << "\n";
}

}  // namespace

int events(const Context& context, const EventsArguments& arguments, Streams s) {
  const auto query = query_of(arguments.filter);
  if (!query) return report(context, query.error(), s.err);
  Feed feed(context);
  if (const auto opened = feed.open(*query); !opened) return report(context, opened.error(), s.err);
  const bool json = context.format == Format::json;
  bool there = false;
  std::string told_lost;
  for (std::size_t told = 0; arguments.count == 0 || told < arguments.count;) {
    const WatchEvent event = *feed.next();
    switch (event.kind) {
      case WatchEvent::Kind::lost:
        if (const auto code = lost(context, event, there, told_lost, s)) return *code;
        continue;
      case WatchEvent::Kind::reset:
        if (there) s.err << "choregos: " << printable(event.reason) << ": changes may have been missed; the list is new\n";
        continue;
      case WatchEvent::Kind::ready:
        if (!there && !json) s.err << "following the fleet from revision " << to_string(event.revision) << "\n";
        there = true;
        [[fallthrough]];
      case WatchEvent::Kind::mode:
        if (json && event.kind == WatchEvent::Kind::mode) s.out << event.raw << std::endl;
        else if (!json) tell_mode(event, context, s);
        continue;
      case WatchEvent::Kind::put:
      case WatchEvent::Kind::remove: break;
    }
    if (event.listed) continue;
    ++told;
    if (json) s.out << event.raw << std::endl;
    else if (context.format == Format::name) s.out << printable(event.agent.agent.id) << std::endl;
    else s.out << event_line(event, context.color) << std::endl;
    if (!s.out) return 1;  // nobody reads any more
  }
  return 0;
}

int watch_agents(const Context& context, const Query& query, Streams s) {
  Feed feed(context);
  if (const auto opened = feed.open(query); !opened) return report(context, opened.error(), s.err);
  bool there = false;
  std::string told_lost;
  // Columns of a list that never ends cannot be fitted to it.
  const auto row = [&](std::string_view id, std::string_view word, Paint paint, std::string_view status, std::string_view capabilities) {
    const auto fitted = [](std::string_view text, std::size_t width) {
      const std::size_t has = display_width(text);
      return std::string(text) + std::string(has < width ? width - has : 0, ' ');
    };
    s.out << fitted(printable(id), 28) << ' ' << painted(fitted(word, 20), paint, context.color) << ' ' << fitted(status, 9) << printable(capabilities) << std::endl;
  };
  while (s.out) {
    const WatchEvent event = *feed.next();
    const Agent& agent = event.agent.agent;
    if (event.kind == WatchEvent::Kind::lost) {
      if (const auto code = lost(context, event, there, told_lost, s)) return *code;
    } else if (context.format == Format::json) {
      if (!event.raw.empty()) s.out << event.raw << std::endl;
      there = there || event.kind == WatchEvent::Kind::ready;
    } else if (event.kind == WatchEvent::Kind::reset) {
      if (there) s.err << "choregos: " << printable(event.reason) << ": the list begins again\n";
      else if (context.headers && context.format != Format::name) row("ID", "LIVENESS", Paint::none, "STATUS", "CAPABILITIES");
    } else if (event.kind == WatchEvent::Kind::ready || event.kind == WatchEvent::Kind::mode) {
      there = true;
      tell_mode(event, context, s);
    } else if (context.format == Format::name) {
      s.out << printable(agent.id) << std::endl;
    } else {
      const Cell word = event.listed ? Cell(std::string(to_string(agent.liveness)), paint_of(agent)) : event_word(event);
      const bool gone = event.kind == WatchEvent::Kind::remove;
      const bool liveness_said = event.listed || gone || event.was || event.change == ChangeKind::appeared;
      row(agent.id, liveness_said ? word.text : std::string(to_string(agent.liveness)), liveness_said ? word.paint : paint_of(agent), to_string(agent.status),
          shortened(joined(agent.capabilities), 40));
    }
  }
  return 1;
}

}  // namespace choregos::cli
