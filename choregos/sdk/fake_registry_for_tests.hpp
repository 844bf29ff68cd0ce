// A registry for tests: an HTTP server on a thread of its own that writes down what it is asked, and answers as told.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "choregos/net/http_server.hpp"
#include "choregos/net/loop.hpp"

namespace choregos::sdk {

class FakeRegistry {
 public:
  struct Asked {
    std::string method, target, body, authorization;
  };

  FakeRegistry() {
    server_ = std::make_unique<net::HttpServer>(loop_, net::HttpServer::Options{}, [this](net::HttpRequest&& request, net::Responder responder) {
      answer(std::move(request), std::move(responder));
    });
    address_ = server_->listen({IpAddress::v4(127, 0, 0, 1), 0}).value();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~FakeRegistry() {
    loop_.stop();
    thread_.join();
  }

  std::string url() const { return "http://" + to_string(address_); }

  /// Replies with this instead of the usual grant; path suffix as in "/renew", "" for the agent itself.
  void answer_with(const std::string& method, int status, std::string body) {
    std::lock_guard lock(mutex_);
    canned_[method] = {status, std::move(body)};
  }
  void answer_normally() {
    std::lock_guard lock(mutex_);
    canned_.clear();
  }
  /// Registrations are answered only so much later.
  void delay_puts(Duration delay) { put_delay_ = delay; }
  bool put_answered_before_delete() const {
    std::lock_guard lock(mutex_);
    return put_answered_first_;
  }
  /// Waits until a request comes whose method and target begin so, from number `after` on; empty when none came in 10 s.
  Asked wait_for(const std::string& method, const std::string& target, std::size_t after = 0) {
    std::unique_lock lock(mutex_);
    Asked found;
    came_.wait_for(lock, std::chrono::seconds(10), [&] {
      for (std::size_t i = after; i < asked_.size(); ++i)
        if (asked_[i].method == method && asked_[i].target.starts_with(target)) return found = asked_[i], true;
      return false;
    });
    return found;
  }
  std::size_t count() const {
    std::lock_guard lock(mutex_);
    return asked_.size();
  }
  std::vector<Asked> asked() const {
    std::lock_guard lock(mutex_);
    return asked_;
  }
  bool wait_for_tethers(std::size_t wanted) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, std::chrono::seconds(10), [&] { return open_tethers_ == wanted; });
  }
  void send_down(std::string text) {
    loop_.post([this, text = std::move(text)] {
      for (auto& tether : tethers_) tether->write(text);
    });
  }
  void cut_tethers() {
    loop_.post([this] {
      for (auto& tether : tethers_) tether->close();
      tethers_.clear();
    });
  }

 private:
  void answer(net::HttpRequest&& request, net::Responder responder) {
    std::pair<int, std::string> canned{0, {}};
    {
      std::lock_guard lock(mutex_);
      asked_.push_back({request.method, request.target, request.body, std::string(request.header("Authorization"))});
      came_.notify_all();
      if (auto found = canned_.find(request.method); found != canned_.end()) canned = found->second;
    }
    if (canned.first != 0) return responder.reply({canned.first, {{"Content-Type", "application/json"}}, canned.second, {}});
    if (request.path.ends_with("/tether")) {
      auto stream = responder.stream(200, {{"Content-Type", "text/event-stream"}});
      if (!stream) return;
      stream->write(std::string(": hello\n\n"));
      stream->on_close([this](net::StreamEnd) {
        std::lock_guard lock(mutex_);
        --open_tethers_;
        came_.notify_all();
      });
      tethers_.push_back(stream);
      std::lock_guard lock(mutex_);
      ++open_tethers_;
      came_.notify_all();
      return;
    }
    if (request.method == "DELETE") {
      std::lock_guard lock(mutex_);
      deleted_ = true;
      return responder.reply({204, {}, {}, {}});
    }
    if (request.method == "PUT" && put_delay_ > Duration{}) {
      delayed_ = loop_.after(put_delay_, [this, responder]() mutable { grant(std::move(responder)); });
      return;
    }
    grant(std::move(responder));
  }
  void grant(net::Responder responder) {
    {
      std::lock_guard lock(mutex_);
      put_answered_first_ = put_answered_first_ || !deleted_;
    }
    responder.reply({200, {{"Content-Type", "application/json"}}, R"({"agent":{"id":"a1"},"created":true,"ttl_ms":3000,"beacon_interval_ms":1000})", {}});
  }

  net::Loop loop_;
  std::unique_ptr<net::HttpServer> server_;
  SocketAddress address_;
  std::vector<std::shared_ptr<net::Stream>> tethers_;  ///< the loop's
  std::thread thread_;
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Asked> asked_;
  std::map<std::string, std::pair<int, std::string>> canned_;
  std::size_t open_tethers_ = 0;
  bool deleted_ = false;
  bool put_answered_first_ = false;
  Duration put_delay_{};   ///< fixed before the first request
  net::Timer delayed_;     ///< the loop's
};

}  // namespace choregos::sdk
