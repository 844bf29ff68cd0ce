// Any bytes as a line of a recording: refused with a sound message, or read into a line that, once written, reads back to the
// same text.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "choregos/base/text.hpp"
#include "choregos/wire/recording.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace choregos;
  const auto require = [](bool truth) {
    if (!truth) std::abort();
  };
  const auto line = wire::read_recording_line({reinterpret_cast<const char*>(data), size});
  if (!line) {
    require(is_utf8(line.error().message) && !line.error().message.empty() && line.error().message.size() < 4096);
    return 0;
  }
  std::string once, twice;
  wire::append_recording_line(once, *line);
  const auto again = wire::read_recording_line(std::string_view(once).substr(0, once.size() - 1));
  require(again.has_value());
  wire::append_recording_line(twice, *again);
  require(once == twice);
  return 0;
}
