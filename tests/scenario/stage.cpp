#include "tests/scenario/stage.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <utility>

namespace choregos::scenario {
namespace {

constexpr Duration kBeat = 1s;
constexpr Duration kAnswerTakes = 10ms;

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, at);) out.push_back(part);
  return out;
}

Error wrong(const std::string& what) { return fail(ErrorCode::invalid, what); }

/// What an update changed, of the fields that stories speak of.
std::string difference(const Agent& a, const Agent& b) {
  std::string out;
  const auto say = [&](const std::string& what) { out += (out.empty() ? "" : "; ") + what; };
  const auto moved = [&](const std::string& field, const std::string& was, const std::string& is) {
    if (was != is) say(field + " " + (was.empty() ? "-" : was) + " -> " + (is.empty() ? "-" : is));
  };
  const auto yes = [](bool value) { return std::string(value ? "yes" : "no"); };
  const auto maybe = [&](const std::optional<bool>& value) { return value ? yes(*value) : std::string("unknown"); };
  moved("status", std::string(to_string(a.status)), std::string(to_string(b.status)));
  moved("incarnation", std::to_string(a.incarnation), std::to_string(b.incarnation));
  moved("capabilities", joined(a.capabilities), joined(b.capabilities));
  moved("endpoint", a.endpoint, b.endpoint);
  moved("node", a.node, b.node);
  moved("heard by", joined(a.sources), joined(b.sources));
  moved("also", joined(a.aliases), joined(b.aliases));
  moved("known by", std::string(to_string(a.identity)), std::string(to_string(b.identity)));
  moved("reachable", maybe(a.reachable), maybe(b.reachable));
  moved("draining", yes(a.draining), yes(b.draining));
  moved("conflict", yes(a.conflict), yes(b.conflict));
  moved("contenders", joined(a.contenders), joined(b.contenders));
  moved("reason", a.reason, b.reason);
  return out.empty() ? "other fields" : out;
}

}  // namespace

Stage::Stage() : registry_(settings_, Revision{1, 0}) {}

Result<Stage::Words> Stage::cut_up(const std::string& line) {
  Words words;
  std::stringstream in(line);
  in >> words.verb;
  for (std::string word; in >> word;) {
    const auto equals = word.find('=');
    if (const auto dots = word.find(".."); equals == std::string::npos && dots != std::string::npos) {
      // a1..a9 is a1 a2 … a9
      const auto digits = word.find_first_of("0123456789");
      const std::string stem = word.substr(0, digits), end = word.substr(dots + 2 + stem.size());
      if (digits > dots || !word.substr(dots + 2).starts_with(stem)) return wrong("write a1..a9, not " + word);
      for (int i = std::stoi(word.substr(digits)); i <= std::stoi(end); ++i) words.names.push_back(stem + std::to_string(i));
    } else if (equals == std::string::npos) {
      words.names.push_back(word);
    } else {
      std::string value = word.substr(equals + 1);
      if (value.starts_with('"')) {  // the rest of a quoted value
        value.erase(0, 1);
        for (std::string more; !value.ends_with('"') && in >> more;) value += " " + more;
        if (!value.ends_with('"')) return wrong("the quote of " + word + " does not end");
        value.pop_back();
      }
      words.options[word.substr(0, equals)] = value;
    }
  }
  return words;
}

Result<std::vector<std::string>> Stage::run(const std::string& line) {
  lines_.clear();
  last_text_.clear();
  const auto words = cut_up(line);
  if (!words) return words.error();
  if (auto done = perform(*words); !done) return done.error();
  return lines_;
}

