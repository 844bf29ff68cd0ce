#include "choregos/cli/filters.hpp"

namespace choregos::cli {

Result<Query> query_of(const AgentsArguments& a) {
  std::vector<std::pair<std::string, std::string>> parameters;
  const auto add = [&](const char* key, const std::vector<std::string>& values) {
    std::string joined;
    for (const auto& value : values) joined += (joined.empty() ? "" : ",") + value;
    if (!joined.empty()) parameters.emplace_back(key, joined);
  };
  add("capability", a.capabilities);
  add("status", a.status);
  add("liveness", a.liveness);
  add("cluster", a.cluster);
  add("team", a.team);
  for (const auto& label : a.labels) {
    const auto equals = label.find('=');
    if (equals == std::string::npos || equals == 0) return fail(ErrorCode::invalid, "the label '" + label + "' has no '='; write --label zone=a");
    parameters.emplace_back("label." + label.substr(0, equals), label.substr(equals + 1));
  }
  if (!a.model.empty()) parameters.emplace_back("model", a.model);
  if (!a.text.empty()) parameters.emplace_back("q", a.text);
  if (!a.sort.empty()) parameters.emplace_back("sort", a.sort);
  if (a.limit != 0) parameters.emplace_back("limit", std::to_string(a.limit));
  return parse_query(parameters);
}

}  // namespace choregos::cli
