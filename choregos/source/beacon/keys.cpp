#include "choregos/source/beacon/keys.hpp"

#include <sodium/utils.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/beacon.hpp"

namespace choregos::source::beacon {
namespace {

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
}

/// The bytes, or nothing.
std::string decode(std::string_view text) {
  bool hex = is_hex(text);
  if (text.substr(0, 4) == "hex:") {
    text.remove_prefix(4);
    hex = true;
  } else if (text.substr(0, 7) == "base64:") {
    text.remove_prefix(7);
    hex = false;
  }
  while (!hex && !text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string out(text.size(), '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  const int done = hex ? sodium_hex2bin(bytes, out.size(), text.data(), text.size(), nullptr, &size, &end)
                       : sodium_base642bin(bytes, out.size(), text.data(), text.size(), nullptr, &size, &end, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
  if (done != 0 || end != text.data() + text.size()) return {};
  out.resize(size);
  return out;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  constexpr std::string_view kBlank = " \t\r";
  for (std::size_t at = line.find_first_not_of(kBlank); at != std::string_view::npos; at = line.find_first_not_of(kBlank, at)) {
    const auto end = std::min(line.find_first_of(kBlank, at), line.size());
    if (line[at] == '#') break;
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

/// A pattern is a word in which '*' and '?' may stand.
bool is_pattern_word(std::string pattern) {
  if (pattern.empty() || pattern.size() > limits::id_bytes_max) return false;
  std::replace_if(pattern.begin(), pattern.end(), [](char c) { return c == '*' || c == '?'; }, 'x');
  return is_word(pattern);
}

Result<Key> parse_line(const std::vector<std::string_view>& words) {
  if (words.size() < 2 || words.size() > 3) return fail(ErrorCode::invalid, "a key line reads: number secret [agents]");
  Key key;
  const auto [end, error] = std::from_chars(words[0].data(), words[0].data() + words[0].size(), key.id);
  if (error != std::errc{} || end != words[0].data() + words[0].size()) return fail(ErrorCode::invalid, "the key's number should be a whole number from 1 on");
  key.secret = decode(words[1]);
  if (key.secret.empty()) return fail(ErrorCode::invalid, "the secret of key " + std::to_string(key.id) + " is neither hex nor base64");
  if (words.size() == 3) key.agents = std::string(words[2]);
  return key;
}

}  // namespace

Result<KeyRing> KeyRing::parse(std::string_view text) {
  KeyRing ring;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto words = words_of(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty()) continue;
    auto key = parse_line(words);
    auto added = key ? ring.add(std::move(*key)) : Result<void>(key.error());
    if (!added) return fail(added.error().code, "line " + std::to_string(number) + ": " + added.error().message);
  }
  return ring;
}

Result<void> KeyRing::add(Key key) {
  const std::string name = "key " + std::to_string(key.id);
  if (key.id == 0) return fail(ErrorCode::invalid, "key number 0 means unsigned; use a number from 1 on");
  if (key.secret.size() < wire::kBeaconKeyBytesMin || key.secret.size() > limits::key_bytes_max)
    return fail(ErrorCode::invalid, "the secret of " + name + " has " + std::to_string(key.secret.size()) + " bytes; it should have 16 to 64, such as those of: openssl rand -hex 32");
  if (!is_pattern_word(key.agents)) return fail(ErrorCode::invalid, name + " should name an agent's id or a pattern such as build-*, not '" + printable(key.agents) + "'");
  if (keys_.contains(key.id)) return fail(ErrorCode::conflict, name + " is there twice; each key has a number of its own");
  if (!key.is_pattern()) bound_.insert(key.agents);
  const auto id = key.id;
  keys_.emplace(id, std::move(key));
  return {};
}

const Key* KeyRing::find(std::uint64_t key_id) const {
  const auto it = keys_.find(key_id);
  return it == keys_.end() ? nullptr : &it->second;
}

bool KeyRing::allows(const Key& key, std::string_view agent) const {
  return key.is_pattern() ? glob_match(key.agents, agent) && !is_bound(agent) : key.agents == agent;
}

}  // namespace choregos::source::beacon
