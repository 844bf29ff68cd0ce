// Bytes on their way to one peer: shared pieces, each with an optional chunk frame around it, sent by gathered writes.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace choregos::net {

class WriteQueue {
 public:
  using Bytes = std::shared_ptr<const std::string>;

  void push(Bytes bytes) { push(std::move(bytes), 0, false); }
  /// The first `limit` bytes only.
  void push_front_of(Bytes bytes, std::size_t limit);
  /// As one chunk of a chunked body: size line before it, CR LF behind it.
  void push_chunk(Bytes bytes) { push(std::move(bytes), 0, true); }

  enum class Outcome { drained, blocked, yielded, failed };
  struct Sent {
    Outcome outcome;
    std::size_t bytes;
    int error;  ///< errno when failed
  };
  /// Writes it at once if nothing waits; what the kernel does not take then waits at the front (blocked).
  Sent send_or_push(int fd, Bytes bytes);
  /// Writes until the queue is empty, the kernel takes no more, or `bytes_max` are gone (yielded: ask again later, so that one
  /// fast reader of a long list does not keep the loop).
  Sent send(int fd, std::size_t bytes_max);

  bool empty() const { return items_.empty(); }
  std::size_t bytes() const { return bytes_; }
  std::size_t count() const { return items_.size(); }
  void clear();

 private:
  struct Item {
    Bytes bytes;
    std::size_t size = 0;              // of `bytes`, as far as it is sent
    std::array<char, 20> frame{};      // "1a2b\r\n"
    std::uint8_t frame_size = 0;
    bool chunk = false;
    std::size_t total() const { return frame_size + size + (chunk ? 2 : 0); }
  };
  void push(Bytes bytes, std::size_t limit, bool chunk);

  std::deque<Item> items_;
  std::size_t front_sent_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace choregos::net
