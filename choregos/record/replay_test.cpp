#include "choregos/record/replay.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "choregos/record/fleet_for_tests.hpp"
#include "choregos/record/recorder.hpp"
#include "choregos/wire/change_json.hpp"

namespace choregos::record {
namespace {

/// A folder that goes with the test.
struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "choregos-record-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
  std::filesystem::path path;
};

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::unique_ptr<Recorder> recorder(RecorderOptions options, RegistrySettings settings = {}) {
  options.version = "0.0.0";
  auto made = Recorder::open(std::move(options), settings, {3, 1000});
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

struct Played {
  std::vector<std::string> changes;
  Result<void> result = {};
  std::unique_ptr<Replay> replay;
};

Played play(const std::string& text, ReplayOptions options = {}) {
  Played out;
  options.on_change = [&](const Change&, const std::string& json) { out.changes.push_back(json); };
  out.replay = std::make_unique<Replay>(std::move(options));
  std::size_t at = 0;
  for (auto end = text.find('\n'); end != std::string::npos && out.result; end = text.find('\n', at)) {
    out.result = out.replay->take(std::string_view(text).substr(at, end - at));
    at = end + 1;
  }
  if (out.result) out.result = out.replay->finish(at < text.size());
  return out;
}

std::string record_chaos(std::uint64_t seed, std::vector<std::string>& changes, Duration length = 1min) {
  const Folder folder;
  RegistrySettings settings;
  settings.forget_after = 20s;
  settings.seed = ~seed;
  auto tape = recorder({.path = folder.file("r")}, settings);
  FleetForTests fleet(seed, settings, {tape.get()});
  fleet.restore(10);
  fleet.chaos(25, length);
  tape->stop();
  EXPECT_EQ(tape->health().state, SourceState::ok);
  for (const Change& change : fleet.changes()) changes.push_back(to_string(change.revision));
  return read(folder.file("r"));
}

TEST(Replay, GivesTheSameChangesByteForByte) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    std::vector<std::string> live;
    const std::string text = record_chaos(seed, live);
    const Played played = play(text);
    ASSERT_TRUE(played.result) << played.result.error().message;
    ASSERT_FALSE(played.replay->difference()) << "seed " << seed << " line " << played.replay->difference()->line << "\n" << played.replay->difference()->recorded << "\n"
                                              << played.replay->difference()->replayed;
    EXPECT_EQ(played.changes.size(), live.size());
    EXPECT_GT(live.size(), 200U);
    EXPECT_EQ(played.replay->end(), "stopped");
    EXPECT_GT(played.replay->length(), 50s);
  }
}

TEST(Replay, NamesTheFirstChangeThatDiffers) {
  std::vector<std::string> live;
  const std::string text = record_chaos(7, live);
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::size_t middle = lines.size() / 2;
  while (!lines[middle].starts_with(R"({"change")")) ++middle;
  const auto joined = [&](const std::vector<std::string>& all) {
    std::string out;
    for (const auto& line : all) out += line + "\n";
    return out;
  };
  // Another word in it, one left out, one too many.
  auto edited = lines;
  edited[middle].insert(edited[middle].size() - 2, " ");
  Played played = play(joined(edited));
  ASSERT_TRUE(played.result) << played.result.error().message;
  ASSERT_TRUE(played.replay->difference());
  EXPECT_EQ(played.replay->difference()->line, middle + 1);
  EXPECT_NE(played.replay->difference()->recorded, played.replay->difference()->replayed);

  edited = lines;
  edited.erase(edited.begin() + static_cast<std::ptrdiff_t>(middle));
  played = play(joined(edited));
  ASSERT_TRUE(played.replay->difference());
  EXPECT_NE(played.replay->difference()->replayed, "");

  edited = lines;
  edited.insert(edited.begin() + static_cast<std::ptrdiff_t>(middle), lines[middle]);
  played = play(joined(edited));
  ASSERT_TRUE(played.replay->difference());

  // An input that is left out is a difference as soon as it matters.
  edited = lines;
  std::erase_if(edited, [](const std::string& line) { return line.find(R"("kind":"refused")") != std::string::npos && !line.starts_with(R"({"change")"); });
  ASSERT_LT(edited.size(), lines.size());
  EXPECT_TRUE(play(joined(edited)).replay->difference());
}

TEST(Replay, ToleratesAnEndAnywhere) {
  std::vector<std::string> live;
  const std::string text = record_chaos(3, live, 20s);
  const std::size_t first_line = text.find('\n') + 1;
  for (std::size_t cut = text.size() - 3000; cut <= text.size(); cut += 101) {
    const Played played = play(text.substr(0, cut));
    ASSERT_TRUE(played.result) << played.result.error().message;
    EXPECT_FALSE(played.replay->difference()) << cut;
    EXPECT_EQ(played.replay->torn(), text[cut - 1] != '\n');
  }
  EXPECT_FALSE(play(text.substr(0, first_line - 1)).result);
  EXPECT_FALSE(play("").result);
  EXPECT_TRUE(play(text.substr(0, first_line)).result);
}

