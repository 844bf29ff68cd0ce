// Small numbers for texts that many agents share (models, hosts). A number is given back when nobody uses its text any more, so
// strangers who change their words cannot make it grow beyond the fleet.
#pragma once

#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace choregos::team {

class Interner {
 public:
  std::uint32_t acquire(std::string_view text) {
    const auto [it, fresh] = numbers_.try_emplace(std::string(text), 0);
    if (fresh) {
      if (unused_.empty()) {
        it->second = static_cast<std::uint32_t>(words_.size());
        words_.push_back({});
      } else {
        it->second = unused_.back();
        unused_.pop_back();
      }
      words_[it->second] = {&it->first, 0};
    }
    ++words_[it->second].users;
    return it->second;
  }
  void release(std::uint32_t number) {
    Word& word = words_[number];
    assert(word.users > 0);
    if (--word.users > 0) return;
    const std::string* const text = word.text;
    word = {};
    unused_.push_back(number);
    numbers_.erase(numbers_.find(*text));
  }
  const std::string& text(std::uint32_t number) const { return *words_[number].text; }
  /// Above every number in use.
  std::size_t size() const { return words_.size(); }

 private:
  struct Word {
    const std::string* text = nullptr;  ///< the key in numbers_, which stays where it is
    std::uint32_t users = 0;
  };
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::vector<Word> words_;
  std::vector<std::uint32_t> unused_;
};

}  // namespace choregos::team
