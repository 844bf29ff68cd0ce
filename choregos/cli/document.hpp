// JSON answers as people and scripts want them: indented JSON, or YAML.
#pragma once

#include <iosfwd>
#include <string_view>

#include "choregos/base/result.hpp"
#include "choregos/cli/context.hpp"

namespace choregos::cli {

/// Prints a JSON body in the context's format (json, else yaml). Errors: invalid (the body is no JSON).
Result<void> print_document(std::string_view body, Format format, std::ostream& out);

}  // namespace choregos::cli
