#include "choregos/model/expected_found.hpp"

namespace choregos {
namespace {

void add_each(std::string& out, const char* word, const std::vector<Discrepancy>& list, std::size_t named_max) {
  for (std::size_t i = 0; i < list.size() && i < named_max; ++i) out += (i == 0 ? std::string("; ") + word + " " : ", ") + name_of(list[i]) + " (" + list[i].reason + ")";
  if (list.size() > named_max) out += " and " + std::to_string(list.size() - named_max) + " more";
}

}  // namespace

std::string name_of(const Discrepancy& d) { return !d.task.empty() ? d.task : !d.agent.empty() ? d.agent : !d.address.empty() ? d.address : std::string("?"); }

std::string mismatch_line(const ServiceFound& service, std::size_t named_max) {
  std::string out = service.name + ": ";
  if (service.desired) out += std::to_string(*service.desired) + " should be there, ";
  out += std::to_string(service.listed) + (service.listed == 1 ? " is" : " are") + " listed";
  add_each(out, "missing", service.missing, named_max);
  add_each(out, "phantom", service.phantom, named_max);
  return out;
}

}  // namespace choregos
