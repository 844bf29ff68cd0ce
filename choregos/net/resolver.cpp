#include "choregos/net/resolver.hpp"

#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/net/asio.hpp"

namespace choregos::net {
namespace {


bool is_label_char(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; }

/// Letters, digits, '-' and '_' in labels of 1 to 63; no trailing dot.
bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else if (!is_label_char(c) || ++label > 63) {
      return false;
    }
  }
  return label > 0;
}

std::string_view without_dot(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  return name;
}

std::string reverse_name(const IpAddress& address) {
  std::string name;
  if (address.is_v4()) {
    for (int i = 15; i >= 12; --i) name += std::to_string(address.bytes[static_cast<std::size_t>(i)]) + ".";
    return name + "in-addr.arpa.";
  }
  constexpr char digits[] = "0123456789abcdef";
  for (int i = 15; i >= 0; --i) {
    const auto byte = address.bytes[static_cast<std::size_t>(i)];
    name += {digits[byte & 15], '.', digits[byte >> 4], '.'};
  }
  return name + "ip6.arpa.";
}

Error error_of(int status, const std::string& name) {
  const std::string text = "the name servers did not answer for '" + name + "': " + ::ares_strerror(status);
  switch (status) {
    case ARES_ETIMEOUT: return fail(ErrorCode::timeout, text);
    case ARES_EBADNAME: return fail(ErrorCode::invalid, "'" + name + "' is not a DNS name");
    default: return fail(ErrorCode::unavailable, text);
  }
}

bool says_absent(int status) { return status == ARES_ENOTFOUND || status == ARES_ENODATA; }

Result<DnsAnswer> read_addresses(int status, const unsigned char* bytes, int size, const std::string& name) {
  DnsAnswer answer;
  if (says_absent(status)) return answer;
  if (status != ARES_SUCCESS) return error_of(status, name);
  std::vector<ares_addrttl> found(limits::dns_address_count_max + 1);
  int count = static_cast<int>(found.size());
  const int parsed = ::ares_parse_a_reply(bytes, size, nullptr, found.data(), &count);
  if (says_absent(parsed)) return answer;
  if (parsed != ARES_SUCCESS) return error_of(parsed, name);
  for (int i = 0; i < count; ++i) answer.addresses.push_back(IpAddress::v4(ntohl(found[static_cast<std::size_t>(i)].ipaddr.s_addr)));
  std::sort(answer.addresses.begin(), answer.addresses.end());
  answer.addresses.erase(std::unique(answer.addresses.begin(), answer.addresses.end()), answer.addresses.end());
  if (answer.addresses.size() > limits::dns_address_count_max) {
    answer.addresses.resize(limits::dns_address_count_max);
    answer.cut = true;
  }
  if (!answer.addresses.empty()) answer.outcome = DnsAnswer::Outcome::found;
  return answer;
}

