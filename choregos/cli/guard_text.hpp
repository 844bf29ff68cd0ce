// What the guard against mass silence holds, in lines for people.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "choregos/cli/context.hpp"
#include "choregos/model/guard.hpp"

namespace choregos::cli {

/// A line for each domain, as "FROZEN since 12 s: subnet 10.0.1.0/24 - 14 of 20 agents fell silent within 10 s; nobody there is
/// declared lost", and one when our own ears are doubtful. Instants of the view count from the answer, which is zero.
std::vector<std::string> guard_lines(const GuardView& guard);
/// Prints them, or nothing when there is nothing to say.
void print_guard(const GuardViewPtr& guard, const Context& context, std::ostream& out);

}  // namespace choregos::cli
