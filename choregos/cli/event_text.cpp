#include "choregos/cli/event_text.hpp"

#include "choregos/base/text.hpp"
#include "choregos/cli/paint.hpp"

namespace choregos::cli {

Cell event_word(const WatchEvent& event) {
  const Agent& agent = event.agent.agent;
  if (event.kind == WatchEvent::Kind::remove) {
    if (event.unmatched) return {"no longer matches", Paint::dim};
    if (event.change == ChangeKind::merged) return {"is " + event.into, Paint::dim};
    return {"forgotten", Paint::dim};
  }
  const std::string now(to_string(agent.liveness));
  if (event.was && *event.was != agent.liveness) return {std::string(to_string(*event.was)) + " -> " + now, paint_of(agent)};
  if (event.change == ChangeKind::appeared) return {"appeared, " + now, paint_of(agent)};
  return {std::string(to_string(agent.status)), Paint::none};
}

std::string event_line(const WatchEvent& event, bool color) {
  const Cell word = event_word(event);
  std::string line = to_rfc3339(event.at) + "  " + printable(event.agent.agent.id) + "  " + painted(printable(word.text), word.paint, color);
  const bool verdict = event.was || event.kind == WatchEvent::Kind::remove;
  if (const std::string& why = event.kind == WatchEvent::Kind::remove ? event.reason : event.agent.agent.reason; verdict && !why.empty()) line += "  " + printable(why);
  if (!event.source.empty()) line += " (" + printable(event.source) + ")";
  if (event.folded > 0) line += " [" + std::to_string(event.folded) + " before it left out]";
  return line;
}

}  // namespace choregos::cli
