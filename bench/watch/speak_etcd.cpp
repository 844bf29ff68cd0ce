// etcd: Watch and Put of its v3 API, gRPC over HTTP/2 without TLS (RFC 9113), as little of both as it takes: header blocks are sent as
// literals and those that come are passed over, windows for what comes are opened once and wide, the server's for what goes are kept.
#include <deque>
#include <vector>

#include "speak.hpp"

namespace fan {
namespace {

enum Frame : std::uint8_t { kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kGoAway = 7, kWindow = 8 };
constexpr std::uint8_t kEnd = 1, kAck = 1, kHeadersWhole = 4;
constexpr std::uint32_t kWide = 0x7fffffff;

void big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
}
std::uint64_t big_endian(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}
void frame(std::string& out, Frame type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  big_endian(out, payload.size(), 3);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  big_endian(out, stream, 4);
  out += payload;
}
void window(std::string& out, std::uint32_t stream, std::uint32_t by) {
  std::string payload;
  big_endian(payload, by, 4);
  frame(out, kWindow, 0, stream, payload);
}

/// HPACK (RFC 7541): fields of the static table, values as plain literals.
std::string request_headers(std::string_view path) {
  const auto literal = [](std::string name, std::string_view value) { return name + static_cast<char>(value.size()) + std::string(value); };
  return "\x83\x86" + literal("\x04", path) + literal("\x01", "localhost") + literal("\x0f\x10", "application/grpc") +
         literal(std::string("\0\x02te", 4), "trailers");
}

// Protocol buffers
void varint(std::string& out, std::uint64_t value) {
  for (; value >= 128; value >>= 7) out += static_cast<char>(value | 128);
  out += static_cast<char>(value);
}
std::uint64_t varint(std::string_view& text) {
  std::uint64_t value = 0;
  for (int shift = 0; !text.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 127) << shift;
    if (byte < 128) break;
  }
  return value;
}
void field(std::string& out, unsigned number, std::string_view bytes) {
  varint(out, number << 3 | 2);
  varint(out, bytes.size());
  out += bytes;
}
/// Calls fn(field, value of a varint, bytes of the others).
template <class Fn>
void fields(std::string_view text, Fn fn) {
  while (!text.empty()) {
    const std::uint64_t key = varint(text);
    std::uint64_t value = 0;
    std::string_view bytes;
    if ((key & 7) == 0) value = varint(text);
    else if ((key & 7) == 2) {
      const std::uint64_t size = varint(text);
      bytes = text.substr(0, size);
      text.remove_prefix(bytes.size());
    } else wrong("etcd sends a field of kind " + std::to_string(key & 7));
    fn(static_cast<unsigned>(key >> 3), value, bytes);
  }
}

std::string grpc(std::string_view message) {
  std::string out(1, '\0');
  big_endian(out, message.size(), 4);
  out += message;
  return out;
}

class Connection : public Publisher {
 public:
  std::string hello() override {
    std::string out = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", settings;
    big_endian(settings, 4, 2);  // SETTINGS_INITIAL_WINDOW_SIZE
    big_endian(settings, kWide, 4);
    frame(out, kSettings, 0, 0, settings);
    window(out, 0, kWide - 65535);
    return out;
  }
  std::size_t read(std::string_view bytes, std::string& reply, Totals& totals) override {
    std::size_t used = 0;
    while (bytes.size() - used >= 9) {
      const auto size = static_cast<std::size_t>(big_endian(bytes.substr(used, 3)));
      if (bytes.size() - used - 9 < size) break;
      const auto type = static_cast<Frame>(bytes[used + 3]);
      const auto flags = static_cast<std::uint8_t>(bytes[used + 4]);
      const auto stream = static_cast<std::uint32_t>(big_endian(bytes.substr(used + 5, 4)));
      const std::string_view payload = bytes.substr(used + 9, size);
      used += 9 + size;
      if (type == kData) data(payload, totals);
      else if (type == kHeaders && (flags & kEnd)) end(totals);
      else if (type == kSettings && !(flags & kAck)) frame(reply, kSettings, kAck, 0, {});
      else if (type == kPing && !(flags & kAck)) frame(reply, kPing, kAck, 0, payload);
      else if (type == kWindow && stream == 0) window_ += static_cast<std::int64_t>(big_endian(payload)), release(reply);
      else if (type == kReset || type == kGoAway) wrong("etcd ends a stream or the connection: " + std::string(payload));
    }
    return used;
  }
  void change(std::uint64_t, std::string&) override {}