Result<std::vector<std::string>> read_names(int status, const unsigned char* bytes, int size, const IpAddress& address, const std::string& name) {
  std::vector<std::string> names;
  if (says_absent(status)) return names;
  if (status != ARES_SUCCESS) return error_of(status, name);
  hostent* host = nullptr;
  const bool v4 = address.is_v4();
  const int parsed = ::ares_parse_ptr_reply(bytes, size, v4 ? &address.bytes[12] : address.bytes.data(), v4 ? 4 : 16, v4 ? AF_INET : AF_INET6, &host);
  if (says_absent(parsed)) return names;
  if (parsed != ARES_SUCCESS) return error_of(parsed, name);
  const auto add = [&](const char* text) {
    const auto one = text ? without_dot(text) : std::string_view{};
    if (is_host_name(one) && names.size() < limits::dns_name_count_max) names.emplace_back(one);
  };
  add(host->h_name);
  for (char** alias = host->h_aliases; alias && *alias; ++alias) add(*alias);
  ::ares_free_hostent(host);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

struct Resolver::Impl : std::enable_shared_from_this<Resolver::Impl> {
  Impl(Loop& l, Options o) : loop(l), options(std::move(o)) {}

  /// A descriptor of c-ares that the loop watches but does not own.
  struct Watch {
    Watch(asio::io_context& context, int fd) : socket(context, fd) {}
    ~Watch() {
      if (socket.is_open()) socket.release();
    }
    Descriptor socket;
    bool want_read = false, want_write = false;
    bool read_pending = false, write_pending = false;
  };

  struct Question {
    std::weak_ptr<Impl> resolver;
    std::string name;
    IpAddress address;
    OnAddresses on_addresses;
    OnNames on_names;
    Timer limit;
    bool over = false;
  };

  Loop& loop;
  const Options options;
  ares_channel channel = nullptr;
  std::map<int, std::shared_ptr<Watch>> watches;
  std::map<Question*, std::shared_ptr<Question>> questions;
  Timer timer;
  std::string fault;  // why there is no channel

  // ---- The channel ----

  void open() {
    static std::once_flag once;
    std::call_once(once, [] { ::ares_library_init(ARES_LIB_INIT_ALL); });
    ares_options o{};
    o.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
    o.timeout = static_cast<int>(std::clamp<std::int64_t>(options.timeout.count() / 1'000'000, 1, 60'000));
    o.tries = std::clamp(options.tries, 1, 10);
    o.ndots = 0;
    char dns_only[] = "b";  // no hosts file
    o.lookups = dns_only;
    o.sock_state_cb = &Impl::on_socket_state;
    o.sock_state_cb_data = this;
    const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE;
    if (const int status = ::ares_init_options(&channel, &o, mask); status != ARES_SUCCESS) {
      channel = nullptr;
      fault = ::ares_strerror(status);
      return;
    }
    std::vector<ares_addr_port_node> nodes(options.servers.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const SocketAddress& server = options.servers[i];
      nodes[i].next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
      nodes[i].family = server.ip.is_v4() ? AF_INET : AF_INET6;
      if (server.ip.is_v4()) nodes[i].addr.addr4.s_addr = htonl(server.ip.v4_bits());
      else std::memcpy(&nodes[i].addr.addr6, server.ip.bytes.data(), 16);
      nodes[i].udp_port = nodes[i].tcp_port = server.port;
    }
    const int status = nodes.empty() ? ARES_ENODATA : ::ares_set_servers_ports(channel, nodes.data());
    if (status != ARES_SUCCESS) {
      fault = nodes.empty() ? "no name server is configured" : ::ares_strerror(status);
      ::ares_destroy(std::exchange(channel, nullptr));
    }
  }

  void close() {
    timer.cancel();
    if (channel) ::ares_destroy(std::exchange(channel, nullptr));
    watches.clear();
    questions.clear();
  }

  static void on_socket_state(void* data, ares_socket_t fd, int readable, int writable) {
    auto* self = static_cast<Impl*>(data);
    const auto at = self->watches.find(fd);
    if (readable == 0 && writable == 0) {  // c-ares is about to close it
      if (at == self->watches.end()) return;
      at->second->socket.release();
      self->watches.erase(at);
      return;
    }
    auto watch = at == self->watches.end() ? nullptr : at->second;
    if (!watch) watch = self->watches[fd] = std::make_shared<Watch>(context_of(self->loop), fd);
    watch->want_read = readable != 0;
    watch->want_write = writable != 0;
    self->arm(watch, fd);
  }

  void arm(const std::shared_ptr<Watch>& watch, int fd) {
    if (!watch->socket.is_open()) return;
    if (watch->want_read && !watch->read_pending) {
      watch->read_pending = true;
      watch->socket.async_wait(Descriptor::wait_read, [weak = weak_from_this(), watch, fd](const boost::system::error_code& error) {
        watch->read_pending = false;
        const auto self = weak.lock();
        if (!error && self && watch->socket.is_open()) self->process(watch, fd, ARES_SOCKET_BAD);
      });
    }
    if (watch->want_write && !watch->write_pending) {
      watch->write_pending = true;
      watch->socket.async_wait(Descriptor::wait_write, [weak = weak_from_this(), watch, fd](const boost::system::error_code& error) {
        watch->write_pending = false;
        const auto self = weak.lock();
        if (!error && self && watch->socket.is_open()) self->process(watch, ARES_SOCKET_BAD, fd);
      });
    }
  }

  void process(const std::shared_ptr<Watch>& watch, int readable, int writable) {
    if (!channel) return;
    ::ares_process_fd(channel, readable, writable);
    arm(watch, readable == ARES_SOCKET_BAD ? writable : readable);
    set_timer();
  }

  void set_timer() {
    timer.cancel();
    if (!channel) return;
    timeval storage{};
    const timeval* left = ::ares_timeout(channel, nullptr, &storage);
    if (!left) return;
    // A millisecond more: c-ares compares at its own coarser grain, and waking early would only ask again.
    timer = loop.after(Duration(left->tv_sec * 1'000'000'000LL + left->tv_usec * 1000LL) + 1ms, [this] {
      ::ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      set_timer();
    });
  }

  // ---- Questions ----

  void ask(const std::shared_ptr<Question>& question, int type) {
    question->resolver = weak_from_this();
    questions.emplace(question.get(), question);
    if (!channel) return finish(question, fail(ErrorCode::unavailable, "names cannot be resolved: " + fault));
    question->limit = loop.after(options.total, [weak = std::weak_ptr(question)] {
      const auto q = weak.lock();
      const auto self = q ? q->resolver.lock() : nullptr;
      if (self) self->finish(q, fail(ErrorCode::timeout, "the name servers did not answer for '" + q->name + "' in time"));
    });
    // c-ares calls back exactly once, at the latest when the channel is destroyed.
    ::ares_query(channel, question->name.c_str(), ns_c_in, type, &Impl::on_answer, new std::shared_ptr<Question>(question));
    set_timer();
  }

  static void on_answer(void* data, int status, int, unsigned char* bytes, int size) {
    const std::unique_ptr<std::shared_ptr<Question>> owned(static_cast<std::shared_ptr<Question>*>(data));
    const auto& question = *owned;
    const auto self = question->resolver.lock();
    if (!self || question->over || status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) return;
    if (question->on_addresses) self->finish(question, read_addresses(status, bytes, size, question->name));
    else self->finish(question, read_names(status, bytes, size, question->address, question->name));
  }

  /// Posted: c-ares may answer inside the question, and whoever hears the answer may do anything, even destroy us.
  template <class Answer>
  void finish(const std::shared_ptr<Question>& question, Answer answer) {
    if (std::exchange(question->over, true)) return;
    question->limit.cancel();
    loop.post([question, answer = std::move(answer)] {
      const auto self = question->resolver.lock();
      if (!self || self->questions.erase(question.get()) == 0) return;  // given up meanwhile
      deliver(*question, answer);
    });
  }
  static void deliver(const Question& q, const Error& error) {
    if (q.on_addresses) q.on_addresses(error);
    else q.on_names(error);
  }
  static void deliver(const Question& q, const Result<DnsAnswer>& answer) { q.on_addresses(answer); }
  static void deliver(const Question& q, const Result<std::vector<std::string>>& answer) { q.on_names(answer); }
};

Resolver::Resolver(Loop& loop, Options options) : impl_(std::make_shared<Impl>(loop, std::move(options))) { impl_->open(); }

Resolver::~Resolver() { impl_->close(); }

void Resolver::query_a(const std::string& name, OnAddresses done) {
  auto question = std::make_shared<Impl::Question>();
  question->name = std::string(without_dot(name)) + ".";
  question->on_addresses = std::move(done);
  if (is_host_name(without_dot(name))) return impl_->ask(question, ns_t_a);
  question->resolver = impl_;
  impl_->questions.emplace(question.get(), question);
  impl_->finish(question, fail(ErrorCode::invalid, "a DNS name is made of labels of letters, digits, '-' and '_', at most 253 characters in all"));
}

void Resolver::query_ptr(const IpAddress& address, OnNames done) {
  auto question = std::make_shared<Impl::Question>();
  question->name = reverse_name(address);
  question->address = address;
  question->on_names = std::move(done);
  impl_->ask(question, ns_t_ptr);
}

void Resolver::cancel_all() {
  for (const auto& [key, question] : std::exchange(impl_->questions, {})) {
    question->over = true;
    question->limit.cancel();
  }
  if (impl_->channel) ::ares_cancel(impl_->channel);
}

}  // namespace choregos::net
