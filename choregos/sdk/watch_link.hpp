// One watch on the client's loop: a stream, what to do when it breaks, and where to go on. Internal to the client; loop's thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "choregos/base/rng.hpp"
#include "choregos/net/http_client.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/sdk/backoff.hpp"
#include "choregos/sdk/watch.hpp"
#include "choregos/wire/sse.hpp"
#include "choregos/wire/watch_json.hpp"

namespace choregos::sdk {

class WatchLink : public std::enable_shared_from_this<WatchLink> {
 public:
  using OnEvent = std::function<void(const WatchEvent&)>;
  /// The registry sends a sign of life every 15 s at the latest.
  static constexpr Duration kSilenceMax = 40s;

  /// `request` is asked anew for each connection, with Last-Event-ID added.
  WatchLink(net::Loop& loop, net::HttpClient& client, net::HttpClientRequest request, OnEvent on_event, std::uint64_t seed);

  void start() { connect(); }
  void stop();

 private:
  void connect();
  bool on_head(const net::HttpResponse& head);
  void on_bytes(std::string_view bytes);
  void on_end(const Result<void>& end);
  void take(const wire::SseEvent& event);
  void tell_agents(wire::WatchMessage& message, std::string raw);
  void tell_change(wire::WatchMessage& message, const std::string& raw);
  void break_off(Error error);

  net::Loop& loop_;
  net::HttpClient& client_;
  const net::HttpClientRequest request_;
  OnEvent on_event_;
  Rng rng_;
  Backoff backoff_;
  net::HttpCall call_;
  net::Timer retry_;
  wire::SseParser parser_;
  std::string position_;     ///< of the last event that is one; "" = begin with a list
  bool ready_told_ = false;  ///< on this connection
  int status_ = 0;
  std::string refusal_;      ///< body of an answer that is no stream
  bool stopped_ = false;
};

}  // namespace choregos::sdk
