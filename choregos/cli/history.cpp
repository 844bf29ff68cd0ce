// choregos history ID: what happened to one agent, newest first, also when it is no longer listed.
#include <ostream>

#include "choregos/base/text.hpp"
#include "choregos/cli/document.hpp"
#include "choregos/cli/paint.hpp"
#include "choregos/cli/table.hpp"
#include "choregos/cli/verbs.hpp"
#include "choregos/wire/history_json.hpp"
#include "choregos/wire/url.hpp"

namespace choregos::cli {
namespace {

std::string event_text(const HistoryEvent& e) {
  switch (e.kind) {
    case HistoryKind::appeared: return "appeared as " + std::string(to_string(e.liveness));
    case HistoryKind::liveness: return (e.was ? std::string(to_string(*e.was)) + " -> " : std::string()) + std::string(to_string(e.liveness));
    case HistoryKind::restarted: return "restarted";
    case HistoryKind::identity: return "other identity";
    case HistoryKind::conflict: return "conflict: also claimed at " + e.other;
    case HistoryKind::conflict_over: return "conflict over";
    case HistoryKind::merged: return e.other + " is the same agent";
    case HistoryKind::forgotten: return "forgotten";
  }
  return "";
}

Paint paint_of(const HistoryEvent& e) {
  if (e.kind == HistoryKind::conflict) return Paint::bad;
  if (e.kind != HistoryKind::liveness && e.kind != HistoryKind::appeared) return Paint::none;
  Agent agent;
  agent.liveness = e.liveness;
  return cli::paint_of(agent);
}

}  // namespace

int history(const Context& context, const std::string& id, Streams s) {
  const auto body = context.client().get_raw("/api/v1/agents/" + wire::percent_encode(id) + "/history");
  if (!body) return report(context, body.error(), s.err);
  if (context.format == Format::json || context.format == Format::yaml) {
    if (const auto ok = print_document(*body, context.format, s.out); !ok) return report(context, ok.error(), s.err);
    return 0;
  }
  const auto document = wire::read_history(*body);
  if (!document) return report(context, document.error(), s.err);
  if (context.format == Format::name) {
    s.out << document->id << "\n";
    return 0;
  }
  if (const auto& gone = document->past.forgotten)
    s.err << printable(document->id) << " is not listed: forgotten at " << to_rfc3339(gone->forgotten_at) << ", last seen at " << to_rfc3339(gone->last_seen) << "\n";
  if (document->past.events.empty()) {
    s.err << "nothing is kept of what happened to " << printable(document->id) << "\n";
    return 0;
  }
  Table table({"TIME", "WHAT", "WHY", "SOURCE", "KNOWN AS"});
  for (const HistoryEvent& e : document->past.events)
    table.add({to_rfc3339(e.at), Cell(event_text(e), paint_of(e)), e.reason, e.source, e.id == document->id ? std::string() : e.id});
  table.print(s.out, context.headers, context.color);
  return 0;
}

}  // namespace choregos::cli
