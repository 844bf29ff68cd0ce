#include "choregos/net/name_lookup.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/net/sockets.hpp"

namespace choregos::net {
namespace {

Result<std::vector<SocketAddress>> ask(const std::string& name, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (code != 0) {
    const bool absent = code == EAI_NONAME || code == EAI_NODATA || code == EAI_ADDRFAMILY;
    return fail(absent ? ErrorCode::not_found : ErrorCode::unavailable, "the name '" + name + "' cannot be resolved: " + ::gai_strerror(code));
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* at = list; at && addresses.size() < limits::lookup_address_count_max; at = at->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, at->ai_addr, std::min<std::size_t>(at->ai_addrlen, sizeof storage));
    SocketAddress address = socket_address(storage);
    address.port = port;
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) addresses.push_back(address);
  }
  ::freeaddrinfo(list);
  if (addresses.empty()) return fail(ErrorCode::not_found, "the name '" + name + "' has no address");
  return addresses;
}

}  // namespace

struct NameLookup::Shared {
  struct Job {
    std::uint64_t number = 0;
    std::string name;
    std::uint16_t port = 0;
  };

  std::mutex mutex;
  // Guarded by the mutex:
  Loop* loop = nullptr;  // null once nobody waits for answers
  std::size_t parallel_max = 1;
  std::size_t running = 0;
  std::deque<Job> waiting;

  // The loop's thread alone; so that what a caller captured is destroyed there too.
  std::unordered_map<std::uint64_t, Done> callbacks;
  std::uint64_t next_number = 0;

  static void finish(const std::shared_ptr<Shared>& self, std::uint64_t number, Result<std::vector<SocketAddress>> answer) {
    const auto at = self->callbacks.find(number);
    if (at == self->callbacks.end()) return;
    const Done done = std::move(at->second);
    self->callbacks.erase(at);
    done(std::move(answer));
  }

  /// Call with the mutex held.
  static void post_answer(const std::shared_ptr<Shared>& self, std::uint64_t number, Result<std::vector<SocketAddress>> answer) {
    if (self->loop) self->loop->post([self, number, answer = std::move(answer)] { finish(self, number, answer); });
  }

  static void work(const std::shared_ptr<Shared>& self) {
    std::unique_lock lock(self->mutex);
    while (self->loop && !self->waiting.empty()) {
      Job job = std::move(self->waiting.front());
      self->waiting.pop_front();
      lock.unlock();
      auto answer = ask(job.name, job.port);
      lock.lock();
      post_answer(self, job.number, std::move(answer));
    }
    --self->running;
  }
};

NameLookup::NameLookup(Loop& loop, std::size_t parallel_max) : shared_(std::make_shared<Shared>()) {
  shared_->loop = &loop;
  shared_->parallel_max = std::max<std::size_t>(parallel_max, 1);
}

NameLookup::~NameLookup() {
  shared_->callbacks.clear();
  const std::lock_guard lock(shared_->mutex);
  shared_->loop = nullptr;
  shared_->waiting.clear();
}

void NameLookup::lookup(const std::string& name, std::uint16_t port, Done done) {
  const std::uint64_t number = shared_->next_number++;
  shared_->callbacks.emplace(number, std::move(done));
  const std::lock_guard lock(shared_->mutex);
  if (name.empty() || name.size() > 253 || name.find('\0') != std::string::npos)
    return Shared::post_answer(shared_, number, fail(ErrorCode::invalid, "a host name has 1 to 253 characters"));
  if (shared_->waiting.size() >= limits::lookup_queue_max)
    return Shared::post_answer(shared_, number, fail(ErrorCode::exhausted, "too many names wait to be resolved; try again later"));
  shared_->waiting.push_back({number, name, port});
  if (shared_->running >= shared_->parallel_max) return;
  try {
    // Detached: getaddrinfo cannot be interrupted, and no destructor should wait for a slow name server.
    std::thread([shared = shared_] { Shared::work(shared); }).detach();
    ++shared_->running;
  } catch (const std::system_error&) {
    if (shared_->running > 0) return;  // one that works already takes it
    shared_->waiting.pop_back();
    Shared::post_answer(shared_, number, fail(ErrorCode::unavailable, "no thread for resolving a name can be started"));
  }
}

}  // namespace choregos::net
