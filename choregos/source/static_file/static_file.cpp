#include "choregos/source/static_file/static_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <tuple>

#include "choregos/base/limits.hpp"
#include "choregos/net/http_client.hpp"
#include "choregos/source/static_file/target_list.hpp"

namespace choregos::source {
namespace {

/// What tells one version of a file from another.
using Stamp = std::tuple<dev_t, ino_t, off_t, std::int64_t, std::int64_t>;

Stamp stamp_of(const struct stat& s) {
  const auto ns = [](const timespec& t) { return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec; };
  return {s.st_dev, s.st_ino, s.st_size, ns(s.st_mtim), ns(s.st_ctim)};
}

Error io_error(const std::string& path, const char* what) { return fail(ErrorCode::io, path + ": " + what + ": " + std::strerror(errno)); }

Result<std::string> read_file(const std::string& path, Stamp& stamp) {
  // A named pipe without a writer must not hold up the loop.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return io_error(path, "cannot be opened");
  struct stat s {};
  if (::fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) {
    ::close(fd);
    return fail(ErrorCode::io, path + ": is not a regular file");
  }
  stamp = stamp_of(s);
  std::string text;
  char buffer[65536];
  while (text.size() <= limits::target_file_bytes_max) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const Error error = io_error(path, "cannot be read");
      ::close(fd);
      return error;
    }
    if (n == 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(fd);
  return text;
}

}  // namespace

struct StaticFile::Impl : std::enable_shared_from_this<StaticFile::Impl> {
  struct Name {
    std::vector<IpAddress> addresses;
    bool asked = false;  ///< the first answer or failure has come
    bool asking = false;
    Instant ask_at = Instant::min();
  };

  Impl(net::Loop& l, Options o, PublishTargets p) : loop(l), options(std::move(o)), publish(std::move(p)) {}

  net::Loop& loop;
  Options options;
  PublishTargets publish;
  bool running = false;
  net::Timer timer;
  std::unique_ptr<net::HttpClient> client;  ///< for its lookup of names only

  std::optional<Stamp> stamp;  ///< of the last text read
  std::string text;
  bool ever_read = false;      ///< there is a list in use
  std::vector<ListedTarget> list;
  std::map<std::string, Name> names;
  std::optional<std::vector<Target>> published;
  std::string fault;           ///< why the file as it is now is not in use; "" = it is
  std::uint64_t loads = 0, faults = 0, lookups = 0, lookup_failures = 0;
  std::string last_error;
  WallTime last_error_at, last_ok;

  void note_fault(std::string what) {
    if (fault == what) return;
    ++faults;
    fault = last_error = std::move(what);
    last_error_at = loop.wall_now();
  }

  void look() {
    struct stat s {};
    if (::stat(options.path.c_str(), &s) != 0) {
      stamp.reset();
      note_fault(io_error(options.path, "cannot be read").message);
      return;
    }
    // A file that changed a moment ago may change again within the same tick of its clock, so it is read once more.
    const bool settled = loop.wall_now().ms - (static_cast<std::int64_t>(s.st_mtim.tv_sec) * 1000 + s.st_mtim.tv_nsec / 1'000'000) > 2000;
    if (stamp == stamp_of(s) && settled) return;
    Stamp read_stamp{};
    auto content = read_file(options.path, read_stamp);
    if (!content) {
      stamp.reset();
      note_fault(content.error().message);
      return;
    }
    if (stamp && *content == text) {
      stamp = read_stamp;
      return;
    }
    stamp = read_stamp;
    text = std::move(*content);
    auto read = read_target_list(text, format_of(options.path));
    if (!read) {
      note_fault(options.path + ": " + read.error().message);
      return;
    }
    fault.clear();
    ++loads;
    last_ok = loop.wall_now();
    ever_read = true;
    list = std::move(*read);
    std::map<std::string, Name> wanted;
    for (const ListedTarget& t : list)
      if (!parse_ip(t.host)) {
        const auto known = names.find(t.host);
        wanted.emplace(t.host, known != names.end() ? known->second : Name{});
      }
    names = std::move(wanted);
  }

  void resolve() {
    for (auto& [name, state] : names) {
      if (state.asking || loop.now() < state.ask_at) continue;
      state.asking = true;
      ++lookups;
      client->lookup(name, 0, [this, name = name](Result<std::vector<SocketAddress>> found) {
        const auto it = names.find(name);
        if (it == names.end()) return;
        Name& known = it->second;
        known.asking = false;
        known.asked = true;
        known.ask_at = loop.now() + options.resolve_every;
        if (!found) {
          // Not asked well, or not there: either way the system's resolver does not say which, so what was known stays.
          ++lookup_failures;
          known.ask_at = loop.now() + std::min<Duration>(options.resolve_every, 5s);
          last_error = name + ": " + found.error().message;
          last_error_at = loop.wall_now();
        } else {
          take_addresses(known, *found);
        }
        offer();
      });
    }
  }

