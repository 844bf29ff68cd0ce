#include "choregos/cli/expected_text.hpp"

#include <ostream>

#include "choregos/base/text.hpp"
#include "choregos/cli/table.hpp"

namespace choregos::cli {
namespace {

std::string number(const std::optional<std::uint64_t>& value) { return value ? std::to_string(*value) : std::string("?"); }

void print_list(const char* word, Paint paint, const ServiceFound& service, const std::vector<Discrepancy>& list, bool color, std::ostream& out) {
  for (const Discrepancy& d : list) {
    out << painted(word, paint, color) << "  " << printable(service.name) << "  " << printable(name_of(d));
    if (!d.node.empty()) out << " on " << printable(d.node);
    out << ": " << printable(d.reason) << "\n";
  }
}

}  // namespace

void print_expected(const ExpectedFound& expected, bool headers, bool color, std::ostream& out) {
  Table table({"SERVICE", "DESIRED", "TASKS", "IN DNS", "ANSWERING", "LISTED", "VERDICT"});
  for (const ServiceFound& s : expected.services) {
    std::string verdict = s.missing.empty() ? "" : std::to_string(s.missing.size()) + " missing";
    if (!s.phantom.empty()) verdict += (verdict.empty() ? "" : ", ") + std::to_string(s.phantom.size()) + " phantom";
    if (verdict.empty()) verdict = s.desired ? "as expected" : "nobody says how many";
    table.add({s.name, number(s.desired), number(s.tasks), std::to_string(s.in_dns), std::to_string(s.answering), std::to_string(s.listed),
               Cell(verdict, !s.matches() ? Paint::bad : s.desired ? Paint::good : Paint::dim)});
  }
  table.print(out, headers, color);
  if (!expected.matches()) out << "\n";
  for (const ServiceFound& s : expected.services) {
    print_list("missing", Paint::bad, s, s.missing, color, out);
    print_list("phantom", Paint::warn, s, s.phantom, color, out);
  }
  for (const auto& node : expected.nodes) out << painted("node   ", Paint::warn, color) << "  " << printable(node) << "\n";
}

}  // namespace choregos::cli
