// choregos why ID: the evidence behind a record, and what would change it.
#include <boost/json.hpp>
#include <ostream>

#include "choregos/cli/document.hpp"
#include "choregos/cli/guard_text.hpp"
#include "choregos/cli/verbs.hpp"
#include "choregos/cli/why_text.hpp"
#include "choregos/wire/explanation_json.hpp"
#include "choregos/wire/guard_json.hpp"
#include "choregos/wire/url.hpp"

namespace choregos::cli {

int why(const Context& context, const std::string& id, Streams s) {
  const auto body = context.client().get_raw("/api/v1/agents/" + wire::percent_encode(id) + "/why");
  if (!body) return report(context, body.error(), s.err);
  if (context.format == Format::json || context.format == Format::yaml) {
    if (const auto ok = print_document(*body, context.format, s.out); !ok) return report(context, ok.error(), s.err);
    return 0;
  }
  const auto value = wire::parse_json(*body, wire::JsonRules{.bytes_max = body->size(), .text = wire::JsonText::any});
  if (!value) return report(context, value.error(), s.err);
  if (!value->is_object()) return report(context, fail(ErrorCode::internal, "the answer is not the explanation that this choregos knows"), s.err);
  const auto explanation = wire::read_explanation(value->get_object());
  if (!explanation) return report(context, explanation.error(), s.err);
  if (context.format == Format::name) {
    s.out << explanation->id << "\n";
    return 0;
  }
  if (const auto guard = wire::read_guard_member(value->get_object())) print_guard(*guard, context, s.err);
  print_why(*explanation, context.headers, context.color, s.out);
  return 0;
}

}  // namespace choregos::cli
