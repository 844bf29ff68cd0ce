#include "choregos/cli/paint.hpp"

namespace choregos::cli {

Paint paint_of(const Agent& agent) {
  if (agent.conflict) return Paint::bad;
  switch (agent.liveness) {
    case Liveness::alive: return agent.draining ? Paint::warn : Paint::good;
    case Liveness::unconfirmed:
    case Liveness::suspect: return Paint::warn;
    case Liveness::lost: return Paint::bad;
    case Liveness::left: return Paint::dim;
  }
  return Paint::none;
}

Paint paint_of(SourceState state) {
  switch (state) {
    case SourceState::ok: return Paint::good;
    case SourceState::degraded: return Paint::warn;
    case SourceState::failed: return Paint::bad;
    default: return Paint::dim;
  }
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

std::string shortened(std::string_view text, std::size_t width) {
  if (text.size() <= width) return std::string(text);
  std::size_t cut = width - 1;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return std::string(text.substr(0, cut)) + "…";
}

}  // namespace choregos::cli
