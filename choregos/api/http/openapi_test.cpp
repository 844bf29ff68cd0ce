#include "choregos/api/http/openapi.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>
#include <set>
#include <string>

#include "choregos/api/http/routes.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/agent_json.hpp"

namespace choregos::api {
namespace {

using Operations = std::map<std::string, std::set<int>>;

const boost::json::object& document() {
  static const boost::json::value value = boost::json::parse(openapi_document());
  return value.as_object();
}

Operations documented() {
  Operations operations;
  for (const auto& path : document().at("paths").as_object())
    for (const auto& [method, operation] : path.value().as_object()) {
      if (method == "parameters") continue;
      std::string name(method);
      for (auto& c : name) c = static_cast<char>(c - 'a' + 'A');
      auto& statuses = operations[name + " " + std::string(path.key())];
      for (const auto& [status, response] : operation.at("responses").as_object()) statuses.insert(std::stoi(std::string(status)));
    }
  return operations;
}

TEST(OpenApi, ListsTheRoutesAndTheirStatusesExactly) {
  Operations expected;
  for (const auto& route : routes()) {
    auto& statuses = expected[std::string(route.method) + " " + std::string(route.pattern)];
    statuses.insert(route.statuses.begin(), route.statuses.end());
    const auto gate = gate_statuses(route);
    statuses.insert(gate.begin(), gate.end());
  }
  EXPECT_EQ(documented(), expected);
}

TEST(OpenApi, ListsTheParametersOfEachRoute) {
  const auto& shared = document().at("components").at("parameters").as_object();
  for (const auto& route : routes()) {
    if (route.id == RouteId::agents_list || route.id == RouteId::watch) continue;
    std::string method = to_lower(route.method);
    const auto& operation = document().at("paths").at(route.pattern).at(method).as_object();
    std::set<std::string> found;
    if (const auto* list = operation.if_contains("parameters"))
      for (const auto& each : list->as_array()) {
        const auto* reference = each.as_object().if_contains("$ref");
        const auto& parameter = reference ? shared.at(std::string(reference->as_string()).substr(std::string("#/components/parameters/").size())).as_object() : each.as_object();
        if (parameter.at("in").as_string() == "query") found.emplace(parameter.at("name").as_string());
      }
    EXPECT_EQ(found, (std::set<std::string>(route.parameters.begin(), route.parameters.end()))) << route.method << " " << route.pattern;
  }
}

TEST(OpenApi, DescribesEveryMemberOfARecordInOrder) {
  std::vector<std::string> described;
  for (const auto& member : document().at("components").at("schemas").at("Agent").at("properties").as_object()) described.emplace_back(member.key());
  std::vector<std::string> written;
  for (const auto name : wire::agent_field_names()) written.emplace_back(name);
  EXPECT_EQ(described, written);
}

}  // namespace
}  // namespace choregos::api
