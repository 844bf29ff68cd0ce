#include "choregos/registry/derive.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <tuple>

namespace choregos::registry {
namespace {

/// The part of a source's instance name before '/', such as "http_probe" of "http_probe/chorus".
std::string_view family(std::string_view source) { return source.substr(0, source.find('/')); }

int trust_rank(std::string_view source) {
  constexpr std::array<std::string_view, 5> kOrder{"registration", "beacon", "http_probe", "docker_engine", "static_file"};
  return static_cast<int>(std::find(kOrder.begin(), kOrder.end(), family(source)) - kOrder.begin());
}

int strength(const Names& names) { return names.proven ? 0 : !names.id.empty() ? 1 : names.task ? 2 : 3; }

/// Whose word on lasting things comes first.
bool more_trusted(const Considered& ca, const Considered& cb) {
  const auto key = [](const Considered& c) { return std::make_tuple(!c.fresh, strength(c.evidence->names), trust_rank(c.evidence->source)); };
  const auto ka = key(ca), kb = key(cb);
  if (ka != kb) return ka < kb;
  const Evidence *a = ca.evidence, *b = cb.evidence;
  if (const Stamp sa = a->statement_at(), sb = b->statement_at(); sa.at != sb.at) return sa.at > sb.at;
  return std::tie(a->source, a->subject) < std::tie(b->source, b->subject);
}

/// Newest statement first.
bool more_recent(const Evidence* a, const Evidence* b) {
  const Stamp sa = a->statement_at(), sb = b->statement_at();
  if (sa.at != sb.at) return sa.at > sb.at;
  return std::make_tuple(strength(a->names), trust_rank(a->source), std::string_view(a->subject)) <
         std::make_tuple(strength(b->names), trust_rank(b->source), std::string_view(b->subject));
}

/// The first channel in `order` that says `field`; null when none does.
template <class T>
const T* first_said(const std::vector<const Evidence*>& order, std::optional<T> Claims::*field) {
  for (const Evidence* e : order) {
    if (e->amended && (*e->amended).*field) return &*((*e->amended).*field);
    if (e->said && (*e->said).*field) return &*((*e->said).*field);
  }
  return nullptr;
}

template <class T>
void assign(T& to, const T* said, const T* before) {
  if (said != nullptr) {
    to = *said;
  } else if (before != nullptr) {
    to = *before;
  } else {
    to = T{};
  }
}

/// Whether we can reach the agent: its last answer against the last probe that failed. Questions on their way say nothing yet.
std::optional<bool> reachable_by(const std::vector<Considered>& considered) {
  Instant answered = Instant::min(), failed = Instant::min();
  for (const Considered& c : considered) {
    const Evidence& e = *c.evidence;
    if (!e.speaks()) answered = std::max(answered, e.answered_at);  // one that speaks is asked only when it is quiet
    if (family(e.source) == "http_probe") {
      if (e.failed()) failed = std::max(failed, e.failure->stamp.at);
      else answered = std::max(answered, e.last_heard);
    }
  }
  if (answered == Instant::min() && failed == Instant::min()) return std::nullopt;
  return answered > failed;
}

}  // namespace

void derive(Agent& agent, const Verdict& verdict, const Agent* before) {
  std::vector<Considered> by_trust = verdict.considered;
  std::sort(by_trust.begin(), by_trust.end(), more_trusted);
  std::vector<const Evidence*> trusted;
  for (const Considered& c : by_trust) trusted.push_back(c.evidence);
  std::vector<const Evidence*> recent = trusted;
  std::sort(recent.begin(), recent.end(), more_recent);
  const bool stated = std::any_of(trusted.begin(), trusted.end(), [](const Evidence* e) { return e->said != nullptr; });
  const Agent* const old = stated ? nullptr : before;
  const auto from = [&](auto Agent::*field) { return old != nullptr ? &(old->*field) : nullptr; };

  assign(agent.name, first_said(trusted, &Claims::name), from(&Agent::name));
  assign(agent.capabilities, first_said(trusted, &Claims::capabilities), from(&Agent::capabilities));
  assign(agent.model, first_said(trusted, &Claims::model), from(&Agent::model));
  assign(agent.endpoint, first_said(trusted, &Claims::endpoint), from(&Agent::endpoint));
  assign(agent.p2p_addr, first_said(trusted, &Claims::p2p_addr), from(&Agent::p2p_addr));
  assign(agent.cluster_id, first_said(trusted, &Claims::cluster_id), from(&Agent::cluster_id));
  assign(agent.node, first_said(trusted, &Claims::node), from(&Agent::node));
  assign(agent.version, first_said(trusted, &Claims::version), from(&Agent::version));
  assign(agent.health_url, first_said(trusted, &Claims::health_url), from(&Agent::health_url));
  assign(agent.labels, first_said(trusted, &Claims::labels), from(&Agent::labels));
  assign(agent.status, first_said(recent, &Claims::status), from(&Agent::status));
  assign(agent.current_team, first_said(recent, &Claims::current_team), from(&Agent::current_team));
  assign(agent.tasks_completed, first_said(recent, &Claims::tasks_completed), from(&Agent::tasks_completed));

  agent.liveness = verdict.liveness;
  agent.reason = verdict.reason;
  agent.incarnation = verdict.incarnation != 0 || before == nullptr ? verdict.incarnation : before->incarnation;
  agent.conflict = verdict.conflict;
  agent.contenders = verdict.contenders;
  agent.draining = false;
  agent.sources.clear();
  agent.task = before != nullptr ? before->task : std::nullopt;
  int strongest = 4;
  bool balancer = false;
  for (const Considered& c : by_trust) {
    const Evidence* e = c.evidence;
    strongest = std::min(strongest, strength(e->names));
    balancer = balancer || e->names.behind_balancer;
    const bool connected = e->open() && !e->failed() && verdict.liveness == Liveness::alive;
    if (c.fresh || connected) {
      agent.draining = agent.draining || (c.fresh && e->draining);
      agent.sources.emplace_back(family(e->source));
    }
  }
  agent.reachable = verdict.liveness == Liveness::alive ? reachable_by(by_trust) : std::nullopt;
  for (const Evidence* e : recent)
    if (e->names.task) {
      agent.task = e->names.task;
      break;
    }
  std::sort(agent.sources.begin(), agent.sources.end());
  agent.sources.erase(std::unique(agent.sources.begin(), agent.sources.end()), agent.sources.end());
  if (strongest < 4) {
    agent.identity = strongest == 0 ? IdentityKind::proven : strongest == 1 ? IdentityKind::declared : strongest == 2 ? IdentityKind::task
                     : balancer     ? IdentityKind::service
                                    : IdentityKind::address;
  } else if (before != nullptr) {
    agent.identity = before->identity;
  }
}

namespace {

std::string as_text(const std::string& value) { return value; }
std::string as_text(std::uint64_t value) { return std::to_string(value); }
std::string as_text(Status value) { return std::string(to_string(value)); }
std::string as_text(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& item : list) out.append(out.empty() ? "" : ", ").append(item);
  return out;
}
std::string as_text(const Labels& labels) {
  std::string out;
  for (const auto& [key, value] : labels) out.append(out.empty() ? "" : ", ").append(key).append("=").append(value);
  return out;
}

/// What one channel says of a field, and when it said it.
template <class T>
std::pair<const T*, Instant> said_by(const Evidence& e, std::optional<T> Claims::*field) {
  if (e.amended && (*e.amended).*field) return {&*((*e.amended).*field), e.amended_at.at};
  if (e.said && (*e.said).*field) return {&*((*e.said).*field), e.said_at.at};
  return {nullptr, Instant::min()};
}

}  // namespace