 protected:
  void send(std::string& out, std::uint32_t stream, std::uint8_t flags, std::string_view headers, std::string_view message) {
    std::string frames;
    if (!headers.empty()) frame(frames, kHeaders, kHeadersWhole, stream, headers);
    const std::string whole = grpc(message);
    frame(frames, kData, flags, stream, whole);
    held_.push_back({std::move(frames), static_cast<std::int64_t>(whole.size())});
    release(out);
  }
  virtual void data(std::string_view payload, Totals& totals) = 0;
  virtual void end(Totals& totals) = 0;

 private:
  void release(std::string& out) {
    for (; !held_.empty() && held_.front().size <= window_; held_.pop_front()) {
      window_ -= held_.front().size;
      out += held_.front().frames;
    }
  }
  struct Held {
    std::string frames;
    std::int64_t size;
  };
  std::deque<Held> held_;
  std::int64_t window_ = 65535;
};

/// Several watches on one Watch stream, as etcd's own client does it.
class Watcher final : public Connection {
 public:
  explicit Watcher(unsigned watches) : watches_(watches) {}
  std::string hello() override {
    std::string out = Connection::hello(), create, request;
    field(create, 1, "changes");
    field(request, 1, create);
    for (unsigned i = 0; i < watches_; ++i) send(out, 1, 0, i == 0 ? request_headers("/etcdserverpb.Watch/Watch") : std::string(), request);
    return out;
  }

 private:
  void data(std::string_view payload, Totals& totals) override {
    rest_ += payload;  // a message may be cut into frames anywhere
    std::size_t used = 0;
    while (rest_.size() - used >= 5) {
      const auto size = static_cast<std::size_t>(big_endian(std::string_view(rest_).substr(used + 1, 4)));
      if (rest_.size() - used - 5 < size) break;
      response(std::string_view(rest_).substr(used + 5, size), totals);
      used += 5 + size;
    }
    rest_.erase(0, used);
  }
  void response(std::string_view message, Totals& totals) {
    std::uint64_t watch = 0, revision = 0;
    bool created = false;
    fields(message, [&](unsigned number, std::uint64_t value, std::string_view bytes) {
      if (number == 1) fields(bytes, [&](unsigned part, std::uint64_t at, std::string_view) { if (part == 3) revision = at; });
      if (number == 2) watch = value;
      if (number == 3) created = value != 0;
      if (number == 4 && value != 0) wrong("etcd cancels a watch");
    });
    if (watch >= last_.size()) last_.resize(watch + 1);
    if (created) last_[watch] = revision, ++totals.ready;
    fields(message, [&](unsigned number, std::uint64_t, std::string_view event) {
      if (number != 11) return;
      fields(event, [&](unsigned part, std::uint64_t, std::string_view pair) {
        if (part == 2) take(last_[watch], pair, totals);
      });
    });
  }
  /// Puts that are under way together are applied in any order, so the revision counts, not the number in the payload.
  static void take(std::uint64_t& last, std::string_view pair, Totals& totals) {
    fields(pair, [&](unsigned member, std::uint64_t value, std::string_view) {
      if (member != 3) return;
      if (value != last + 1) wrong("revision " + std::to_string(value) + " came after " + std::to_string(last));
      last = value;
    });
    ++totals.events;
  }
  void end(Totals&) override { wrong("etcd ends a watch"); }

  unsigned watches_;
  std::string rest_;
  std::vector<std::uint64_t> last_;  ///< revision, of each watch
};

class Sender final : public Connection {
 public:
  explicit Sender(Order order) : order_(std::move(order)) {}
  void change(std::uint64_t number, std::string& out) override {
    std::string put;
    field(put, 1, "changes");
    field(put, 2, numbered(order_, number));
    send(out, next_stream_, kEnd, request_headers("/etcdserverpb.KV/Put"), put);
    next_stream_ += 2;
  }

 private:
  void data(std::string_view, Totals&) override { ++answers_; }
  void end(Totals& totals) override {
    if (++totals.acknowledged != answers_) wrong("etcd refuses a put");
  }
  Order order_;
  std::uint32_t next_stream_ = 1;
  std::uint64_t answers_ = 0;
};

}  // namespace

Protocol etcd() {
  return {[](const Order&, unsigned watches) -> std::unique_ptr<Speaker> { return std::make_unique<Watcher>(watches); },
          [](const Order& order) -> std::unique_ptr<Publisher> { return std::make_unique<Sender>(order); }};
}

}  // namespace fan
