// fan_floor: payloads of one size and nothing else.
#include "speak.hpp"

namespace fan {
namespace {

class Watcher final : public Speaker {
 public:
  explicit Watcher(std::size_t size) : size_(size) {}
  std::string hello() override { return "W"; }
  std::size_t read(std::string_view bytes, std::string&, Totals& totals) override {
    std::size_t used = 0;
    if (!ready_ && !bytes.empty()) ready_ = true, ++totals.ready, used = 1;
    for (; bytes.size() - used >= size_; used += size_) events_.take(bytes.substr(used, size_), totals);
    return used;
  }

 private:
  std::size_t size_;
  bool ready_ = false;
  Sequence events_;
};

class Sender final : public Publisher {
 public:
  explicit Sender(Order order) : order_(std::move(order)) {}
  std::string hello() override { return "P"; }
  std::size_t read(std::string_view bytes, std::string&, Totals&) override { return bytes.size(); }
  void change(std::uint64_t number, std::string& out) override { out += numbered(order_, number); }
  bool acknowledges() const override { return false; }

 private:
  Order order_;
};

}  // namespace

Protocol bare() {
  return {[](const Order& order, unsigned) -> std::unique_ptr<Speaker> { return std::make_unique<Watcher>(order.payload.size()); },
          [](const Order& order) -> std::unique_ptr<Publisher> { return std::make_unique<Sender>(order); }};
}

}  // namespace fan
