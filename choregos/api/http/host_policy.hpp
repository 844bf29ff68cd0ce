// Which Host and Origin headers we answer. A page in a browser can be made to send requests to any address (DNS
// rebinding, forms); it cannot choose the Host that the browser writes, nor hide its Origin. RELIABILITY: H13, H14.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/ip.hpp"

namespace choregos::api {

class HostPolicy {
 public:
  /// `bound` are the addresses we listen on. `hosts` are further names, without a port, as an operator configured them.
  HostPolicy(const std::vector<SocketAddress>& bound, const std::vector<std::string>& hosts);

  /// Whether a Host header names us: localhost, a loopback address, an address we are bound to, or a configured name. The
  /// port plays no part, because a published container port differs from ours. Bound to every address, any literal
  /// address is ours: a rebinding page always comes with a name.
  bool host_is_ours(std::string_view host_header) const;
  /// Whether an Origin header is the very host that the request was sent to.
  static bool same_origin(std::string_view origin, std::string_view host_header);
  /// For the refusal: "localhost, 127.0.0.1, choregos.internal".
  std::string accepted() const;

 private:
  std::vector<std::string> names_;   ///< lower case
  std::vector<IpAddress> addresses_;
  bool any_address_ = false;
};

}  // namespace choregos::api
