// POST /api/v1/guard/thaw: an operator ends the freeze of a domain, or of all. Its silent agents are then let go one a second.
#include "choregos/api/http/freshness.hpp"
#include "choregos/api/http/handlers.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/fields.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::api {
namespace {

/// "" = all.
Result<std::string> domain_of(const std::string& body) {
  const auto tree = wire::parse_json(body);
  if (!tree) return tree.error();
  if (!tree->is_object()) return fail(ErrorCode::invalid, "the body is not a JSON object; write {} for all frozen domains, or {\"domain\":\"subnet 10.0.1.0/24\"}");
  for (const auto& member : tree->get_object())
    if (member.key() != "domain") return fail(ErrorCode::invalid, "the member '" + printable(wire::view(member.key()).substr(0, 64)) + "' is not known; write {\"domain\":\"…\"}, or {} for all");
  std::string domain;
  wire::Fields from(tree->get_object());
  from.text("domain", domain);
  if (from.error()) return *from.error();
  return domain;
}

}  // namespace

Reply thaw(const Call& call) {
  const auto domain = domain_of(call.body);
  if (!domain) return problem_reply(domain.error(), call.path);
  const Services& services = call.view.services;
  if (!services.sign || !call.view.snapshot) return retry_reply(fail(ErrorCode::unavailable, "nothing can be thawed here at the moment"), call.path, 1s);
  std::vector<std::string> thawed, frozen;
  for (const DomainView& d : call.view.snapshot->guard()->domains) {
    if (d.mode != Mode::frozen) continue;
    frozen.push_back(d.name);
    if (domain->empty() || d.name == *domain) thawed.push_back(d.name);
  }
  if (!domain->empty() && thawed.empty()) {
    std::string text = "no frozen domain is named '" + printable(std::string_view(*domain).substr(0, limits::text_bytes_max)) + "'";
    for (std::size_t i = 0; i < frozen.size(); ++i) text += (i == 0 ? "; frozen are " : ", ") + frozen[i];
    if (frozen.empty()) text += "; nothing is frozen";
    return problem_reply(fail(ErrorCode::not_found, std::move(text)), call.path);
  }
  if (!thawed.empty()) {
    Sign sign;
    sign.kind = SignKind::thaw;
    sign.at = services.now();
    sign.source = "operator";
    sign.subject = *domain;
    sign.reason = "asked for by " + to_string(call.peer);
    if (!services.sign(std::move(sign))) return retry_reply(fail(ErrorCode::unavailable, "the registry takes nothing in at the moment; try again"), call.path, 1s);
  }
  wire::JsonWriter out;
  out.begin_object().key("thawed").begin_array();
  for (const auto& name : thawed) out.value(name);
  out.end_array().end_object();
  return json_reply(std::move(out).take());
}

}  // namespace choregos::api
