#include "choregos/net/write_queue.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace choregos::net {
namespace {
constexpr std::size_t kParts = 96;  // of one gathered write
}

void WriteQueue::push_front_of(Bytes bytes, std::size_t limit) { push(std::move(bytes), limit, false); }

void WriteQueue::push(Bytes bytes, std::size_t limit, bool chunk) {
  if (!bytes || bytes->empty()) return;
  Item item;
  item.size = limit > 0 ? std::min(limit, bytes->size()) : bytes->size();
  item.bytes = std::move(bytes);
  if (chunk) {
    char* end = std::to_chars(item.frame.data(), item.frame.data() + 17, item.size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    item.frame_size = static_cast<std::uint8_t>(end - item.frame.data());
    item.chunk = true;
  }
  bytes_ += item.total();
  items_.push_back(std::move(item));
}

void WriteQueue::clear() {
  items_.clear();
  front_sent_ = 0;
  bytes_ = 0;
}

WriteQueue::Sent WriteQueue::send_or_push(int fd, Bytes bytes) {
  if (!items_.empty()) {
    push(std::move(bytes));
    return {Outcome::blocked, 0, 0};
  }
  ssize_t n;
  do n = ::send(fd, bytes->data(), bytes->size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return {Outcome::failed, 0, errno};
  const std::size_t sent = n < 0 ? 0 : static_cast<std::size_t>(n);
  if (sent == bytes->size()) return {Outcome::drained, sent, 0};
  push(std::move(bytes));
  front_sent_ = sent;
  bytes_ -= sent;
  return {Outcome::blocked, sent, 0};
}

WriteQueue::Sent WriteQueue::send(int fd, std::size_t bytes_max) {
  Sent sent{Outcome::drained, 0, 0};
  while (!items_.empty()) {
    if (sent.bytes >= bytes_max) {
      sent.outcome = Outcome::yielded;
      break;
    }
    std::array<iovec, kParts> parts;
    std::size_t count = 0;
    std::size_t skip = front_sent_;
    const auto add = [&](const char* data, std::size_t size) {
      const std::size_t cut = std::min(skip, size);
      skip -= cut;
      if (size > cut) parts[count++] = iovec{const_cast<char*>(data) + cut, size - cut};
    };
    for (auto it = items_.begin(); it != items_.end() && count + 3 <= kParts; ++it) {
      add(it->frame.data(), it->frame_size);
      add(it->bytes->data(), it->size);
      if (it->chunk) add("\r\n", 2);
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t n = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EINTR) continue;
      sent.outcome = errno == EAGAIN || errno == EWOULDBLOCK ? Outcome::blocked : Outcome::failed;
      sent.error = errno;
      break;
    }
    auto left = static_cast<std::size_t>(n);
    sent.bytes += left;
    bytes_ -= left;
    left += front_sent_;
    while (!items_.empty() && left >= items_.front().total()) {
      left -= items_.front().total();
      items_.pop_front();
    }
    front_sent_ = left;
  }
  return sent;
}

}  // namespace choregos::net
