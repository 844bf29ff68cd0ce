// choregos expected: what should be there against what is found. Exit code 1 when they differ.
#include <boost/json.hpp>
#include <ostream>

#include "choregos/base/text.hpp"
#include "choregos/cli/document.hpp"
#include "choregos/cli/expected_text.hpp"
#include "choregos/cli/guard_text.hpp"
#include "choregos/cli/verbs.hpp"
#include "choregos/wire/expected_json.hpp"
#include "choregos/wire/guard_json.hpp"

namespace choregos::cli {

int expected(const Context& context, Streams s) {
  const auto body = context.client().get_raw("/api/v1/expected");
  if (!body) return report(context, body.error(), s.err);
  wire::JsonRules rules;
  rules.bytes_max = body->size();
  rules.member_count_max = limits::agent_count_max;
  rules.text = wire::JsonText::any;
  const auto value = wire::parse_json(*body, rules);
  if (!value || !value->is_object()) return report(context, fail(ErrorCode::internal, "the answer is not one that this choregos knows"), s.err);
  const auto found = wire::read_expected(value->get_object());
  if (!found) return report(context, found.error(), s.err);
  const int code = found->matches() ? 0 : 1;
  if (context.format == Format::json || context.format == Format::yaml) {
    if (const auto ok = print_document(*body, context.format, s.out); !ok) return report(context, ok.error(), s.err);
    return code;
  }
  if (context.format == Format::name) {
    for (const auto& service : found->services)
      if (!service.matches()) s.out << printable(service.name) << "\n";
    return code;
  }
  if (const auto guard = wire::read_guard_member(value->get_object())) print_guard(*guard, context, s.err);
  if (found->services.empty()) {
    s.err << "nothing says what should be there; let choregosd ask Docker, or name a Swarm service with a count: --swarm-service chorus=9\n";
    return code;
  }
  print_expected(*found, context.headers, context.color, s.out);
  return code;
}

}  // namespace choregos::cli
