#include "choregos/team/track_record.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "choregos/base/limits.hpp"

namespace choregos::team {
namespace {
/// Three failures at once count 3; they stop counting as failing after a quarter of a half-life.
constexpr double kFailing = 2.5;
constexpr double kProven = 0.5;
constexpr double kForgiven = 0.25;
}  // namespace

std::string_view to_string(Standing standing) {
  static constexpr std::array<std::string_view, 4> kWords{"declared", "probed", "proven", "failing"};
  return kWords[static_cast<std::size_t>(standing)];
}

Standing standing(const Proof& proof) {
  if (proof.failed >= kFailing) return Standing::failing;
  if (proof.succeeded >= kProven) return Standing::proven;
  return proof.probed ? Standing::probed : Standing::declared;
}

double TrackRecord::decay(Duration passed, Duration half_life) {
  if (passed <= Duration{} || half_life <= Duration{}) return 1;
  return std::exp2(-static_cast<double>(passed.count()) / static_cast<double>(half_life.count()));
}

const TrackRecord::Track* TrackRecord::find(std::string_view agent) const {
  const auto it = by_agent_.find(agent);
  return it == by_agent_.end() ? nullptr : &*it->second;
}

TrackRecord::Track& TrackRecord::touch(std::string_view agent, Instant now) {
  auto it = by_agent_.find(agent);
  if (it == by_agent_.end()) {
    if (tracks_.size() >= limits::team_track_count_max) {
      by_agent_.erase(tracks_.front().agent);
      tracks_.pop_front();
    }
    tracks_.push_back(Track{std::string(agent), now, 0, {}});
    by_agent_.emplace(tracks_.back().agent, std::prev(tracks_.end()));
    return tracks_.back();
  }
  Track& track = *it->second;
  tracks_.splice(tracks_.end(), tracks_, it->second);
  const Duration passed = now - track.at;
  track.served *= decay(passed, settings_.served_half_life);
  const double share = decay(passed, settings_.proof_half_life);
  for (Known& known : track.known) {
    known.succeeded *= share;
    known.failed *= share;
  }
  track.at = std::max(track.at, now);
  return track;
}

TrackRecord::Known& TrackRecord::touch(Track& track, std::string_view capability) {
  for (Known& known : track.known)
    if (known.capability == capability) return known;
  if (track.known.size() >= limits::capability_count_max) track.known.erase(track.known.begin());
  track.known.push_back(Known{std::string(capability), 0, 0, Instant::min()});
  return track.known.back();
}

void TrackRecord::succeeded(std::string_view agent, std::string_view capability, Instant now) {
  Known& known = touch(touch(agent, now), capability);
  known.succeeded += 1;
  known.failed *= kForgiven;
}

void TrackRecord::failed(std::string_view agent, std::string_view capability, Instant now) {
  touch(touch(agent, now), capability).failed += 1;
}

void TrackRecord::probed(std::string_view agent, std::string_view capability, Instant now) {
  touch(touch(agent, now), capability).probed_at = now;
}

void TrackRecord::serve(std::string_view agent, Instant now) { touch(agent, now).served += 1; }

void TrackRecord::rename(std::string_view agent, std::string_view into) {
  const auto it = by_agent_.find(agent);
  if (it == by_agent_.end() || by_agent_.contains(into)) return;
  const Tracks::iterator track = it->second;
  by_agent_.erase(it);
  track->agent = std::string(into);
  by_agent_.emplace(track->agent, track);
}

Proof TrackRecord::proof(std::string_view agent, std::string_view capability, Instant now) const {
  const Track* const track = find(agent);
  if (track == nullptr) return {};
  for (const Known& known : track->known) {
    if (known.capability != capability) continue;
    const double share = decay(now - track->at, settings_.proof_half_life);
    const bool asked = known.probed_at != Instant::min() && now - known.probed_at < settings_.probe_counts_for;
    return {known.succeeded * share, known.failed * share, asked};
  }
  return {};
}

double TrackRecord::served(std::string_view agent, Instant now) const {
  const Track* const track = find(agent);
  return track == nullptr ? 0 : track->served * decay(now - track->at, settings_.served_half_life);
}

bool TrackRecord::has_proofs(std::string_view agent) const {
  const Track* const track = find(agent);
  return track != nullptr && !track->known.empty();
}

std::vector<SavedTrack> TrackRecord::save(Instant now) const {
  std::vector<SavedTrack> out;
  out.reserve(tracks_.size());
  for (const Track& track : tracks_) {
    SavedTrack saved{track.agent, now - track.at, track.served, {}};
    for (const Known& known : track.known)
      saved.capabilities.push_back({known.capability, known.succeeded, known.failed,
                                    known.probed_at == Instant::min() ? Duration{} : std::max(Duration{1}, now - known.probed_at)});
    std::sort(saved.capabilities.begin(), saved.capabilities.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    out.push_back(std::move(saved));
  }
  return out;
}

void TrackRecord::load(const std::vector<SavedTrack>& saved, Instant now) {
  for (const SavedTrack& s : saved) {
    Track& track = touch(s.agent, now);
    track.at = now - s.touched_before;
    track.served = s.served;
    for (const auto& c : s.capabilities) {
      Known& known = touch(track, c.name);
      known.succeeded = c.succeeded;
      known.failed = c.failed;
      known.probed_at = c.probed_before == Duration{} ? Instant::min() : now - c.probed_before;
    }
  }
}

}  // namespace choregos::team