Result<void> Stage::perform(const Words& w) {
  const auto each = [&](const auto& act) -> Out {
    if (w.names.empty()) return wrong(w.verb + " needs the name of an agent");
    for (const auto& id : w.names)
      if (auto done = act(id); !done) return done;
    return {};
  };
  if (w.verb == "beacon") return each([&](const std::string& id) { return beacon(id, ObservationKind::heard, w); });
  if (w.verb == "goodbye") return each([&](const std::string& id) {
    actors_[id].beats = false;
    return beacon(id, ObservationKind::goodbye, w);
  });
  if (w.verb == "beat") return each([&](const std::string& id) {
    actors_[id].beats = true;
    actors_[id].next_beat = now_ + kBeat;
    actors_[id].says = w.options;
    return beacon(id, ObservationKind::heard, w);
  });
  if (w.verb == "hush") return each([&](const std::string& id) -> Out { return actors_[id].beats = false, Out{}; });
  if (w.verb == "cut") return each([&](const std::string& id) -> Out { return actors_[id].cut = true, Out{}; });
  if (w.verb == "unheard") return each([&](const std::string& id) -> Out { return actors_[id].unheard = true, Out{}; });
  if (w.verb == "heal") return each([&](const std::string& id) -> Out { return actors_[id].cut = actors_[id].unheard = false, Out{}; });
  if (w.verb == "reborn") return each([&](const std::string& id) {
    ++actors_[id].incarnation;
    actors_[id].sequence = 0;
    return beacon(id, ObservationKind::heard, w);
  });
  if (w.verb == "probe") return probe(w);
  if (w.verb == "tether") return registered(w, kOpenLease);
  if (w.verb == "renew") return registered(w, {30s, 40s, {}});
  if (w.verb == "task") return orchestrator(w);
  if (w.verb == "advance") return advance(w);
  if (w.verb == "set") return set(w);
  if (w.verb == "restart") return restart(), Out{};
  if (w.verb == "listen") return listens_ = true, next_sign_ = now_, listened(), Out{};
  if (w.verb == "stall") return stall(w);
  if (w.verb == "sign") return sign(w);
  if (w.verb == "why") return why(w);
  if (w.verb == "guard") return show_guard(), Out{};
  if (w.verb == "show") return show(w), Out{};
  return wrong("'" + w.verb + "' is no command; README.md lists them");
}

/// Claims and names from key=value.
Result<void> Stage::describe(Observation& o, const Words& w) const {
  Claims claims;
  for (const auto& [key, value] : w.options) {
    if (key == "status") {
      claims.status = parse_status(value);
      if (!claims.status) return wrong("status is online, idle or working, not " + value);
    } else if (key == "does") {
      claims.capabilities = split(value, ',');
    } else if (key == "node") {
      claims.node = value;
    } else if (key == "endpoint") {
      claims.endpoint = value;
    } else if (key == "inc") {
      o.incarnation = std::stoull(value);
    } else if (key == "seq") {
      o.sequence = std::stoull(value);
    } else if (key == "from") {
      o.from = parse_ip(value);
      if (!o.from) return wrong("from is an IP address, not " + value);
    } else if (key == "voice") {
      o.subject += " from " + value;  // as the beacon source names a further sender of the same life
    } else if (key == "id") {
      o.names.id = value;
    } else if (key == "reason") {
      o.reason = value;
    } else if (key == "proven") {
      o.names.proven = value == "yes";
    } else if (key == "late") {
      const auto late = parse_duration(value);
      if (!late) return late.error();
      o.heard_at = o.heard_at - *late;
    } else if (key == "vip") {
      o.names.behind_balancer = value == "yes";
    } else if (key == "draining") {
      o.draining = value == "yes";
    } else if (key == "task") {
      const auto parts = split(value, '.');
      if (parts.size() != 3) return wrong("task is service.slot.id, not " + value);
      o.names.task = SwarmTask{parts[0], parts[1], parts[2]};
    } else if (key != "by") {
      return wrong("'" + key + "' is no option of " + w.verb);
    }
  }
  normalize(claims);
  if (o.kind == ObservationKind::heard && claims != Claims{}) o.claims = claims;
  return {};
}

Result<void> Stage::beacon(const std::string& id, ObservationKind kind, const Words& w) {
  Actor& actor = actors_[id];
  Observation o;
  o.kind = kind;
  o.source = "beacon";
  o.subject = o.names.id = id;
  o.heard_at = now_;
  o.incarnation = actor.incarnation;
  o.lease.interval = kBeat;
  if (auto described = describe(o, w); !described) return described;
  if (o.incarnation == actor.incarnation && o.sequence == 0) o.sequence = ++actor.sequence;
  if (actor.cut || actor.unheard) return {};
  return hear(o);
}

