// NATS: SUB and PUB (https://docs.nats.io/reference/reference-protocols/nats-protocol).
#include <charconv>

#include "speak.hpp"

namespace fan {
namespace {

constexpr std::string_view kConnect = "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":false}\r\n";

/// Watchers and the publisher: what the server says beside messages.
class Client : public Publisher {
 public:
  explicit Client(Order order, bool watches) : order_(std::move(order)), watches_(watches) {}
  // The answer to PING comes after the subscription has been made.
  std::string hello() override { return std::string(kConnect) + (watches_ ? "SUB changes 1\r\nPING\r\n" : ""); }
  std::size_t read(std::string_view bytes, std::string& reply, Totals& totals) override {
    std::size_t used = 0;
    while (true) {
      const std::size_t end = bytes.find("\r\n", used);
      if (end == std::string_view::npos) return used;
      const std::string_view line = bytes.substr(used, end - used);
      std::size_t next = end + 2;
      if (line.starts_with("MSG ")) {
        std::size_t size = 0;
        std::from_chars(line.data() + line.rfind(' ') + 1, line.data() + line.size(), size);
        if (bytes.size() - next < size + 2) return used;
        events_.take(bytes.substr(next, size), totals);
        next += size + 2;
      } else if (line == "PING") {
        reply += "PONG\r\n";
      } else if (line == "PONG") {
        ++totals.ready;
      } else if (line.starts_with("-ERR")) {
        wrong("nats says " + std::string(line));
      }
      used = next;
    }
  }
  void change(std::uint64_t number, std::string& out) override {
    out += "PUB changes " + std::to_string(order_.payload.size()) + "\r\n" + numbered(order_, number) + "\r\n";
  }
  bool acknowledges() const override { return false; }

 private:
  Order order_;
  bool watches_;
  Sequence events_;
};

}  // namespace

Protocol nats() {
  return {[](const Order& order, unsigned) -> std::unique_ptr<Speaker> { return std::make_unique<Client>(order, true); },
          [](const Order& order) -> std::unique_ptr<Publisher> { return std::make_unique<Client>(order, false); }};
}

}  // namespace fan
