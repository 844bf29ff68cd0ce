// The filters of `choregos agents` and of the verbs that follow a part of the fleet.
#pragma once

#include "choregos/base/result.hpp"
#include "choregos/cli/verbs.hpp"
#include "choregos/model/query.hpp"

namespace choregos::cli {

/// Errors: invalid; the flag's word is named.
Result<Query> query_of(const AgentsArguments& arguments);

}  // namespace choregos::cli
