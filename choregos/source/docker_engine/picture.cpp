#include "choregos/source/docker_engine/picture.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"

namespace choregos::source {
namespace {

constexpr Duration kSayAgain = 60s;         // a record may have been forgotten meanwhile
constexpr std::string_view kTaskId = "com.docker.swarm.task.id";

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) { return std::find(words.begin(), words.end(), word) != words.end(); }
bool is_final(std::string_view state) { return one_of(state, {"complete", "failed", "shutdown", "rejected", "orphaned", "remove"}); }

std::string_view label(const Labels& labels, std::string_view key) {
  const auto it = std::find_if(labels.begin(), labels.end(), [&](const auto& l) { return l.first == key; });
  return it == labels.end() ? std::string_view{} : std::string_view(it->second);
}

bool is_yes(std::string_view word) { return one_of(word, {"true", "1", "yes", "on"}); }
bool is_no(std::string_view word) { return one_of(word, {"false", "0", "no", "off"}); }

/// service.slot.task_id; nothing when it is none of that service.
std::optional<SwarmTask> task_named(std::string_view name, std::string_view service, std::string_view task_id) {
  if (service.empty() || task_id.empty() || name.size() < service.size() + task_id.size() + 3) return std::nullopt;
  if (!name.starts_with(service) || name[service.size()] != '.' || !name.ends_with(task_id) || name[name.size() - task_id.size() - 1] != '.') return std::nullopt;
  const std::string_view slot = name.substr(service.size() + 1, name.size() - service.size() - task_id.size() - 2);
  if (!is_word(slot) || slot.find('.') != std::string_view::npos || !is_word(service) || !is_word(task_id)) return std::nullopt;
  return SwarmTask{std::string(service), std::string(slot), std::string(task_id)};
}

std::string exit_text(const std::optional<std::int64_t>& code) { return code ? ": exit " + std::to_string(*code) : std::string(); }

std::string death_of(const wire::DockerTask& t, const SwarmTask& task, const std::string& node) {
  std::string out = "Docker: task " + task.name() + " " + t.state;
  // A task that was stopped or never began says no code that would mean something.
  if (one_of(t.state, {"failed", "complete"})) out += exit_text(t.exit_code);
  if (!t.error.empty() && t.error.find("non-zero exit") == std::string::npos) out += ": " + t.error;
  if (!node.empty()) out += " on node " + node;
  if (!t.desired_state.empty()) out += " (desired " + t.desired_state + ")";
  return out;
}

}  // namespace

// ---- labels -----------------------------------------------------------------------------------------------------------

std::optional<Picture::Way> Picture::way_of(const std::string& service, const Labels& labels, const Labels& more) {
  const auto say = [&](std::string_view key) { return label(labels, key).empty() ? label(more, key) : label(labels, key); };
  const auto bad = [&](std::string_view key, std::string_view value, std::string_view right) {
    warnings_.insert(service + " is labelled " + std::string(key) + "=" + printable(value.substr(0, 64)) + ", " + std::string(right));
  };
  const std::string_view enable = say("choregos.enable").empty() ? say("org.agntcy/discover") : say("choregos.enable");
  if (is_no(enable)) return std::nullopt;
  if (!enable.empty() && !is_yes(enable)) bad("choregos.enable", enable, "which is neither true nor false");
  const auto named = std::find_if(settings_.named.begin(), settings_.named.end(), [&](const DockerNamed& n) { return service == n.service || service.ends_with("_" + n.service); });
  if (!is_yes(enable) && named == settings_.named.end()) return std::nullopt;

  Way way{settings_.port, settings_.path, {}, false};
  if (named != settings_.named.end()) {
    if (named->port != 0) way.port = named->port;
    if (!named->path.empty()) way.path = named->path;
  }
  if (const std::string_view port = say("choregos.port"); !port.empty()) {
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error == std::errc{} && end == port.data() + port.size() && number != 0) way.port = number;
    else bad("choregos.port", port, "which is no port from 1 to 65535");
  }
  if (const std::string_view path = say("choregos.health"); !path.empty()) {
    const bool fits = path.front() == '/' && path.size() <= limits::text_bytes_max && std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#' && c != '?'; });
    if (fits) way.path = path;
    else bad("choregos.health", path, "which is no path such as /health");
  }
  if (std::string_view list = say("choregos.capabilities"); !list.empty()) {
    way.capabilities_said = true;
    while (!list.empty()) {
      const std::size_t comma = std::min(list.find(','), list.size());
      std::string_view word = list.substr(0, comma);
      list.remove_prefix(std::min(comma + 1, list.size()));
      while (word.starts_with(' ')) word.remove_prefix(1);
      while (word.ends_with(' ')) word.remove_suffix(1);
      if (word.empty()) continue;
      if (is_word(word)) way.capabilities.emplace_back(word);
      else bad("choregos.capabilities", word, "which is no word for a capability");
    }
    std::sort(way.capabilities.begin(), way.capabilities.end());
    way.capabilities.erase(std::unique(way.capabilities.begin(), way.capabilities.end()), way.capabilities.end());
    if (way.capabilities.size() > limits::capability_count_max) {
      bad("choregos.capabilities", "", "with more than " + std::to_string(limits::capability_count_max) + " words");
      way.capabilities.resize(limits::capability_count_max);
    }
  }
  return way;
}

