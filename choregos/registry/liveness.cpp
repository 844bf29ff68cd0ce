#include "choregos/registry/liveness.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace choregos::registry {
namespace {

/// Messages this much older than a newer life's first one may have been on their way when the older life ended.
constexpr Duration kOverlap = 1s;

/// One life that claims the id: an incarnation, or an address when nobody says incarnations; and of those that one source
/// hears speak from several places, each such voice.
struct Life {
  std::uint64_t incarnation = 0;
  std::string place;
  std::string voice;
  Instant first_heard = Instant::never();
  Instant last_heard = Instant::min();
  bool fresh = false;
  std::vector<Considered> evidence;
};

std::string place_of(const Evidence& e) {
  if (e.names.address && !e.names.behind_balancer) return to_string(*e.names.address);
  return e.incarnation != 0 ? e.source + " incarnation " + std::to_string(e.incarnation) : std::string();
}

/// What tells this channel from others on which the same source hears the same incarnation speak; "" = there are none. A process
/// has one voice for a source, so two voices are two processes, or one whose sender was made anew.
std::string voice_of(const Considered& c, const std::vector<Considered>& all) {
  const Evidence& e = *c.evidence;
  const auto same_words = [&](const Considered& other) { return other.evidence != &e && has_other_voice(*other.evidence, e); };
  return std::any_of(all.begin(), all.end(), same_words) ? e.source + " " + e.subject : std::string();
}

/// For people: where a voice comes from.
std::string place_of_voice(const Evidence& e) {
  return e.subject.starts_with(e.names.id + " ") ? e.source + e.subject.substr(e.names.id.size()) : e.source;
}

/// What says the incarnation that several voices share belongs to one of them: to the first that is still heard, else the newest.
void join_voices(std::vector<Life>& lives) {
  const auto mute = [&](const Life& life) {
    return life.voice.empty() && std::any_of(lives.begin(), lives.end(), [&](const Life& other) { return !other.voice.empty() && other.incarnation == life.incarnation; });
  };
  for (auto life = std::find_if(lives.begin(), lives.end(), mute); life != lives.end(); life = std::find_if(lives.begin(), lives.end(), mute)) {
    Life* to = nullptr;
    for (Life& other : lives) {
      if (other.voice.empty() || other.incarnation != life->incarnation) continue;
      const bool better = to == nullptr || (other.fresh != to->fresh ? other.fresh : (other.first_heard < to->first_heard) == to->fresh);
      if (better) to = &other;
    }
    // When it was first heard stays its voice's: another channel may have begun with the one before.
    to->last_heard = std::max(to->last_heard, life->last_heard);
    to->fresh = to->fresh || life->fresh;
    to->evidence.insert(to->evidence.end(), life->evidence.begin(), life->evidence.end());
    lives.erase(life);
  }
}

/// Evidence grouped by life; evidence that fits every life goes to `common`.
std::vector<Life> lives_of(const std::vector<Considered>& all, Instant now, std::vector<Considered>& common) {
  const bool by_incarnation = std::any_of(all.begin(), all.end(), [](const Considered& c) { return c.evidence->incarnation != 0; });
  const bool by_place = !by_incarnation && std::any_of(all.begin(), all.end(), [](const Considered& c) { return !c.evidence->names.id.empty() && !place_of(*c.evidence).empty(); });
  std::vector<Life> lives;
  for (const Considered& c : all) {
    const Evidence* e = c.evidence;
    std::string place = place_of(*e);
    const std::string voice = by_place ? std::string() : voice_of(c, all);
    const bool bound = by_incarnation ? e->incarnation != 0 : by_place ? !e->names.id.empty() && !place.empty() : !voice.empty();
    if (!bound) {
      common.push_back(c);
      continue;
    }
    const auto same = [&](const Life& life) { return life.voice == voice && (by_incarnation ? life.incarnation == e->incarnation : life.place == place); };
    auto life = std::find_if(lives.begin(), lives.end(), same);
    if (life == lives.end()) life = lives.insert(lives.end(), Life{e->incarnation, place, voice, Instant::never(), Instant::min(), false, {}});
    life->first_heard = std::min(life->first_heard, e->first_heard);
    life->last_heard = std::max(life->last_heard, e->heard_until(now, c.beside));
    life->fresh = life->fresh || c.fresh;
    life->evidence.push_back(c);
  }
  join_voices(lives);
  return lives;
}

/// The life that holds the id, and those that contend for it.
const Life* choose(const std::vector<Life>& lives, std::vector<const Life*>& contenders) {
  if (lives.empty()) return nullptr;
  const bool by_incarnation = lives.front().incarnation != 0;
  const Life* newest = &*std::max_element(lives.begin(), lives.end(), [&](const Life& a, const Life& b) {
    if (a.incarnation != b.incarnation) return a.incarnation < b.incarnation;
    return by_incarnation || !a.voice.empty() ? a.first_heard < b.first_heard : a.last_heard < b.last_heard;
  });
  std::vector<const Life*> living;
  for (const Life& life : lives) {
    const bool overlaps = by_incarnation || !life.voice.empty() ? &life == newest || life.last_heard > newest->first_heard + kOverlap : true;
    if (life.fresh && overlaps) living.push_back(&life);
  }
  if (living.empty()) return newest;
  const Life* holder = *std::min_element(living.begin(), living.end(), [](const Life* a, const Life* b) {
    return a->first_heard != b->first_heard ? a->first_heard < b->first_heard : a->incarnation != b->incarnation ? a->incarnation < b->incarnation : std::tie(a->place, a->voice) < std::tie(b->place, b->voice);
  });
  for (const Life* life : living)
    if (life != holder) contenders.push_back(life);
  return holder;
}

std::string silence_reason(const Evidence& e, bool lost) {
  if (e.failed()) return e.source + ": " + (e.failure->reason.empty() ? std::string("the channel failed") : e.failure->reason);
  if (e.open()) return e.source + ": connected, but answers nothing";
  return e.source + ": silent for over " + format_duration(lost ? e.lease.lost_after : e.lease.suspect_after);
}

/// The two youngest questions may still be answered.
constexpr int kAsksInFlight = 2;

/// A message over TCP arrives unless its end is dead or the path is down; measured loss says nothing about it.
constexpr double kOpenLoss = 0.02;

}  // namespace

