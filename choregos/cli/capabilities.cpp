// choregos capabilities: what the fleet can do, and how many living agents can.
#include <ostream>

#include "choregos/cli/document.hpp"
#include "choregos/cli/table.hpp"
#include "choregos/cli/verbs.hpp"

namespace choregos::cli {

int capabilities(const Context& context, Streams s) {
  Client client = context.client();
  if (context.format == Format::json || context.format == Format::yaml) {
    const auto body = client.get_raw("/api/v1/capabilities");
    if (!body) return report(context, body.error(), s.err);
    if (const auto ok = print_document(*body, context.format, s.out); !ok) return report(context, ok.error(), s.err);
    return 0;
  }
  const auto list = client.capabilities();
  if (!list) return report(context, list.error(), s.err);
  if (context.format == Format::name) {
    for (const auto& c : *list) s.out << c.name << "\n";
    return 0;
  }
  if (list->empty()) {
    s.err << "no capabilities: no agent has said any\n";
    return 0;
  }
  Table table({"CAPABILITY", "LIVE", "TOTAL"});
  for (const auto& c : *list)
    table.add({c.name, Cell(std::to_string(c.live), c.live == 0 ? Paint::bad : c.live == 1 ? Paint::warn : Paint::none), std::to_string(c.total)});
  table.print(s.out, context.headers, context.color);
  return 0;
}

}  // namespace choregos::cli