TEST(Replay, RefusesWhatIsNoRecordingWithTheLine) {
  std::vector<std::string> live;
  const std::string text = record_chaos(3, live, 2s);
  EXPECT_NE(play("hello\n").result.error().message.find("line 1: no recording begins like this"), std::string::npos);
  EXPECT_NE(play("{\"end\":\"x\"}\n").result.error().message.find("line 1"), std::string::npos);
  EXPECT_NE(play(text + text).result.error().message.find("a second recording begins here"), std::string::npos);
  EXPECT_NE(play(text + "{\"tick\":true,\"at\":1,\"wall\":1}\n").result.error().message.find("something follows the end"), std::string::npos);
  const std::string open = text.substr(0, text.rfind("{\"end\""));
  EXPECT_NE(play(open + "{\"tick\":true,\"at\":1,\"wall\":1}\n").result.error().message.find("lies before"), std::string::npos);
}

TEST(Replay, StopsAtTheMomentAskedFor) {
  std::vector<std::string> live;
  const std::string text = record_chaos(4, live);
  const Played whole = play(text);
  ReplayOptions options;
  options.until = 30s;
  const Played part = play(text, options);
  ASSERT_TRUE(part.result);
  EXPECT_FALSE(part.replay->difference());
  EXPECT_LE(part.replay->length(), 30s);
  EXPECT_GT(part.replay->length(), 29s);
  ASSERT_LT(part.changes.size(), whole.changes.size());
  EXPECT_TRUE(std::equal(part.changes.begin(), part.changes.end(), whole.changes.begin()));
}

TEST(Recorder, EndsAtItsSizeAndStaysReadable) {
  const Folder folder;
  std::string reason;
  auto tape = recorder({.path = folder.file("r"), .bytes_max = 50'000, .on_end = [&](const std::string& why) { reason = why; }});
  FleetForTests fleet(1, {}, {tape.get()});
  fleet.restore(10);
  fleet.chaos(25, 1min);
  tape->stop();
  EXPECT_NE(reason.find("record.bytes_max"), std::string::npos);
  EXPECT_EQ(tape->health().state, SourceState::degraded);
  EXPECT_EQ(tape->health().last_error, reason);
  const std::string text = read(folder.file("r"));
  EXPECT_LE(text.size(), 50'000U);
  EXPECT_GT(text.size(), 45'000U);
  const Played played = play(text);
  ASSERT_TRUE(played.result) << played.result.error().message;
  EXPECT_FALSE(played.replay->difference());
  EXPECT_EQ(played.replay->end(), reason);
}

TEST(Recorder, EndsWhenTheDiskIsFullAndSaysSo) {
  std::string reason;
  auto tape = recorder({.path = "/dev/full", .on_end = [&](const std::string& why) { reason = why; }});
  FleetForTests fleet(1, {}, {tape.get()});
  fleet.chaos(25, 1min);
  tape->stop();
  EXPECT_EQ(reason, "it cannot be written: No space left on device");
  EXPECT_EQ(tape->health().state, SourceState::degraded);
  EXPECT_GT(fleet.changes().size(), 50U) << "belief goes on";
}

TEST(Recorder, EndsWhenTheDiskCannotKeepUpInsteadOfMakingTheWriterWait) {
  std::signal(SIGPIPE, SIG_IGN);  // as choregosd does
  const Folder folder;
  const std::string pipe = folder.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  std::string reason;
  auto tape = recorder({.path = pipe, .on_end = [&](const std::string& why) { reason = why; }, .waiting_max = 100});
  FleetForTests fleet(1, {}, {tape.get()});
  fleet.chaos(25, 2min);
  ::close(reader);
  tape->stop();
  EXPECT_NE(reason, "") << "nobody reads the pipe";
  EXPECT_EQ(tape->health().state, SourceState::degraded);
}

TEST(Recorder, KeepsTheFormerRecordingAndOpensNothingThatItMayNot) {
  const Folder folder;
  for (int i = 0; i < 3; ++i) recorder({.path = folder.file("r")})->stop();
  EXPECT_TRUE(std::filesystem::exists(folder.file("r.old")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path), {}), 2);
  EXPECT_EQ(std::filesystem::status(folder.file("r")).permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto refused = Recorder::open({.path = folder.file("none/r")}, {}, {1, 0});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::io);
  EXPECT_NE(refused.error().message.find("none/r cannot be made: No such file"), std::string::npos);
}

}  // namespace
}  // namespace choregos::record
