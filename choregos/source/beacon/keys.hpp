// Beacon keys: which secret signs, and for which agents it may speak. Pure; key_file.hpp reads the file.
//
//   # one key a line: number, secret, whom it may speak for
//   7  3c1f…64 hex digits…9a  writer-1
//   8  base64:c2VjcmV0…==     build-*
//   9  hex:00112233…          *
//
// A key for one id proves that id. A key for a pattern proves that its holder belongs to the fleet, no more: every holder
// could claim every id that matches, so such an id counts as declared, not as proven. The narrowest binding wins: an id
// that has a key of its own is believed from no other key and from nobody without one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "choregos/base/result.hpp"

namespace choregos::source::beacon {

struct Key {
  std::uint64_t id = 0;
  std::string secret;        ///< wire::kBeaconKeyBytesMin to limits::key_bytes_max bytes
  std::string agents = "*";  ///< an id, or a pattern with '*' and '?'

  bool is_pattern() const { return agents.find_first_of("*?") != std::string::npos; }
};

class KeyRing {
 public:
  /// The text of a key file. Secrets are hex or base64 (with or without its '='), 16 to 64 bytes; a text of hex digits alone
  /// is hex. The pattern may be left out and is '*' then. Errors: invalid, with the line; no message holds a secret.
  static Result<KeyRing> parse(std::string_view text);
  /// Errors: invalid (key number 0, a secret of the wrong length, a pattern that is none), conflict (the number is taken).
  Result<void> add(Key key);

  const Key* find(std::uint64_t key_id) const;
  /// Whether `key` may speak for `agent`.
  bool allows(const Key& key, std::string_view agent) const;
  /// Whether the id has a key of its own, so that nobody else may claim it.
  bool is_bound(std::string_view agent) const { return bound_.contains(std::string(agent)); }
  std::size_t size() const { return keys_.size(); }
  bool empty() const { return keys_.empty(); }

 private:
  std::unordered_map<std::uint64_t, Key> keys_;
  std::unordered_set<std::string> bound_;
};

}  // namespace choregos::source::beacon