void explain_fields(std::vector<FieldEvidence>& out, const Verdict& verdict, const Agent* before, const Agent& agent, Instant now) {
  std::vector<Considered> by_trust = verdict.considered;
  std::sort(by_trust.begin(), by_trust.end(), more_trusted);
  std::vector<const Evidence*> trusted;
  for (const Considered& c : by_trust) trusted.push_back(c.evidence);
  std::vector<const Evidence*> recent = trusted;
  std::sort(recent.begin(), recent.end(), more_recent);
  const auto add = [&](const char* name, const auto& value, const std::vector<const Evidence*>& order, auto Claims::*field, const char* rule) {
    FieldEvidence row;
    row.field = name;
    row.value = as_text(value);
    bool found = false;
    for (const Evidence* e : order) {
      const auto [said, at] = said_by(*e, field);
      if (said == nullptr) continue;
      if (!found) {
        row.source = e->source;
        row.subject = e->subject;
        row.age = now - at;
        row.rule = rule;
        found = true;
      } else if (as_text(*said) != row.value) {
        row.others.push_back(e->source + " says " + as_text(*said));
      }
    }
    if (!found) {
      if (row.value.empty() || before == nullptr) return;  // nobody said it
      row.rule = "kept from before";
    }
    out.push_back(std::move(row));
  };
  constexpr const char* kTrust = "most trusted channel that says it";
  constexpr const char* kNewest = "newest statement";
  add("name", agent.name, trusted, &Claims::name, kTrust);
  add("status", agent.status, recent, &Claims::status, kNewest);
  add("capabilities", agent.capabilities, trusted, &Claims::capabilities, kTrust);
  add("model", agent.model, trusted, &Claims::model, kTrust);
  add("endpoint", agent.endpoint, trusted, &Claims::endpoint, kTrust);
  add("tasks_completed", agent.tasks_completed, recent, &Claims::tasks_completed, kNewest);
  add("current_team", agent.current_team, recent, &Claims::current_team, kNewest);
  add("p2p_addr", agent.p2p_addr, trusted, &Claims::p2p_addr, kTrust);
  add("cluster_id", agent.cluster_id, trusted, &Claims::cluster_id, kTrust);
  add("node", agent.node, trusted, &Claims::node, kTrust);
  add("version", agent.version, trusted, &Claims::version, kTrust);
  add("health_url", agent.health_url, trusted, &Claims::health_url, kTrust);
  add("labels", agent.labels, trusted, &Claims::labels, kTrust);
}

std::vector<std::string> claimed_addresses(const Agent& agent) {
  std::vector<std::string> out;
  const auto add = [&](std::string_view text) {
    if (const auto scheme = text.find("://"); scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
    text = text.substr(0, text.find_first_of("/?#"));
    if (const auto address = parse_socket_address(text)) out.push_back(to_string(*address));
  };
  add(agent.endpoint);
  add(agent.health_url);
  add(agent.p2p_addr);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace choregos::registry
