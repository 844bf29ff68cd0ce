#include "choregos/source/beacon/interface_watch.hpp"

#include <algorithm>
#include <utility>

namespace choregos::source::beacon {

void InterfaceWatch::set(const std::vector<Line>& lines, Instant now) {
  const std::vector<Line> before = std::exchange(lines_, lines);
  for (Line& line : lines_) {
    const auto same = std::find_if(before.begin(), before.end(), [&](const Line& old) { return old.index == line.index && old.name == line.name; });
    if (same != before.end()) {
      line = *same;
    } else {
      line.heard = 0;
      line.since = now;
      line.last = Instant::min();
    }
  }
}

void InterfaceWatch::heard(unsigned index, Instant at) {
  for (Line& line : lines_) {
    if (line.index != index) continue;
    ++line.heard;
    line.last = std::max(line.last, at);
    return;
  }
}

std::vector<std::string> InterfaceWatch::silent(Instant now, Duration window) const {
  std::vector<std::string> names;
  for (const Line& line : lines_)
    if (!line.loopback && now - line.since >= window && (line.last == Instant::min() || now - line.last >= window)) names.push_back(line.name);
  return names;
}

}  // namespace choregos::source::beacon
