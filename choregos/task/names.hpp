// Capabilities as small numbers, counted by their users: what nobody uses any more gives its number back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "choregos/base/limits.hpp"

namespace choregos::task {

using CapId = std::uint32_t;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <class Value>
using ByText = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

class Names {
 public:
  /// One more user. Unset when limits::capability_dictionary_max names are in use.
  std::optional<CapId> acquire(std::string_view name) {
    auto found = ids_.find(name);
    if (found == ids_.end()) {
      if (ids_.size() >= limits::capability_dictionary_max) return std::nullopt;
      CapId id = static_cast<CapId>(users_.size());
      if (free_.empty()) {
        users_.push_back(0);
      } else {
        id = free_.back();
        free_.pop_back();
      }
      found = ids_.emplace(std::string(name), id).first;
      names_.resize(users_.size());
      names_[id] = found->first;
    }
    ++users_[found->second];
    return found->second;
  }
  void release(CapId id) {
    if (--users_[id] > 0) return;
    ids_.erase(ids_.find(names_[id]));
    names_[id] = {};
    free_.push_back(id);
  }
  std::optional<CapId> find(std::string_view name) const {
    const auto found = ids_.find(name);
    if (found == ids_.end()) return std::nullopt;
    return found->second;
  }
  std::size_t size() const { return users_.size(); }  ///< every id is below

 private:
  ByText<CapId> ids_;
  std::vector<std::uint32_t> users_;
  std::vector<std::string_view> names_;  ///< into the keys of ids_
  std::vector<CapId> free_;
};

}  // namespace choregos::task
