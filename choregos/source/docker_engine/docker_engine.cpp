#include "choregos/source/docker_engine/docker_engine.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/base/rng.hpp"
#include "choregos/base/text.hpp"

namespace choregos::source {
namespace {

// The only paths that are ever asked for, each by GET; all but the first two below /v<version>.
constexpr std::string_view kPing = "/_ping", kVersion = "/version", kEvents = "/events", kNodes = "/nodes", kServices = "/services", kTasks = "/tasks", kContainers = "/containers/json?all=1";
// {"event":["create","destroy","die","oom","remove","start","stop","update"],"type":["container","node","service"]}
constexpr std::string_view kEventFilter =
    "filters=%7B%22event%22%3A%5B%22create%22%2C%22destroy%22%2C%22die%22%2C%22oom%22%2C%22remove%22%2C%22start%22%2C%22stop%22%2C%22update%22%5D%2C"
    "%22type%22%3A%5B%22container%22%2C%22node%22%2C%22service%22%5D%7D";

constexpr Duration kRetryFirst = 100ms;
constexpr Duration kGap = 20ms;            // before the look that an event asks for: events come in groups
constexpr Duration kHurry = 200ms;         // between looks for kHurryFor after a hint: a task's state follows its container's with a delay
constexpr Duration kHurryFor = 3s;
constexpr Duration kUnsettled = 500ms;     // between looks while a task starts or stops
constexpr Duration kUnsettledFor = 30s;    // what takes longer waits for the period
constexpr int kShareOfTime = 2;            // at most one part in so many of the time is spent on asking

}  // namespace

Result<net::HttpTarget> parse_docker_engine(std::string_view text) {
  const auto wrong = [&](const char* why) {
    return fail(ErrorCode::invalid, "'" + printable(text.substr(0, 200)) + "' " + why + "; write unix:///var/run/docker.sock or tcp://HOST:PORT");
  };
  net::HttpTarget target;
  target.configured = true;
  if (text.starts_with("unix://")) {
    target.unix_path = text.substr(7);
    if (!target.unix_path.starts_with('/') || target.unix_path.size() > 107 || target.unix_path.find('\0') != std::string::npos) return wrong("is no path of a unix socket (at most 107 bytes, from '/')");
    return target;
  }
  if (text.starts_with("https://") || text.starts_with("ssh://")) return wrong("asks for a protocol that is not spoken here (put a GET-only proxy on this host or network)");
  if (!text.starts_with("tcp://") && !text.starts_with("http://")) return wrong("is no Docker Engine");
  std::string_view rest = text.substr(text.find("//") + 2);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (const auto address = parse_socket_address(rest)) {
    target.address = *address;
    return target;
  }
  const auto host = parse_host_port(rest);
  if (!host || host->port == 0) return wrong("has no host with a port");
  target.name = host->host;
  target.address.port = host->port;
  return target;
}

Result<void> DockerEngine::check(const Options& options) {
  if (auto target = parse_docker_engine(options.engine); !target) return target.error();
  if (options.period < 1s || options.period > 1h) return fail(ErrorCode::invalid, "the period of docker_engine must lie between 1s and 1h");
  if (options.timeout < 100ms || options.timeout > 1min) return fail(ErrorCode::invalid, "the time-out of docker_engine must lie between 100ms and 1m");
  if (options.picture.port == 0) return fail(ErrorCode::invalid, "the health port of docker_engine must lie between 1 and 65535");
  if (!options.picture.path.starts_with('/')) return fail(ErrorCode::invalid, "the health path of docker_engine must begin with '/'");
  return {};
}

struct DockerEngine::Impl : std::enable_shared_from_this<DockerEngine::Impl> {
  Impl(net::Loop& l, Options o, Takers t) : loop(l), options(std::move(o)), takers(std::move(t)), target(*parse_docker_engine(options.engine)), rng(options.seed), picture(options.picture) {}

  // ---- connecting ----

