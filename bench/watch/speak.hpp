// How fan_load speaks with each server: a Speaker is one connection, of a watcher or of the publisher. Speakers know no sockets; they
// are given what came and say what to answer. Each checks what it reads: every event once, in order, none missing; what is wrong ends
// the program.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace fan {

/// Of all connections together.
struct Totals {
  std::uint64_t ready = 0;         ///< watchers who hear everything from now on
  std::uint64_t events = 0;        ///< that came to a watcher
  std::uint64_t folded = 0;        ///< that a slow watcher was told of by a later event of the same agent (choregos only)
  std::uint64_t acknowledged = 0;  ///< changes that the publisher was told are done
};

struct Order {
  std::string payload;   ///< an event's bytes; the first kDigits are replaced by its number
  unsigned agents = 1;   ///< choregos: that change in turn
  unsigned run = 0;      ///< choregos: makes the names of this run differ from those of the one before
};
inline constexpr std::size_t kDigits = 16;

[[noreturn]] void wrong(const std::string& what);
std::string numbered(const Order& order, std::uint64_t number);
std::uint64_t number_of(std::string_view payload);

/// Bytes of one payload each, one after the other: the number must be the next one.
class Sequence {
 public:
  void take(std::string_view payload, Totals& totals) {
    const std::uint64_t number = number_of(payload);
    if (number != last_ + 1) wrong("event " + std::to_string(number) + " came after " + std::to_string(last_));
    last_ = number;
    ++totals.events;
  }

 private:
  std::uint64_t last_ = 0;
};

class Speaker {
 public:
  virtual ~Speaker() = default;
  virtual std::string hello() = 0;
  /// Takes whole messages off the front and returns how many bytes they had; appends to `reply` what is to be sent.
  virtual std::size_t read(std::string_view bytes, std::string& reply, Totals& totals) = 0;
};

class Publisher : public Speaker {
 public:
  /// Appends what may be sent now; the rest follows by read().
  virtual void change(std::uint64_t number, std::string& out) = 0;
  virtual bool acknowledges() const { return true; }
};

struct Protocol {
  /// `watches` on this one connection (etcd; else 1).
  std::unique_ptr<Speaker> (*watcher)(const Order& order, unsigned watches);
  std::unique_ptr<Publisher> (*publisher)(const Order& order);
};
Protocol bare();
Protocol redis();
Protocol nats();
Protocol etcd();
Protocol choregos();

}  // namespace fan
