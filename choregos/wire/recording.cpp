#include "choregos/wire/recording.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/fields.hpp"
#include "choregos/wire/json.hpp"
#include "choregos/wire/recording_fields.hpp"

namespace choregos::wire {
namespace {

namespace bj = boost::json;
using recording::each_field;
using recording::each_pair;
using recording::same;
using recording::Structured;

// ---- words ------------------------------------------------------------------------------------------------------------

/// A kind that is added to the model and not here is a warning of the compiler in last_of().
constexpr ObservationKind last_of(ObservationKind kind) {
  switch (kind) {
    case ObservationKind::heard:
    case ObservationKind::doubt:
    case ObservationKind::refused:
    case ObservationKind::dead:
    case ObservationKind::goodbye:
    case ObservationKind::asked:
    case ObservationKind::unanswered: break;
  }
  return ObservationKind::unanswered;
}
constexpr SignKind last_of(SignKind kind) {
  switch (kind) {
    case SignKind::listened:
    case SignKind::lag:
    case SignKind::drops:
    case SignKind::send_failed:
    case SignKind::canary_lost:
    case SignKind::canary_heard:
    case SignKind::link_lost:
    case SignKind::link_back:
    case SignKind::suspended:
    case SignKind::node_down:
    case SignKind::node_up:
    case SignKind::thaw: break;
  }
  return SignKind::thaw;
}
template <class Kind>
std::optional<Kind> parse_kind(std::string_view word) {
  for (unsigned i = 0; i <= static_cast<unsigned>(last_of(Kind{})); ++i)
    if (to_string(static_cast<Kind>(i)) == word) return static_cast<Kind>(i);
  return std::nullopt;
}
std::optional<ObservationKind> parse_word(std::string_view word, ObservationKind) { return parse_kind<ObservationKind>(word); }
std::optional<SignKind> parse_word(std::string_view word, SignKind) { return parse_kind<SignKind>(word); }
std::optional<Status> parse_word(std::string_view word, Status) { return parse_status(word); }
std::optional<Liveness> parse_word(std::string_view word, Liveness) { return parse_liveness(word); }
std::optional<IdentityKind> parse_word(std::string_view word, IdentityKind) { return parse_identity_kind(word); }

// ---- out --------------------------------------------------------------------------------------------------------------

void write(JsonWriter& out, const std::string& text) {
  if (is_utf8(text)) {
    out.value(text);
    return;
  }
  static constexpr char kHex[] = "0123456789abcdef";
  std::string digits;
  digits.reserve(text.size() * 2);
  for (const char c : text) {
    digits += kHex[static_cast<unsigned char>(c) >> 4];
    digits += kHex[static_cast<unsigned char>(c) & 15];
  }
  out.begin_object().member("hex", digits).end_object();
}
void write(JsonWriter& out, bool truth) { out.value(truth); }
void write(JsonWriter& out, double number) { out.value(number); }
template <std::integral Int>
void write(JsonWriter& out, Int number) {
  out.value(number);
}
void write(JsonWriter& out, Duration duration) { out.value(duration.count()); }
void write(JsonWriter& out, Instant at) { out.value(at.ns); }
void write(JsonWriter& out, WallTime at) { out.value(at.ms); }
void write(JsonWriter& out, const IpAddress& ip) { out.value(to_string(ip)); }
void write(JsonWriter& out, const SocketAddress& address) { out.begin_array().value(to_string(address.ip)).value(address.port).end_array(); }
template <class Enum>
  requires std::is_enum_v<Enum>
void write(JsonWriter& out, Enum word) {
  out.value(to_string(word));
}
template <Structured T>
void write(JsonWriter& out, const T& it);

void write(JsonWriter& out, const std::vector<std::string>& texts) {
  out.begin_array();
  for (const auto& text : texts) write(out, text);
  out.end_array();
}
/// Pairs, not an object: order and repeats are kept.
void write(JsonWriter& out, const Labels& labels) {
  out.begin_array();
  for (const auto& [key, value] : labels) {
    out.begin_array();
    write(out, key);
    write(out, value);
    out.end_array();
  }
  out.end_array();
}

/// What has defaults that a later version may choose otherwise is written whole.
template <class T>
constexpr bool kWhole = std::same_as<T, RegistrySettings> || std::same_as<T, DetectorSettings> || std::same_as<T, GuardSettings> || std::same_as<T, Lease>;

template <Structured T>
void write(JsonWriter& out, const T& it) {
  static const T standard;
  out.begin_object();
  each_pair(it, standard, [&]<class Member>(std::string_view name, const Member& member, const Member& by_default) {
    if (!kWhole<T> && !kWhole<Member> && same(member, by_default)) return;
    out.key(name);
    if constexpr (requires { member.has_value(); }) write(out, *member);
    else write(out, member);
  });
  out.end_object();
}

void write_times(JsonWriter& out, Instant at, WallTime wall) { out.member("at", at.ns).member("wall", wall.ms); }

struct LineWriter {
  JsonWriter& out;
  void operator()(const RecordingHead& line) {
    out.member("choregos_recording", kRecordingFormat).key("version");
    write(out, line.version);
    out.key("start");
    write(out, line.start);
    out.key("settings");
    write(out, line.settings);
  }
  void operator()(const RecordedRemembered& line) {
    out.key("remembered");
    write(out, line.agent);
    out.member("until", line.until.ns);
  }
  void operator()(const RecordedRestored& line) {
    out.key("restored");
    write(out, line.agent);
    out.member("last_seen", line.last_seen.ms);
    write_times(out, line.at, line.wall);
  }
  void operator()(const RecordedRestoredAll& line) {
    out.member("restored_all", true);
    write_times(out, line.at, line.wall);
  }
  void operator()(const RecordedObservation& line) {
    out.key("observation");
    write(out, line.observation);
    write_times(out, line.at, line.wall);
    if (line.tick) out.member("tick", true);
  }
  void operator()(const RecordedSign& line) {
    out.key("sign");
    write(out, line.sign);
    write_times(out, line.at, line.wall);
    if (line.tick) out.member("tick", true);
  }
  void operator()(const RecordedTick& line) {
    out.member("tick", true);
    write_times(out, line.at, line.wall);
  }
  void operator()(const RecordedChange& line) { out.key("change").raw(line.json); }
  void operator()(const RecordedEnd& line) {
    out.key("end");
    write(out, line.reason);
  }
};

// ---- in ---------------------------------------------------------------------------------------------------------------

/// Beyond these no clock of a real machine gets, and sums of a few of them still fit.
constexpr std::int64_t kInstantMax = std::int64_t{1} << 61;
constexpr std::int64_t kWallMax = std::int64_t{1} << 53;
constexpr Duration kDurationMax = 87600h;

/// Reads values where they lie; remembers the path of the first one that is wrong.
class Reader {
 public:
  const std::optional<Error>& error() const { return error_; }

