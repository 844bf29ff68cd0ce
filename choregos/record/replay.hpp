// Replays a recording: a new registry with the recorded settings gets the recorded inputs at their recorded times, and what it
// makes of them is compared with the recorded changes, byte for byte. With other settings, an understudy plays along.
//
// Fed line by line, so a recording of any size needs the memory of its registry. Pure; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/record/understudy.hpp"
#include "choregos/wire/recording.hpp"

namespace choregos::record {

struct ReplayOptions {
  /// "detector.evidence_needed=5": settings for an understudy; empty = none. See OtherSettings::set.
  std::vector<std::string> other_settings;
  /// Inputs later than this after the first one are left out.
  std::optional<Duration> until;
  /// Called for each change, with its JSON as recorded; and for each of the understudy's.
  std::function<void(const Change& change, const std::string& json)> on_change;
  std::function<void(const Change& change)> on_other_change;
  /// Called for each line as it is taken, before what it leads to.
  std::function<void(const wire::RecordingLine& line)> on_line;
};

class Replay {
 public:
  struct Difference {
    std::uint64_t line = 0;  ///< of the recording, from 1
    std::string recorded;    ///< "" = there is none
    std::string replayed;    ///< "" = there is none
  };

  explicit Replay(ReplayOptions options) : options_(std::move(options)) {}

  /// The next line, without its line feed. Errors: invalid, unsupported, too_large, with the number of the line.
  Result<void> take(std::string_view line);
  /// After the last line; `torn` when a last line without line feed was left out. Errors: invalid (there was no recording).
  Result<void> finish(bool torn);
  /// options.until has been passed: further lines are ignored, finish() may be called.
  bool done() const { return done_; }

  const wire::RecordingHead& head() const { return *head_; }
  std::uint64_t inputs() const { return inputs_; }
  std::uint64_t changes() const { return changes_count_; }
  /// From the first to the last input.
  Duration length() const { return first_ == Instant::min() ? Duration{0} : last_ - first_; }
  /// The first one; nothing = the same, byte for byte.
  const std::optional<Difference>& difference() const { return difference_; }
  /// Why it ends where it ends: "stopped" when the daemon stopped, "" when it was cut off, or what the recorder said.
  const std::string& end() const { return end_; }
  bool torn() const { return torn_; }
  /// What the understudy did otherwise; null without other settings.
  const Comparison* comparison() const { return understudy_ ? &comparison_ : nullptr; }

 private:
  Result<void> begin(const wire::RecordingHead& head);
  Result<void> input(const wire::RecordingLine& line);
  Result<void> advance(Instant at);
  void batch_ends(Instant at);
  void expect(const std::string& recorded);
  void left_over(bool batch_is_whole);

  const ReplayOptions options_;
  std::uint64_t line_ = 0;
  std::optional<wire::RecordingHead> head_;
  std::optional<Registry> registry_;
  std::optional<Understudy> understudy_;
  Comparison comparison_;
  Instant first_ = Instant::min();
  Instant last_ = Instant::min();
  std::vector<Change> changes_;        ///< of the batch that has not ended
  std::vector<std::string> replayed_;  ///< of the last batch, as JSON …
  std::size_t matched_ = 0;            ///< … and how many of them were recorded
  std::uint64_t inputs_ = 0;
  std::uint64_t changes_count_ = 0;
  std::optional<Difference> difference_;
  std::string end_;
  bool ended_ = false;
  bool torn_ = false;
  bool done_ = false;
};

}  // namespace choregos::record