Result<void> Stage::probe(const Words& w) {
  if (w.names.empty()) return wrong("probe needs an address: probe 10.0.0.7:8081 [answers|fails|refuses]");
  const auto address = parse_socket_address(w.names[0]);
  if (!address) return wrong("probe needs an address such as 10.0.0.7:8081, not " + w.names[0]);
  const std::string how = w.names.size() > 1 ? w.names[1] : "answers";
  Observation o;
  o.source = "http_probe";
  o.subject = w.names[0];
  o.names.address = *address;
  o.heard_at = now_;
  o.lease = {13s, 23s, {}};
  if (how == "fails") {
    o.kind = ObservationKind::doubt;
    o.reason = "no answer";
  } else if (how == "refuses") {
    o.kind = ObservationKind::refused;
    o.reason = "connection refused";
  } else if (how != "answers") {
    return wrong("a probe answers, fails or refuses; it cannot be that it " + how);
  }
  if (auto described = describe(o, w); !described) return described;
  if (o.names.behind_balancer && !o.names.id.empty()) o.subject = "vip/" + o.subject + "/" + o.names.id;
  return hear(o);
}

/// tether ID [opens|breaks|refuses], renew ID
Result<void> Stage::registered(const Words& w, Lease lease) {
  if (w.names.empty()) return wrong(w.verb + " needs the name of an agent");
  const std::string how = w.names.size() > 1 ? w.names[1] : "opens";
  Observation o;
  o.source = "registration";
  o.subject = o.names.id = w.names[0];
  o.heard_at = now_;
  o.incarnation = actors_[w.names[0]].incarnation;
  o.lease = lease;
  if (how == "breaks") {
    o.kind = ObservationKind::doubt;
    o.reason = "tether closed: end of file";
    o.lease = {};
  } else if (how == "refuses") {
    o.kind = ObservationKind::dead;
    o.reason = "tether broke, then its port refused twice";
  } else if (how != "opens") {
    return wrong("a tether opens, breaks or refuses; it cannot be that it " + how);
  }
  if (auto described = describe(o, w); !described) return described;
  return hear(o);
}

/// task SERVICE.SLOT.ID died
Result<void> Stage::orchestrator(const Words& w) {
  const auto parts = w.names.size() == 2 ? split(w.names[0], '.') : std::vector<std::string>{};
  if (parts.size() != 3 || w.names[1] != "died") return wrong("write: task service.slot.id died");
  Observation o;
  o.kind = ObservationKind::dead;
  o.source = "docker_engine";
  o.subject = w.names[0];
  o.names.task = SwarmTask{parts[0], parts[1], parts[2]};
  o.heard_at = now_;
  o.reason = "its task ended";
  if (auto described = describe(o, w); !described) return described;
  return hear(o);
}

Result<void> Stage::advance(const Words& w) {
  const auto length = w.names.size() == 1 ? parse_duration(w.names[0]) : Result<Duration>(wrong("write: advance 3s"));
  if (!length) return length.error();
  return pass_until(now_ + *length);
}

Result<void> Stage::pass_until(Instant end) {
  for (;;) {
    Instant next = stopped_ ? Instant::never() : std::max(now_, registry_.next_deadline());
    for (const auto& [id, actor] : actors_)
      if (actor.beats) next = std::min(next, actor.next_beat);
    if (!coming_.empty()) next = std::min(next, coming_.begin()->first);
    if (listens_ && !stopped_) next = std::min(next, next_sign_);
    if (next > end) break;
    now_ = next;
    for (auto& [id, actor] : actors_) {
      if (!actor.beats || actor.next_beat > now_) continue;
      actor.next_beat = now_ + kBeat;
      if (auto heard = beacon(id, ObservationKind::heard, {"beat", {}, actor.says}); !heard) return heard;
    }
    while (!coming_.empty() && coming_.begin()->first <= now_) {
      Observation o = std::move(coming_.extract(coming_.begin()).mapped());
      o.heard_at = now_;
      if (auto heard = hear(std::move(o)); !heard) return heard;
    }
    listened();
    tick();
  }
  now_ = end;
  listened();
  tick();
  return {};
}

/// stall 30s [room=5]: the daemon is stopped meanwhile; what arrives waits in the socket as long as there is room.
Result<void> Stage::stall(const Words& w) {
  const auto length = w.names.size() == 1 ? parse_duration(w.names[0]) : Result<Duration>(wrong("write: stall 30s"));
  if (!length) return length.error();
  if (!listens_) return wrong("a daemon that says nothing of its listening cannot be told from one that is stopped: listen first");
  const auto room = w.options.find("room");
  room_ = room == w.options.end() ? UINT64_MAX : std::stoull(room->second);
  stopped_ = true;
  if (auto passed = pass_until(now_ + *length); !passed) return passed;
  stopped_ = false;
  for (Observation& o : std::exchange(waiting_, {}))
    if (auto heard = hear(std::move(o)); !heard) return heard;
  if (std::exchange(dropped_, 0) != 0) {
    Words drops{"sign", {"drops"}, {}};
    if (auto signed_to = sign(drops); !signed_to) return signed_to;
  }
  next_sign_ = now_;
  listened();
  tick();
  return {};
}

