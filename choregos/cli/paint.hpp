// Small helpers that several verbs share when they show an agent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "choregos/cli/table.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/source_health.hpp"

namespace choregos::cli {

Paint paint_of(const Agent& agent);
Paint paint_of(SourceState state);
std::string joined(const std::vector<std::string>& words);
/// At most `width` bytes with "…" at the end when cut, never inside a character.
std::string shortened(std::string_view text, std::size_t width);

}  // namespace choregos::cli
