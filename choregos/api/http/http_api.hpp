// The HTTP API of choregosd: REST under /api/v1, /healthz, /readyz, /metrics, /openapi.json and a page at /.
//
// It lives on the loop's thread, is called there for each request, and answers from one immutable snapshot. It knows the
// door for registrations and functions for everything else (services.hpp), neither sources nor the daemon.
//
//   auto api = HttpApi::create(loop, options, services);        // refuses to stand open on a network
//   net::HttpServer server(loop, {}, (*api)->handler());        // the API must outlive the server
#pragma once

#include <memory>

#include "choregos/api/http/gate.hpp"
#include "choregos/api/http/handlers.hpp"
#include "choregos/api/http/metrics.hpp"
#include "choregos/api/http/services.hpp"
#include "choregos/api/http/tether.hpp"
#include "choregos/net/http_server.hpp"
#include "choregos/net/loop.hpp"

namespace choregos::api {

class HttpApi {
 public:
  /// Errors: those of Gate::create.
  static Result<std::unique_ptr<HttpApi>> create(net::Loop& loop, const GateOptions& options, Services services);

  /// Other tokens and hosts from the next request on; what is open stays open. Errors: those of Gate::create, and then
  /// nothing has changed.
  Result<void> reload(const GateOptions& options);
  /// What a server is to be made with; valid as long as this object.
  net::HttpServer::Handler handler();
  /// Ends every tether, so that the server can stop; the door hears of each a moment later.
  void close_tethers() { tethers_.close_all(); }

 private:
  /// Outlives the API while the door still owes an answer.
  struct State {
    Services services;
    HttpCounters counters;
  };

  HttpApi(net::Loop& loop, Gate gate, Services services);
  /// Answers one request: by `answer`, once, now or later, or by `open` for a reply that stays open.
  void handle(const Incoming& incoming, Answer answer, const OpenStream& open, const OnGone& on_gone);
  View look() const;
  void dispatch(const Call& call, bool head_only, Answer answer, const OpenStream& open, const OnGone& on_gone);
  static void dress(Reply& reply, const State& state, bool tell_freshness);
  static void count(State& state, const Route* route, int status);

  Gate gate_;
  std::shared_ptr<State> state_;
  TetherSet tethers_;
  net::Timer heartbeat_;
};

}  // namespace choregos::api
