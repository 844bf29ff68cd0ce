// DNS questions to given servers, such as Docker's own at 127.0.0.11, without hosts file, search list or cache: what the
// server says now. Names are absolute; a trailing dot is added.
//
// Lives on the loop's thread; callbacks are called there, never inside the call that was given them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/result.hpp"
#include "choregos/net/loop.hpp"

namespace choregos::net {

/// Found, or certainly not there. That the server could not be asked is neither and comes as an Error.
struct DnsAnswer {
  enum class Outcome {
    found,
    no_such_name,  ///< NXDOMAIN, or the name has no record of this type
  };
  Outcome outcome = Outcome::no_such_name;
  std::vector<IpAddress> addresses;  ///< distinct, in ascending order: servers shuffle
  bool cut = false;                  ///< there were more than limits::dns_address_count_max
};

class Resolver {
 public:
  struct Options {
    std::vector<SocketAddress> servers = {SocketAddress{IpAddress::v4(127, 0, 0, 11), 53}};
    Duration timeout = 1s;  ///< of the first try; each further one of c-ares waits longer
    int tries = 2;          ///< per server
    Duration total = 5s;    ///< after it the question has failed, whatever happens below
  };

  using OnAddresses = std::function<void(Result<DnsAnswer>)>;
  using OnNames = std::function<void(Result<std::vector<std::string>>)>;

  Resolver(Loop& loop, Options options);
  /// Cancels everything; calls nobody.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// IPv4 addresses. Errors: `invalid` for a name that cannot be one; `timeout`; `unavailable` for refusals, server faults
  /// and garbage.
  void query_a(const std::string& name, OnAddresses done);
  /// Names of an address without trailing dots, sorted; empty when it has none. Errors as above.
  void query_ptr(const IpAddress& address, OnNames done);

  /// Gives up what is under way: no callback is called.
  void cancel_all();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace choregos::net