Weight weigh(const Evidence& e, Instant since, const Waits& waits, Instant now) {
  Weight out;
  if (e.lease.interval <= Duration{0}) return out;
  const Instant from = std::max(e.last_heard, since);
  const double asked = std::max(0, e.asked - kAsksInFlight);
  if (e.open()) {
    if (e.answers() && e.asked_at != Instant::never()) out.sum = asked * -std::log(kOpenLoss);
    return out;
  }
  // A question is lost if either way is, one that a helper put if any of its four ways is (the helper's two are known good
  // only when it reports, so this is on the safe side).
  const double loss = e.loss.loss();
  const auto in_vain = [&](int ways) { return -std::log(1 - std::pow(1 - loss, ways)); };
  out.missed = static_cast<std::uint32_t>(std::clamp<std::int64_t>(waits.listening.between(from, now) / e.lease.interval, 0, INT32_MAX));
  out.sum = out.missed * -std::log(loss) + asked * in_vain(2) + e.asked_by_helpers * in_vain(4);
  return out;
}

namespace {

/// Silence of the whole agent: the sum over channels that were speaking when it began, its floor, and when either may be
/// enough. A channel that had long been mute while others showed life proves nothing by going on so.
void weigh_all(Verdict& verdict, const Case& subject, const RegistrySettings& settings, const Waits& waits, Instant now, Instant& enough_at) {
  Duration interval{};
  for (const Considered& c : verdict.considered) {
    const Evidence& e = *c.evidence;
    if (e.lease.interval <= Duration{0} || (e.failed() && e.failure->kind != ObservationKind::doubt)) continue;
    if (e.last_heard + 3 * e.lease.interval < verdict.heard) continue;
    if (e.open() && !(e.answers() && e.asked_at != Instant::never())) continue;
    interval = std::max(interval, e.lease.interval);
    verdict.evidence += weigh(e, subject.window_from, waits, now).sum;
  }
  if (interval == Duration{0}) return;
  const DetectorSettings& d = settings.detector;
  verdict.floor = std::max(d.floor_intervals * interval, std::min(d.floor_intervals_max * interval, 3 * subject.longest_silence));
  enough_at = waits.after(std::max(verdict.heard, subject.window_from), verdict.floor);
  if (now >= enough_at && verdict.evidence < d.evidence_needed) enough_at = now + interval;  // the next message that may be missed
}

}  // namespace