  static void take_addresses(Name& state, const std::vector<SocketAddress>& found) {
    const bool v4 = std::any_of(found.begin(), found.end(), [](const SocketAddress& a) { return a.ip.is_v4(); });
    state.addresses.clear();
    for (const SocketAddress& a : found)
      if (a.ip.is_v4() == v4) state.addresses.push_back(a.ip);
    std::sort(state.addresses.begin(), state.addresses.end());
    state.addresses.erase(std::unique(state.addresses.begin(), state.addresses.end()), state.addresses.end());
  }

  /// Publishes the complete set if it changed. Names that were never resolved yet hold it back, so that a restart or an edit
  /// does not make targets come and go.
  void offer() {
    if (!running || !ever_read) return;
    const auto self = shared_from_this();  // whoever takes the targets may destroy us
    if (std::any_of(names.begin(), names.end(), [](const auto& entry) { return !entry.second.asked; })) return;
    std::map<SocketAddress, Target> targets;
    for (const ListedTarget& listed : list) {
      const auto literal = parse_ip(listed.host);
      const std::vector<IpAddress> addresses = literal ? std::vector<IpAddress>{*literal} : names.at(listed.host).addresses;
      for (const IpAddress& ip : addresses) {
        Target t;
        t.address = {ip, listed.port};
        if (!literal) t.host = listed.host + ":" + std::to_string(listed.port);
        t.path = listed.path;
        t.expected_id = listed.expected_id;
        t.behind_balancer = listed.virtual_ip;
        t.configured = true;
        targets.try_emplace(t.address, std::move(t));
      }
    }
    std::vector<Target> all;
    for (auto& [address, target] : targets) all.push_back(std::move(target));
    if (published == all) return;
    published = all;
    publish("static_file", std::move(all));
  }

  void turn() {
    look();
    resolve();
    timer = loop.after(options.look_every, [this] { turn(); });
    offer();
  }
};

StaticFile::StaticFile(net::Loop& loop, Options options, PublishTargets publish) : impl_(std::make_shared<Impl>(loop, std::move(options), std::move(publish))) {}

StaticFile::~StaticFile() { stop(); }

void StaticFile::start() {
  if (impl_->running) return;
  impl_->running = true;
  impl_->client = std::make_unique<net::HttpClient>(impl_->loop, net::HttpClient::Options{});
  impl_->turn();
}

void StaticFile::stop() {
  if (!impl_->running) return;
  impl_->running = false;
  impl_->timer.cancel();
  impl_->client.reset();
  for (auto& [name, state] : impl_->names) state.asking = false;
}

void StaticFile::reload() {
  if (!impl_->running) return;
  impl_->stamp.reset();
  impl_->text.clear();
  impl_->turn();
}

SourceHealth StaticFile::health() const {
  const Impl& m = *impl_;
  SourceHealth h;
  h.name = h.kind = "static_file";
  std::size_t unresolved = 0;
  std::string example;
  for (const auto& [name, state] : m.names)
    if (state.asked && state.addresses.empty() && unresolved++ == 0) example = name;
  const std::size_t targets = m.published ? m.published->size() : 0;
  h.detail = std::to_string(targets) + " targets of " + m.options.path;
  if (unresolved > 0) h.detail += ", " + std::to_string(unresolved) + " names without an address (" + example + ")";
  if (!m.fault.empty() && m.ever_read) h.detail += "; the last good list stays in use";
  if (!m.running) h.state = SourceState::off;
  else if (!m.fault.empty()) h.state = m.ever_read ? SourceState::degraded : SourceState::failed;
  else if (unresolved > 0) h.state = SourceState::degraded;
  else h.state = m.published ? SourceState::ok : SourceState::starting;
  if (m.running && !m.fault.empty()) h.advice = "mend the file (" + m.fault + "); it is looked at each " + format_duration(m.options.look_every);
  else if (m.running && unresolved > 0) h.advice = "is the name " + example + " right? `getent hosts " + example + "` must give an address";
  h.last_error = m.last_error;
  h.last_error_at = m.last_error_at;
  h.last_ok = m.last_ok;
  h.counters = {{"loads", m.loads}, {"faults", m.faults}, {"lookups", m.lookups}, {"lookup_failures", m.lookup_failures}};
  h.gauges = {{"targets", targets}, {"names", m.names.size()}, {"unresolved", unresolved}};
  return h;
}

}  // namespace choregos::source
