// choregos agent ID: one record, every field that was said.
#include <ostream>

#include "choregos/cli/document.hpp"
#include "choregos/cli/paint.hpp"
#include "choregos/cli/table.hpp"
#include "choregos/cli/verbs.hpp"
#include "choregos/wire/url.hpp"

namespace choregos::cli {

int agent(const Context& context, const std::string& id, Streams s) {
  Client client = context.client();
  if (context.format == Format::json || context.format == Format::yaml) {
    const auto body = client.get_raw("/api/v1/agents/" + wire::percent_encode(id));
    if (!body) return report(context, body.error(), s.err);
    if (const auto ok = print_document(*body, context.format, s.out); !ok) return report(context, ok.error(), s.err);
    return 0;
  }
  const auto view = client.agent(id);
  if (!view) return report(context, view.error(), s.err);
  const Agent& a = view->agent;
  if (context.format == Format::name) {
    s.out << a.id << "\n";
    return 0;
  }
  Table table({"FIELD", "VALUE"});
  const auto add = [&](const char* name, const std::string& value, Paint paint = Paint::none) {
    if (!value.empty()) table.add({Cell(name, Paint::dim), Cell(value, paint)});
  };
  std::string liveness = std::string(to_string(a.liveness)) + " since " + to_rfc3339(a.liveness_since);
  if (!a.reason.empty()) liveness += " (" + a.reason + ")";
  add("id", a.id);
  add("name", a.name);
  add("liveness", liveness, paint_of(a));
  add("status", std::string(to_string(a.status)));
  add("draining", a.draining ? "yes: its name is gone from its service, it still answers" : "");
  add("reachable", a.reachable && !*a.reachable ? "no: it is heard, and does not answer when it is asked; see: choregos why " + a.id : "", Paint::warn);
  add("conflict", a.conflict ? "another living process claims this id: " + joined(a.contenders) : "", Paint::bad);
  add("last seen", to_rfc3339(view->last_seen) + " (" + format_age(view->age) + " ago)");
  add("first seen", to_rfc3339(a.first_seen));
  add("heard by", joined(a.sources));
  add("identity", std::string(to_string(a.identity)));
  add("model", a.model);
  add("capabilities", joined(a.capabilities));
  add("team", a.current_team);
  add("tasks completed", std::to_string(a.tasks_completed));
  add("tasks running", view->capacity != 0 ? std::to_string(view->running) + " of " + std::to_string(view->capacity) : "");
  add("endpoint", a.endpoint);
  add("health", a.health_url);
  add("p2p address", a.p2p_addr);
  add("latency", view->latency ? std::to_string(view->latency->count() / 1000) + " us" : "");
  add("cluster", a.cluster_id);
  add("node", a.node);
  add("version", a.version);
  add("swarm task", a.task ? a.task->name() : "");
  add("incarnation", a.incarnation != 0 ? std::to_string(a.incarnation) : "");
  add("also known as", joined(a.aliases));
  for (const auto& [key, value] : a.labels) add(("label " + key).c_str(), value);
  table.print(s.out, false, context.color);
  return 0;
}

}  // namespace choregos::cli
