// Any text: a URL, request target or query that is taken is written in a form that reads back to an equal one.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "choregos/base/text.hpp"
#include "choregos/wire/url.hpp"

namespace {
void require(bool truth) {
  if (!truth) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace choregos::wire;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto url = parse_http_url(text)) {
    require(!url->host.empty() && url->port != 0 && url->path.front() == '/');
    const auto again = parse_http_url(to_string(*url));
    require(again.has_value() && *again == *url);
    require(parse_request_target(url->path).has_value() || url->path.size() > 1);
  }
  if (const auto parameters = parse_parameters(text)) {
    const auto again = parse_parameters(write_parameters(*parameters));
    require(again.has_value() && *again == *parameters);
  }
  if (const auto target = parse_request_target(text)) {
    std::string path;
    for (const auto& segment : target->segments) {
      require(!segment.empty() && segment != ".." && choregos::is_utf8(segment));
      path += "/" + percent_encode(segment);
    }
    if (path.size() <= 2048) require(parse_request_target(path.empty() ? "/" : path)->segments == target->segments);
  }
  if (const auto decoded = percent_decode(text)) require(*percent_decode(percent_encode(*decoded)) == *decoded);
  return 0;
}
