// Any stream: read whole and read in pieces gives the same events; each event is written in a form that reads back equal.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/wire/sse.hpp"

namespace {

using choregos::wire::SseEvent;
using choregos::wire::SseParser;

void require(bool truth) {
  if (!truth) std::abort();
}

bool read(std::string_view stream, std::size_t piece, std::vector<SseEvent>& events) {
  SseParser parser(4096);
  for (std::size_t at = 0; at < stream.size(); at += piece)
    if (!parser.feed(stream.substr(at, piece), [&](const SseEvent& event) { events.push_back(event); })) return false;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  std::vector<SseEvent> whole, pieces;
  const bool fine = read(stream, stream.size() + 1, whole);
  require(read(stream, 1 + size % 7, pieces) == fine);
  require(whole == pieces);
  if (!fine) return 0;
  for (const SseEvent& event : whole) {
    std::vector<SseEvent> again;
    if (event.data.size() > 2000) continue;  // many short lines grow when each gets its name
    require(read(choregos::wire::sse_event(event.id, event.event, event.data), 5, again));
    require(again == std::vector<SseEvent>{event});
  }
  return 0;
}
