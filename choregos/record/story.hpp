// Tells a recording as a story for tests/scenario: the commands, without what is seen, which choregos-scenario --rewrite adds.
//
// A story is shorter than a recording and not exact. Beacons that follow each other become `beat` and `hush`; questions and
// their answers are left out, because in a story whoever beats answers by itself; so are signs of listening but the first.
// The recording itself, kept in tests/incidents, replays exactly.
//
// Pure; one thread. Needs memory for each agent and each command.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "choregos/wire/recording.hpp"

namespace choregos::record {

class Story {
 public:
  /// The next line of the recording.
  void take(const wire::RecordingLine& line);
  /// All of it so far.
  std::string text() const;

 private:
  /// Beacons of one agent, since the last `beat`.
  struct Beat {
    Instant last;
    Duration interval{};
    std::uint64_t incarnation = 0;
    std::string says;  ///< options of the beat
  };
  void observe(const Observation& o, Instant at);
  void beacon(const Observation& o, Instant at);
  void sign(const Sign& sign, Instant at);
  void hush_silent(Instant now);
  void tell(Instant at, std::string command) { commands_.emplace_back(at, std::move(command)); }

  Instant first_ = Instant::min();
  Instant last_ = Instant::min();
  Instant looked_ = Instant::min();  ///< for who has fallen silent
  bool listens_ = false;
  bool canary_lost_ = false;
  std::uint64_t left_out_ = 0;  ///< what no command of a story can say
  std::map<std::string, Beat> beats_;
  std::vector<std::pair<Instant, std::string>> commands_;
};

}  // namespace choregos::record