  void connect() {
    if (!running) return;
    ++attempts;
    ask(kPing, limits::docker_item_bytes_max, [this](net::HttpResponse&& r) {
      if (r.status != 200) return broken(refusal(kPing, r), net::Failure::none);
      ask(kVersion, limits::docker_item_bytes_max, [this](net::HttpResponse&& said) {
        if (said.status != 200) return broken(refusal(kVersion, said), net::Failure::none);
        const auto version = wire::read_docker_version(said.body);
        if (!version) return broken(version.error().message, net::Failure::malformed);
        const auto api = wire::choose_docker_api(*version);
        if (!api) return broken(api.error().message, net::Failure::none);
        engine = version->engine;
        prefix = "/v" + *api;
        subscribe();
      });
    });
  }

  void subscribe() {
    lines = {};
    net::HttpClientRequest request = get(prefix + std::string(kEvents) + "?" + std::string(kEventFilter));
    if (last_event_ns != 0) {
      std::string fraction = std::to_string(last_event_ns % 1'000'000'000);
      fraction.insert(0, 9 - fraction.size(), '0');
      request.path += "&since=" + std::to_string(last_event_ns / 1'000'000'000) + "." + fraction;
    }
    net::HttpClient::StreamCallbacks callbacks;
    callbacks.on_head = [this](const net::HttpResponse& head) {
      events_denied = head.status == 401 || head.status == 403 || head.status == 404;
      if (head.status != 200 && !events_denied) {
        loop.post([weak = weak_from_this(), status = head.status] {
          if (const auto self = weak.lock(); self && self->running) self->broken("Docker answers " + std::to_string(status) + " to GET " + std::string(kEvents), net::Failure::none);
        });
        return false;
      }
      subscribed = head.status == 200;
      // What happened before is in the list, what happens from now on comes as an event.
      loop.post([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->look();
      });
      return subscribed;
    };
    callbacks.on_chunk = [this](std::string_view piece) {
      const auto taken = lines.put(piece, [this](std::string_view line) { event(line); });
      if (!taken)
        loop.post([weak = weak_from_this(), why = taken.error().message] {
          if (const auto self = weak.lock(); self && self->running) self->broken(why, net::Failure::too_large);
        });
    };
    callbacks.on_end = [this](Result<void> result, net::Failure failure) {
      if (running) broken(result ? std::string("the event stream of Docker ended") : result.error().message, failure);
    };
    stream = client->open_stream(std::move(request), std::move(callbacks));
  }

  void event(std::string_view line) {
    const auto read = wire::read_docker_event(line);
    if (!read) {
      ++events_unread;
      return;
    }
    ++events;
    last_event_ns = std::max(last_event_ns, read->time_ns);
    hint();
    if (read->type != "container" || read->action != "die" || read->task_id.empty()) return;
    // Not from inside the stream's own callback: whoever takes it may destroy us.
    loop.post([weak = weak_from_this(), id = read->task_id, code = read->exit_code] {
      if (const auto self = weak.lock(); self && self->running) self->hand_over(self->picture.container_died(id, code, self->loop.now(), self->loop.wall_now()));
    });
  }

  /// The engine cannot be asked: nothing is concluded, and it is tried again.
  void broken(const std::string& why, net::Failure failure) {
    if (!running) return;
    ++failures;
    failing = true;
    last_error = why;
    last_failure = failure;
    last_error_at = loop.wall_now();
    stream.cancel();
    call.cancel();
    client->close_idle(target);
    looking = subscribed = again = false;
    const Duration wait = rng.jitter(retry, 0.2);
    retry = std::min(2 * retry, options.retry_max);
    timer = loop.after(wait, [this] { connect(); });
  }

  // ---- looking ----

  void hint() {
    hurry_until = loop.now() + kHurryFor;
    soon(kGap);
  }

  void soon(Duration delay) {
    if (!running || failing || prefix.empty()) return;
    if (looking) {
      again = true;
      return;
    }
    // Never more than a share of the time, however much happens.
    const Instant when = std::max(loop.now() + delay, looked_at + (kShareOfTime - 1) * look_time);
    if (timer.armed() && timer_at <= when) return;
    arm(when);
  }

  void arm(Instant when) {
    timer_at = when;
    timer = loop.at(when, [this] { look(); });
  }

  void look() {
    if (!running || looking) return;
    timer.cancel();
    looking = true;
    again = false;
    now_looking = {};
    now_looking.asked = loop.now();
    denied_now.clear();
    no_manager_now = false;
    // The containers of the engine's own host first: they tell of an end before the managers do, and do not wait for the rest.
    list<wire::DockerContainer>(kContainers, wire::read_docker_containers, now_looking.containers, [this] {
      if (looked && !no_manager && now_looking.containers) {
        DockerLook first{now_looking.asked, loop.now(), loop.wall_now(), {}, {}, {}, now_looking.containers};
        const auto self = shared_from_this();
        hand_over(picture.look(std::move(first)));
        if (!running) return;
      }
      list<wire::DockerNode>(kNodes, wire::read_docker_nodes, now_looking.nodes, [this] {
        list<wire::DockerService>(kServices, wire::read_docker_services, now_looking.services, [this] {
          list<wire::DockerTask>(kTasks, wire::read_docker_tasks, now_looking.tasks, [this] { seen(); });
        });
      });
    });
  }

  /// Whoever takes what we learnt may stop or destroy us: hold a self, and look at `running` after it.
  void hand_over(Picture::Output out) {
    for (Sign& sign : out.signs)
      if (running && takers.sign) takers.sign(std::move(sign));
    for (Observation& o : out.observations)
      if (running) takers.submit(std::move(o));
    if (running && takers.expected != nullptr && out.report) takers.expected->report(std::move(out.report));
    publish();
  }

  template <class Item>
  void list(std::string_view path, Result<std::vector<Item>> (*read)(std::string_view), std::optional<std::vector<Item>>& into, std::function<void()> then) {
    ask(prefix + std::string(path), limits::docker_reply_bytes_max, [this, path, read, &into, then = std::move(then)](net::HttpResponse&& r) {
      if (r.status == 200) {
        auto items = read(r.body);
        if (!items) return broken(std::string(path.substr(0, path.find('?'))) + ": " + items.error().message, net::Failure::malformed);
        into = std::move(*items);
      } else if (const std::string why = wire::read_docker_error(r.body); (r.status == 503 || r.status == 406) && why.find("This node is not") != std::string::npos) {
        no_manager_now = true;
      } else if (r.status == 401 || r.status == 403 || r.status == 404) {
        denied_now += (denied_now.empty() ? "" : ", ") + std::string(path.substr(0, path.find('?')));
      } else {
        return broken(refusal(path.substr(0, path.find('?')), r), net::Failure::none);
      }
      then();
    });
  }

  void seen() {
    looking = false;
    no_manager = no_manager_now;
    denied = denied_now;
    if (!now_looking.tasks && !now_looking.containers) return broken("Docker lets us list neither tasks nor containers", net::Failure::none);
    ++looks;
    failing = false;
    looked = true;
    retry = kRetryFirst;
    now_looking.now = looked_at = loop.now();
    now_looking.wall = last_ok = loop.wall_now();
    look_time = looked_at - now_looking.asked;
    const bool was_unsettled = picture.unsettled();
    Picture::Output out = picture.look(std::move(now_looking));
    if (!was_unsettled || !picture.unsettled()) unsettled_since = looked_at;

    const auto self = shared_from_this();
    hand_over(std::move(out));
    if (!running) return;
    Duration wait = rng.jitter(options.period, 0.1);
    if (looked_at < hurry_until) wait = std::min(wait, kHurry);
    if (picture.unsettled() && looked_at < unsettled_since + kUnsettledFor) wait = std::min(wait, kUnsettled);
    if (again) wait = kGap;
    arm(std::max(looked_at + wait, looked_at + (kShareOfTime - 1) * look_time));
  }

  void publish() {
    if (!running) return;
    if (auto targets = picture.take_changed(loop.now())) takers.publish(options.picture.name, std::move(*targets));
  }

  // ---- asking ----

  net::HttpClientRequest get(std::string path) const {
    net::HttpClientRequest request;
    request.target = target;
    request.method = "GET";
    request.path = std::move(path);
    request.headers = {{"Accept", "application/json"}};
    request.timeout = options.timeout;
    return request;
  }

  void ask(std::string_view path, std::size_t bytes_max, std::function<void(net::HttpResponse&&)> then) {
    net::HttpClientRequest request = get(std::string(path));
    request.response_bytes_max = bytes_max;
    request.keep_alive = true;
    call = client->request(std::move(request), [this, then = std::move(then)](Result<net::HttpResponse> response, net::Failure failure) {
      const auto self = shared_from_this();
      if (!running) return;
      if (!response) return broken(response.error().message, failure);
      then(std::move(*response));
    });
  }

  static std::string refusal(std::string_view path, const net::HttpResponse& r) {
    const std::string why = wire::read_docker_error(r.body);
    return "Docker answers " + std::to_string(r.status) + " to GET " + std::string(path) + (why.empty() ? "" : ": " + why);
  }

  std::string advice() const {
    if (failing) {
      const bool is_unix = !target.unix_path.empty();
      if (last_failure == net::Failure::other && is_unix && last_error.find("No such file") != std::string::npos)
        return "there is no " + target.unix_path + ": is Docker running, and is the socket (better: that of a GET-only proxy) mounted into this container?";
      if (last_failure == net::Failure::other && is_unix && last_error.find("ermission denied") != std::string::npos)
        return "choregosd's user may not open " + target.unix_path + ": put a GET-only proxy before it, or add the user to the socket's group, which makes it root on this host";
      if (last_failure == net::Failure::refused) return "nobody listens at " + options.engine + ": is Docker (or its proxy) running, and the address right?";
      if (last_failure == net::Failure::timeout || last_failure == net::Failure::unreachable) return "nothing comes back from " + options.engine + ": is the address right and reachable?";
      if (last_failure == net::Failure::malformed) return "what answers at " + options.engine + " does not speak as a Docker Engine does: is the address right?";
      if (last_failure == net::Failure::too_large) return "the engine lists more than is taken (docs/CONFIGURATION.md, limits): remove stopped containers, or lower the Swarm's task history";
      if (last_failure == net::Failure::policy) return "the address policy forbids " + options.engine + ": a loopback, private or public address is wanted";
      return "what was known is kept and grows old; see Docker's own log";
    }
    if (!denied.empty() || events_denied)
      return "the proxy before Docker lets GET " + denied + (events_denied ? (denied.empty() ? "" : ", ") + std::string(kEvents) : "") + " not through: allow it";
    if (no_manager) return "this engine is no Swarm manager and tells of its own containers only; name a manager's, or leave it so where there is no Swarm";
    if (picture.figures().services == 0) return "no service is enabled: label the agents' services choregos.enable=true, or name them in docker_engine.services";
    if (!picture.warning().empty()) return "mend the labels or networks of these services";
    return {};
  }

  net::Loop& loop;
  const Options options;
  const Takers takers;
  const net::HttpTarget target;
  Rng rng;
  Picture picture;
  std::unique_ptr<net::HttpClient> client;
  bool running = false, looked = false, failing = false, looking = false, again = false, subscribed = false;
  bool no_manager = false, no_manager_now = false, events_denied = false;
  net::HttpCall call, stream;
  net::Timer timer;
  Instant timer_at;
  Instant hurry_until = Instant::min(), unsettled_since, looked_at = Instant::min();
  Duration look_time{}, retry = kRetryFirst;
  wire::DockerEventLines lines;
  std::uint64_t last_event_ns = 0;
  DockerLook now_looking;
  std::string prefix, engine, denied, denied_now;
  std::string last_error;
  net::Failure last_failure = net::Failure::none;
  WallTime last_error_at, last_ok;
  std::uint64_t attempts = 0, failures = 0, looks = 0, events = 0, events_unread = 0;
};

DockerEngine::DockerEngine(net::Loop& loop, Options options, Takers takers) : impl_(std::make_shared<Impl>(loop, std::move(options), std::move(takers))) {}

DockerEngine::~DockerEngine() { stop(); }

void DockerEngine::start() {
  Impl& m = *impl_;
  if (std::exchange(m.running, true)) return;
  net::HttpClient::Options options;
  options.policy = m.options.policy;
  options.user_agent = m.options.user_agent;
  m.client = std::make_unique<net::HttpClient>(m.loop, options);
  m.timer = m.loop.after(0s, [impl = &m] { impl->connect(); });
}

void DockerEngine::stop() {
  Impl& m = *impl_;
  if (!std::exchange(m.running, false)) return;
  m.stream.cancel();
  m.call.cancel();
  // Possibly inside a callback of this very client.
  m.loop.post([client = std::shared_ptr<net::HttpClient>(std::move(m.client))] {});
  m.timer.cancel();
  m.looking = m.again = m.subscribed = false;
}

void DockerEngine::met(const Observation& observation) {
  Impl& m = *impl_;
  if (!m.running) return;
  switch (observation.kind) {
    case ObservationKind::heard:
      if (auto statement = m.picture.met(observation)) m.takers.submit(std::move(*statement));
      return;
    case ObservationKind::doubt:
    case ObservationKind::refused:
    case ObservationKind::dead:
    case ObservationKind::goodbye:
      if (m.picture.concerns(observation)) m.hint();
      return;
    case ObservationKind::asked:
    case ObservationKind::unanswered: return;
  }
}

void DockerEngine::target_silent(const SocketAddress& address) {
  Impl& m = *impl_;
  m.picture.silent(address);
  // The probe is in the middle of something: publish after it.
  if (m.running)
    m.loop.post([weak = std::weak_ptr<Impl>(impl_)] {
      if (const auto impl = weak.lock()) impl->publish();
    });
}

SourceHealth DockerEngine::health() const {
  const Impl& m = *impl_;
  const Picture::Figures f = m.picture.figures();
  SourceHealth h;
  h.name = m.options.picture.name;
  h.kind = "docker_engine";
  if (m.looked) {
    h.detail = std::to_string(f.running) + " running tasks of " + std::to_string(f.services) + " services at " + m.options.engine;
    if (!m.engine.empty()) h.detail += " (Docker " + m.engine + ")";
    if (f.nodes_down > 0) h.detail += ", " + std::to_string(f.nodes_down) + " of " + std::to_string(f.nodes) + " nodes down";
    if (m.failing) h.detail += "; last seen " + format_age(m.loop.now() - m.looked_at) + " ago";
    if (const std::string warning = m.picture.warning(); !warning.empty()) h.detail += "; " + warning;
  } else {
    h.detail = "asking " + m.options.engine;
  }
  h.advice = m.running ? m.advice() : std::string();
  if (!m.running) h.state = SourceState::off;
  else if (m.failing) h.state = SourceState::failed;
  else if (!m.looked) h.state = SourceState::starting;
  else h.state = h.advice.empty() ? SourceState::ok : SourceState::degraded;
  h.last_error = m.last_error;
  h.last_error_at = m.last_error_at;
  h.last_ok = m.last_ok;
  h.counters = {{"connects", m.attempts}, {"failures", m.failures}, {"looks", m.looks}, {"events", m.events}, {"events_unread", m.events_unread},
                {"deaths", f.deaths}, {"deaths_superseded", f.deaths_superseded}, {"vanished", f.vanished}};
  h.gauges = {{"services", f.services}, {"tasks", f.tasks}, {"running", f.running}, {"targets", f.targets}, {"nodes", f.nodes}, {"nodes_down", f.nodes_down}, {"look_ms", static_cast<std::uint64_t>(m.look_time.count() / 1'000'000)}};
  return h;
}

}  // namespace choregos::source
