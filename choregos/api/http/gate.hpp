// What is the same for every request, decided before any handler: whose Host, whose Origin, which route, which token,
// which body, which parameters. Pure over its inputs except for the memory of wrong tokens.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "choregos/api/http/credentials.hpp"
#include "choregos/api/http/host_policy.hpp"
#include "choregos/api/http/reply.hpp"
#include "choregos/api/http/routes.hpp"
#include "choregos/wire/url.hpp"

namespace choregos::api {

struct GateOptions {
  std::vector<SocketAddress> bound;        ///< where the server listens; decides which literal Hosts are ours
  std::vector<std::string> hosts;          ///< further names that a Host header may carry
  std::vector<std::string> bearer_tokens;  ///< at least kTokenBytesMin bytes each
  /// Every route but those that are open needs a token. Must be true unless all bound addresses are loopback ones.
  bool require_auth = false;
};

/// The parts of a request that the gate looks at; "" stands for a header that is absent.
struct Incoming {
  std::string_view method;
  std::string_view path;   ///< raw, without the query
  std::string_view query;  ///< raw, without '?'
  std::string_view host;
  std::string_view origin;
  std::string_view authorization;
  std::string_view content_type;
  std::string_view content_encoding;
  std::string_view if_none_match;
  std::string_view accept;
  std::string_view accept_encoding;
  std::string_view last_event_id;
  std::string_view body;
  SocketAddress peer;
  bool over_unix = false;  ///< through a socket file, whose mode has let in its owner only
};

struct Admitted {
  const Route* route = nullptr;
  std::string id;
  wire::Parameters parameters;
};

/// A refusal; `route` is set when the path was known, for the counters.
struct Refused {
  Reply reply;
  const Route* route = nullptr;
  bool authenticated = false;  ///< the sender may be told the revision
};

class Gate {
 public:
  /// Errors: invalid (tokens too short; a bound address that is no loopback one without require_auth; require_auth without
  /// any token).
  static Result<Gate> create(const GateOptions& options);

  /// The order is: Host, Origin, token, path and method, body, parameters. Nothing is said of routes to those without a token.
  std::variant<Admitted, Refused> admit(const Incoming& incoming, Instant now);
  std::uint64_t wrong_tokens() const { return wrong_tokens_; }

 private:
  Gate(HostPolicy hosts, TokenSet tokens, bool require_auth) : hosts_(std::move(hosts)), tokens_(std::move(tokens)), require_auth_(require_auth) {}
  std::optional<Reply> check_sender(const Incoming& incoming) const;
  std::optional<Reply> check_token(const Incoming& incoming, Instant now);

  HostPolicy hosts_;
  TokenSet tokens_;
  bool require_auth_;
  FailureLimit failures_;
  std::uint64_t wrong_tokens_ = 0;
};

}  // namespace choregos::api
