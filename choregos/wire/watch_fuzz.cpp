// What a watcher of ours is sent: whatever it is, it is read within bounds or refused; what is read as a change is a change of one agent
// that has a name; a position that is read is written the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "choregos/base/limits.hpp"
#include "choregos/model/change.hpp"
#include "choregos/wire/watch_json.hpp"

namespace {
void require(bool truth) {
  if (!truth) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace choregos;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto revision = parse_revision(text)) require(parse_revision(to_string(*revision)) == revision);
  const auto message = wire::read_watch(text, limits::watch_event_bytes_max);
  if (!message) {
    require(!message.error().message.empty());
    return 0;
  }
  const bool change = message->kind == wire::WatchKind::put || message->kind == wire::WatchKind::remove;
  require(!change || message->agents.size() == 1);
  require(change || message->kind == wire::WatchKind::agents || message->agents.empty());
  for (const auto& agent : message->agents) require(!agent.agent.id.empty());
  return 0;
}
