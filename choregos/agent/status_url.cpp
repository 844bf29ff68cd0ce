#include "choregos/agent/status_url.hpp"

#include <thread>
#include <utility>

#include "choregos/net/http_client.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/wire/statement.hpp"
#include "choregos/wire/url.hpp"

namespace choregos::agent {

class StatusUrl::Impl {
 public:
  Impl(wire::HttpUrl url, Duration period, Take take)
      : url_(std::move(url)), period_(period), take_(std::move(take)), client_(loop_, {.user_agent = "choregos-agent"}) {
    loop_.post([this] { ask(); });
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Impl() {
    loop_.stop();
    thread_.join();
  }

 private:
  void ask() {
    net::HttpClientRequest request;
    if (auto ip = url_.ip()) request.target.address.ip = *ip;
    else request.target.name = url_.host;
    request.target.address.port = url_.port;
    request.target.configured = true;
    request.path = url_.path;
    request.host = url_.authority();
    request.headers.emplace_back("Accept", "application/json");
    request.keep_alive = true;
    client_.request(std::move(request), [this](Result<net::HttpResponse> response, net::Failure) {
      take_(read(response));
      timer_ = loop_.after(period_, [this] { ask(); });
    });
  }

  StatusReading read(const Result<net::HttpResponse>& response) const {
    const std::string who = to_string(url_);
    if (!response) return {std::nullopt, who + ": " + response.error().message};
    if (response->status < 200 || response->status > 299) return {std::nullopt, who + " answered with status " + std::to_string(response->status)};
    const auto statement = wire::read_health_body(response->body);
    if (!statement.claims.status) return {std::nullopt, who + " says no status; its JSON should have \"status\": \"online\", \"idle\" or \"working\""};
    return {statement.claims.status, ""};
  }

  const wire::HttpUrl url_;
  const Duration period_;
  const Take take_;
  net::Loop loop_;
  net::HttpClient client_;
  net::Timer timer_;
  std::thread thread_;
};

Result<std::unique_ptr<StatusUrl>> StatusUrl::create(const std::string& url, Duration period, Take take) {
  auto parsed = wire::parse_http_url(url);
  if (!parsed) return parsed.error();
  if (parsed->scheme != "http") return fail(ErrorCode::invalid, "'" + url + "' should begin with http://");
  return std::unique_ptr<StatusUrl>(new StatusUrl(std::make_unique<Impl>(std::move(*parsed), period, std::move(take))));
}

StatusUrl::StatusUrl(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StatusUrl::~StatusUrl() = default;

}  // namespace choregos::agent
