#include "tests/timeline/story.hpp"

#include <algorithm>

namespace choregos::timeline {
namespace {

constexpr Duration kStep = 125ms;
constexpr Instant kZero{1'000'000'000'000};

double seconds(Instant t) { return static_cast<double>((t - kZero).count()) / 1e9; }

/// Agents in rows, driven step by step. Each beacon, question and answer is lost with the given chance.
class Stage {
 public:
  Stage(int agents, double loss, bool tethered) : registry_({}, Revision{1, 0}), rng_(11), loss_(loss), tethered_(tethered), up_(static_cast<std::size_t>(agents), true), cut_(up_.size(), false) {
    for (int i = 0; i < agents; ++i) rows_.push_back({name(i), {}, {}});
  }
  static std::string name(int i) { return "agent-" + std::to_string(i + 1); }

  /// Runs from `from` to `to`, both in seconds; `at` is called at every step before anything else.
  void run(double from, double to, const std::function<void(double)>& at) {
    from_ = from;
    now_ = kZero + Duration{static_cast<std::int64_t>((from - 90) * 1e9)};  // a minute and a half of quiet life before the picture
    for (const Instant end = kZero + Duration{static_cast<std::int64_t>(to * 1e9)}; now_ <= end; now_ = now_ + kStep, ++steps_) {
      if (seconds(now_) >= from) at(seconds(now_));
      if (steps_ % 8 == 0) beat();
      registry_.tick(now_, {}, changes_);
      ask();
      look();
    }
  }
  void kill(int i) {
    up_[static_cast<std::size_t>(i)] = false;
    if (!tethered_) return;
    say(i, ObservationKind::doubt, "the tether closed");
    refused_at_ = now_ + 250ms;
  }
  void cut(int i, bool cut) { cut_[static_cast<std::size_t>(i)] = cut; }
  Picture picture(std::string file, std::string title, double to) {
    Picture out;
    out.file = std::move(file);
    out.title = std::move(title);
    out.from = from_;
    out.to = to;
    out.rows = std::move(rows_);
    out.evidence = std::move(evidence_);
    out.modes = std::move(modes_);
    return out;
  }

 private:
  bool heard_through(int i) { return up_[static_cast<std::size_t>(i)] && !cut_[static_cast<std::size_t>(i)] && !rng_.chance(loss_); }
  Observation about(int i) const {
    Observation o;
    o.source = "beacon";
    o.subject = o.names.id = name(i);
    o.incarnation = 1;
    o.heard_at = now_;
    o.lease = {3050ms, 10s, 1s};
    o.from = IpAddress::v4(10, 0, static_cast<std::uint8_t>(i < 4 ? 1 : 2), static_cast<std::uint8_t>(i + 1));
    o.claims = Claims{};
    o.claims->node = i < 4 ? "worker-1" : "worker-2";
    return o;
  }
  void say(int i, ObservationKind kind, std::string reason) {
    Observation o = about(i);
    o.source = "registration";
    o.kind = kind;
    o.lease = kind == ObservationKind::heard ? kOpenLease : Lease{};
    o.reason = std::move(reason);
    if (registry_.apply(o, now_, {}, changes_)) return;
  }
  void beat() {
    ++sequence_;
    for (int i = 0; i < static_cast<int>(up_.size()); ++i) {
      if (tethered_ && sequence_ == 1) say(i, ObservationKind::heard, "");
      if (!up_[static_cast<std::size_t>(i)]) continue;
      const bool heard = heard_through(i);
      mark(i, heard ? "heard" : "missed");
      if (!heard) continue;
      Observation o = about(i);
      o.sequence = sequence_;
      (void)registry_.apply(o, now_, {}, changes_);
    }
    if (tethered_ && now_ >= refused_at_) {
      refused_at_ = Instant::never();
      say(0, ObservationKind::dead, "its connection broke and was then refused twice");
    }
  }
  /// Puts the registry's questions: answered at once, or in vain.
  void ask() {
    if (tethered_ && now_ >= refused_at_) {
      refused_at_ = Instant::never();
      say(0, ObservationKind::dead, "its connection broke and was then refused twice");
    }
    for (const Ask& ask : registry_.take_asks()) {
      const int i = std::stoi(ask.id.substr(6)) - 1;
      if (ask.source != "beacon" || !ask.helpers.empty()) continue;
      Observation o = about(i);
      o.claims.reset();
      o.kind = ObservationKind::asked;
      (void)registry_.apply(o, now_, {}, changes_);
      const bool answered = heard_through(i) && heard_through(i);
      mark(i, answered ? "heard" : "asked");
      if (!answered) continue;
      o.kind = ObservationKind::heard;
      o.answer = true;
      (void)registry_.apply(o, now_, {}, changes_);
    }
  }
  void mark(int i, const char* kind) {
    if (seconds(now_) >= from_) rows_[static_cast<std::size_t>(i)].marks.push_back({seconds(now_), kind, ""});
  }
  /// Notes what is believed now.
  void look() {
    const double t = seconds(now_);
    if (t < from_) return;
    for (Row& row : rows_) {
      const AgentRecordPtr record = registry_.find(row.name);
      if (!record) continue;
      if (!row.spans.empty()) row.spans.back().to = t;
      if (row.spans.empty() || row.spans.back().liveness != record->agent.liveness) row.spans.push_back({t, t, record->agent.liveness});
    }
    const auto why = registry_.explain(rows_.front().name, now_);
    if (why && why->liveness != Liveness::lost) evidence_.push_back({t, why->liveness == Liveness::suspect ? why->evidence : 0});
    const GuardViewPtr guard = registry_.snapshot(now_, {})->guard();
    for (const DomainView& d : guard->domains) {
      const std::string name = d.name + (d.mode == Mode::frozen ? " frozen" : " draining");
      const auto known = std::find_if(modes_.begin(), modes_.end(), [&](const auto& m) { return m.second == name && m.first.to >= t - 0.2; });
      if (known == modes_.end()) modes_.push_back({{t, t, Liveness::suspect}, name});
      else known->first.to = t;
    }
  }

