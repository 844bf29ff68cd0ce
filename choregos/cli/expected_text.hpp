// Expected against found as text for people: a row for each service, then each missing and phantom one with its reason.
#pragma once

#include <iosfwd>

#include "choregos/model/expected_found.hpp"

namespace choregos::cli {

void print_expected(const ExpectedFound& expected, bool headers, bool color, std::ostream& out);

}  // namespace choregos::cli
