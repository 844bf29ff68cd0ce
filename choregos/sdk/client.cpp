#include "choregos/sdk/client.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <unistd.h>

#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "choregos/base/text.hpp"
#include "choregos/net/http_client.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/sdk/registry_link.hpp"
#include "choregos/sdk/views.hpp"
#include "choregos/sdk/watch_link.hpp"
#include "choregos/wire/agent_json.hpp"
#include "choregos/wire/problem.hpp"
#include "choregos/wire/source_json.hpp"
#include "choregos/wire/url.hpp"

namespace choregos {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}
template <class Enum>
std::string joined(const std::vector<Enum>& words) {
  std::vector<std::string> texts;
  for (const auto word : words) texts.emplace_back(to_string(word));
  return joined(texts);
}

std::string version_of_client() { return std::string("libchoregos/") + CHOREGOS_VERSION; }

}  // namespace

namespace {

wire::Parameters filters_of(const Query& query) {
  wire::Parameters parameters;
  const auto add = [&](const std::string& key, std::string value) {
    if (!value.empty()) parameters.emplace_back(key, std::move(value));
  };
  for (const auto& capability : query.capabilities) add("capability", capability);
  add("status", joined(query.status));
  add("liveness", joined(query.liveness));
  add("model", query.model);
  add("cluster", joined(query.cluster));
  add("team", joined(query.team));
  for (const auto& [key, value] : query.labels) parameters.emplace_back("label." + key, value);
  add("q", query.text);
  return parameters;
}

std::string with_parameters(std::string path, const wire::Parameters& parameters) {
  return parameters.empty() ? path : path + "?" + wire::write_parameters(parameters);
}

}  // namespace

std::string agents_path(const Query& query) {
  wire::Parameters parameters = filters_of(query);
  if (query.sort != SortKey::id || query.descending) parameters.emplace_back("sort", (query.descending ? "-" : "") + std::string(to_string(query.sort)));
  if (query.limit > 0) parameters.emplace_back("limit", std::to_string(query.limit));
  if (!query.cursor.empty()) parameters.emplace_back("cursor", query.cursor);
  return with_parameters("/api/v1/agents", parameters);
}

std::string watch_path(const Query& query) { return with_parameters("/api/v1/watch", filters_of(query)); }

class Client::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)), url_(wire::HttpUrl{}), http_(loop_, {.user_agent = version_of_client()}) {
    if (options_.address.starts_with('/')) unix_path_ = options_.address;
    else if (options_.address.starts_with("unix:")) unix_path_ = options_.address.substr(5);
    else url_ = sdk::parse_registry_url(options_.address);
    if (!unix_path_.empty()) url_ = wire::HttpUrl{"http", "localhost", 80, ""};
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Impl() {
    loop_.stop();
    thread_.join();
  }

  Result<Raw> get(std::string_view path) { return ask("GET", path, {}); }

  /// A body is sent as JSON.
  Result<Raw> ask(const char* method, std::string_view path, std::optional<std::string> json) {
    if (!url_) return fail(ErrorCode::invalid, "address " + url_.error().message);
    if (path.empty() || path[0] != '/') return fail(ErrorCode::invalid, "path '" + printable(path) + "' should begin with '/'");
    auto request = request_for(method, path);
    if (json) {
      request.headers.emplace_back("Content-Type", "application/json");
      request.body = std::move(*json);
    }
    request.headers.emplace_back("Accept", "application/json, application/problem+json;q=0.9, */*;q=0.8");
    request.timeout = options_.timeout;
    request.response_bytes_max = options_.body_bytes_max;
    request.keep_alive = true;

    auto promise = std::make_shared<std::promise<Result<Raw>>>();
    auto answer = promise->get_future();
    loop_.post([this, request = std::move(request), promise]() mutable {
      http_.request(std::move(request), [this, promise](Result<net::HttpResponse> response, net::Failure) {
        if (!response) return promise->set_value(unreached(response.error()));
        promise->set_value(Raw{response->status, std::string(response->header("Content-Type")), std::string(response->header("ETag")), std::move(response->body)});
      });
    });
    return answer.get();
  }

  Result<std::shared_ptr<sdk::WatchLink>> watch(const std::string& path, std::function<void(const WatchEvent&)> on_event) {
    if (!url_) return fail(ErrorCode::invalid, "address " + url_.error().message);
    auto request = request_for("GET", path);
    request.timeout = options_.timeout;
    // Its waits need only differ from those of others.
    const auto seed = static_cast<std::uint64_t>(loop_.now().ns) ^ static_cast<std::uint64_t>(::getpid()) << 32;
    auto link = std::make_shared<sdk::WatchLink>(loop_, http_, std::move(request), std::move(on_event), seed);
    loop_.post([link] { link->start(); });
    return link;
  }
  net::Loop& loop() { return loop_; }

  Result<std::string> body(std::string_view path) { return good(get(path)); }

  /// Statuses from 400 on become errors.
  Result<std::string> good(Result<Raw> raw) const {
    if (!raw) return raw.error();
    if (raw->status >= 400) return wire::read_problem(raw->status, raw->body);
    if (raw->status < 200 || raw->status > 299) return fail(ErrorCode::unsupported, options_.address + " answered with status " + std::to_string(raw->status) + "; is it a choregosd?");
    return std::move(raw->body);
  }