std::vector<IpAddress> Picture::addresses_of(const std::vector<wire::DockerAttachment>& attachments) const {
  std::vector<IpAddress> out;
  for (const wire::DockerAttachment& a : attachments)
    if (settings_.network.empty() ? !a.ingress : a.network == settings_.network) out.insert(out.end(), a.addresses.begin(), a.addresses.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<SocketAddress> Picture::places(const Member& member) const {
  std::vector<SocketAddress> out;
  for (const IpAddress& ip : member.addresses) out.push_back({ip, member.way.port});
  return out;
}

// ---- looking ----------------------------------------------------------------------------------------------------------

Picture::Output Picture::look(DockerLook look) {
  Output out;
  warnings_.clear();
  const bool swarm = look.services && look.tasks;
  if (look.nodes) take_nodes(look, out);
  if (swarm) {
    listed_.clear();
    whole_swarm_ = true;
    manager_at_ = look.now;
    take_tasks(look, out);
  } else if (whole_swarm_ && look.now >= manager_at_ + kDemotedAfter) {
    whole_swarm_ = false;
    services_.clear();
  }
  if (!whole_swarm_) listed_.clear();
  if (look.containers) take_containers(look, out);
  looked_ = true;

  by_address_.clear();
  unsettled_ = false;
  std::map<std::string, std::pair<std::size_t, bool>> unreachable;  // by service: running tasks, one has an address
  for (const auto& [id, member] : members_) {
    if (member.dead) continue;
    unsettled_ = unsettled_ || member.vanished != Instant::never() || (member.running && member.told_to_go) || (!member.running && member.wanted);
    if (!member.running) continue;
    auto& [count, reachable] = unreachable[member.task.service];
    ++count;
    reachable = reachable || !member.addresses.empty();
    for (const IpAddress& ip : member.addresses)
      if (const auto [it, fresh] = by_address_.try_emplace(ip, id); !fresh && it->second != id) it->second.clear();
  }
  for (const auto& [service, found] : unreachable)
    if (!found.second)
      warnings_.insert(service + " has " + std::to_string(found.first) + " running tasks, none with an address " + (settings_.network.empty() ? "outside of the ingress network" : "on the network " + settings_.network));
  for (auto it = heard_as_.begin(); it != heard_as_.end();) {
    std::erase_if(it->second, [&](const std::string& key) { return !members_.contains(key); });
    it = it->second.empty() ? heard_as_.erase(it) : std::next(it);
  }
  if (swarm || !whole_swarm_) out.report = report(look);
  return out;
}

Picture::Output Picture::container_died(const std::string& task_id, std::optional<std::int64_t> exit_code, Instant now, WallTime wall) {
  Output out;
  const auto it = members_.find(task_id);
  if (it == members_.end() || !it->second.swarm || it->second.dead) return out;
  Member& m = it->second;
  DockerLook at;
  at.now = now;
  at.wall = wall;
  die(m, "Docker: the container of task " + m.task.name() + " ended" + exit_text(exit_code) + (m.node.empty() ? "" : " on node " + m.node), at, out);
  return out;
}

void Picture::take_nodes(const DockerLook& look, Output& out) {
  std::map<std::string, wire::DockerNode> now;
  for (const wire::DockerNode& node : *look.nodes) now.emplace(node.id, node);
  for (const auto& [id, node] : now) {
    const auto former = nodes_.find(id);
    const bool was_down = former != nodes_.end() && former->second.state == NodeState::down;
    const bool is_down = node.state == NodeState::down;
    if (is_down == was_down) continue;
    if (!is_down && node.state != NodeState::ready) continue;  // back only when Docker says that it is
    Sign sign;
    sign.kind = is_down ? SignKind::node_down : SignKind::node_up;
    sign.at = look.now;
    sign.source = settings_.name;
    sign.subject = node.name;
    sign.reason = "Docker says that node " + node.name + " is " + std::string(to_string(node.state)) + (node.message.empty() ? "" : ": " + node.message);
    out.signs.push_back(std::move(sign));
  }
  for (auto& [id, node] : now)
    if (const auto former = nodes_.find(id); former != nodes_.end() && former->second.state == NodeState::down && node.state != NodeState::ready) node.state = NodeState::down;
  nodes_ = std::move(now);
}

void Picture::take_tasks(const DockerLook& look, Output& out) {
  services_.clear();
  std::map<std::string, Way> ways;
  for (const wire::DockerService& service : *look.services)
    if (auto way = way_of(service.name, service.labels, service.container_labels)) {
      ways.emplace(service.id, std::move(*way));
      services_.emplace(service.id, service);
    }

  // Those that live first: a death must know who stands in the place of the dead.
  std::vector<std::pair<const wire::DockerTask*, bool>> ended;  // and whether it was never seen before
  std::set<std::string> listed, occupied, others;
  const auto place = [](const SwarmTask& task) { return task.service + "." + task.slot; };
  for (const wire::DockerTask& t : *look.tasks) {
    const auto way = ways.find(t.service_id);
    if (way == ways.end()) {
      others.insert(t.id);
      continue;
    }
    const std::string slot = t.slot != 0 ? std::to_string(t.slot) : t.node_id;
    if (slot.empty()) continue;  // of a global service and not placed yet: it has no name
    listed.insert(t.id);
    const auto [at, fresh] = members_.try_emplace(t.id);
    const bool over = is_final(t.state);
    Member& m = at->second;
    m.key = t.id;
    m.swarm = true;
    m.task = {services_.at(t.service_id).name, slot, t.id};
    m.service_id = t.service_id;
    m.way = way->second;
    m.vanished = Instant::never();
    if (!t.container_id.empty()) m.container_id = t.container_id;
    const auto node = nodes_.find(t.node_id);
    m.node = node == nodes_.end() ? std::string() : node->second.name;
    if (auto addresses = addresses_of(t.attachments); !addresses.empty()) m.addresses = std::move(addresses);
    m.wanted = !one_of(t.desired_state, {"shutdown", "remove"});
    m.told_to_go = !m.wanted;
    m.running = !over && !m.dead && one_of(t.state, {"starting", "running"});
    if (over) ended.emplace_back(&t, fresh);
    else if (m.running) occupied.insert(place(m.task));

    ExpectedTask e;
    e.task = m.task;
    e.node = m.node;
    e.state = t.state;
    e.desired_state = t.desired_state;
    e.wanted = m.wanted;
    e.running = t.state == "running";
    e.ended = over;
    e.exit_code = over ? t.exit_code : std::nullopt;
    e.message = t.error.empty() ? t.message : t.error;
    e.targets = places(m);
    e.since = t.since;
    listed_.insert_or_assign(t.id, std::move(e));
  }
  for (const auto& [t, fresh] : ended) {
    Member& m = members_.at(t->id);
    // Dead at the first sight of it and its place taken: its agent may have become that of the new task long ago.
    if (fresh && occupied.contains(place(m.task))) m.dead = true, ++deaths_superseded_;
    die(m, death_of(*t, m.task, m.node), look, out);
  }

  std::size_t vanished = 0;
  for (auto it = members_.begin(); it != members_.end();) {
    Member& m = it->second;
    if (!m.swarm || listed.contains(it->first)) {
      ++it;
      continue;
    }
    if (others.contains(it->first)) {  // its service is no longer enabled
      it = members_.erase(it);
      continue;
    }
    if (!m.dead && m.told_to_go && m.vanished == Instant::never())
      die(m, "Docker: task " + m.task.name() + " was told to stop and is deleted, as a task is once it has ended" + (m.node.empty() ? "" : ", on node " + m.node), look, out);
    if (m.dead || !m.running || vanished >= limits::docker_item_count_max) {
      it = members_.erase(it);
      continue;
    }
    ++vanished;
    if (m.vanished == Instant::never()) m.vanished = look.now, ++vanished_;
    ++it;
  }
}

void Picture::take_containers(const DockerLook& look, Output& out) {
  std::set<std::string> listed;
  std::vector<std::pair<std::string, std::string>> ended;  // and why; after those that live, which may have their addresses
  for (const wire::DockerContainer& c : *look.containers) {
    const std::string_view task_id = label(c.labels, kTaskId);
    const bool over = one_of(c.state, {"exited", "dead"});
    const bool runs = one_of(c.state, {"running", "paused"});
    std::string id = task_id.empty() ? c.id : std::string(task_id);
    if (!task_id.empty() && whole_swarm_) {
      // The managers know the task; its container on this host tells of its end first.
      const auto it = members_.find(id);
      if (it == members_.end() || (!it->second.container_id.empty() && it->second.container_id != c.id)) continue;
      Member& m = it->second;
      if (m.addresses.empty() && runs) m.addresses = addresses_of(c.attachments);
      if (over && m.running) {
        die(m, "Docker: the container of task " + m.task.name() + " ended" + exit_text(c.exit_code) + (m.node.empty() ? "" : " on node " + m.node), look, out);
        if (const auto e = listed_.find(id); e != listed_.end()) e->second.running = false, e->second.ended = true, e->second.exit_code = c.exit_code;
      }
      continue;
    }
    std::optional<SwarmTask> task;
    if (!task_id.empty()) {
      task = task_named(label(c.labels, "com.docker.swarm.task.name"), label(c.labels, "com.docker.swarm.service.name"), task_id);
      if (!task) continue;
    }
    const std::string service = task ? task->service : c.name;
    const auto way = way_of(service, c.labels, {});
    if (!way) continue;
    listed.insert(id);
    Member& m = members_[id];
    m.key = id;
    m.swarm = task.has_value();
    m.task = task ? *task : SwarmTask{c.name, "", c.id.substr(0, 12)};
    m.container_id = c.id;
    m.way = *way;
    m.vanished = Instant::never();
    if (auto addresses = addresses_of(c.attachments); !addresses.empty()) m.addresses = std::move(addresses);
    m.wanted = runs;
    m.told_to_go = false;
    if (over) {
      ended.emplace_back(id, "Docker: " + (task ? "the container of task " + task->name() : "container " + c.name) + " ended" + exit_text(c.exit_code));
    } else if (runs) {
      m.dead = false;  // a container may be started again
    }
    m.running = runs;

    ExpectedTask e;
    e.task = m.task;
    e.state = c.state;
    e.wanted = m.wanted;
    e.running = runs;
    e.ended = over;
    e.exit_code = c.exit_code;
    e.message = c.status;
    e.targets = places(m);
    listed_.insert_or_assign(id, std::move(e));
  }
  for (const auto& [id, reason] : ended) die(members_.at(id), reason, look, out);
  std::size_t vanished = 0;
  for (auto it = members_.begin(); it != members_.end();) {
    Member& m = it->second;
    if ((m.swarm && whole_swarm_) || listed.contains(it->first)) {
      ++it;
    } else if (m.dead || !m.running || ++vanished > limits::docker_item_count_max) {
      it = members_.erase(it);
    } else {
      if (m.vanished == Instant::never()) m.vanished = look.now, ++vanished_;
      ++it;
    }
  }
}

void Picture::die(Member& member, const std::string& reason, const DockerLook& look, Output& out) {
  if (std::exchange(member.dead, true)) return;
  member.running = false;
  // An agent that keeps its id over the change of tasks lives on in the new one; the old one ends later, in an update that
  // starts first and stops then.
  const auto lives_on = [&](const std::string& id) {
    const auto as = heard_as_.find(id);
    return as != heard_as_.end() && std::any_of(as->second.begin(), as->second.end(), [&](const std::string& key) {
      const auto other = members_.find(key);
      return key != member.key && other != members_.end() && !other->second.dead && other->second.running && other->second.vanished == Instant::never();
    });
  };
  if (!member.ids.empty() && std::all_of(member.ids.begin(), member.ids.end(), lives_on)) {
    ++deaths_superseded_;
    return;
  }
  Observation o;
  o.kind = ObservationKind::dead;
  o.source = settings_.name;
  o.subject = member.swarm ? member.task.name() : member.task.service;
  o.heard_at = look.now;
  o.wall_at = look.wall;
  o.reason = reason;
  // Of this life: a newer one that was heard elsewhere meanwhile is not meant.
  if (member.ids.size() <= 1) o.incarnation = member.incarnation;
  if (member.swarm) {
    ++deaths_;
    o.names.task = member.task;
    out.observations.push_back(std::move(o));
    return;
  }
  for (const SocketAddress& place : places(member)) {
    // An address is used again; whoever has it now is not the dead one.
    const bool taken = std::any_of(members_.begin(), members_.end(), [&](const auto& other) {
      const Member& m = other.second;
      return &m != &member && !m.dead && m.running && std::find(m.addresses.begin(), m.addresses.end(), place.ip) != m.addresses.end();
    });
    if (taken) continue;
    ++deaths_;
    o.names.address = place;
    out.observations.push_back(o);
  }
}

// ---- who was met ------------------------------------------------------------------------------------------------------

std::string Picture::find(const Observation& o) const {
  if (o.names.behind_balancer || o.source == settings_.name) return {};
  std::string key;
  if (o.names.task) {
    key = o.names.task->task_id;
  } else if (const auto place = o.names.address ? by_address_.find(o.names.address->ip) : o.from ? by_address_.find(*o.from) : by_address_.end(); place != by_address_.end()) {
    key = place->second;
  }
  const auto it = members_.find(key);
  const bool ours = it != members_.end() && !it->second.dead && (!o.names.task || it->second.task == *o.names.task);
  return ours ? key : std::string();
}

bool Picture::concerns(const Observation& o) const { return !find(o).empty(); }

std::optional<Observation> Picture::met(const Observation& heard) {
  if (heard.kind != ObservationKind::heard || !heard.via.empty()) return std::nullopt;
  const std::string key = find(heard);
  if (key.empty()) return std::nullopt;
  Member& m = members_.at(key);
  if (!heard.names.id.empty() && m.ids.size() < limits::docker_id_count_max) {
    m.ids.insert(heard.names.id);
    heard_as_[heard.names.id].insert(key);
  }
  m.incarnation = std::max(m.incarnation, heard.incarnation);
  Observation o;
  o.kind = ObservationKind::heard;
  o.source = settings_.name;
  o.subject = m.swarm ? m.task.name() : m.task.service;
  o.names = heard.names;
  if (m.swarm) o.names.task = m.task;
  o.incarnation = heard.incarnation;
  o.heard_at = heard.heard_at;
  o.wall_at = heard.wall_at;
  // It shows no life beyond what was heard elsewhere at that very moment.
  o.lease = {Duration{0}, Duration{0}, Duration{0}};
  Claims claims;
  if (!m.node.empty()) claims.node = m.node;
  if (m.way.capabilities_said) claims.capabilities = m.way.capabilities;
  const bool empty = claims == Claims{};
  if (!empty) o.claims = std::move(claims);
  if (empty && o.names == heard.names) return std::nullopt;
  if (m.told && m.told->names == o.names && m.told->incarnation == o.incarnation && m.told->claims == o.claims && o.heard_at < m.told->heard_at + kSayAgain) return std::nullopt;
  m.told = o;
  return o;
}

// ---- what follows -----------------------------------------------------------------------------------------------------

std::optional<std::vector<Target>> Picture::take_changed(Instant now) {
  if (!looked_) return std::nullopt;
  std::erase_if(members_, [&](const auto& entry) { return entry.second.vanished != Instant::never() && now >= entry.second.vanished + kVanishedFor; });
  std::map<SocketAddress, Target> found;
  for (const auto& [id, m] : members_) {
    if (m.dead || !m.running) continue;
    for (const SocketAddress& place : places(m)) {
      Target t;
      t.address = place;
      t.path = m.way.path;
      if (m.swarm) t.task = m.task;
      t.draining = m.told_to_go || m.vanished != Instant::never();
      const auto [it, fresh] = found.try_emplace(place, t);
      if (!fresh && it->second.draining && !t.draining) it->second = std::move(t);
    }
  }
  std::vector<Target> targets;
  targets.reserve(found.size());
  for (auto& [place, target] : found) targets.push_back(std::move(target));
  if (published_ == targets) return std::nullopt;
  published_ = targets;
  return targets;
}

void Picture::silent(const SocketAddress& address) {
  std::erase_if(members_, [&](const auto& entry) {
    const Member& m = entry.second;
    return m.vanished != Instant::never() && m.way.port == address.port && std::find(m.addresses.begin(), m.addresses.end(), address.ip) != m.addresses.end();
  });
}

Instant Picture::next() const {
  Instant next = Instant::never();
  for (const auto& [id, m] : members_)
    if (m.vanished != Instant::never()) next = std::min(next, m.vanished + kVanishedFor);
  return next;
}

ExpectationReportPtr Picture::report(const DockerLook& look) const {
  auto out = std::make_shared<ExpectationReport>();
  out->source = settings_.name;
  out->asked_at = look.asked;
  out->wall_at = look.wall;
  out->whole_swarm = look.services && look.tasks;
  std::map<std::pair<std::string, std::string>, ServiceExpectation> services;  // by name, id
  for (const auto& [id, service] : services_) {
    ServiceExpectation& s = services[{service.name, id}];
    s.id = id;
    s.name = service.name;
    s.mode = service.mode;
    s.desired = service.replicas;
  }
  for (const auto& [id, task] : listed_) {
    const auto member = members_.find(id);
    const std::string service_id = member == members_.end() ? std::string() : member->second.service_id;
    ServiceExpectation& s = services[{task.task.service, service_id}];
    if (s.name.empty()) s.name = task.task.service, s.mode = ServiceMode::containers;
    s.tasks.push_back(task);
  }
  for (auto& [key, s] : services) {
    std::sort(s.tasks.begin(), s.tasks.end(), [](const ExpectedTask& a, const ExpectedTask& b) {
      if (const int order = natural_compare(a.task.slot, b.task.slot); order != 0) return order < 0;
      if (a.wanted != b.wanted) return a.wanted;
      return a.since != b.since ? a.since > b.since : a.task.task_id < b.task.task_id;
    });
    if (s.mode == ServiceMode::global) s.desired = static_cast<std::uint64_t>(std::count_if(s.tasks.begin(), s.tasks.end(), [](const ExpectedTask& t) { return t.wanted; }));
    out->services.push_back(std::move(s));
  }
  for (const auto& [id, node] : nodes_) out->nodes.push_back({node.id, node.name, node.state, node.availability, node.message});
  std::sort(out->nodes.begin(), out->nodes.end(), [](const ExpectedNode& a, const ExpectedNode& b) { return a.name != b.name ? natural_compare(a.name, b.name) < 0 : a.id < b.id; });
  return out;
}

Picture::Figures Picture::figures() const {
  Figures f;
  std::set<std::string> names;
  for (const auto& [id, service] : services_) names.insert(service.name);
  for (const auto& [id, m] : members_) {
    names.insert(m.task.service);
    f.tasks += !m.dead;
    f.running += m.running;
  }
  f.services = names.size();
  f.nodes = nodes_.size();
  f.nodes_down = static_cast<std::size_t>(std::count_if(nodes_.begin(), nodes_.end(), [](const auto& n) { return n.second.state == NodeState::down; }));
  f.targets = published_ ? published_->size() : 0;
  f.deaths = deaths_;
  f.deaths_superseded = deaths_superseded_;
  f.vanished = vanished_;
  return f;
}

std::string Picture::warning() const {
  std::string out;
  std::size_t count = 0;
  for (const std::string& w : warnings_)
    if (++count <= 3) out += (out.empty() ? "" : "; ") + w;
  if (count > 3) out += "; and " + std::to_string(count - 3) + " more";
  return out;
}

}  // namespace choregos::source
