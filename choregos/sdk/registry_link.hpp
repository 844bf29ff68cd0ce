// The HTTP side of registering: carries out what a Registrant decides, against registries named by URL. Internal to the
// announcer; lives on the loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "choregos/net/http_client.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/sdk/registrant.hpp"
#include "choregos/wire/sse.hpp"
#include "choregos/wire/url.hpp"

namespace choregos::sdk {

/// "http://host:port" and an optional path in front of /api/v1. Errors: invalid (also https, which is not spoken here).
Result<wire::HttpUrl> parse_registry_url(const std::string& text);
/// Where to dial for it. `configured`: somebody wrote it down, so loopback is fine.
net::HttpTarget dial_target(const wire::HttpUrl& url);
/// Fills target, Host and Authorization; `path` follows the URL's own.
net::HttpClientRequest registry_request(const wire::HttpUrl& url, const std::string& token, std::string method, const std::string& path);

class RegistryLink {
 public:
  struct Callbacks {
    std::function<void(std::uint64_t ticket, const Result<wire::RegisteredDocument>&)> put_done, renew_done;
    std::function<void(std::uint64_t ticket)> tether_opened;
    std::function<void(std::uint64_t ticket, std::string_view name, std::string_view data)> tether_event;
    std::function<void(std::uint64_t ticket, const Error&)> tether_closed;
    std::function<void()> left;                           ///< the goodbye was answered, or never will be
    std::function<void(const IpAddress& peer)> connected;  ///< a registry at this address granted a registration
  };
  static constexpr Duration kCallTime = 5s;
  static constexpr Duration kLeaveTime = 400ms;

  RegistryLink(net::Loop& loop, std::vector<wire::HttpUrl> registries, std::string token, std::string id, std::uint64_t incarnation, Callbacks callbacks);

  /// `reason` is for a leave.
  void carry_out(const Registrant::Action& action, const std::string& reason);

 private:
  std::string path(std::string_view suffix = {}) const;
  std::string life() const { return "?incarnation=" + std::to_string(incarnation_); }
  void statement(const Registrant::Action& action);
  void tether(const Registrant::Action& action);

  net::Loop& loop_;
  std::vector<wire::HttpUrl> registries_;
  std::string token_, id_;
  std::uint64_t incarnation_;
  Callbacks callbacks_;
  std::uint64_t tether_ticket_ = 0;
  net::HttpCall tether_;
  wire::SseParser parser_;
  net::HttpClient client_;  ///< last, so that nothing it calls is gone
};

}  // namespace choregos::sdk
