// An explanation as text for people: the verdict, the channels with what each says, where the fields come from.
#pragma once

#include <iosfwd>

#include "choregos/model/explanation.hpp"

namespace choregos::cli {

void print_why(const Explanation& explanation, bool headers, bool color, std::ostream& out);

}  // namespace choregos::cli
