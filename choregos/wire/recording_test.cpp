#include "choregos/wire/recording.hpp"

#include <gtest/gtest.h>

#include "choregos/base/limits.hpp"
#include "choregos/base/rng.hpp"
#include "choregos/wire/recording_fields.hpp"

namespace choregos::wire {
namespace {

using recording::each_field;
using recording::each_pair;
using recording::same;
using recording::Structured;

/// Fills every member of every struct with something that is not its default.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : rng_(seed) {}

  template <class T>
  void fill(T& out) {
    if constexpr (Structured<T>) each_field(out, [this](std::string_view, auto& member) { fill(member); });
    else make(out);
  }

 private:
  void make(std::string& out) {
    static const char* const kTexts[] = {"a", "ünïcödé \xf0\x9f\xa6\x8a", "\"\\\n\t\x01", "broken \xff\xc0 bytes", "\xe2\x80\xa8 line", "hex"};
    out = kTexts[rng_.below(std::size(kTexts))] + std::to_string(rng_.below(1000));
    if (rng_.chance(0.1)) out += '\0';
  }
  void make(bool& out) { out = !out; }
  void make(double& out) { out = rng_.unit(); }
  void make(int& out) { out = 1 + static_cast<int>(rng_.below(99'000)); }
  void make(std::size_t& out) { out = rng_.chance(0.1) ? UINT64_MAX : 1 + rng_.below(1'000'000); }
  void make(std::uint32_t& out) { out = static_cast<std::uint32_t>(1 + rng_.below(UINT32_MAX)); }
  void make(Duration& out) { out = Duration{1 + static_cast<std::int64_t>(rng_.below(86'000'000'000'000))}; }
  void make(Instant& out) { out = rng_.chance(0.1) ? Instant::never() : Instant{static_cast<std::int64_t>(1 + rng_.below(std::uint64_t{1} << 60))}; }
  void make(WallTime& out) { out = {static_cast<std::int64_t>(1 + rng_.below(std::uint64_t{1} << 50))}; }
  void make(ObservationKind& out) { out = static_cast<ObservationKind>(1 + rng_.below(6)); }
  void make(SignKind& out) { out = static_cast<SignKind>(1 + rng_.below(11)); }
  void make(Status& out) { out = static_cast<Status>(1 + rng_.below(2)); }
  void make(Liveness& out) { out = rng_.chance(0.5) ? Liveness::lost : Liveness::unconfirmed; }
  void make(IdentityKind& out) { out = rng_.chance(0.5) ? IdentityKind::service : IdentityKind::proven; }
  void make(std::vector<std::string>& out) {
    out.resize(1 + rng_.below(4));
    for (auto& text : out) make(text);
  }
  void make(Labels& out) {
    out.resize(1 + rng_.below(4));
    for (auto& [key, value] : out) make(key), make(value);
    out.push_back(out.front());
  }
  void make(IpAddress& out) {
    if (rng_.chance(0.5)) out = IpAddress::v4(static_cast<std::uint32_t>(rng_.next()));
    else
      for (auto& byte : out.bytes) byte = rng_.chance(0.5) ? 0 : static_cast<std::uint8_t>(1 + rng_.below(255));
    out.bytes[15] |= 1;
  }
  void make(SocketAddress& out) {
    make(out.ip);
    out.port = static_cast<std::uint16_t>(rng_.below(65536));
  }
  template <class T>
  void make(std::optional<T>& out) {
    // Set to the default is not the same as not set.
    out.emplace();
    if (rng_.chance(0.8)) fill(*out);
  }

  Rng rng_;
};

template <class Line>
Line again(const Line& line) {
  std::string text;
  append_recording_line(text, line);
  EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
  const auto read = read_recording_line(std::string_view(text).substr(0, text.size() - 1));
  EXPECT_TRUE(read) << read.error().message << "\n" << text;
  const Line* out = read ? std::get_if<Line>(&*read) : nullptr;
  EXPECT_NE(out, nullptr) << text;
  return out == nullptr ? Line{} : *out;
}

/// Each member differs from its default, and comes back as it was.
template <class T>
void expect_same(const T& before, const T& after) {
  each_pair(before, after, [](std::string_view name, const auto& x, const auto& y) { EXPECT_TRUE(same(x, y)) << name; });
}
template <class T>
T generated(std::uint64_t seed) {
  T out;
  Generator(seed).fill(out);
  each_pair(out, T{}, [](std::string_view name, const auto& x, const auto& y) { EXPECT_FALSE(same(x, y)) << name << " was not generated"; });
  return out;
}

TEST(Recording, BringsBackEveryFieldOfEveryLine) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    const RecordedObservation o{generated<Observation>(seed), {123}, {456}, seed % 2 == 0};
    const auto o2 = again(o);
    expect_same(o.observation, o2.observation);
    EXPECT_EQ(std::tie(o.at, o.wall, o.tick), std::tie(o2.at, o2.wall, o2.tick));

    const RecordedSign s{generated<Sign>(seed), {-123}, {456}, seed % 2 == 0};
    const auto s2 = again(s);
    expect_same(s.sign, s2.sign);
    EXPECT_EQ(std::tie(s.at, s.wall, s.tick), std::tie(s2.at, s2.wall, s2.tick));

    const RecordedRestored r{generated<Agent>(seed), {1}, {2}, {3}};
    const auto r2 = again(r);
    expect_same(r.agent, r2.agent);
    EXPECT_EQ(std::tie(r.last_seen, r.at, r.wall), std::tie(r2.last_seen, r2.at, r2.wall));

    const RecordedRemembered m{generated<Agent>(~seed), Instant::never()};
    expect_same(m.agent, again(m).agent);
    EXPECT_EQ(again(m).until, Instant::never());

    RecordingHead h{"0.1.0-ü", {seed, UINT64_MAX - seed}, generated<RegistrySettings>(seed)};
    h.settings.agent_count_max = seed;
    const auto h2 = again(h);
    expect_same(h.settings, h2.settings);
    EXPECT_EQ(std::tie(h.version, h.start), std::tie(h2.version, h2.start));
  }
  EXPECT_EQ(again(RecordedTick{{7}, {8}}).at, Instant{7});
  EXPECT_EQ(again(RecordedRestoredAll{{7}, {8}}).wall, WallTime{8});
  EXPECT_EQ(again(RecordedEnd{"because of \"this\""}).reason, "because of \"this\"");
  EXPECT_EQ(again(RecordedChange{R"({"kind":"appeared", "x":[1, {}]})"}).json, R"({"kind":"appeared", "x":[1, {}]})");
}

TEST(Recording, LeavesOutWhatSaysNothingButNoSettings) {
  std::string text;
  append_recording_line(text, RecordedObservation{{}, {1}, {2}, false});
  EXPECT_EQ(text, "{\"observation\":{\"lease\":{\"suspect_after\":3000000000,\"lost_after\":10000000000,\"interval\":0}},\"at\":1,\"wall\":2}\n");
  append_recording_line(text, RecordingHead{});
  for (const std::string& name : registry_setting_names()) EXPECT_NE(text.find('"' + name.substr(name.find('.') + 1) + "\":"), std::string::npos) << name;
  expect_same(again(RecordedObservation{}).observation, Observation{});
}

TEST(Recording, TellsAnEmptyStatementFromNone) {
  Observation o;
  o.claims.emplace();
  EXPECT_TRUE(again(RecordedObservation{o, {}, {}, false}).observation.claims.has_value());
  o.claims->model = "";
  EXPECT_EQ(again(RecordedObservation{o, {}, {}, false}).observation.claims->model, "");
  EXPECT_FALSE(again(RecordedObservation{o, {}, {}, false}).observation.claims->name);
}

TEST(Recording, RefusesWhatItDoesNotUnderstandAndNamesIt) {
  const auto error = [](std::string_view line) {
    const auto read = read_recording_line(line);
    return read ? std::string("taken") : read.error().message;
  };
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "JSON at byte 0"},
      {"[]", "is a JSON object"},
      {"{}", "'at' is not a time"},
      {R"({"at":1,"wall":1})", "none of a recording"},
      {R"({"choregos_recording":2})", "the recording has format 2"},
      {R"({"choregos_recording":1,"settings":{"guard":{"window":0}}})", "guard.window must be a duration from 1ms"},
      {R"({"choregos_recording":1,"settings":{"detector":{"evidence_needed":-1}}})", "detector.evidence_needed must be"},
      {R"({"choregos_recording":1,"settings":{"detector":{"clairvoyance":1}}})", "'settings.detector.clairvoyance' is not known here: a later version wrote this"},
      {R"({"observation":{"kind":"smelt"},"at":1,"wall":1})", "'observation.kind' is not a word"},
      {R"({"observation":{"incarnation":-1},"at":1,"wall":1})", "'observation.incarnation' is not a whole number that fits"},
      {R"({"observation":{"incarnation":1.5},"at":1,"wall":1})", "'observation.incarnation'"},
      {R"({"observation":{"from":"10.0.0"},"at":1,"wall":1})", "'observation.from' is not an IP address"},
      {R"({"observation":{"names":{"address":["10.0.0.1",65536]}},"at":1,"wall":1})", "'observation.names.address'"},
      {R"({"observation":{"lease":{"interval":-5}},"at":1,"wall":1})", "'observation.lease'"},
      {R"({"observation":{"claims":{"labels":[["k"]]}},"at":1,"wall":1})", "'observation.claims.labels' is not a list of pairs"},
      {R"({"observation":{"subject":{"hex":"6"}},"at":1,"wall":1})", "'observation.subject'"},
      {R"({"observation":{"subject":{"hex":"61"}},"at":1,"wall":1})", "'observation.subject' is not written as text"},
      {R"({"observation":{},"wall":1})", "'at'"},
      {R"({"observation":{},"at":9223372036854775807,"wall":1})", "'at'"},
      {R"({"observation":{},"at":1,"wall":1,"more":1})", "'more' is not known here"},
      {R"({"change":{} })", "stands alone"},
      {R"({"change":{},"x":1})", "stands alone"},
      {R"({"change":7})", "stands alone"},
      {R"({"end":7})", "'end' is not a text"},
  };
  for (const auto& [line, says] : cases) EXPECT_NE(error(line).find(says), std::string::npos) << line << "\n" << error(line);
  EXPECT_EQ(read_recording_line(std::string(limits::recording_line_bytes_max + 1, ' ')).error().code, ErrorCode::too_large);
}

TEST(Recording, SetsEverySettingByItsName) {
  RegistrySettings settings;
  for (const std::string& name : registry_setting_names()) {
    RegistrySettings before = settings;
    Result<void> set = fail(ErrorCode::invalid, "untried");
    for (const char* value : {"7m", "0.7", "17", "false"}) {
      set = set_registry_setting(settings, name, value);
      if (set && !same(settings, before)) break;
    }
    EXPECT_TRUE(set) << name << ": " << set.error().message;
    EXPECT_FALSE(same(settings, before)) << name;
  }
  EXPECT_EQ(registry_setting_names().front(), "forget_after");
  EXPECT_EQ(settings.guard.drain_every, 7min);
  EXPECT_EQ(settings.detector.evidence_needed, 0.7);
  EXPECT_FALSE(set_registry_setting(settings, "detector", "1"));
  EXPECT_FALSE(set_registry_setting(settings, "guard.silent_share", "1.5"));
  EXPECT_FALSE(set_registry_setting(settings, "guard.silent_share", "nan"));
  EXPECT_EQ(settings.guard.silent_share, 0.7) << "a refused value changes nothing";
}

}  // namespace
}  // namespace choregos::wire