/// The daemon has read all that came until now.
void Stage::listened() {
  if (!listens_ || stopped_ || now_ < next_sign_) return;
  next_sign_ = now_ + 100ms;
  Sign sign;
  sign.kind = SignKind::listened;
  sign.at = sign.until = now_;
  registry_.note(sign, now_, wall(), changes_);
  report();
}

/// sign KIND [subject]
Result<void> Stage::sign(const Words& w) {
  Sign sign;
  sign.at = now_;
  sign.count = 1;
  sign.amount = 1s;
  sign.source = "net";
  bool known = false;
  for (int i = 0; i <= static_cast<int>(SignKind::thaw); ++i)
    if (!w.names.empty() && to_string(static_cast<SignKind>(i)) == w.names[0]) sign.kind = static_cast<SignKind>(i), known = true;
  if (!known) return wrong("a sign is one of model/sign.hpp, such as: sign canary_lost");
  for (std::size_t i = 1; i < w.names.size(); ++i) sign.subject += (i > 1 ? " " : "") + w.names[i];
  registry_.note(sign, now_, wall(), changes_);
  report();
  tick();
  return {};
}

/// Questions that the registry wants put. Whoever lives and can be reached answers, a moment later.
void Stage::put_questions() {
  for (const Ask& ask : registry_.take_asks()) {
    if (ask.source != "beacon") continue;
    const Actor& asked = actors_[ask.id];
    const bool by_helper = !ask.helpers.empty();
    const Actor& helper = by_helper ? actors_[ask.helpers[0]] : asked;
    if (by_helper && (!helper.beats || helper.cut || helper.unheard)) continue;
    const bool answers = asked.beats && asked.incarnation == ask.incarnation && !asked.cut && (by_helper || !asked.unheard);
    Observation o;
    o.source = ask.source;
    o.subject = ask.subject;
    o.names.id = ask.id;
    o.incarnation = ask.incarnation;
    o.lease.interval = kBeat;
    o.heard_at = now_;
    o.wall_at = wall();
    if (by_helper) o.via = ask.helpers[0];
    else o.kind = ObservationKind::asked;
    if (!by_helper) (void)registry_.apply(o, now_, wall(), changes_);
    if (answers || by_helper) {
      o.kind = answers ? ObservationKind::heard : ObservationKind::unanswered;
      o.answer = answers;
      if (answers) o.sequence = ++actors_[ask.id].sequence;
      coming_.emplace(now_ + (by_helper ? 2 : 1) * kAnswerTakes, o);
    }
    report();
  }
}

/// set forget_after=1m: before anything else, since it begins anew.
Result<void> Stage::set(const Words& w) {
  for (const auto& [key, value] : w.options) {
    const auto duration = parse_duration(value);
    if (!duration) return duration.error();
    if (key == "forget_after") settings_.forget_after = *duration;
    else if (key == "restart_grace") settings_.restart_grace = *duration;
    else if (key == "goodbye_slack") settings_.goodbye_slack = *duration;
    else return wrong("'" + key + "' is no setting that stories know");
  }
  if (registry_.size() != 0) return wrong("set comes before anybody is heard");
  registry_ = Registry(settings_, Revision{1, 0});
  return {};
}

/// The daemon ends and starts again; a store kept the list.
void Stage::restart() {
  const SnapshotPtr before = registry_.snapshot(now_, wall());
  const Revision last = registry_.revision();
  registry_ = Registry(settings_, {last.epoch + 1, last.number});
  known_.clear();
  before->for_each([&](const AgentRecordPtr& r) { registry_.restore(r->agent, WallTime{r->vitals->last_seen_ms.load()}, now_, wall(), changes_); });
  report();
}

Result<void> Stage::hear(Observation o) {
  o.wall_at = {wall().ms - (now_ - o.heard_at).count() / 1'000'000};
  if (stopped_) {
    if (waiting_.size() < room_) waiting_.push_back(std::move(o));
    else ++dropped_;
    return {};
  }
  auto applied = registry_.apply(o, now_, wall(), changes_);
  report();
  if (!applied) return applied.error();
  tick();
  return {};
}

