#include "tests/scenario/stage.hpp"

#include <algorithm>
#include <sstream>

namespace choregos::scenario {
namespace {

constexpr Duration kBeat = 1s;

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
    if (equals == std::string::npos) {
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
    return beacon(id, ObservationKind::heard, w);
  });
  if (w.verb == "hush") return each([&](const std::string& id) -> Out { return actors_[id].beats = false, Out{}; });
  if (w.verb == "cut") return each([&](const std::string& id) -> Out { return actors_[id].cut = true, Out{}; });
  if (w.verb == "heal") return each([&](const std::string& id) -> Out { return actors_[id].cut = false, Out{}; });
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
  if (actor.cut) return {};
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
  const Instant end = now_ + *length;
  for (;;) {
    Instant next = std::max(now_, registry_.next_deadline());
    for (const auto& [id, actor] : actors_)
      if (actor.beats) next = std::min(next, actor.next_beat);
    if (next > end) break;
    now_ = next;
    for (auto& [id, actor] : actors_) {
      if (!actor.beats || actor.next_beat > now_) continue;
      actor.next_beat = now_ + kBeat;
      if (auto heard = beacon(id, ObservationKind::heard, {"beat", {}, {}}); !heard) return heard;
    }
    tick();
  }
  now_ = end;
  tick();
  return {};
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
  o.wall_at = wall();
  auto applied = registry_.apply(o, now_, wall(), changes_);
  report();
  if (!applied) return applied.error();
  tick();
  return {};
}

void Stage::tick() {
  registry_.tick(now_, wall(), changes_);
  report();
}

void Stage::report() {
  for (const Change& change : changes_) {
    const Agent& agent = change.record->agent;
    std::string line = format_duration(now_ - Instant{0}) + "  " + agent.id + " ";
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
    lines_.push_back(line);
  }
  changes_.clear();
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
