#include <algorithm>
#include <cmath>

#include "choregos/registry/derive.hpp"
#include "choregos/registry/registry_impl.hpp"

namespace choregos {

using registry::Considered;

namespace {

/// Questions in vain before others are asked to help: one whom only they reach is heard before it is suspect.
constexpr int kAskedBeforeHelpers = 4;

bool is_askable(const Considered& c) {
  const auto& e = *c.evidence;
  return !e.failed() && (e.speaks() || (e.answers() && (e.open() || c.beside > Duration{0})));
}

}  // namespace

/// Puts questions to a quiet agent: eight an interval until its silence weighs enough, then four an interval until it is lost; from
/// the fifth on each time one more by way of a helper. Returns when to come back; never when there is nobody to ask.
Instant Registry::Impl::ask(Slot slot, const Verdict& verdict, Instant now) {
  if (!settings_.detector.ask || verdict.ask_from == Instant::never()) return Instant::never();
  if (verdict.liveness != Liveness::alive && verdict.liveness != Liveness::suspect) return Instant::never();
  if (now < verdict.ask_from) return verdict.ask_from;
  Entry& entry = entries_[slot];
  if (entry.ask_next == Instant::min()) entry.ask_next = verdict.ask_from;
  if (now < entry.ask_next) return entry.ask_next;

  Duration interval{};
  for (const Considered& c : verdict.considered)
    if (is_askable(c)) interval = std::max({interval, c.evidence->lease.interval, c.evidence->speaks() || c.evidence->open() ? Duration{0} : c.beside});
  const bool suspect = verdict.liveness == Liveness::suspect;
  const bool held = suspect && guard_.mode() != Mode::normal && !guard_.holders(slot).empty();
  // From when it was due, not from now: the horizon moves in steps, and questions must not become fewer for that.
  const bool enough = verdict.evidence >= settings_.detector.evidence_needed;
  const Duration step = held ? interval : suspect && enough ? interval / 4 : interval / 8;
  entry.ask_next = std::max(entry.ask_next, now - interval) + step;

  const double per_second = settings_.detector.asks_per_second;
  if (ask_tokens_at_ == Instant::min()) ask_tokens_ = per_second;
  else ask_tokens_ = std::min(per_second, ask_tokens_ + per_second * std::chrono::duration<double>(now - ask_tokens_at_).count());
  ask_tokens_at_ = now;
  for (const Considered& c : verdict.considered) {
    if (!is_askable(c) || ask_tokens_ < 1) continue;
    ask_tokens_ -= 1;
    asks_.push_back({c.evidence->source, c.evidence->subject, entry.id, c.evidence->incarnation, {}});
    if (!c.evidence->speaks() || ask_tokens_ < 1 || (!suspect && c.evidence->asked < kAskedBeforeHelpers)) continue;
    const Slot helper = find_helper(slot);
    if (helper == kNoSlot) continue;
    ask_tokens_ -= 1;
    asks_.push_back({c.evidence->source, c.evidence->subject, entry.id, c.evidence->incarnation, {entries_[helper].id}});
  }
  return entry.ask_next;
}

/// An agent that is alive and speaks itself, rather one of another subnet: its path is more likely to be another one.
registry::Slot Registry::Impl::find_helper(Slot asked) {
  constexpr int kTries = 8;
  const auto path_of = [&](Slot slot) -> const Evidence* {
    const Entry& entry = entries_[slot];
    const auto speaking = std::find_if(entry.evidence.begin(), entry.evidence.end(), [](const Evidence& e) { return e.speaks() && !e.failed(); });
    return speaking == entry.evidence.end() ? nullptr : &*speaking;
  };
  const auto same_subnet = [](const Evidence& a, const Evidence& b) {
    if (!a.from || !b.from) return true;
    const std::size_t bytes = a.from->is_v4() && b.from->is_v4() ? 15 : 8;
    return std::equal(a.from->bytes.begin(), a.from->bytes.begin() + static_cast<std::ptrdiff_t>(bytes), b.from->bytes.begin());
  };
  const Evidence* own = path_of(asked);
  Slot found = kNoSlot;
  for (int i = 0; i < kTries; ++i) {
    const auto slot = static_cast<Slot>(rng_.below(entries_.size()));
    const AgentRecordPtr record = slot == asked || entries_[slot].id.empty() ? nullptr : find(entries_[slot].id);
    if (!record || record->agent.id != entries_[slot].id || record->agent.liveness != Liveness::alive) continue;
    const Evidence* path = path_of(slot);
    if (path == nullptr) continue;
    if (own != nullptr && !same_subnet(*own, *path)) return slot;
    found = slot;
  }
  return found;
}

// ---- why --------------------------------------------------------------------------------------------------------------

namespace {

std::string seconds(Duration d) {
  const double s = std::chrono::duration<double>(std::max(d, Duration{0})).count();
  char text[32];
  std::snprintf(text, sizeof text, s < 100 ? "%.1f s" : "%.0f s", s);
  return text;
}

std::string says_of(const Considered& c, Instant now) {
  const auto& e = *c.evidence;
  if (e.failed()) return e.failure->kind == ObservationKind::doubt ? "failing" : std::string(to_string(e.failure->kind));
  if (e.last_heard == Instant::min()) return "never heard";
  if (e.open() && e.answers() && e.asked_at != Instant::never()) return "open, asked in vain";
  if (e.open()) return c.fresh ? "open" : "open, but silent";
  if (!c.fresh) return "silent";
  return e.speaks() && e.last_heard + 2 * e.lease.interval <= now ? "quiet" : "alive";
}

}  // namespace

std::optional<Explanation> Registry::Impl::explain(std::string_view name, Instant now_here) const {
  const Slot slot = listing_.find(name);
  if (slot == kNoSlot || !listing_.at(slot)) return std::nullopt;
  const Agent& agent = listing_.at(slot)->agent;
  const Entry& entry = entries_[slot];
  const Instant now = listening_.horizon(now_here);
  const registry::Waits w = waits(now_here);
  const registry::Case subject = case_of(entry, now_here);
  const Verdict verdict = registry::judge(subject, settings_, w, now);

  Explanation out;
  out.id = agent.id;
  out.liveness = agent.liveness;
  out.reason = agent.reason;
  out.silence = verdict.heard == Instant::min() ? Duration{0} : listening_.between(std::max(verdict.heard, entry.window_from), now);
  out.evidence = verdict.evidence;
  out.evidence_needed = verdict.floor > Duration{0} || verdict.ask_from != Instant::never() ? settings_.detector.evidence_needed : 0;
  out.longest_silence = subject.longest_silence;
  out.stretch = w.stretch;
  out.held_by = guard_.holders(slot);
  if (agent.liveness == Liveness::unconfirmed) out.held_by.push_back("we restarted: " + seconds(entry.restored_until - now) + " of grace are left");
  if (w.stretch > 1) out.held_by.push_back("our own health: waits are stretched, " + health_.reason(now_here));

  Instant lost_at = Instant::min(), alive_until = Instant::min();
  const auto add = [&](const Considered& c, bool counts) {
    const auto& e = *c.evidence;
    ChannelEvidence channel;
    channel.source = e.source;
    channel.subject = e.subject;
    channel.incarnation = e.incarnation;
    channel.says = says_of(c, now);
    channel.counts = counts;
    if (e.last_heard != Instant::min()) channel.age = now_here - e.last_heard;
    const Instant until = e.alive_until(w, c.beside);
    channel.alive_for = until == Instant::never() ? Duration::max() : until > now ? until - now : Duration{0};
    if (e.speaks()) channel.loss = e.loss.loss();
    const registry::Weight weight = registry::weigh(e, entry.window_from, w, now);
    channel.missed = weight.missed;
    channel.weight = weight.sum;
    channel.asked = e.asked;
    channel.asked_by_helpers = e.asked_by_helpers;
    if (e.failed()) channel.detail = e.failure->reason;
    if (counts) {
      alive_until = std::max(alive_until, until);
      lost_at = std::max(lost_at, e.lost_at(w, c.beside, entry.window_from, settings_.detector.tether_veto));
      out.silence_needed = std::max(out.silence_needed, e.open() ? Duration{0} : e.lease.lost_after);
    }
    out.channels.push_back(std::move(channel));
  };
  for (const Considered& c : verdict.considered) add(c, true);
  for (const Evidence* e : subject.evidence)
    if (std::none_of(verdict.considered.begin(), verdict.considered.end(), [&](const Considered& c) { return c.evidence == e; }))
      add({e, now < e->alive_until(w, Duration{0}), Duration{0}}, false);
  std::sort(out.channels.begin(), out.channels.end(), [](const ChannelEvidence& a, const ChannelEvidence& b) {
    return std::tie(b.counts, a.source, a.subject, b.incarnation) < std::tie(a.counts, b.source, b.subject, a.incarnation);
  });
  out.silence_needed = std::max(out.silence_needed, verdict.floor);
  registry::explain_fields(out.fields, verdict, entry.before ? &*entry.before : nullptr, agent, now_here);

  switch (agent.liveness) {
    case Liveness::alive:
      if (alive_until == Instant::never()) {
        out.would_change.push_back("suspect at once when its connection breaks or stops answering, lost when its port then refuses twice");
      } else {
        out.would_change.push_back("suspect in " + seconds(alive_until - now) + " unless it is heard");
      }
      break;
    case Liveness::suspect:
      if (!out.held_by.empty() && !guard_.holders(slot).empty()) {
        out.would_change.push_back("not lost by silence while " + out.held_by.front());
      } else if (lost_at > now && lost_at != Instant::never()) {
        out.would_change.push_back("lost in " + seconds(std::max(lost_at, verdict.next_check) - now) + " at the earliest unless it is heard");
      } else if (verdict.evidence < out.evidence_needed) {
        out.would_change.push_back("lost once the evidence reaches " + std::to_string(static_cast<int>(std::ceil(out.evidence_needed))) + ": more messages missed or questions in vain");
      }
      out.would_change.push_back("alive at once when it is heard on any channel");
      break;
    case Liveness::lost:
    case Liveness::left:
      out.would_change.push_back("forgotten in " + seconds(entry.liveness_at + settings_.forget_after - now_here) + "; alive at once when it is heard");
      break;
    case Liveness::unconfirmed: out.would_change.push_back("alive when it is heard; suspect in " + seconds(entry.restored_until - now) + " otherwise"); break;
  }
  return out;
}

}  // namespace choregos