  template <class T>
  void member(const bj::object& object, std::string_view name, T& out) {
    const bj::value* value = object.if_contains(bj::string_view(name.data(), name.size()));
    if (value == nullptr) return;
    const std::size_t before = path_.size();
    path_ += path_.empty() ? "" : ".";
    path_ += name;
    read(*value, out);
    path_.resize(before);
  }
  /// What is there and not read would make another registry than the recorded one.
  template <std::size_t N>
  void nothing_but(const bj::object& object, const std::array<std::string_view, N>& names) {
    for (const auto& item : object)
      if (std::find(names.begin(), names.end(), view(item.key())) == names.end() && !error_)
        error_ = fail(ErrorCode::unsupported, "'" + (path_.empty() ? "" : path_ + ".") + printable(view(item.key()).substr(0, 64)) +
                                                  "' is not known here: a later version wrote this, and that one can replay it");
  }

 private:
  void wrong(std::string_view right) {
    if (!error_) error_ = fail(ErrorCode::invalid, "'" + path_ + "' is not " + std::string(right));
  }

  void read(const bj::value& value, std::string& out) {
    if (value.is_string()) {
      out = std::string(view(value.get_string()));
      return;
    }
    const bj::value* hex = value.is_object() && value.get_object().size() == 1 ? value.get_object().if_contains("hex") : nullptr;
    if (hex == nullptr || !hex->is_string() || hex->get_string().size() % 2 != 0) return wrong("a text");
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    const std::string_view digits = view(hex->get_string());
    out.clear();
    for (std::size_t i = 0; i < digits.size(); i += 2) {
      const int high = digit(digits[i]), low = digit(digits[i + 1]);
      if (high < 0 || low < 0) return wrong("a text in hexadecimal");
      out += static_cast<char>(high << 4 | low);
    }
    if (is_utf8(out)) wrong("written as text, though it is one");
  }
  void read(const bj::value& value, bool& out) {
    if (value.is_bool()) out = value.get_bool();
    else wrong("true or false");
  }
  void read(const bj::value& value, double& out) {
    if (const auto number = as_number(value)) out = *number;
    else wrong("a number");
  }
  template <std::integral Int>
  void read(const bj::value& value, Int& out) {
    if (value.is_int64() && std::in_range<Int>(value.get_int64())) out = static_cast<Int>(value.get_int64());
    else if (value.is_uint64() && std::in_range<Int>(value.get_uint64())) out = static_cast<Int>(value.get_uint64());
    else wrong("a whole number that fits");
  }
  void read(const bj::value& value, Duration& out) {
    std::int64_t ns = 0;
    read(value, ns);
    out = Duration{ns};
    if (out != Duration::max() && (out > kDurationMax || out < -kDurationMax)) wrong("a duration within ten years");
  }
  void read(const bj::value& value, Instant& out) {
    read(value, out.ns);
    if (out != Instant::never() && out != Instant::min() && (out.ns > kInstantMax || out.ns < -kInstantMax)) wrong("a time that a clock can show");
  }
  void read(const bj::value& value, WallTime& out) {
    read(value, out.ms);
    if (out.ms > kWallMax || out.ms < -kWallMax) wrong("a time that a clock can show");
  }
  void read(const bj::value& value, IpAddress& out) {
    const auto ip = value.is_string() ? parse_ip(view(value.get_string())) : std::nullopt;
    if (!ip) return wrong("an IP address");
    out = *ip;
  }
  void read(const bj::value& value, SocketAddress& out) {
    if (!value.is_array() || value.get_array().size() != 2) return wrong("an address and a port");
    read(value.get_array()[0], out.ip);
    read(value.get_array()[1], out.port);
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void read(const bj::value& value, Enum& out) {
    const auto word = value.is_string() ? parse_word(view(value.get_string()), Enum{}) : std::nullopt;
    if (!word) return wrong("a word that is known here");
    out = *word;
  }
  template <class T>
  void read(const bj::value& value, std::optional<T>& out) {
    read(value, out.emplace());
  }
  void read(const bj::value& value, std::vector<std::string>& out) {
    if (!value.is_array()) return wrong("a list of texts");
    out.clear();
    for (const auto& item : value.get_array()) read(item, out.emplace_back());
  }
  void read(const bj::value& value, Labels& out) {
    if (!value.is_array()) return wrong("a list of pairs");
    out.clear();
    for (const auto& item : value.get_array()) {
      if (!item.is_array() || item.get_array().size() != 2) return wrong("a list of pairs");
      auto& [key, text] = out.emplace_back();
      read(item.get_array()[0], key);
      read(item.get_array()[1], text);
    }
  }
  template <Structured T>
  void read(const bj::value& value, T& out) {
    if (!value.is_object()) return wrong("an object");
    const bj::object& object = value.get_object();
    out = T{};
    each_field(out, [&](std::string_view name, auto& member_of) { member(object, name, member_of); });
    nothing_but(object, recording::FieldNames<T>::names);
  }

  std::string path_;
  std::optional<Error> error_;
};

constexpr std::string_view kChangeBegin = R"({"change":)";

template <std::size_t N>
using MemberNames = std::array<std::string_view, N>;

/// Times of inputs are points in time, no markers.
Result<void> check_times(Instant at) {
  if (at == Instant::never() || at == Instant::min()) return fail(ErrorCode::invalid, "'at' is not a time that a clock can show");
  return {};
}
/// The registry adds and multiplies these.
Result<void> check_lease(const Lease& lease) {
  if (lease.suspect_after < Duration{0} || lease.lost_after < Duration{0} || lease.interval < Duration{0} || lease.interval > 24h)
    return fail(ErrorCode::invalid, "'observation.lease' is none: times are not negative, and an interval is a day at most");
  return {};
}

}  // namespace

void append_recording_line(std::string& out, const RecordingLine& line) {
  JsonWriter writer(512);
  writer.begin_object();
  std::visit(LineWriter{writer}, line);
  writer.end_object();
  out += writer.text();
  out += '\n';
}

Result<RecordingLine> read_recording_line(std::string_view line) {
  JsonRules rules;
  rules.bytes_max = limits::recording_line_bytes_max;
  rules.member_count_max = 100'000;
  rules.text = JsonText::any;
  const auto tree = parse_json(line, rules);
  if (!tree) return tree.error();
  if (!tree->is_object()) return fail(ErrorCode::invalid, "a line of a recording is a JSON object");
  const bj::object& object = tree->get_object();
  const auto has = [&](std::string_view name) { return object.contains(bj::string_view(name.data(), name.size())); };
  Reader from;
  RecordingLine out;

  if (has("choregos_recording")) {
    std::uint64_t format = 0;
    from.member(object, "choregos_recording", format);
    if (from.error()) return *from.error();
    if (format != kRecordingFormat)
      return fail(ErrorCode::unsupported, "the recording has format " + std::to_string(format) + ", and this program reads format " + std::to_string(kRecordingFormat));
    RecordingHead head;
    from.member(object, "version", head.version);
    from.member(object, "start", head.start);
    from.member(object, "settings", head.settings);
    from.nothing_but(object, MemberNames<4>{"choregos_recording", "version", "start", "settings"});
    if (from.error()) return *from.error();
    if (auto fits = check_registry_settings(head.settings); !fits) return fits.error();
    return RecordingLine(std::move(head));
  }
  if (has("change")) {
    if (object.size() != 1 || !object.begin()->value().is_object() || !line.starts_with(kChangeBegin) || !line.ends_with("}}"))
      return fail(ErrorCode::invalid, "a change stands alone in its line, without blanks");
    return RecordingLine(RecordedChange{std::string(line.substr(kChangeBegin.size(), line.size() - kChangeBegin.size() - 1))});
  }
  if (has("end")) {
    RecordedEnd end;
    from.member(object, "end", end.reason);
    from.nothing_but(object, MemberNames<1>{"end"});
    if (from.error()) return *from.error();
    return RecordingLine(std::move(end));
  }
  if (has("remembered")) {
    RecordedRemembered remembered;
    from.member(object, "remembered", remembered.agent);
    from.member(object, "until", remembered.until);
    from.nothing_but(object, MemberNames<2>{"remembered", "until"});
    if (from.error()) return *from.error();
    return RecordingLine(std::move(remembered));
  }

  Instant at = Instant::min();
  WallTime wall;
  bool tick = false;
  from.member(object, "at", at);
  from.member(object, "wall", wall);
  if (auto fits = check_times(at); !fits && !from.error()) return fits.error();
  if (has("restored")) {
    RecordedRestored restored;
    restored.at = at;
    restored.wall = wall;
    from.member(object, "restored", restored.agent);
    from.member(object, "last_seen", restored.last_seen);
    from.nothing_but(object, MemberNames<4>{"restored", "last_seen", "at", "wall"});
    out = std::move(restored);
  } else if (has("restored_all")) {
    bool all = false;
    from.member(object, "restored_all", all);
    from.nothing_but(object, MemberNames<3>{"restored_all", "at", "wall"});
    out = RecordedRestoredAll{at, wall};
  } else if (has("observation")) {
    RecordedObservation observation;
    observation.at = at;
    observation.wall = wall;
    from.member(object, "observation", observation.observation);
    from.member(object, "tick", observation.tick);
    from.nothing_but(object, MemberNames<4>{"observation", "at", "wall", "tick"});
    if (!from.error())
      if (auto fits = check_lease(observation.observation.lease); !fits) return fits.error();
    out = std::move(observation);
  } else if (has("sign")) {
    RecordedSign sign;
    sign.at = at;
    sign.wall = wall;
    from.member(object, "sign", sign.sign);
    from.member(object, "tick", sign.tick);
    from.nothing_but(object, MemberNames<4>{"sign", "at", "wall", "tick"});
    out = std::move(sign);
  } else {
    from.member(object, "tick", tick);
    from.nothing_but(object, MemberNames<3>{"tick", "at", "wall"});
    if (!from.error() && !tick) return fail(ErrorCode::invalid, "the line is none of a recording: it has no observation, sign, tick, change or end");
    out = RecordedTick{at, wall};
  }
  if (from.error()) return *from.error();
  return out;
}

// ---- settings by name -------------------------------------------------------------------------------------------------

namespace {

/// visit(dotted name, member) for each setting that is no group.
template <class Settings, class Visit>
void each_setting(Settings& settings, const std::string& group, Visit& visit) {
  each_field(settings, [&](std::string_view name, auto& member) {
    const std::string full = group + std::string(name);
    if constexpr (Structured<std::remove_reference_t<decltype(member)>>) each_setting(member, full + ".", visit);
    else visit(full, member);
  });
}

Result<void> assign(std::string_view text, bool& out) {
  if (text != "true" && text != "false") return fail(ErrorCode::invalid, "is not true or false");
  out = text == "true";
  return {};
}
Result<void> assign(std::string_view text, Duration& out) {
  const auto duration = parse_duration(text);
  if (!duration) return fail(ErrorCode::invalid, "is not a duration such as 10s");
  out = *duration;
  return {};
}
template <class Number>
  requires std::is_arithmetic_v<Number>
Result<void> assign(std::string_view text, Number& out) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return fail(ErrorCode::invalid, std::is_integral_v<Number> ? "is not a whole number" : "is not a number");
  out = number;
  return {};
}

}  // namespace

std::vector<std::string> registry_setting_names() {
  std::vector<std::string> out;
  const RegistrySettings settings;
  const auto take = [&](const std::string& name, const auto&) { out.push_back(name); };
  each_setting(settings, "", take);
  return out;
}

Result<void> set_registry_setting(RegistrySettings& settings, std::string_view name, std::string_view text) {
  Result<void> result = {};
  bool found = false;
  RegistrySettings changed = settings;
  const auto take = [&](const std::string& setting, auto& member) {
    if (setting != name) return;
    found = true;
    if (auto fits = assign(text, member); !fits) result = fail(ErrorCode::invalid, std::string(name) + ": '" + printable(text.substr(0, 100)) + "' " + fits.error().message);
  };
  each_setting(changed, "", take);
  if (!found) {
    const auto names = registry_setting_names();
    const auto near = nearest_word(name, names);
    std::string all;
    for (const auto& known : names) all += (all.empty() ? "" : ", ") + known;
    return fail(ErrorCode::invalid, "'" + printable(name.substr(0, 100)) + "' is no setting of the registry; " +
                                        (near.empty() ? "there are " + all : "did you mean '" + std::string(near) + "'?"));
  }
  if (result) result = check_registry_settings(changed);
  if (result) settings = changed;
  return result;
}

Result<void> check_registry_settings(const RegistrySettings& settings) {
  Result<void> result = {};
  const auto wrong = [&](const std::string& name, const std::string& bounds) {
    if (result) result = fail(ErrorCode::invalid, name + " must be " + bounds);
  };
  const auto take = [&]<class Member>(const std::string& name, const Member& member) {
    if constexpr (std::is_same_v<Member, Duration>) {
      // What is waited for again and again must not be nothing.
      const Duration least = name == "guard.window" || name == "guard.drain_every" ? Duration{1ms} : Duration{0};
      if (member < least || member > kDurationMax) wrong(name, "a duration from " + format_duration(least) + " to ten years");
    } else if constexpr (std::is_same_v<Member, double>) {
      const double most = name == "guard.silent_share" ? 1 : 1e9;
      if (!(member >= 0 && member <= most)) wrong(name, "a number from 0 to " + std::to_string(static_cast<std::int64_t>(most)));
    } else if constexpr (std::is_same_v<Member, int>) {
      if (member < 0 || member > 100'000) wrong(name, "a number from 0 to 100000");
    } else if constexpr (std::is_same_v<Member, std::size_t>) {
      if (name == "agent_count_max" && member > limits::agent_count_max) wrong(name, "at most " + std::to_string(limits::agent_count_max));
    }
  };
  each_setting(settings, "", take);
  return result;
}

}  // namespace choregos::wire
