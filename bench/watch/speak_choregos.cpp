// choregos: server-sent events of GET /api/v1/watch (docs/WATCH.md), and renewals that give an agent a new name each, which is one
// revision each.
#include <charconv>
#include <cstdio>
#include <optional>

#include "speak.hpp"

namespace fan {
namespace {

std::uint64_t decimal(std::string_view text, int base = 10) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, base);
  return number;
}

class Watcher final : public Speaker {
 public:
  std::string hello() override { return "GET /api/v1/watch HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"; }

  std::size_t read(std::string_view bytes, std::string&, Totals& totals) override {
    std::size_t used = 0;
    if (!head_read_) {
      const std::size_t end = bytes.find("\r\n\r\n");
      if (end == std::string_view::npos) return 0;
      if (!bytes.starts_with("HTTP/1.1 200")) wrong("choregos answers " + std::string(bytes.substr(0, end)));
      head_read_ = true;
      used = end + 4;
    }
    while (true) {
      const std::size_t line = bytes.find("\r\n", used);
      if (line == std::string_view::npos) return used;
      const std::uint64_t size = decimal(bytes.substr(used, line - used), 16);
      if (bytes.size() - line - 2 < size + 2) return used;
      if (size == 0) wrong("choregos ended the stream");
      chunk(bytes.substr(line + 2, size), totals);
      used = line + 2 + size + 2;
    }
  }

 private:
  /// choregos frames whole events.
  void chunk(std::string_view text, Totals& totals) {
    while (!text.empty()) {
      const std::size_t end = text.find("\n\n");
      if (end == std::string_view::npos) wrong("choregos framed half an event: " + std::string(text.substr(0, 200)));
      event(text.substr(0, end), totals);
      text.remove_prefix(end + 2);
    }
  }

  void event(std::string_view text, Totals& totals) {
    std::string_view kind;
    std::optional<std::uint64_t> revision;
    if (text.starts_with("id: ")) {
      const std::size_t end = text.find('\n');
      const std::string_view id = text.substr(4, end - 4);
      revision = decimal(id.substr(id.find('.') + 1));
      text.remove_prefix(end + 1);
    }
    if (text.starts_with("event: ")) kind = text.substr(7, text.find('\n') - 7);
    if (kind == "put" && revision) {
      if (*revision != last_ + 1) wrong("revision " + std::to_string(*revision) + " came after " + std::to_string(last_));
      last_ = *revision;
      ++totals.events;
    } else if (kind == "put") {  // told to a slow reader; the mark that follows says up to where
      constexpr std::string_view kFolded = "\"folded\":";
      const std::size_t at = text.find(kFolded);
      if (at == std::string_view::npos) wrong("an event without a position: " + std::string(text.substr(0, 300)));
      const std::uint64_t folded = decimal(text.substr(at + kFolded.size()));
      run_ += 1 + folded;
      ++totals.events;
      totals.folded += folded;
    } else if (kind == "mark" && revision) {
      if (*revision != last_ + run_) wrong("marked " + std::to_string(*revision) + " after " + std::to_string(last_) + " and " + std::to_string(run_));
      last_ = *revision;
      run_ = 0;
    } else if (kind == "ready" && revision && !ready_) {
      ready_ = true;
      last_ = *revision;
      ++totals.ready;
    } else if (ready_ && (kind == "reset" || kind == "remove" || kind == "end")) {
      wrong("choregos tells of " + std::string(kind) + ": " + std::string(text.substr(0, 300)));
    }
  }

  bool head_read_ = false;
  bool ready_ = false;
  std::uint64_t last_ = 0;
  std::uint64_t run_ = 0;
};

class Sender final : public Publisher {
 public:
  explicit Sender(Order order) : order_(std::move(order)) {}
  std::string hello() override { return {}; }
  std::size_t read(std::string_view bytes, std::string&, Totals& totals) override {
    std::size_t used = 0;
    while (true) {
      const std::size_t end = bytes.find("\r\n\r\n", used);
      if (end == std::string_view::npos) return used;
      const std::string_view head = bytes.substr(used, end - used);
      const std::size_t length = head.find("Content-Length: ");
      if (!head.starts_with("HTTP/1.1 200") || length == std::string_view::npos) wrong("choregos answers " + std::string(bytes.substr(used, 600)));
      const std::uint64_t size = decimal(head.substr(length + 16));
      if (bytes.size() - end - 4 < size) return used;
      used = end + 4 + size;
      ++totals.acknowledged;
    }
  }
  void change(std::uint64_t number, std::string& out) override {
    char body[64], head[192];
    const int size = std::snprintf(body, sizeof body, "{\"name\":\"planner %08x %08llu\"}", order_.run, static_cast<unsigned long long>(number));
    std::snprintf(head, sizeof head, "POST /api/v1/agents/bench-%03llu/renew HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
                  static_cast<unsigned long long>(number % order_.agents), size);
    out += head;
    out += body;
  }

 private:
  Order order_;
};

}  // namespace

Protocol choregos() {
  return {[](const Order&, unsigned) -> std::unique_ptr<Speaker> { return std::make_unique<Watcher>(); },
          [](const Order& order) -> std::unique_ptr<Publisher> { return std::make_unique<Sender>(order); }};
}

}  // namespace fan
