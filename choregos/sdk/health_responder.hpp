// Answers GET and HEAD of one path with a ready-made body, everything else with a problem document. Lives on the loop's
// thread; everything but the constructor may be called before the loop runs.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "choregos/net/http_server.hpp"

namespace choregos::sdk {

class HealthResponder {
 public:
  HealthResponder(net::Loop& loop, std::string path);
  /// Errors: io (taken, not allowed).
  Result<SocketAddress> listen(SocketAddress address) { return server_.listen(address); }
  /// What is answered from now on.
  void set_body(std::string body) { body_ = std::make_shared<const std::string>(std::move(body)); }
  /// Thread safe.
  std::uint64_t answers() const { return answers_; }

 private:
  void answer(const net::HttpRequest& request, net::Responder responder);

  std::string path_;
  std::shared_ptr<const std::string> body_ = std::make_shared<const std::string>("{}");
  std::atomic<std::uint64_t> answers_ = 0;
  net::HttpServer server_;
};

}  // namespace choregos::sdk
