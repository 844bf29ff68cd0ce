// Bearer tokens, and the memory of wrong ones. Tokens are held as BLAKE2b-256 hashes; a presented one is hashed and
// compared with every known hash in constant time, so that neither its content nor its place shows in the time taken.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"

namespace choregos::api {

/// Shorter tokens are refused at the start: guessing must stay hopeless at any rate.
inline constexpr std::size_t kTokenBytesMin = 16;

class TokenSet {
 public:
  /// Errors: invalid (shorter than kTokenBytesMin, or with characters that a header cannot carry).
  static Result<TokenSet> create(const std::vector<std::string>& tokens);
  bool holds(std::string_view token) const;
  bool empty() const { return hashes_.empty(); }

 private:
  using Hash = std::array<unsigned char, 32>;
  static Hash hash(std::string_view token);
  std::vector<Hash> hashes_;
};

/// The token of an `Authorization` header ("Bearer …", the scheme in any case); "" when it is none.
std::string_view bearer_token(std::string_view authorization);

/// Counts wrong tokens per address: more than limits::wrong_token_count_max in a minute and further wrong ones are answered
/// 429. A right token always passes, so that a noisy neighbour behind the same address locks nobody out. Of
/// limits::wrong_token_address_max addresses; when so many are remembered, unknown ones share one counter.
class FailureLimit {
 public:
  static constexpr Duration kWindow = 60s;

  /// Counts one failure; true when it is over the limit.
  bool count(const IpAddress& peer, Instant now);
  /// How long until the address may fail again.
  Duration retry_after(const IpAddress& peer, Instant now) const;

 private:
  struct Window {
    Instant since;
    std::size_t failures = 0;
  };
  static std::string key(const IpAddress& peer);
  void forget_old(Instant now);
  std::unordered_map<std::string, Window> windows_;
  Instant forgot_at_;
};

}  // namespace choregos::api
