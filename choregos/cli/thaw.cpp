// choregos thaw [DOMAIN]: an operator who knows that a silence is real ends the freeze.
#include <boost/json.hpp>
#include <ostream>

#include "choregos/base/text.hpp"
#include "choregos/cli/document.hpp"
#include "choregos/cli/verbs.hpp"
#include "choregos/wire/fields.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::cli {

int thaw(const Context& context, const std::string& domain, Streams s) {
  wire::JsonWriter question;
  question.begin_object();
  if (!domain.empty()) question.member("domain", domain);
  question.end_object();
  const auto body = context.client().post_raw("/api/v1/guard/thaw", std::move(question).take());
  if (!body) return report(context, body.error(), s.err);
  if (context.format == Format::json || context.format == Format::yaml) {
    if (const auto ok = print_document(*body, context.format, s.out); !ok) return report(context, ok.error(), s.err);
    return 0;
  }
  const auto value = wire::parse_json(*body, wire::JsonRules{.text = wire::JsonText::any});
  if (!value || !value->is_object()) return report(context, fail(ErrorCode::internal, "the answer is not one that this choregos knows"), s.err);
  std::vector<std::string> thawed;
  wire::Fields(value->get_object()).texts("thawed", thawed);
  for (const auto& name : thawed) s.out << printable(name) << "\n";
  if (thawed.empty()) s.err << "nothing is frozen\n";
  else s.err << "their silent agents are let go now, one a second\n";
  return 0;
}

}  // namespace choregos::cli
