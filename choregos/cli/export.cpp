// choregos export: every agent, or those who pass the filters, for spreadsheets (CSV) and programs (-o json).
#include <ostream>

#include "choregos/cli/csv.hpp"
#include "choregos/cli/document.hpp"
#include "choregos/cli/filters.hpp"
#include "choregos/cli/verbs.hpp"

namespace choregos::cli {

int export_agents(const Context& context, const AgentsArguments& arguments, Streams s) {
  const auto query = query_of(arguments);
  if (!query) return report(context, query.error(), s.err);
  Client client = context.client();
  if (context.format == Format::json || context.format == Format::yaml) {
    const auto body = client.get_raw(agents_path(*query));
    if (!body) return report(context, body.error(), s.err);
    if (const auto ok = print_document(*body, context.format, s.out); !ok) return report(context, ok.error(), s.err);
    return 0;
  }
  const auto page = client.agents(*query);
  if (!page) return report(context, page.error(), s.err);
  s.out << agents_csv(page->agents, context.headers);
  return 0;
}

}  // namespace choregos::cli
