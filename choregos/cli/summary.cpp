// choregos summary: the fleet in a few lines.
#include <boost/json.hpp>
#include <ostream>

#include "choregos/cli/document.hpp"
#include "choregos/cli/guard_text.hpp"
#include "choregos/cli/table.hpp"
#include "choregos/cli/verbs.hpp"
#include "choregos/wire/guard_json.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::cli {
namespace {

/// "7 alive, 1 suspect": the non-zero members of an object of numbers.
std::string counts(const boost::json::object& object) {
  std::string out;
  for (const auto& member : object) {
    if (!member.value().is_number() || member.value().to_number<std::int64_t>() == 0) continue;
    out += (out.empty() ? "" : ", ") + std::to_string(member.value().to_number<std::int64_t>()) + " " + std::string(member.key());
  }
  return out.empty() ? "none" : out;
}

std::string text_of(const boost::json::value& value) {
  if (const auto* object = value.if_object()) return counts(*object);
  if (const auto* text = value.if_string()) return std::string(*text);
  if (const auto* list = value.if_array()) {
    std::string out;
    for (const auto& item : *list) {
      const auto* entry = item.if_object();
      if (entry == nullptr) continue;
      const auto* name = entry->if_contains("name");
      for (const auto& member : *entry)
        if (member.value().is_number() && name != nullptr && name->is_string())
          out += (out.empty() ? "" : ", ") + std::to_string(member.value().to_number<std::int64_t>()) + " " + std::string(name->get_string());
    }
    return out;
  }
  return boost::json::serialize(value);
}

}  // namespace

int summary(const Context& context, Streams s) {
  const auto body = context.client().summary();
  if (!body) return report(context, body.error(), s.err);
  if (context.format == Format::json || context.format == Format::yaml) {
    if (const auto ok = print_document(*body, context.format, s.out); !ok) return report(context, ok.error(), s.err);
    return 0;
  }
  const auto value = wire::parse_json(*body, wire::JsonRules{.bytes_max = body->size(), .text = wire::JsonText::any});
  if (!value || !value->is_object()) return report(context, fail(ErrorCode::internal, "the answer is not the summary that this choregos knows"), s.err);
  if (const auto guard = wire::read_guard_member(value->get_object())) print_guard(*guard, context, s.err);
  Table table({"WHAT", "HOW MUCH"});
  for (const auto& member : value->get_object()) {
    std::string name(member.key());
    if (name == "guard") continue;  // said above, in words
    for (char& c : name)
      if (c == '_') c = ' ';
    if (std::string text = text_of(member.value()); !text.empty()) table.add({Cell(name, Paint::dim), std::move(text)});
  }
  table.print(s.out, false, context.color);
  return 0;
}

}  // namespace choregos::cli
