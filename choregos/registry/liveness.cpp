#include "choregos/registry/liveness.hpp"

#include <algorithm>

namespace choregos::registry {
namespace {

/// Messages this much older than a newer life's first one may have been on their way when the older life ended.
constexpr Duration kOverlap = 1s;

/// One life that claims the id: an incarnation, or an address when nobody says incarnations.
struct Life {
  std::uint64_t incarnation = 0;
  std::string place;
  Instant first_heard = Instant::never();
  Instant last_heard = Instant::min();
  bool fresh = false;
  std::vector<const Evidence*> evidence;
};

std::string place_of(const Evidence& e) {
  if (e.names.address && !e.names.behind_balancer) return to_string(*e.names.address);
  return e.incarnation != 0 ? e.source + " incarnation " + std::to_string(e.incarnation) : std::string();
}

/// Evidence grouped by life; evidence that fits every life goes to `common`.
std::vector<Life> lives_of(const Case& subject, Instant now, std::vector<const Evidence*>& common) {
  const bool by_incarnation = std::any_of(subject.evidence.begin(), subject.evidence.end(), [](const Evidence* e) { return e->incarnation != 0; });
  std::vector<Life> lives;
  for (const Evidence* e : subject.evidence) {
    std::string place = place_of(*e);
    const bool bound = by_incarnation ? e->incarnation != 0 : !e->names.id.empty() && !place.empty();
    if (!bound) {
      common.push_back(e);
      continue;
    }
    const auto same = [&](const Life& life) { return by_incarnation ? life.incarnation == e->incarnation : life.place == place; };
    auto life = std::find_if(lives.begin(), lives.end(), same);
    if (life == lives.end()) life = lives.insert(lives.end(), Life{e->incarnation, place, Instant::never(), Instant::min(), false, {}});
    life->first_heard = std::min(life->first_heard, e->first_heard);
    life->last_heard = std::max(life->last_heard, e->heard_until(now));
    life->fresh = life->fresh || e->fresh(now);
    life->evidence.push_back(e);
  }
  return lives;
}

/// The life that holds the id, and those that contend for it.
const Life* choose(const std::vector<Life>& lives, std::vector<const Life*>& contenders) {
  if (lives.empty()) return nullptr;
  const bool by_incarnation = lives.front().incarnation != 0;
  const Life* newest = &*std::max_element(lives.begin(), lives.end(), [&](const Life& a, const Life& b) {
    return by_incarnation ? a.incarnation < b.incarnation : a.last_heard < b.last_heard;
  });
  std::vector<const Life*> living;
  for (const Life& life : lives) {
    const bool overlaps = by_incarnation ? &life == newest || life.last_heard > newest->first_heard + kOverlap : true;
    if (life.fresh && overlaps) living.push_back(&life);
  }
  if (living.empty()) return newest;
  const Life* holder = *std::min_element(living.begin(), living.end(), [](const Life* a, const Life* b) {
    return a->first_heard != b->first_heard ? a->first_heard < b->first_heard : a->incarnation != b->incarnation ? a->incarnation < b->incarnation : a->place < b->place;
  });
  for (const Life* life : living)
    if (life != holder) contenders.push_back(life);
  return holder;
}

std::string silence_reason(const Evidence& e, bool lost) {
  if (e.failed()) return e.source + ": " + (e.failure->reason.empty() ? std::string("the channel failed") : e.failure->reason);
  return e.source + ": silent for over " + format_duration(lost ? e.lease.lost_after : e.lease.suspect_after);
}

}  // namespace

Verdict judge(const Case& subject, const RegistrySettings& settings, Instant now) {
  Verdict verdict;
  std::vector<const Evidence*> common;
  const std::vector<Life> lives = lives_of(subject, now, common);
  std::vector<const Life*> contenders;
  const Life* holder = choose(lives, contenders);
  verdict.considered = common;
  if (holder != nullptr) {
    verdict.incarnation = holder->incarnation;
    verdict.considered.insert(verdict.considered.end(), holder->evidence.begin(), holder->evidence.end());
  }
  verdict.conflict = !contenders.empty();
  for (const Life* life : contenders) {
    for (const Evidence* e : life->evidence) verdict.contenders.push_back(place_of(*e));
  }
  std::sort(verdict.contenders.begin(), verdict.contenders.end());
  verdict.contenders.erase(std::unique(verdict.contenders.begin(), verdict.contenders.end()), verdict.contenders.end());

  const auto later = [&](Instant t) {
    if (t > now) verdict.next_check = std::min(verdict.next_check, t);
  };
  Instant heard = Instant::min();
  const Evidence* last_fresh = nullptr;   // keeps it alive
  const Evidence* last_lost = nullptr;    // the channel whose end comes last
  const Evidence* goodbye = nullptr;
  for (const Evidence* e : subject.evidence) later(e->alive_until());
  for (const Life& life : lives) later(life.first_heard + kOverlap + Duration{1});  // an open channel of an older life counts from then on
  for (const Evidence* e : verdict.considered) {
    later(e->lost_at());
    if (e->failed() && e->failure->kind == ObservationKind::goodbye) {
      if (goodbye == nullptr || goodbye->failure->stamp.at < e->failure->stamp.at) goodbye = e;
      continue;
    }
    heard = std::max(heard, e->heard_until(now));
    if (e->fresh(now) && (last_fresh == nullptr || last_fresh->alive_until() < e->alive_until())) last_fresh = e;
    if (last_lost == nullptr || last_lost->lost_at() < e->lost_at()) last_lost = e;
  }

  if (goodbye != nullptr) {
    const Instant end = goodbye->failure->stamp.at + settings.goodbye_slack;
    if (heard <= end) {
      later(end + Duration{1});  // an open channel that outlives the slack brings the agent back
      verdict.liveness = Liveness::left;
      verdict.reason = goodbye->failure->reason.empty() ? "said goodbye" : "said goodbye: " + goodbye->failure->reason;
      return verdict;
    }
  }
  const bool death_stands = subject.death.at != Instant::min() && heard <= subject.death.at && (goodbye == nullptr || goodbye->last_heard <= subject.death.at) &&
                            (subject.death.incarnation == 0 || verdict.incarnation == 0 || subject.death.incarnation >= verdict.incarnation);
  if (death_stands) {
    verdict.liveness = Liveness::lost;
    verdict.reason = subject.death.reason;
    return verdict;
  }
  if (last_fresh != nullptr) {
    verdict.liveness = Liveness::alive;
    return verdict;
  }
  if (last_lost != nullptr) {
    verdict.liveness = now < last_lost->lost_at() ? Liveness::suspect : Liveness::lost;
    verdict.reason = silence_reason(*last_lost, verdict.liveness == Liveness::lost);
    return verdict;
  }
  if (subject.restored && subject.restored_as == Liveness::unconfirmed) {
    later(subject.restored_until);
    verdict.liveness = now < subject.restored_until ? Liveness::unconfirmed : Liveness::lost;
    verdict.reason = verdict.liveness == Liveness::lost ? "not heard since the registry restarted" : "known from before the registry restarted";
    return verdict;
  }
  verdict.liveness = subject.restored ? subject.restored_as : Liveness::lost;
  verdict.reason = subject.restored ? subject.restored_reason : "nothing is known of it any more";
  return verdict;
}

}  // namespace choregos::registry