void Stage::tick() {
  if (stopped_) return;
  registry_.tick(now_, wall(), changes_);
  report();
  put_questions();
}

/// Several agents of which the same is to be said at one time share a line.
void Stage::say(const std::string& who, const std::string& what) {
  const std::string time = format_duration(now_ - Instant{0}) + "  ", text = time + what;
  if (text == last_text_ && !lines_.empty()) {
    lines_.back().insert(lines_.back().size() - what.size() - 1, " " + who);
    return;
  }
  last_text_ = text;
  lines_.push_back(time + who + " " + what);
}

void Stage::report() {
  for (const Change& change : changes_) {
    const Agent& agent = change.record->agent;
    std::string line;
    const std::string why = agent.reason.empty() ? "" : " (" + agent.reason + ")";
    AgentRecordPtr& known = known_[agent.id];
    switch (change.kind) {
      case ChangeKind::appeared: line += "appeared: " + std::string(to_string(agent.liveness)) + why; break;
      case ChangeKind::liveness: line += std::string(to_string(*change.was)) + " -> " + std::string(to_string(agent.liveness)) + why; break;
      case ChangeKind::updated: line += "updated: " + difference(known->agent, agent); break;
      case ChangeKind::forgotten: line += "forgotten"; break;
      case ChangeKind::merged: line += "merged into " + change.into; break;
    }
    known = change.record;
    say(agent.id, line);
  }
  changes_.clear();
}

void Stage::show_guard() {
  const GuardViewPtr guard = registry_.snapshot(now_, wall())->guard();
  std::string line(to_string(guard->mode));
  if (guard->health_score > 0) line += ", our own health is down by " + std::to_string(guard->health_score) + ": " + guard->health_reason;
  lines_.push_back(line);
  for (const DomainView& d : guard->domains)
    lines_.push_back("  " + d.name + " " + std::string(to_string(d.mode)) + " since " + format_duration(d.since_at - Instant{0}) + ", " + std::to_string(d.silent) + " of " +
                     std::to_string(d.members) + " silent; " + d.cause);
}

Result<void> Stage::why(const Words& w) {
  const auto e = w.names.size() == 1 ? registry_.explain(w.names[0], now_) : std::nullopt;
  if (!e) return wrong("why needs the name of one listed agent");
  const auto one = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", value);
    return std::string(text);
  };
  lines_.push_back(e->id + " is " + std::string(to_string(e->liveness)) + (e->reason.empty() ? "" : ": " + e->reason));
  lines_.push_back("  silent for " + format_age(e->silence) + " of " + format_age(e->silence_needed) + ", evidence " + one(e->evidence) + " of " + one(e->evidence_needed));
  for (const auto& line : e->held_by) lines_.push_back("  held by: " + line);
  for (const auto& line : e->would_change) lines_.push_back("  would change: " + line);
  return {};
}

void Stage::show(const Words& w) {
  std::vector<std::vector<std::string>> rows;
  registry_.snapshot(now_, wall())->for_each([&](const AgentRecordPtr& record) {
    const Agent& a = record->agent;
    if (!w.names.empty() && std::find(w.names.begin(), w.names.end(), a.id) == w.names.end()) return;
    const Duration age = now_ - Instant{record->vitals->last_heard_ns.load()};
    std::string rest = "known since " + format_duration(std::chrono::milliseconds(a.first_seen.ms - wall().ms) + (now_ - Instant{0})) + ", heard " + format_age(age) + " ago";
    if (!a.sources.empty()) rest += " by " + joined(a.sources);
    if (!a.aliases.empty()) rest += "; also " + joined(a.aliases);
    if (a.conflict) rest += "; contended by " + joined(a.contenders);
    if (a.draining) rest += "; draining";
    if (!a.reason.empty()) rest += "; " + a.reason;
    rows.push_back({a.id, std::string(to_string(a.liveness)), std::string(to_string(a.status)), rest});
  });
  if (rows.empty()) lines_.push_back("nobody");
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row[0].size());
  const auto padded = [](std::string text, std::size_t to) { return text.append(std::max(to, text.size()) - text.size(), ' '); };
  for (const auto& row : rows) lines_.push_back(padded(row[0], width) + "  " + padded(row[1], 11) + "  " + padded(row[2], 7) + "  " + row[3]);
}

}  // namespace choregos::scenario
