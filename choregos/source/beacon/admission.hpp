// Who may speak without a key, and how many strangers may become known in a second. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"

namespace choregos::source::beacon {

/// From which addresses unsigned beacons are believed. An unsigned beacon proves nothing: whoever may send one may speak for
/// any agent that has no key of its own.
class UnsignedRule {
 public:
  /// From this machine's loopback addresses only.
  UnsignedRule() = default;
  /// "loopback", "any", "none", or ranges: "10.0.0.0/8, fd00::/8"; "loopback" may stand among ranges. Errors: invalid.
  static Result<UnsignedRule> parse(std::string_view text);

  bool allows(const IpAddress& from) const;
  /// As parse reads it.
  std::string text() const;

 private:
  bool any_ = false;
  bool loopback_ = true;
  std::vector<Cidr> ranges_;
};

/// A token bucket: on average `per_second`, at most `burst` at once. Starts full.
class TokenBucket {
 public:
  TokenBucket(std::uint32_t per_second, std::uint32_t burst) : gap_(Duration(1s) / per_second), burst_(burst) {}
  bool take(Instant now);

 private:
  // The time at which the bucket would be full again says how full it is: no rounding, no drift (GCRA).
  Duration gap_;
  std::uint32_t burst_;
  Instant full_at_ = Instant::min();
};

}  // namespace choregos::source::beacon
