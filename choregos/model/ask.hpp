// A question that the registry wants put to an agent that has been quiet: by the source that holds the channel, and by other
// agents on another path (helpers). The registry decides whom and when; sources know how.
//
// A source that really sent it submits an observation of kind `asked` for the same source and subject; one that could not
// send submits nothing (or a Sign send_failed). An answer is an observation of kind `heard` with `answer` set. A helper that
// asked in vain is reported as `unanswered`, with `via` naming it; a helper that itself cannot be reached proves nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "choregos/base/time.hpp"

namespace choregos {

struct Ask {
  std::string source;                ///< instance name of the source that holds the channel
  std::string subject;               ///< as in its observations
  std::string id;                    ///< of the agent
  std::uint64_t incarnation = 0;
  std::vector<std::string> helpers;  ///< agents to be asked to ask it; empty = ask it directly
};

}  // namespace choregos
