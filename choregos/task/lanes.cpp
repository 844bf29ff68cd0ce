#include "choregos/task/lanes.hpp"

#include <algorithm>
#include <utility>

namespace choregos::task {
namespace {

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : between).append(word);
  return text;
}

std::string label_of(const TaskRequest& request) {
  std::string label = request.capabilities.empty() ? "any capability" : joined(request.capabilities, " + ");
  if (!request.kind.empty()) label += ", kind " + request.kind;
  if (!request.agent.empty()) label += ", agent " + request.agent;
  if (!request.team.empty()) label += ", team " + request.team;
  if (request.seat) label += ", seat " + std::to_string(*request.seat);
  return label;
}

}  // namespace

std::string Lanes::key_of(const TaskRequest& request, const std::vector<std::string>& ancestry) {
  // None of the parts can hold this byte: words and ids are checked at the border.
  constexpr char kBetween = '\x1f';
  std::string key;
  key.reserve(96);
  for (const std::string& capability : request.capabilities) key.append(capability) += ' ';
  (key += kBetween).append(request.kind);
  (key += kBetween).append(request.agent);
  (key += kBetween).append(request.team);
  key += kBetween;
  if (request.seat) key += std::to_string(*request.seat);
  for (const std::string& agent : ancestry) (key += kBetween).append(agent);
  return key;
}

Bucket* Lanes::bucket_of(CapId id) {
  if (id >= by_capability_.size()) by_capability_.resize(id + 1);
  if (!by_capability_[id]) by_capability_[id] = std::make_unique<Bucket>();
  return by_capability_[id].get();
}

Result<Lane*> Lanes::make(std::string key, const TaskRequest& request, const std::vector<std::string>& ancestry) {
  auto lane = std::make_unique<Lane>();
  for (const std::string& capability : request.capabilities) {
    const auto id = names_.acquire(capability);
    if (!id) {
      for (const CapId taken : lane->needs) names_.release(taken);
      return fail(ErrorCode::exhausted, "no more than " + std::to_string(limits::capability_dictionary_max) +
                                            " distinct capabilities are told apart; '" + capability + "' would be one more");
    }
    lane->needs.push_back(*id);
  }
  std::sort(lane->needs.begin(), lane->needs.end());
  lane->key = key;
  lane->label = label_of(request);
  lane->kind = request.kind.empty() ? joined(request.capabilities, "+") : request.kind;
  lane->agent = request.agent;
  lane->team = request.team;
  lane->seat = request.seat;
  lane->ancestry = ancestry;
  if (!lane->agent.empty()) lane->bucket = find_or_make(by_agent_, lane->agent);
  else if (!lane->team.empty()) lane->bucket = find_or_make(by_team_, lane->team);
  else if (lane->needs.empty()) lane->bucket = &anyone_;
  if (lane->bucket) ++lane->bucket->lanes;
  Lane* made = lane.get();
  lanes_.emplace(std::move(key), std::move(lane));
  return made;
}

void Lanes::close(Lane* lane) {
  if (--lane->users > 0) return;
  for (const CapId id : lane->needs) names_.release(id);
  // Buckets of agents and teams go with their last lane; those of capabilities are bounded by the dictionary.
  if (--lane->bucket->lanes == 0) {
    if (!lane->agent.empty()) by_agent_.erase(lane->agent);
    else if (!lane->team.empty()) by_team_.erase(lane->team);
  }
  lanes_.erase(lanes_.find(lane->key));
}

void Lanes::insert(Lane& lane, Rank rank) {
  if (!lane.waiting.empty()) {
    const Rank first = *lane.waiting.begin();
    lane.waiting.insert(rank);
    if (rank > first) return;
    lane.bucket->heads.erase(first);
  } else {
    lane.waiting.insert(rank);
  }
  lane.bucket->heads.emplace(rank, &lane);
}

void Lanes::erase(Lane& lane, Rank rank) {
  const bool was_first = *lane.waiting.begin() == rank;
  lane.waiting.erase(rank);
  if (!was_first) return;
  lane.bucket->heads.erase(rank);
  if (!lane.waiting.empty()) lane.bucket->heads.emplace(*lane.waiting.begin(), &lane);
}

}  // namespace choregos::task
