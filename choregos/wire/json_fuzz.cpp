// Any bytes: the parser takes or refuses them; what it takes is written as valid JSON that reads back to the same text.
// The writer makes valid JSON of any string.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "choregos/base/text.hpp"
#include "choregos/wire/json.hpp"

namespace {
void require(bool truth) {
  if (!truth) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace choregos::wire;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  JsonRules any;
  any.text = JsonText::any;
  any.bytes_max = std::size_t{1} << 24;
  if (const auto tree = parse_json(text, any)) {
    const std::string once = to_json(*tree);
    require(choregos::is_utf8(once));
    const auto again = parse_json(once, any);
    require(again.has_value());
    require(to_json(*again) == once);
    if (const auto plain = parse_json(text)) require(parse_json(to_json(*plain), any.bytes_max).has_value());
  } else {
    require(!parse_json(text));  // the stricter rules take nothing that the looser refuse
  }
  std::string quoted;
  append_json_string(quoted, text);
  require(quoted.find('\n') == std::string::npos);
  const auto read = parse_json(quoted, any);
  require(read.has_value());
  if (choregos::is_utf8(text)) require(std::string_view(read->as_string().data(), read->as_string().size()) == text);
  return 0;
}
