#include "choregos/cli/guard_text.hpp"

#include <ostream>

#include "choregos/base/text.hpp"
#include "choregos/cli/table.hpp"

namespace choregos::cli {

std::vector<std::string> guard_lines(const GuardView& guard) {
  std::vector<std::string> out;
  for (const DomainView& d : guard.domains) {
    const std::string what = " since " + format_age(Instant{} - d.since_at) + ": " + d.name + " - " + d.cause;
    if (d.mode == Mode::frozen) out.push_back("FROZEN" + what + "; nobody there is declared lost");
    else out.push_back("DRAINING" + what + "; " + std::to_string(d.silent) + " silent ones are let go, one a second");
  }
  if (guard.health_score > 0)
    out.push_back("DOUBTFUL: the registry's own ears (" + std::to_string(guard.health_score) + " of 8): " + guard.health_reason + "; every wait is stretched");
  return out;
}

void print_guard(const GuardViewPtr& guard, const Context& context, std::ostream& out) {
  if (!guard) return;
  for (const std::string& line : guard_lines(*guard)) out << painted(printable(line), Paint::warn, context.color) << "\n";
}

}  // namespace choregos::cli
