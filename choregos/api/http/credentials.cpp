#include "choregos/api/http/credentials.hpp"

#include <sodium.h>

#include <algorithm>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"

namespace choregos::api {

TokenSet::Hash TokenSet::hash(std::string_view token) {
  Hash out{};
  crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(token.data()), token.size(), nullptr, 0);
  return out;
}

Result<TokenSet> TokenSet::create(const std::vector<std::string>& tokens) {
  if (sodium_init() < 0) return fail(ErrorCode::internal, "libsodium cannot start");
  TokenSet set;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto& token = tokens[i];
    if (token.size() < kTokenBytesMin)
      return fail(ErrorCode::invalid, "bearer token number " + std::to_string(i + 1) + " has " + std::to_string(token.size()) +
                                          " bytes; write at least " + std::to_string(kTokenBytesMin) + ", such as `openssl rand -hex 32` gives");
    if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 127; }))
      return fail(ErrorCode::invalid, "bearer token number " + std::to_string(i + 1) + " has a space or a character outside of ASCII");
    set.hashes_.push_back(hash(token));
  }
  return set;
}

bool TokenSet::holds(std::string_view token) const {
  const Hash presented = hash(token);
  bool found = false;  // every hash is compared, found or not
  for (const auto& known : hashes_) found |= sodium_memcmp(presented.data(), known.data(), known.size()) == 0;
  return found;
}

std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() <= scheme.size() || to_lower(authorization.substr(0, scheme.size())) != scheme) return {};
  authorization.remove_prefix(scheme.size());
  while (!authorization.empty() && authorization.front() == ' ') authorization.remove_prefix(1);
  while (!authorization.empty() && authorization.back() == ' ') authorization.remove_suffix(1);
  return authorization;
}

std::string FailureLimit::key(const IpAddress& peer) {
  // An IPv6 site chooses among 2^64 addresses of its own: they count as one.
  const std::size_t bytes = peer.is_v4() ? 16 : 8;
  return std::string(reinterpret_cast<const char*>(peer.bytes.data()), bytes);
}

void FailureLimit::forget_old(Instant now) {
  if (now - forgot_at_ < kWindow && windows_.size() < limits::wrong_token_address_max) return;
  if (now - forgot_at_ < 1s) return;  // a full table is swept once a second, not once a request
  forgot_at_ = now;
  std::erase_if(windows_, [&](const auto& entry) { return now - entry.second.since >= kWindow; });
}

bool FailureLimit::count(const IpAddress& peer, Instant now) {
  forget_old(now);
  std::string name = key(peer);
  if (windows_.size() >= limits::wrong_token_address_max && windows_.find(name) == windows_.end()) name.clear();
  auto [at, fresh] = windows_.try_emplace(std::move(name), Window{now, 0});
  if (!fresh && now - at->second.since >= kWindow) at->second = {now, 0};
  if (at->second.failures <= limits::wrong_token_count_max) ++at->second.failures;
  return at->second.failures > limits::wrong_token_count_max;
}

Duration FailureLimit::retry_after(const IpAddress& peer, Instant now) const {
  auto at = windows_.find(key(peer));
  if (at == windows_.end()) at = windows_.find(std::string{});
  if (at == windows_.end()) return kWindow;
  return std::max(Duration{1s}, kWindow - (now - at->second.since));
}

}  // namespace choregos::api
