#include "choregos/record/story.hpp"

#include <algorithm>

namespace choregos::record {
namespace {

/// Who is not heard for so many intervals has stopped beating; shorter gaps are losses, of which a story tells nothing.
constexpr int kHushIntervals = 3;

/// A value as a story takes it: no blanks but within quotes, and no quotes.
std::string value(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '"' || c == '\n' || c == '\r' || c == '\t'; }, '\'');
  return text.find(' ') == std::string::npos ? text : '"' + text + '"';
}

std::string options(const Observation& o) {
  std::string out;
  const auto say = [&](const char* key, const std::string& text) {
    if (!text.empty()) out += " " + std::string(key) + "=" + value(text);
  };
  if (o.claims) {
    if (o.claims->status) say("status", std::string(to_string(*o.claims->status)));
    if (o.claims->capabilities) {
      std::string does;
      for (const auto& word : *o.claims->capabilities) does += (does.empty() ? "" : ",") + word;
      say("does", does);
    }
    if (o.claims->node) say("node", *o.claims->node);
    if (o.claims->endpoint) say("endpoint", *o.claims->endpoint);
  }
  if (o.names.task) say("task", o.names.task->name());
  if (o.names.proven) say("proven", "yes");
  if (o.names.behind_balancer) say("vip", "yes");
  if (o.draining) say("draining", "yes");
  if (o.from) say("from", to_string(*o.from));
  return out;
}

}  // namespace

void Story::take(const wire::RecordingLine& line) {
  const auto come = [&](Instant at) {
    if (first_ == Instant::min()) first_ = at;
    last_ = at;
    hush_silent(at);
  };
  if (const auto* o = std::get_if<wire::RecordedObservation>(&line)) {
    come(o->at);
    observe(o->observation, o->at);
  } else if (const auto* s = std::get_if<wire::RecordedSign>(&line)) {
    come(s->at);
    sign(s->sign, s->at);
  } else if (const auto* t = std::get_if<wire::RecordedTick>(&line)) {
    come(t->at);
  } else if (const auto* r = std::get_if<wire::RecordedRestored>(&line)) {
    come(r->at);
    ++left_out_;
  }
}

void Story::observe(const Observation& o, Instant at) {
  if (o.kind == ObservationKind::asked || o.kind == ObservationKind::unanswered || o.answer) return;
  const std::string about = o.kind == ObservationKind::heard ? options(o) : o.reason.empty() ? std::string() : " reason=" + value(o.reason);
  const std::string inc = o.incarnation == 0 ? std::string() : " inc=" + std::to_string(o.incarnation);
  const bool heard = o.kind == ObservationKind::heard;
  if (o.kind == ObservationKind::goodbye && !o.names.id.empty()) {
    beats_.erase(o.names.id);
    return tell(at, "goodbye " + o.names.id + inc + about);
  }
  if (heard && o.lease.interval > Duration{0} && !o.lease.open() && !o.names.id.empty()) return beacon(o, at);
  if (o.names.task && o.kind == ObservationKind::dead) return tell(at, "task " + o.names.task->name() + " died" + about);
  if (o.names.address && o.names.id.empty() == (o.source == "http_probe") && o.kind != ObservationKind::dead)
    return tell(at, "probe " + to_string(*o.names.address) + (heard ? "" : o.kind == ObservationKind::doubt ? " fails" : " refuses") + about);
  if (o.names.address && o.source == "http_probe" && heard) return tell(at, "probe " + to_string(*o.names.address) + " id=" + o.names.id + inc + about);
  if (!o.names.id.empty() && heard && !o.lease.open()) return tell(at, "renew " + o.names.id + inc + about);
  if (!o.names.id.empty()) return tell(at, "tether " + o.names.id + (heard ? " opens" : o.kind == ObservationKind::doubt ? " breaks" : " refuses") + inc + about);
  ++left_out_;
}

void Story::beacon(const Observation& o, Instant at) {
  const std::string says = options(o);
  const auto found = beats_.find(o.names.id);
  const bool anew = found == beats_.end() || found->second.incarnation != o.incarnation || (o.claims && o.claims->status && found->second.says != says && !says.empty());
  if (anew) tell(at, "beat " + o.names.id + (o.incarnation == 0 ? "" : " inc=" + std::to_string(o.incarnation)) + says);
  Beat& beat = beats_[o.names.id];
  beat.last = at;
  beat.interval = o.lease.interval;
  beat.incarnation = o.incarnation;
  if (anew) beat.says = says;
}

void Story::sign(const Sign& sign, Instant at) {
  if (sign.kind == SignKind::listened) {
    if (!std::exchange(listens_, true)) tell(at, "listen");
    return;
  }
  // Heard each second; news only after it was not.
  if (sign.kind == SignKind::canary_heard && !std::exchange(canary_lost_, false)) return;
  if (sign.kind == SignKind::canary_lost) canary_lost_ = true;
  tell(at, "sign " + std::string(to_string(sign.kind)) + (sign.subject.empty() ? "" : " " + sign.subject));
}

void Story::hush_silent(Instant now) {
  if (looked_ != Instant::min() && now < looked_ + 100ms) return;
  looked_ = now;
  for (auto it = beats_.begin(); it != beats_.end();) {
    const Instant end = it->second.last + kHushIntervals * it->second.interval;
    if (end >= now) {
      ++it;
      continue;
    }
    // It spoke last then; in the story the silence begins at the same time.
    tell(it->second.last + Duration{1ms}, "hush " + it->first);
    it = beats_.erase(it);
  }
}

std::string Story::text() const {
  auto commands = commands_;
  std::stable_sort(commands.begin(), commands.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out = "# Told from a recording. Let it be told to its end with choregos-scenario --rewrite, then say here what it shows.\n";
  if (left_out_ > 0) out += "# Left out: " + std::to_string(left_out_) + " inputs for which stories have no command, such as agents known from before a restart.\n";
  Instant now = first_;
  const auto advance = [&](Instant to) {
    const auto step = std::chrono::duration_cast<std::chrono::milliseconds>(to - now);
    if (step <= std::chrono::milliseconds(0)) return;
    out += "advance " + format_duration(step) + "\n";
    now = now + step;
  };
  out += "\n";
  for (const auto& [at, command] : commands) {
    advance(at);
    out += command + "\n";
  }
  advance(last_);
  out += "show\n----\n";
  return out;
}

}  // namespace choregos::record
