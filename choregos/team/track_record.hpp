// What agents have shown: how often each succeeded and failed with each capability, and how often it was taken into a team. All of
// it decays, so that an agent which has changed gets another chance, and old merit does not hide new faults.
//
// Pure; one owner. Bounded by limits::team_track_count_max agents: the one not touched longest is dropped.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "choregos/base/time.hpp"

namespace choregos::team {

/// Counts as they weigh now, after decay.
struct Proof {
  double succeeded = 0;
  double failed = 0;     ///< a success takes three quarters of it away
  bool probed = false;   ///< it was asked for the capability and answered well, within the last week

  bool operator==(const Proof&) const = default;
};

enum class Standing : std::uint8_t {
  declared,  ///< it says so, nobody has tried
  probed,    ///< it answered a question about it
  proven,    ///< it did it, lately
  failing,   ///< it failed three times with no success in between, lately
};
std::string_view to_string(Standing standing);
Standing standing(const Proof& proof);

struct TrackSettings {
  Duration proof_half_life = 24h;   ///< successes and failures weigh half after this
  Duration probe_counts_for = 168h;
  Duration served_half_life = 1h;   ///< of how often it was taken: long enough to even out, short enough to forget
};

/// One agent's record as it is kept in a store. `touched_before` is how long ago the figures held; they are not decayed since.
struct SavedTrack {
  struct Capability {
    std::string name;
    double succeeded = 0;
    double failed = 0;
    Duration probed_before{};        ///< zero = never
    bool operator==(const Capability&) const = default;
  };
  std::string agent;
  Duration touched_before{};
  double served = 0;
  std::vector<Capability> capabilities;  ///< sorted by name
  bool operator==(const SavedTrack&) const = default;
};

class TrackRecord {
 public:
  explicit TrackRecord(TrackSettings settings = {}) : settings_(settings) {}

  void succeeded(std::string_view agent, std::string_view capability, Instant now);
  void failed(std::string_view agent, std::string_view capability, Instant now);
  void probed(std::string_view agent, std::string_view capability, Instant now);
  /// It was taken into a team.
  void serve(std::string_view agent, Instant now);
  /// The agent's name changed: its record goes along, unless the new name has one.
  void rename(std::string_view agent, std::string_view into);

  Proof proof(std::string_view agent, std::string_view capability, Instant now) const;
  double served(std::string_view agent, Instant now) const;
  /// Whether anything is known of it beyond how often it served.
  bool has_proofs(std::string_view agent) const;
  std::size_t size() const { return tracks_.size(); }

  /// In order of their last change, oldest first.
  std::vector<SavedTrack> save(Instant now) const;
  /// Into an empty record.
  void load(const std::vector<SavedTrack>& saved, Instant now);

 private:
  struct Known {
    std::string capability;
    double succeeded = 0;
    double failed = 0;
    Instant probed_at = Instant::min();
  };
  struct Track {
    std::string agent;
    Instant at{};  ///< when the figures held
    double served = 0;
    std::vector<Known> known;
  };
  using Tracks = std::list<Track>;  ///< oldest first; the index points into it

  Track& touch(std::string_view agent, Instant now);
  Known& touch(Track& track, std::string_view capability);
  const Track* find(std::string_view agent) const;
  static double decay(Duration passed, Duration half_life);

  const TrackSettings settings_;
  Tracks tracks_;
  std::unordered_map<std::string_view, Tracks::iterator> by_agent_;
};

}  // namespace choregos::team
