// choregos agents: the list, filtered on the server.
#include <ostream>

#include "choregos/cli/document.hpp"
#include "choregos/cli/filters.hpp"
#include "choregos/cli/guard_text.hpp"
#include "choregos/cli/paint.hpp"
#include "choregos/cli/table.hpp"
#include "choregos/cli/verbs.hpp"

namespace choregos::cli {
namespace {

void print_table(const AgentPage& page, const Context& context, std::ostream& out) {
  const bool wide = context.format == Format::wide;
  Table table(wide ? std::vector<std::string>{"ID", "NAME", "LIVENESS", "STATUS", "SEEN", "MODEL", "CAPABILITIES", "TEAM", "DONE", "ENDPOINT", "P2P", "CLUSTER", "NODE", "SOURCES", "ALIASES"}
                   : std::vector<std::string>{"ID", "LIVENESS", "STATUS", "SEEN", "MODEL", "CAPABILITIES", "TEAM", "ENDPOINT"});
  for (const AgentView& view : page.agents) {
    const Agent& a = view.agent;
    std::string liveness(to_string(a.liveness));
    if (a.draining) liveness += ",draining";
    if (a.conflict) liveness += ",conflict";
    const Cell live(liveness, paint_of(a));
    const std::string seen = format_age(view.age);
    if (wide) {
      table.add({a.id, a.name, live, std::string(to_string(a.status)), seen, a.model, joined(a.capabilities), a.current_team, std::to_string(a.tasks_completed), a.endpoint, a.p2p_addr,
                 a.cluster_id, a.node, joined(a.sources), joined(a.aliases)});
    } else {
      table.add({a.id, live, std::string(to_string(a.status)), seen, a.model, shortened(joined(a.capabilities), 40), a.current_team, a.endpoint});
    }
  }
  table.print(out, context.headers, context.color);
}

}  // namespace

int agents(const Context& context, const AgentsArguments& arguments, Streams s) {
  const auto query = query_of(arguments);
  if (!query) return report(context, query.error(), s.err);
  if (arguments.watch) return watch_agents(context, *query, s);
  Client client = context.client();
  if (context.format == Format::json || context.format == Format::yaml) {
    const auto body = client.get_raw(agents_path(*query));
    if (!body) return report(context, body.error(), s.err);
    if (const auto ok = print_document(*body, context.format, s.out); !ok) return report(context, ok.error(), s.err);
    return 0;
  }
  const auto page = client.agents(*query);
  if (!page) return report(context, page.error(), s.err);
  if (context.format == Format::name || arguments.quiet) {
    for (const AgentView& view : page->agents) s.out << view.agent.id << "\n";
    return 0;
  }
  print_guard(page->guard, context, s.err);
  if (page->agents.empty()) {
    s.err << "no agents" << (*query == Query{} ? "; start one with choregos-agent, or see: choregos sources" : " match") << "\n";
    return 0;
  }
  print_table(*page, context, s.out);
  if (page->total > page->agents.size()) s.err << page->agents.size() << " of " << page->total << " agents\n";
  return 0;
}

}  // namespace choregos::cli
