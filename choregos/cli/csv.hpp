// A fleet as comma-separated values (RFC 4180: CRLF, quotes doubled), for spreadsheets. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "choregos/sdk/agent_view.hpp"

namespace choregos::cli {

/// Appends one cell that holds text from outside. Where a spreadsheet would take it for a formula, because it begins with = + - @, a tab, a
/// line break or the wide forms of those signs, it gets an apostrophe in front (OWASP, "CSV Injection"); the JSON export is exact.
void append_csv_text(std::string& out, std::string_view text);

/// The names of the columns, then a line for each agent. Lists are joined by spaces, labels are k=v; what was not said is empty.
std::string agents_csv(const std::vector<AgentView>& agents, bool headers);

}  // namespace choregos::cli
