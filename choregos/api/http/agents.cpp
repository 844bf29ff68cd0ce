// GET /api/v1/agents: the list, filtered, sorted, paged.
#include <algorithm>
#include <array>

#include "choregos/api/http/freshness.hpp"
#include "choregos/api/http/handlers.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/agent_json.hpp"

namespace choregos::api {
namespace {

constexpr std::string_view kPath = "/api/v1/agents";
/// The eleven members of the original record stand first (wire/agent_json.hpp).
constexpr wire::AgentFields kOriginalFields{(std::uint64_t{1} << 11) - 1};
constexpr std::array<std::string_view, 3> kOwnParameters{"fields", "format", "max_age"};

struct Wanted {
  Query query;
  wire::AgentFields fields;
  bool array = false;  ///< a bare array of exactly the original members, for programs written for the original list
};

Result<Wanted> read_wanted(const Call& call) {
  for (const auto name : kOwnParameters)
    if (std::count_if(call.parameters.begin(), call.parameters.end(), [&](const auto& p) { return p.first == name; }) > 1)
      return fail(ErrorCode::invalid, "the parameter '" + std::string(name) + "' is given twice; give it once");
  auto query = parse_query(call.parameters, {kOwnParameters.begin(), kOwnParameters.end()});
  if (!query) return query.error();
  Wanted wanted;
  wanted.query = std::move(*query);
  if (const auto format = call.parameter("format")) {
    if (*format != "array" && *format != "object")
      return fail(ErrorCode::invalid, "format=" + printable(format->substr(0, 64)) + " is not known; write array or object");
    wanted.array = *format == "array";
  }
  if (const auto names = call.parameter("fields")) {
    if (wanted.array) return fail(ErrorCode::invalid, "format=array has exactly the eleven original fields; leave fields out, or use format=object");
    auto fields = wire::parse_agent_fields(*names);
    if (!fields) return fields.error();
    wanted.fields = *fields;
  }
  if (wanted.array) {
    wanted.fields = kOriginalFields;
    // That form has no word for an agent that is gone, so its readers would take it for one that is there.
    if (wanted.query.liveness.empty()) wanted.query.liveness = {Liveness::unconfirmed, Liveness::alive, Liveness::suspect};
  }
  return wanted;
}

std::string next_link(const Call& call, const std::string& cursor) {
  wire::Parameters parameters = call.parameters;
  std::erase_if(parameters, [](const auto& p) { return p.first == "cursor"; });
  parameters.emplace_back("cursor", cursor);
  return "<" + std::string(kPath) + "?" + wire::write_parameters(parameters) + ">; rel=\"next\"";
}

/// The one place where a list becomes text.
std::string render(const Wanted& wanted, const Page& page, const Evidence& evidence, const View& view) {
  if (!wanted.array) {
    wire::ListHead head;
    head.total = page.total;
    head.revision = view.snapshot->revision();
    head.mode = view.mode;
    head.guard = view.snapshot->guard();
    head.next_cursor = page.next_cursor;
    head.oldest_evidence = evidence.oldest();
    return wire::list_json(page.records, head, view.now, wanted.fields);
  }
  wire::JsonWriter out(page.records.size() * 320 + 16);
  out.begin_array();
  for (const auto& record : page.records) wire::write_agent(out, *record, view.now, wanted.fields);
  out.end_array();
  return std::move(out).take();
}

}  // namespace

Reply list_agents(const Call& call) {
  const auto wanted = read_wanted(call);
  if (!wanted) return problem_reply(wanted.error(), call.path);
  if (auto refusal = not_ready(call)) return *std::move(refusal);

  // last_seen moves without a revision, so an order by it has no tag.
  const std::string etag = wanted->query.sort == SortKey::last_seen ? std::string() : etag_of(call.view.snapshot->revision(), call.view);
  if (!call.parameter("max_age"))
    if (auto unchanged = not_modified(call, etag)) return *std::move(unchanged);

  const auto page = call.view.snapshot->run(wanted->query);
  if (!page) return problem_reply(page.error(), call.path);
  Evidence evidence(call.view);
  for (const auto& record : page->records) evidence.use(*record);
  if (auto refusal = evidence.refusal(call)) return *std::move(refusal);
  if (auto unchanged = not_modified(call, etag)) return *std::move(unchanged);

  Reply reply = json_reply(render(*wanted, *page, evidence, call.view));
  if (!etag.empty()) reply.with("ETag", etag);
  reply.with("Cache-Control", "no-cache").with("Choregos-Total", std::to_string(page->total));
  if (!page->next_cursor.empty()) reply.with("Link", next_link(call, page->next_cursor));
  return reply;
}

}  // namespace choregos::api
