// choregos version: ours, and that of the daemon when it can be asked.
#include <boost/json.hpp>
#include <ostream>

#include "choregos/cli/document.hpp"
#include "choregos/cli/verbs.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::cli {

int version(const Context& context, Streams s) {
  const auto body = context.client().version();
  boost::json::object document;
  document["client"] = CHOREGOS_VERSION;
  if (body) {
    if (const auto value = wire::parse_json(*body); value && value->is_object()) document["server"] = *value;
  } else {
    document["server_error"] = body.error().message;
  }
  if (context.format == Format::json || context.format == Format::yaml) {
    if (const auto ok = print_document(boost::json::serialize(document), context.format, s.out); !ok) return report(context, ok.error(), s.err);
    return 0;
  }
  s.out << "choregos " << CHOREGOS_VERSION << "\n";
  if (const auto* server = document.if_contains("server"); server != nullptr && server->is_object()) {
    const auto* version = server->get_object().if_contains("version");
    s.out << "choregosd " << (version != nullptr && version->is_string() ? std::string(version->get_string()) : std::string("of an unknown version")) << " at " << context.address << "\n";
  } else {
    s.err << "choregosd at " << context.address << " does not answer\n";
  }
  return 0;
}

}  // namespace choregos::cli