Verdict judge(const Case& subject, const RegistrySettings& settings, const Waits& waits, Instant now) {
  Verdict verdict;
  const Duration veto = settings.detector.tether_veto;
  std::vector<Considered> all;
  all.reserve(subject.evidence.size());
  for (const Evidence* e : subject.evidence) {
    Duration beside{};
    for (const Evidence* other : subject.evidence)
      if (other != e && other->speaks() && (other->incarnation == e->incarnation || other->incarnation == 0 || e->incarnation == 0) && other->last_heard != Instant::min())
        beside = std::max(beside, other->lease.interval);
    all.push_back({e, now < e->alive_until(waits, beside), beside});
  }
  std::vector<Considered> common;
  const std::vector<Life> lives = lives_of(all, now, common);
  std::vector<const Life*> contenders;
  const Life* holder = choose(lives, contenders);
  verdict.considered = common;
  if (holder != nullptr) {
    verdict.incarnation = holder->incarnation;
    verdict.considered.insert(verdict.considered.end(), holder->evidence.begin(), holder->evidence.end());
  }
  verdict.conflict = !contenders.empty();
  for (const Life* life : contenders) {
    for (const Considered& c : life->evidence) verdict.contenders.push_back(life->voice.empty() || !c.evidence->speaks() ? place_of(*c.evidence) : place_of_voice(*c.evidence));
  }
  std::sort(verdict.contenders.begin(), verdict.contenders.end());
  verdict.contenders.erase(std::unique(verdict.contenders.begin(), verdict.contenders.end()), verdict.contenders.end());

  const auto later = [&](Instant t) {
    if (t > now) verdict.next_check = std::min(verdict.next_check, t);
  };
  const Evidence* last_lost = nullptr;   // the channel whose end comes last
  Instant lost_at = Instant::min();
  bool fresh = false;
  const Evidence* goodbye = nullptr;
  Instant ask_from = Instant::min();
  bool askable = false;
  for (const Considered& c : all) later(c.evidence->alive_until(waits, c.beside));
  for (const Life& life : lives) later(life.first_heard + kOverlap + Duration{1});  // an open channel of an older life counts from then on
  for (const Considered& c : verdict.considered) {
    const Evidence* e = c.evidence;
    const Instant until = e->lost_at(waits, c.beside, subject.window_from, veto);
    later(until);
    if (e->failed() && e->failure->kind == ObservationKind::goodbye) {
      if (goodbye == nullptr || goodbye->failure->stamp.at < e->failure->stamp.at) goodbye = e;
      continue;
    }
    verdict.heard = std::max(verdict.heard, e->heard_until(now, c.beside));
    fresh = fresh || c.fresh;
    if (last_lost == nullptr || lost_at < until) last_lost = e, lost_at = until;
    if (e->failed()) continue;
    const bool answers_when_open = e->open() && e->answers();
    const bool only_answers = !e->open() && !e->speaks() && e->answers() && c.beside > Duration{0};
    if (e->speaks() || answers_when_open || only_answers) {
      askable = true;
      const Duration interval = only_answers ? c.beside : e->lease.interval;
      ask_from = std::max(ask_from, waits.listening.after(e->last_heard, 2 * interval));  // asking is never too early
    } else if (!(e->open() && c.beside > Duration{0})) {
      ask_from = std::max(ask_from, e->alive_until(waits, c.beside));
    }
  }
  if (askable) verdict.ask_from = ask_from;

  if (goodbye != nullptr) {
    const Instant end = goodbye->failure->stamp.at + settings.goodbye_slack;
    if (verdict.heard <= end) {
      later(end + Duration{1});  // an open channel that outlives the slack brings the agent back
      verdict.liveness = Liveness::left;
      verdict.reason = goodbye->failure->reason.empty() ? "said goodbye" : "said goodbye: " + goodbye->failure->reason;
      return verdict;
    }
  }
  const bool death_stands = subject.death.at != Instant::min() && verdict.heard <= subject.death.at && (goodbye == nullptr || goodbye->last_heard <= subject.death.at) &&
                            (subject.death.incarnation == 0 || verdict.incarnation == 0 || subject.death.incarnation >= verdict.incarnation);
  if (death_stands) {
    verdict.liveness = Liveness::lost;
    verdict.reason = subject.death.reason;
    return verdict;
  }
  if (fresh) {
    verdict.liveness = Liveness::alive;
    return verdict;
  }
  if (last_lost != nullptr) {
    verdict.by_silence = !last_lost->failed() || last_lost->failure->kind == ObservationKind::doubt;
    verdict.doubted = last_lost->failed() && last_lost->failure->kind == ObservationKind::doubt;
    if (verdict.by_silence) {
      Instant enough_at = Instant::min();
      weigh_all(verdict, subject, settings, waits, now, enough_at);
      lost_at = std::max(lost_at, enough_at);
      later(lost_at);
    }
    verdict.liveness = now < lost_at ? Liveness::suspect : Liveness::lost;
    verdict.reason = silence_reason(*last_lost, verdict.liveness == Liveness::lost);
    return verdict;
  }
  if (subject.restored && subject.restored_as == Liveness::unconfirmed) {
    // Silence after our own restart is silence like any other: first doubted, then, if nobody of many is heard, held by the guard.
    const Instant doubt_at = waits.after(subject.restored_until, Duration{0});
    const Instant end = std::max(waits.after(doubt_at, Lease{}.lost_after), waits.after(subject.window_from, Lease{}.lost_after));
    later(doubt_at);
    later(end);
    verdict.liveness = now < doubt_at ? Liveness::unconfirmed : now < end ? Liveness::suspect : Liveness::lost;
    verdict.by_silence = verdict.liveness != Liveness::unconfirmed;
    verdict.reason = verdict.by_silence ? "not heard since the registry restarted" : "known from before the registry restarted";
    return verdict;
  }
  verdict.liveness = subject.restored ? subject.restored_as : Liveness::lost;
  verdict.reason = subject.restored ? subject.restored_reason : "nothing is known of it any more";
  return verdict;
}

}  // namespace choregos::registry
