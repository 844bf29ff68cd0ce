// A vector in chunks that copies of it share. Copying costs one pointer per chunk; writing copies the one chunk touched,
// once per copy taken. The owner writes; copies are read-only and safe to read from any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <memory>
#include <vector>

namespace choregos::registry {

template <class T, std::size_t N>
class CowVector {
 public:
  std::size_t size() const { return size_; }
  const T& operator[](std::size_t i) const {
    assert(i < size_);
    return (*chunks_[i / N])[i % N];
  }

  /// For writing; the chunk becomes the owner's.
  T& at_for_write(std::size_t i) {
    assert(i < size_);
    return own(i / N)[i % N];
  }
  void push_back(T value) {
    if (size_ % N == 0) {
      chunks_.push_back(std::make_shared<Chunk>());
      owned_.push_back(true);
    }
    own(size_ / N)[size_ % N] = std::move(value);
    ++size_;
  }

  /// A read-only copy. Everything is shared from here on, so the next write to a chunk copies it. Ownership is tracked
  /// here and not by use_count(), which orders nothing between threads.
  CowVector share() {
    std::fill(owned_.begin(), owned_.end(), false);
    CowVector copy;
    copy.chunks_ = chunks_;
    copy.size_ = size_;
    return copy;
  }

 private:
  using Chunk = std::array<T, N>;
  Chunk& own(std::size_t c) {
    if (!owned_[c]) {
      chunks_[c] = std::make_shared<Chunk>(*chunks_[c]);
      owned_[c] = true;
    }
    return *chunks_[c];
  }

  std::vector<std::shared_ptr<Chunk>> chunks_;
  std::vector<bool> owned_;
  std::size_t size_ = 0;
};

}  // namespace choregos::registry
