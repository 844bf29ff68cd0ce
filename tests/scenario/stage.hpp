// The stage of a story: a registry in virtual time, the agents and sources around it, and the commands that move them.
// README.md lists the commands. Pure but for the story's text; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/registry/registry.hpp"

namespace choregos::scenario {

class Stage {
 public:
  Stage();
  /// Does what one line says and returns what was seen of it: a line for each change, and what `show` shows.
  /// Errors: invalid, with what the line should have said.
  Result<std::vector<std::string>> run(const std::string& line);

 private:
  struct Actor {
    std::uint64_t incarnation = 1;
    std::uint64_t sequence = 0;
    bool beats = false;
    bool cut = false;       ///< it reaches nobody
    bool unheard = false;   ///< it reaches others, but not us
    Instant next_beat;
    std::map<std::string, std::string> says;  ///< options of its beacons
  };
  /// One line, cut into words: names first, then key=value.
  struct Words {
    std::string verb;
    std::vector<std::string> names;
    std::map<std::string, std::string> options;
  };
  using Out = Result<void>;

  static Result<Words> cut_up(const std::string& line);
  Out perform(const Words& words);
  Out beacon(const std::string& id, ObservationKind kind, const Words& words);
  Out probe(const Words& words);
  Out registered(const Words& words, Lease lease);
  Out orchestrator(const Words& words);
  Out stall(const Words& words);
  Out sign(const Words& words);
  Out why(const Words& words);
  Out advance(const Words& words);
  Out set(const Words& words);
  void restart();
  void show(const Words& words);
  void show_guard();
  Out pass_until(Instant end);
  Out hear(Observation o);
  void listened();
  void put_questions();
  void tick();
  void report();
  void say(const std::string& who, const std::string& what);
  Out describe(Observation& o, const Words& words) const;
  WallTime wall() const { return {1'767'225'600'000 + now_.ns / 1'000'000}; }  ///< stories begin on 2026-01-01

  RegistrySettings settings_;
  Registry registry_;
  Instant now_{0};
  std::map<std::string, Actor> actors_;
  std::vector<Change> changes_;
  std::map<std::string, AgentRecordPtr> known_;  ///< as last reported, to say what an update changed
  std::vector<std::string> lines_;
  bool listens_ = false;       ///< signs of listening are given
  Instant next_sign_;
  std::multimap<Instant, Observation> coming_;  ///< answers under way
  bool stopped_ = false;       ///< the daemon does not run: what arrives waits
  std::vector<Observation> waiting_;
  std::uint64_t room_ = UINT64_MAX;  ///< in the socket, while stopped
  std::uint64_t dropped_ = 0;
  std::string last_text_;      ///< of the last change said, to say several at once
};

}  // namespace choregos::scenario
