// Redis: SUBSCRIBE and PUBLISH over RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/).
#include <charconv>

#include "speak.hpp"

namespace fan {
namespace {

/// The number behind a one-letter mark, and past its line; false when it is not all there.
bool line_number(std::string_view bytes, std::size_t& at, char mark, std::uint64_t& number) {
  const std::size_t end = bytes.find("\r\n", at);
  if (end == std::string_view::npos) return false;
  if (bytes[at] != mark) wrong("redis says " + std::string(bytes.substr(at, end - at)));
  std::from_chars(bytes.data() + at + 1, bytes.data() + end, number);
  at = end + 2;
  return true;
}

class Watcher final : public Speaker {
 public:
  std::string hello() override { return "*2\r\n$9\r\nSUBSCRIBE\r\n$7\r\nchanges\r\n"; }
  std::size_t read(std::string_view bytes, std::string&, Totals& totals) override {
    std::size_t used = 0;
    while (used < bytes.size()) {
      std::size_t at = used;
      std::uint64_t count = 0;
      if (!line_number(bytes, at, '*', count)) return used;
      std::string_view kind, last;
      for (std::uint64_t i = 0; i < count; ++i) {
        std::uint64_t size = 0;
        if (at >= bytes.size()) return used;
        if (bytes[at] == ':') {
          if (!line_number(bytes, at, ':', size)) return used;
          continue;
        }
        if (!line_number(bytes, at, '$', size) || bytes.size() - at < size + 2) return used;
        last = bytes.substr(at, size);
        if (i == 0) kind = last;
        at += size + 2;
      }
      if (kind == "subscribe") ++totals.ready;
      else if (kind == "message") events_.take(last, totals);
      else wrong("redis tells of " + std::string(kind));
      used = at;
    }
    return used;
  }

 private:
  Sequence events_;
};

class Sender final : public Publisher {
 public:
  explicit Sender(Order order) : order_(std::move(order)) {}
  std::string hello() override { return {}; }
  std::size_t read(std::string_view bytes, std::string&, Totals& totals) override {
    std::size_t used = 0;
    std::uint64_t receivers = 0;
    while (used < bytes.size() && line_number(bytes, used, ':', receivers)) ++totals.acknowledged;
    return used;
  }
  void change(std::uint64_t number, std::string& out) override {
    out += "*3\r\n$7\r\nPUBLISH\r\n$7\r\nchanges\r\n$" + std::to_string(order_.payload.size()) + "\r\n" + numbered(order_, number) + "\r\n";
  }

 private:
  Order order_;
};

}  // namespace

Protocol redis() {
  return {[](const Order&, unsigned) -> std::unique_ptr<Speaker> { return std::make_unique<Watcher>(); },
          [](const Order& order) -> std::unique_ptr<Publisher> { return std::make_unique<Sender>(order); }};
}

}  // namespace fan
