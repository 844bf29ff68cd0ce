#include "choregos/daemon/program.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "choregos/api/ui/assets.hpp"
#include "choregos/base/text.hpp"
#include "choregos/daemon/seal.hpp"
#include "choregos/daemon/token_file.hpp"
#include "choregos/source/beacon/key_file.hpp"

namespace choregos::daemon {
namespace {

Logger::Options logger_options(const Settings& settings, const Machine& machine) {
  const bool terminal = ::isatty(2) == 1;
  Logger::Options options;
  options.level = *parse_log_level(settings.log_level);
  options.json = settings.log_format == "json" || (settings.log_format == "auto" && !terminal);
  options.color = terminal && !machine.environment.contains("NO_COLOR");
  return options;
}

std::string variable(const Machine& machine, std::string_view name) {
  const auto it = machine.environment.find(name);
  return it == machine.environment.end() ? std::string() : it->second;
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string out;
  for (const auto word : words) out += (out.empty() ? "" : ", ") + std::string(word);
  return out;
}

/// Readers see the whole text or none of it. Errors: io.
Result<void> write_file(const std::string& path, std::string_view text) {
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return fail(ErrorCode::io, "cannot write " + fresh + ": " + std::strerror(errno));
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  ::close(fd);
  if (!written) return fail(ErrorCode::io, "cannot write " + fresh + ": " + std::strerror(error));
  if (::rename(fresh.c_str(), path.c_str()) != 0) return fail(ErrorCode::io, "cannot write " + path + ": " + std::strerror(errno));
  return {};
}

/// What a signal does once we are stopping: end at once. Only calls that are allowed in a signal handler.
void end_at_once(int number) { ::_exit(number == SIGALRM ? 1 : 128 + number); }

void from_now_on_end_at(int number) {
  struct sigaction action {};
  action.sa_handler = end_at_once;
  ::sigaction(number, &action, nullptr);
}

}  // namespace

Program::Program(Config config, CommandLine flags, Machine machine, api::BuildInfo build)
    : config_(std::move(config)),
      flags_(std::move(flags)),
      machine_(std::move(machine)),
      build_(std::move(build)),
      log_(logger_options(config_.settings, machine_)),
      notify_(variable(machine_, "NOTIFY_SOCKET")),
      started_(loop_.wall_now()),
      started_at_(loop_.now()) {}

Program::~Program() {
  // Whatever way start() or run() ended: first nobody asks, then nobody hears, then nothing is written.
  server_.reset();
  watching_.reset();
  if (hearing_) hearing_->hush();
  if (belief_) belief_->stop();
  for (const std::string& path : address_files_) ::unlink(path.c_str());
}

Result<void> Program::check_files(const Settings& settings) {
  if (!settings.http_token_file.empty())
    if (auto tokens = load_tokens(settings.http_token_file); !tokens) return fail(tokens.error().code, "http.token_file: " + tokens.error().message);
  if (!settings.beacon_key_file.empty())
    if (auto keys = source::beacon::load_keys(settings.beacon_key_file); !keys) return fail(keys.error().code, "beacon.key_file: " + keys.error().message);
  return {};
}

Result<api::GateOptions> Program::gate_options(const Settings& settings) const {
  api::GateOptions options;
  options.bound = settings.http_listen;
  options.hosts = settings.http_allowed_hosts;
  if (!settings.http_token_file.empty()) {
    auto tokens = load_tokens(settings.http_token_file);
    if (!tokens) return fail(tokens.error().code, "http.token_file: " + tokens.error().message);
    options.bearer_tokens = std::move(*tokens);
    options.require_auth = true;
  }
  return options;
}

api::Readiness Program::readiness() const {
  api::Readiness out;
  out.ready = ready_;
  if (!ready_) out.reasons = reasons_;
  return out;
}

api::Services Program::services() {
  api::Services out;
  out.snapshot = [this] { return belief_->snapshot(); };
  out.readiness = [this] { return readiness(); };
  out.sources = [this] {
    std::vector<SourceHealth> rows = hearing_->health();
    for (SourceHealth& row : belief_->witnesses()) rows.push_back(std::move(row));
    return rows;
  };
  out.now = [this] { return loop_.now(); };
  out.wall_now = [this] { return loop_.wall_now(); };
  out.door = hearing_->door();
  // The writer and the store answer on threads of their own; whoever waits lives on the loop's.
  out.explain = [this](std::string id, std::function<void(Result<Explanation>)> done) {
    belief_->writer().explain(std::move(id), [this, done = std::move(done)](Result<Explanation> result) {
      loop_.post([done, result = std::move(result)] { done(result); });
    });
  };
  out.past = [this](std::string id, std::function<void(Result<Past>)> done) {
    belief_->past(std::move(id), [this, done = std::move(done)](Result<Past> result) { loop_.post([done, result = std::move(result)] { done(result); }); });
  };
  out.watch = &watching_->hub();
  out.expected = [this] { return hearing_->expected(); };
  out.sign = [this](Sign sign) {
    if (sign.kind == SignKind::thaw) log_.info("thaw", {{"domain", sign.subject.empty() ? std::string("all") : sign.subject}, {"reason", sign.reason}});
    return belief_->writer().submit(std::move(sign));
  };
  out.page = [](std::string_view path) -> std::optional<api::PageFile> {
    const api::Asset* asset = api::find_asset(path);
    if (asset == nullptr) return std::nullopt;
    return api::PageFile{asset->content_type, asset->etag, asset->immutable, asset->plain, asset->gzip};
  };
  out.build = build_;
  out.started = started_;
  out.writer_stats = [this] { return belief_->writer().stats(); };
  out.server_stats = [this] { return server_->stats(); };
  out.metrics.push_back([this](wire::MetricsWriter& metrics) {
    belief_->write_metrics(metrics);
    metrics.family("choregos_log_dropped_total", wire::MetricType::counter, "Lines of the log that were lost because nobody read them.").sample(log_.dropped());
  });
  return out;
}

Result<void> Program::listen() {
  const Settings& s = config_.settings;
  for (const SocketAddress& address : s.http_listen) {
    auto bound = server_->listen(address);
    if (!bound)
      return fail(bound.error().code, bound.error().message + "; is choregosd running already? Another address is given by --http ADDR:PORT or http.listen (port 0 takes any free one)");
    bound_.push_back(*bound);
  }
  if (!s.http_unix_socket.empty())
    if (auto bound = server_->listen_unix(s.http_unix_socket); !bound) return fail(bound.error().code, "http.unix_socket: " + bound.error().message);
  return {};
}

Result<void> Program::start() {
  ::signal(SIGPIPE, SIG_IGN);
  loop_.on_signal({SIGTERM, SIGINT, SIGHUP}, [this](int number) { on_signal(number); });
  const Settings& s = config_.settings;

  auto gate = gate_options(s);
  if (!gate) return gate.error();
  auto belief = Belief::open(s, build_.version, log_);
  if (!belief)
    return fail(belief.error().code, belief.error().message + "; another folder is given by --state DIR or state.dir, and --memory keeps nothing");
  belief_ = std::move(*belief);
  // The store is ours now, so files that a killed process left behind name nobody.
  for (const char* name : {"/http.address", "/beacon.port"}) ::unlink((s.state_dir + name).c_str());
  auto hearing = Hearing::create(loop_, s, *belief_, log_);
  if (!hearing) return hearing.error();
  hearing_ = std::move(*hearing);
  watching_ = std::make_unique<Watching>(loop_, belief_->writer(), [this] { return ready_ ? std::vector<std::string>{} : reasons_; });
  auto api = api::HttpApi::create(loop_, *gate, services());
  if (!api) return api.error();
  api_ = std::move(*api);
  server_ = std::make_unique<net::HttpServer>(loop_, net::HttpServer::Options{}, api_->handler());
  if (auto bound = listen(); !bound) return bound;

  hearing_->start();
  write_address_files();
  std::string listening;
  for (const SocketAddress& address : bound_) listening += (listening.empty() ? "http://" : ", http://") + to_string(address);
  if (!s.http_unix_socket.empty()) listening += (listening.empty() ? "" : ", ") + s.http_unix_socket;
  log_.info("started", {{"version", build_.version}, {"listening", listening}, {"sources", hearing_->names()}, {"udp_port", hearing_->beacon_port()},
                        {"state", s.state_store == "memory" ? std::string("memory") : s.state_dir}, {"agents", belief_->restored()}, {"config", config_.file}});
  if (std::any_of(bound_.begin(), bound_.end(), [](const SocketAddress& a) { return !a.ip.is_loopback(); }))
    log_.warn("tokens_in_the_clear", "", {{"listening", listening}, {"advice", "choregosd speaks no TLS: let only a trusted network or a TLS proxy reach it"}});

  seal();
  look_if_ready();
  watch_timer_ = loop_.every(1s, [this] {
    hearing_->watch();
    belief_->report_shadow();
    if (constexpr unsigned kExpectedEvery = 10; ready_ && ++watches_ % kExpectedEvery == 0) hearing_->watch_expected();
    log_.report_repeats();
    const auto failures = server_->stats().accept_failures;
    if (failures > accept_failures_) log_.error("accept_failed", "", {{"count", failures - accept_failures_}, {"advice", "raise the limit of open files (ulimit -n)"}});
    accept_failures_ = failures;
  });
  hearing_->watch();
  return {};
}

/// From here on nothing is needed that a stranger could want of us.
void Program::seal() {
  if (!config_.settings.process_seal || !can_be_sealed()) return;
  if (auto sealed = seal_process(); !sealed)
    log_.warn("not_sealed", "", {{"err", sealed.error().message}, {"advice", "system calls are not filtered here; --no-seal says that this is meant"}});
}

void Program::write_address_files() {
  const Settings& s = config_.settings;
  // With --memory only a folder that somebody named: there need not be a writable one.
  if (s.state_store == "memory" && config_.origins.at("state.dir") == "default") return;
  std::error_code ignored;
  if (std::filesystem::create_directories(s.state_dir, ignored)) ::chmod(s.state_dir.c_str(), 0700);
  const auto write = [&](const std::string& name, const std::string& text) {
    const std::string path = s.state_dir + "/" + name;
    if (auto written = write_file(path, text + "\n"); !written) log_.warn("address_file", name, {{"err", written.error().message}});
    else address_files_.push_back(path);
  };
  if (hearing_->beacon_port() != 0) write("beacon.port", std::to_string(hearing_->beacon_port()));
  if (!bound_.empty()) write("http.address", "http://" + to_string(bound_.front()));
}

void Program::look_if_ready() {
  if (ready_ || stopping_) return;
  const Instant began = loop_.now();
  reasons_ = hearing_->unfinished();
  const bool late = began - started_at_ > kFirstRoundMax;
  if (!reasons_.empty() && !late) {
    // Looking through many targets takes a while: at most a tenth of the time goes into it.
    ready_timer_ = loop_.after(std::max<Duration>(20ms, 10 * (loop_.now() - began)), [this] { look_if_ready(); });
    return;
  }
  for (const std::string& reason : reasons_) log_.warn("ready_without", reason, {{"reason", reason}});
  reasons_.clear();
  hearing_->settle();
  ready_ = true;
  log_.info("ready", {{"after_ms", std::chrono::duration_cast<std::chrono::milliseconds>(loop_.now() - started_at_).count()}, {"agents", belief_->snapshot()->size()}});
  notify_.say("READY=1\nSTATUS=Serving " + (bound_.empty() ? config_.settings.http_unix_socket : "http://" + to_string(bound_.front())));
}

int Program::run() {
  loop_.run();
  return 0;
}

void Program::on_signal(int number) {
  if (number == SIGHUP) reload();
  else stop(number);
}

void Program::reload() {
  if (stopping_) return;
  notify_.say("RELOADING=1");
  const auto refuse = [&](const std::string& why) {
    log_.answer_error("reload_refused", {{"err", why}, {"advice", "nothing was changed; mend it and send SIGHUP again"}});
    notify_.say("READY=1");
  };
  const Loaded loaded = load_config(flags_, machine_);
  if (!loaded.errors.empty()) {
    for (const std::string& error : loaded.errors) refuse(error);
    return;
  }
  const Settings& fresh = loaded.config.settings;
  std::vector<std::string_view> taken, restart;
  for (const std::string_view key : changed_keys(config_.settings, fresh)) (find_row(key)->reload ? taken : restart).push_back(key);

  // With the addresses that we are bound to, whatever the file says now.
  Settings next = config_.settings;
  next.http_token_file = fresh.http_token_file;
  next.http_allowed_hosts = fresh.http_allowed_hosts;
  next.static_file_path = fresh.static_file_path;
  next.beacon_key_file = fresh.beacon_key_file;
  next.log_level = fresh.log_level;
  const auto gate = gate_options(next);
  if (!gate) return refuse(gate.error().message);
  if (auto files = check_files(next); !files) return refuse(files.error().message);
  if (auto done = api_->reload(*gate); !done) return refuse(done.error().message);
  if (auto done = hearing_->reload(next); !done) return refuse(done.error().message);
  log_.set_level(*parse_log_level(next.log_level));
  config_.settings = next;
  log_.info("reloaded", {{"changed", taken.empty() ? std::string("nothing in the settings") : joined(taken)}, {"needs_restart", joined(restart)}, {"config", loaded.config.file}});
  notify_.say("READY=1");
}

void Program::stop(int signal) {
  if (std::exchange(stopping_, true)) return;
  // From here on another signal is not queued behind what we do: it ends the process.
  for (const int number : {SIGTERM, SIGINT, SIGALRM}) from_now_on_end_at(number);
  ::alarm(kStopMaxSeconds);
  ready_ = false;
  reasons_ = {"choregosd is stopping"};
  notify_.say("STOPPING=1");
  log_.info("stopping", {{"signal", signal == SIGINT ? "INT" : "TERM"}});
  ready_timer_.cancel();
  watch_timer_.cancel();
  hearing_->hush();
  api_->close_tethers();
  watching_->close_all("choregosd is stopping; come again");
  drain_timer_ = loop_.after(kDrainMax + 200ms, [this] { finish(); });
  server_->close(kDrainMax, [this] { finish(); });
}

void Program::finish() {
  if (std::exchange(finished_, true)) return;
  drain_timer_.cancel();
  belief_->stop();
  hearing_->stop();
  for (const std::string& path : address_files_) ::unlink(path.c_str());
  address_files_.clear();
  log_.info("stopped", {{"after_s", (loop_.wall_now().ms - started_.ms) / 1000}});
  loop_.stop();
}

}  // namespace choregos::daemon