  Result<boost::json::object> document(std::string_view path) {
    auto text = body(path);
    if (!text) return text.error();
    wire::JsonRules rules;
    rules.bytes_max = options_.body_bytes_max;
    rules.member_count_max = limits::capability_dictionary_max + limits::json_member_count_max;
    rules.text = wire::JsonText::any;
    auto value = wire::parse_json(*text, rules);
    if (!value || !value->is_object()) return strange(value ? Error{ErrorCode::invalid, "it is no JSON object"} : value.error());
    return std::move(value->get_object());
  }

  /// An answer that cannot be read: not the question's fault.
  Error strange(const Error& error) const { return fail(error.code, options_.address + " gave an answer that is not understood: " + error.message); }
  std::size_t body_bytes_max() const { return options_.body_bytes_max; }

 private:
  net::HttpClientRequest request_for(const char* method, std::string_view path) const {
    auto request = sdk::registry_request(*url_, options_.token, method, std::string(path));
    if (!unix_path_.empty()) request.target = {.address = {}, .unix_path = unix_path_, .configured = true};
    return request;
  }
  Error unreached(const Error& error) const { return fail(error.code, "no answer from " + options_.address + ": " + error.message); }

  const Options options_;
  Result<wire::HttpUrl> url_;
  std::string unix_path_;
  net::Loop loop_;
  net::HttpClient http_;
  std::thread thread_;
};

struct Watch::State {
  std::shared_ptr<Client::Impl> client;
  std::shared_ptr<sdk::WatchLink> link;
};

Watch::~Watch() { stop(); }

Watch& Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    stop();
    state_ = std::move(other.state_);
  }
  return *this;
}

void Watch::stop() {
  if (!state_) return;
  net::Loop& loop = state_->client->loop();
  // Within the callback: the handle may be the last who holds the client, whose thread this is, so it holds on until it goes.
  if (loop.on_loop_thread()) return state_->link->stop();
  const auto state = std::exchange(state_, nullptr);
  std::promise<void> stopped;
  loop.post([&] {
    state->link->stop();
    stopped.set_value();
  });
  stopped.get_future().wait();
}

Client::Client(Options options) : impl_(std::make_shared<Impl>(std::move(options))) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<Client::Raw> Client::get(std::string_view path) { return impl_->get(path); }
Result<std::string> Client::get_raw(std::string_view path) { return impl_->body(path); }
Result<std::string> Client::post_raw(std::string_view path, std::string json) { return impl_->good(impl_->ask("POST", path, std::move(json))); }

Result<AgentPage> Client::agents(const Query& query) {
  if (auto sound = check(query); !sound) return sound.error();
  auto text = impl_->body(agents_path(query));
  if (!text) return text.error();
  auto list = wire::read_list(*text, impl_->body_bytes_max());
  if (!list) return impl_->strange(list.error());
  AgentPage page;
  page.agents.reserve(list->agents.size());
  for (auto& document : list->agents) page.agents.push_back(sdk::view_of(std::move(document)));
  page.total = list->head.total;
  page.revision = list->head.revision;
  page.mode = list->head.mode;
  page.guard = list->head.guard;
  page.next_cursor = list->head.next_cursor;
  return page;
}

Result<Watch> Client::watch(const Query& query, std::function<void(const WatchEvent&)> on_event) {
  if (auto sound = check(query); !sound) return sound.error();
  auto link = impl_->watch(watch_path(query), std::move(on_event));
  if (!link) return link.error();
  return Watch(std::make_shared<Watch::State>(impl_, std::move(*link)));
}

Result<AgentView> Client::agent(std::string_view id) {
  auto object = impl_->document("/api/v1/agents/" + wire::percent_encode(id));
  if (!object) return object.error();
  auto document = wire::read_agent(*object);
  if (!document) return impl_->strange(document.error());
  return sdk::view_of(std::move(*document));
}

Result<std::vector<CapabilityView>> Client::capabilities() {
  auto object = impl_->document("/api/v1/capabilities");
  if (!object) return object.error();
  const auto* list = object->if_contains("capabilities");
  if (!list || !list->is_array()) return impl_->strange({ErrorCode::invalid, "it has no list of capabilities"});
  std::vector<CapabilityView> views;
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) return impl_->strange({ErrorCode::invalid, "a capability is no object"});
    const auto& entry = item.get_object();
    const auto number = [&](const char* key) -> std::uint64_t {
      const auto* value = entry.if_contains(key);
      return value && value->is_int64() && value->get_int64() > 0 ? static_cast<std::uint64_t>(value->get_int64()) : 0;
    };
    const auto* name = entry.if_contains("name");
    if (!name || !name->is_string()) return impl_->strange({ErrorCode::invalid, "a capability has no name"});
    views.push_back({std::string(name->get_string()), number("total"), number("live")});
  }
  return views;
}

Result<std::vector<SourceHealth>> Client::sources() {
  auto text = impl_->body("/api/v1/sources");
  if (!text) return text.error();
  auto sources = wire::read_sources(*text);
  if (!sources) return impl_->strange(sources.error());
  return sources;
}

Result<std::string> Client::summary() { return impl_->body("/api/v1/summary"); }
Result<std::string> Client::version() { return impl_->body("/api/v1/version"); }

Result<void> Client::healthz() {
  auto text = impl_->body("/healthz");
  return text ? Result<void>() : text.error();
}
Result<void> Client::readyz() {
  auto text = impl_->body("/readyz");
  return text ? Result<void>() : text.error();
}

}  // namespace choregos
