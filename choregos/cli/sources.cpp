// choregos sources: how each way of learning does.
#include <ostream>

#include "choregos/cli/document.hpp"
#include "choregos/cli/paint.hpp"
#include "choregos/cli/table.hpp"
#include "choregos/cli/verbs.hpp"

namespace choregos::cli {

int sources(const Context& context, Streams s) {
  Client client = context.client();
  if (context.format == Format::json || context.format == Format::yaml) {
    const auto body = client.get_raw("/api/v1/sources");
    if (!body) return report(context, body.error(), s.err);
    if (const auto ok = print_document(*body, context.format, s.out); !ok) return report(context, ok.error(), s.err);
    return 0;
  }
  const auto list = client.sources();
  if (!list) return report(context, list.error(), s.err);
  Table table({"SOURCE", "STATE", "DETAIL", "LAST ERROR"});
  for (const SourceHealth& health : *list) {
    if (context.format == Format::name) {
      s.out << health.name << "\n";
      continue;
    }
    table.add({health.name, Cell(std::string(to_string(health.state)), paint_of(health.state)), health.detail, health.last_error});
    if (context.format == Format::wide)
      for (const auto& numbers : {health.counters, health.gauges})
        for (const auto& [name, value] : numbers) table.add({"", "", Cell(name + " " + std::to_string(value), Paint::dim)});
  }
  if (context.format != Format::name) table.print(s.out, context.headers, context.color);
  return 0;
}

}  // namespace choregos::cli
