// Client: ask a choregosd. Calls block until the answer is there or the time is over.
//
//   choregos::Client client({.address = "http://127.0.0.1:4470"});
//   choregos::Query query;
//   query.capabilities = {"go_development"};
//   if (auto page = client.agents(query)) for (const auto& view : page->agents) …
//
// One client may be used by several threads at once; connections are kept open and shared. It owns one thread, which
// sleeps while nobody asks. Nothing here throws.
//
// Errors of every call: unavailable (cannot be reached, or not ready yet; exit_code() is 4), timeout, denied and forbidden
// (the token; 5), not_found (3), invalid (the question, or an answer that is no JSON of ours), too_large; the message
// holds what the server said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/limits.hpp"
#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/query.hpp"
#include "choregos/model/source_health.hpp"
#include "choregos/sdk/agent_view.hpp"
#include "choregos/sdk/watch.hpp"

namespace choregos {

struct CapabilityView {
  std::string name;
  std::uint64_t total = 0;  ///< agents in the list that have it
  std::uint64_t live = 0;   ///< of these, alive
};

class Client {
 public:
  struct Options {
    std::string address = "http://127.0.0.1:4470";  ///< "http://host:port"
    std::string token = {};                         ///< bearer token; "" = none
    Duration timeout = 5s;                          ///< of one call, from connecting to the last byte
    std::size_t body_bytes_max = limits::client_body_bytes_max;  ///< a longer answer is too_large
  };
  /// An answer as it came, for programs that show it as it is.
  struct Raw {
    int status = 0;
    std::string content_type;
    std::string etag;
    std::string body;
  };

  explicit Client(Options options);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  Result<AgentPage> agents(const Query& query = {});
  /// By id or alias.
  Result<AgentView> agent(std::string_view id);
  Result<std::vector<CapabilityView>> capabilities();
  Result<std::vector<SourceHealth>> sources();
  /// The document as JSON text.
  Result<std::string> summary();
  Result<std::string> version();
  /// Ok when the process serves; ok when its lists may be believed (else unavailable, with the reasons).
  Result<void> healthz();
  Result<void> readyz();

  /// Follows those who pass the filters (order and pages play no part) until the handle goes: see watch.hpp. `on_event` is called on the
  /// client's thread; it must be quick, and must not ask this client anything or destroy the handle. The handle may outlive the client.
  /// Errors: invalid (the question, the address). A registry that cannot be reached is no error here but an event.
  Result<Watch> watch(const Query& query, std::function<void(const WatchEvent&)> on_event);

  /// The body behind a path such as "/api/v1/agents?status=idle", as text. Statuses from 400 on become errors.
  Result<std::string> get_raw(std::string_view path);
  /// The body of the answer to a POST of this JSON text. Statuses from 400 on become errors. Never tried twice.
  Result<std::string> post_raw(std::string_view path, std::string json);
  /// The same as get_raw with everything that came, whatever the status; an error only when there was no answer.
  Result<Raw> get(std::string_view path);

 private:
  friend class Watch;
  class Impl;
  std::shared_ptr<Impl> impl_;  ///< shared with its watches
};

/// The path that asks this question: "/api/v1/agents?capability=go&sort=-last_seen".
std::string agents_path(const Query& query);
/// The same of a watch, without order and pages.
std::string watch_path(const Query& query);

}  // namespace choregos
