#include "choregos/source/static_file/target_list.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "choregos/base/ip.hpp"
#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"
#include "choregos/source/static_file/written_target.hpp"

namespace choregos::source {
namespace {

Result<void> read_address(const WrittenValue& value, ListedTarget& target) {
  if (const auto literal = parse_socket_address(value.text)) {
    target.host = to_string(literal->ip);
    target.port = literal->port;
  } else {
    auto name = parse_host_port(value.text);
    if (!name) return fault_at(value.place, "address " + name.error().message);
    target.host = to_lower(name->host);
    target.port = name->port;
    const std::string_view host = target.host;
    const std::string_view last = host.substr(host.rfind('.') == std::string_view::npos ? 0 : host.rfind('.') + 1);
    // 10.0.0.256, 0x7f.1 and the like: a resolver might make an address of them that nobody meant.
    if (host.front() == '[' || last.empty() || (last.front() >= '0' && last.front() <= '9'))
      return fault_at(value.place, "\"" + value.text + "\" is neither an IP address with a port nor a name with a port");
  }
  if (target.port == 0) return fault_at(value.place, "the port of \"" + value.text + "\" must lie between 1 and 65535");
  return {};
}

Result<ListedTarget> read_target(const WrittenTarget& written) {
  static constexpr std::array<std::string_view, 4> kKeys{"address", "path", "id", "virtual_ip"};
  ListedTarget target;
  bool has_address = false;
  for (const auto& [key, value] : written.members) {
    const bool is_text = value.kind == WrittenValue::Kind::text;
    if (key == "virtual_ip") {
      if (value.kind != WrittenValue::Kind::truth) return fault_at(value.place, "virtual_ip must be true or false");
      target.virtual_ip = value.truth;
      continue;
    }
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      const std::string_view near = nearest_word(key, kKeys);
      return fault_at(value.place, "unknown key \"" + printable(key) + "\"" + (near.empty() ? "; a target has address, path, id and virtual_ip" : "; did you mean " + std::string(near) + "?"));
    }
    if (!is_text) return fault_at(value.place, key + " must be a text in quotes");
    if (key == "address") {
      if (auto ok = read_address(value, target); !ok) return ok.error();
      has_address = true;
    } else if (key == "path") {
      const bool fit = value.text.starts_with('/') && value.text.size() <= limits::uri_bytes_max && std::all_of(value.text.begin(), value.text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
      if (!fit) return fault_at(value.place, "path must begin with '/' and hold no spaces, '#' or characters beyond ASCII");
      target.path = value.text;
    } else if (auto ok = check_word(value.text, "id"); !ok) {
      return fault_at(value.place, ok.error().message);
    } else {
      target.expected_id = value.text;
    }
  }
  if (!has_address) return fault_at(written.place, "this target has no address, such as address = \"10.0.0.4:8081\"");
  return target;
}

}  // namespace

Error fault_at(const Place& place, const std::string& what) {
  return fail(ErrorCode::invalid, "line " + std::to_string(place.line) + ", column " + std::to_string(place.column) + ": " + what);
}

ListFormat format_of(std::string_view file_name) { return to_lower(file_name).ends_with(".json") ? ListFormat::json : ListFormat::toml; }

Result<std::vector<ListedTarget>> read_target_list(std::string_view text, ListFormat format) {
  if (text.size() > limits::target_file_bytes_max) return fail(ErrorCode::too_large, "the list has " + std::to_string(text.size()) + " bytes, at most " + std::to_string(limits::target_file_bytes_max) + " are read");
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return std::vector<ListedTarget>{};
  const auto written = format == ListFormat::json ? read_json(text) : read_toml(text);
  if (!written) return written.error();
  if (written->size() > limits::target_count_max)
    return fail(ErrorCode::too_large, "the list names " + std::to_string(written->size()) + " targets, at most " + std::to_string(limits::target_count_max) + " are allowed");
  std::vector<ListedTarget> targets;
  std::map<std::pair<std::string, std::uint16_t>, Place> named;
  for (const WrittenTarget& one : *written) {
    auto target = read_target(one);
    if (!target) return target.error();
    const auto [it, added] = named.try_emplace({target->host, target->port}, one.place);
    if (!added) return fault_at(one.place, target->host + " port " + std::to_string(target->port) + " is named twice, first in line " + std::to_string(it->second.line));
    targets.push_back(std::move(*target));
  }
  return targets;
}

}  // namespace choregos::source