  Registry registry_;
  Rng rng_;
  double loss_;
  bool tethered_;
  std::vector<bool> up_, cut_;
  std::vector<Row> rows_;
  std::vector<Change> changes_;
  std::vector<Point> evidence_;
  std::vector<std::pair<Span, std::string>> modes_;
  Instant now_, refused_at_ = Instant::never();
  double from_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace

Picture one_dies(bool tethered, double loss) {
  Stage stage(1, loss, tethered);
  stage.run(-3, tethered ? 3 : 15, [&, killed = false](double t) mutable {
    if (t >= 0.3 && !killed) killed = true, stage.kill(0);
  });
  Picture out = tethered ? stage.picture("killed_with_tether", "Killed while it holds a tether", 3)
                         : stage.picture(loss == 0 ? "silent" : "silent_on_a_lossy_path", loss == 0 ? "Falls silent on a clean path" : "Falls silent on a path that loses 30 %", 15);
  out.events.push_back({0.3, "event", "dies"});
  if (tethered) out.evidence.clear();
  out.evidence_needed = tethered ? 0 : DetectorSettings{}.evidence_needed;
  return out;
}

Picture network_is_cut() {
  Stage stage(8, 0, false);
  stage.run(-5, 60, [&](double t) {
    for (int i = 0; i < 8; ++i) stage.cut(i, t >= 0 && t < 35);
    if (t >= 20) stage.kill(7);
  });
  Picture out = stage.picture("network_is_cut", "The registry's own network is cut for 35 s; one agent dies meanwhile", 60);
  out.evidence.clear();
  out.events = {{0, "event", "cut"}, {20, "event", "agent-8 dies"}, {35, "event", "healed"}};
  return out;
}

Picture node_is_powered_off() {
  Stage stage(8, 0, false);
  stage.run(-10, 90, [&](double t) {
    if (t >= 0)
      for (int i = 0; i < 4; ++i) stage.kill(i);
  });
  Picture out = stage.picture("node_is_powered_off", "A node with four of eight agents is powered off", 90);
  out.evidence.clear();
  out.events = {{0, "event", "worker-1 goes dark"}};
  return out;
}

std::vector<Picture> all() { return {one_dies(true, 0), one_dies(false, 0), one_dies(false, 0.3), network_is_cut(), node_is_powered_off()}; }

}  // namespace choregos::timeline
