// getaddrinfo in worker threads, since it blocks. For net/ itself; HttpClient::lookup is its public face.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/result.hpp"
#include "choregos/net/loop.hpp"

namespace choregos::net {

class NameLookup {
 public:
  using Done = std::function<void(Result<std::vector<SocketAddress>>)>;

  NameLookup(Loop& loop, std::size_t parallel_max);
  /// A lookup under way goes on in its thread and its answer is thrown away.
  ~NameLookup();
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;

  /// `done` is called on the loop's thread, later. Errors: not_found, unavailable, exhausted, invalid.
  void lookup(const std::string& name, std::uint16_t port, Done done);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace choregos::net
