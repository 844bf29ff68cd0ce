// The fields of everything that a recording holds, once: names for the file beside references to the members. The structured
// bindings name every member, so a field that is added to a struct and not here does not compile.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "choregos/model/agent.hpp"
#include "choregos/model/change.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/model/sign.hpp"
#include "choregos/registry/registry.hpp"

namespace choregos::wire::recording {

template <class T, class Of>
concept OfType = std::same_as<std::remove_const_t<T>, Of>;

template <std::size_t N>
using Names = std::array<std::string_view, N>;

template <class T>
struct FieldNames;

template <OfType<Revision> T>
auto parts(T& it) {
  auto& [epoch, number] = it;
  return std::tie(epoch, number);
}
template <>
struct FieldNames<Revision> {
  static constexpr Names<2> names{"epoch", "number"};
};

template <OfType<SwarmTask> T>
auto parts(T& it) {
  auto& [service, slot, task_id] = it;
  return std::tie(service, slot, task_id);
}
template <>
struct FieldNames<SwarmTask> {
  static constexpr Names<3> names{"service", "slot", "task_id"};
};

template <OfType<Claims> T>
auto parts(T& it) {
  auto& [name, status, capabilities, model, endpoint, tasks_completed, current_team, p2p_addr, cluster_id, node, version, health_url, labels, running, capacity] = it;
  return std::tie(name, status, capabilities, model, endpoint, tasks_completed, current_team, p2p_addr, cluster_id, node, version, health_url, labels, running, capacity);
}
template <>
struct FieldNames<Claims> {
  static constexpr Names<15> names{"name",       "status", "capabilities", "model",      "endpoint", "tasks_completed", "current_team", "p2p_addr",
                                   "cluster_id", "node",   "version",      "health_url", "labels",   "running",         "capacity"};
};

template <OfType<Lease> T>
auto parts(T& it) {
  auto& [suspect_after, lost_after, interval] = it;
  return std::tie(suspect_after, lost_after, interval);
}
template <>
struct FieldNames<Lease> {
  static constexpr Names<3> names{"suspect_after", "lost_after", "interval"};
};

template <OfType<choregos::Names> T>
auto parts(T& it) {
  auto& [id, proven, task, address, behind_balancer] = it;
  return std::tie(id, proven, task, address, behind_balancer);
}
template <>
struct FieldNames<choregos::Names> {
  static constexpr Names<5> names{"id", "proven", "task", "address", "behind_balancer"};
};

template <OfType<Observation> T>
auto parts(T& it) {
  auto& [kind, source, subject, names, incarnation, sequence, heard_at, wall_at, claims, partial, lease, draining, answer, from, via, latency, reason] = it;
  return std::tie(kind, source, subject, names, incarnation, sequence, heard_at, wall_at, claims, partial, lease, draining, answer, from, via, latency, reason);
}
template <>
struct FieldNames<Observation> {
  static constexpr Names<17> names{"kind",    "source", "subject",  "names",  "incarnation", "sequence", "heard_at", "wall_at", "claims",
                                   "partial", "lease",  "draining", "answer", "from",        "via",      "latency",  "reason"};
};

template <OfType<Sign> T>
auto parts(T& it) {
  auto& [kind, at, until, amount, count, source, subject, reason] = it;
  return std::tie(kind, at, until, amount, count, source, subject, reason);
}
template <>
struct FieldNames<Sign> {
  static constexpr Names<8> names{"kind", "at", "until", "amount", "count", "source", "subject", "reason"};
};

template <OfType<Agent> T>
auto parts(T& it) {
  auto& [id, name, status, capabilities, model, endpoint, tasks_completed, current_team, p2p_addr, cluster_id, liveness, reason, identity, incarnation, first_seen, liveness_since, task, node,
         version, health_url, aliases, sources, labels, draining, reachable, conflict, contenders] = it;
  return std::tie(id, name, status, capabilities, model, endpoint, tasks_completed, current_team, p2p_addr, cluster_id, liveness, reason, identity, incarnation, first_seen, liveness_since, task, node,
                  version, health_url, aliases, sources, labels, draining, reachable, conflict, contenders);
}
template <>
struct FieldNames<Agent> {
  static constexpr Names<27> names{"id",          "name",       "status",         "capabilities", "model",    "endpoint", "tasks_completed", "current_team", "p2p_addr",
                                   "cluster_id",  "liveness",   "reason",         "identity",     "incarnation", "first_seen", "liveness_since", "task",      "node",
                                   "version",     "health_url", "aliases",        "sources",      "labels",   "draining", "reachable",       "conflict",     "contenders"};
};

template <OfType<DetectorSettings> T>
auto parts(T& it) {
  auto& [evidence_needed, floor_intervals, floor_intervals_max, asks_per_second, ask, tether_veto] = it;
  return std::tie(evidence_needed, floor_intervals, floor_intervals_max, asks_per_second, ask, tether_veto);
}
template <>
struct FieldNames<DetectorSettings> {
  static constexpr Names<6> names{"evidence_needed", "floor_intervals", "floor_intervals_max", "asks_per_second", "ask", "tether_veto"};
};

template <OfType<GuardSettings> T>
auto parts(T& it) {
  auto& [enabled, silent_min, silent_share, window, others_heard, freeze_max, drain_every] = it;
  return std::tie(enabled, silent_min, silent_share, window, others_heard, freeze_max, drain_every);
}
template <>
struct FieldNames<GuardSettings> {
  static constexpr Names<7> names{"enabled", "silent_min", "silent_share", "window", "others_heard", "freeze_max", "drain_every"};
};

template <OfType<RegistrySettings> T>
auto parts(T& it) {
  auto& [forget_after, restart_grace, goodbye_slack, archive_for, agent_count_max, detector, guard, seed] = it;
  return std::tie(forget_after, restart_grace, goodbye_slack, archive_for, agent_count_max, detector, guard, seed);
}
template <>
struct FieldNames<RegistrySettings> {
  static constexpr Names<8> names{"forget_after", "restart_grace", "goodbye_slack", "archive_for", "agent_count_max", "detector", "guard", "seed"};
};

template <class T>
concept Structured = requires(T& it) { parts(it); };

/// visit(name, member) for each field in order.
template <Structured T, class Visit>
void each_field(T& it, Visit&& visit) {
  auto members = parts(it);
  constexpr auto& names = FieldNames<std::remove_const_t<T>>::names;
  static_assert(std::tuple_size_v<decltype(members)> == names.size());
  [&]<std::size_t... I>(std::index_sequence<I...>) { (visit(names[I], std::get<I>(members)), ...); }(std::make_index_sequence<names.size()>{});
}
/// visit(name, member of a, member of b) for each field in order.
template <Structured T, class Visit>
void each_pair(T& a, const std::remove_const_t<T>& b, Visit&& visit) {
  auto left = parts(a);
  auto right = parts(b);
  constexpr auto& names = FieldNames<std::remove_const_t<T>>::names;
  static_assert(std::tuple_size_v<decltype(left)> == names.size());
  [&]<std::size_t... I>(std::index_sequence<I...>) { (visit(names[I], std::get<I>(left), std::get<I>(right)), ...); }(std::make_index_sequence<names.size()>{});
}

/// Equal in every field, also for structs without an operator.
template <class T>
bool same(const T& a, const T& b) {
  if constexpr (Structured<const T>) {
    bool out = true;
    each_pair(a, b, [&](std::string_view, const auto& x, const auto& y) { out = out && same(x, y); });
    return out;
  } else {
    return a == b;
  }
}

}  // namespace choregos::wire::recording
