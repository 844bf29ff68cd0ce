// The one event loop of a process: sockets, timers and signals call back on the thread that runs it.
//
// Threads: run() belongs to one thread, "the loop's thread". post() and stop() may be called from any thread; everything
// else of net/ is called on the loop's thread, or before run(). Objects made with a Loop must be destroyed before it.
// A callback that throws ends the program: exceptions do not leave a folder.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "choregos/base/time.hpp"

namespace choregos::net {

namespace detail {
struct LoopImpl;
struct TimerState;
}  // namespace detail

/// Holds a timer alive. Destroying or cancelling it means that its function is not called any more, even if it was due.
class Timer {
 public:
  Timer() = default;
  ~Timer();
  Timer(Timer&&) noexcept = default;
  Timer& operator=(Timer&& other) noexcept;

  void cancel();
  /// Set and not yet fired (a repeating timer stays armed).
  bool armed() const;
  explicit operator bool() const { return armed(); }

 private:
  friend class Loop;
  explicit Timer(std::shared_ptr<detail::TimerState> state) : state_(std::move(state)) {}
  std::shared_ptr<detail::TimerState> state_;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Works until stop(), even while there is nothing to do. May be called again afterwards.
  void run();
  /// Makes run() return soon. Thread safe, and safe to call in a callback.
  void stop();
  /// Works until `done` says so (asked after each callback) or `limit` has passed; returns what `done` said last.
  bool run_until(const std::function<bool()>& done, Duration limit);

  /// Calls `fn` on the loop's thread, after the current callback. Thread safe; functions of one thread keep their order.
  void post(std::function<void()> fn);

  /// CLOCK_MONOTONIC.
  Instant now() const;
  WallTime wall_now() const;
  /// True on the thread that is inside run() or run_until().
  bool on_loop_thread() const;

  /// Calls `fn` once after `delay` (at once but never inside this call when it is not positive).
  [[nodiscard]] Timer after(Duration delay, std::function<void()> fn);
  /// Calls `fn` once at that time of now().
  [[nodiscard]] Timer at(Instant when, std::function<void()> fn);
  /// Calls `fn` each `period` (at least 1 ms), first one period from now. After a stall missed turns are skipped, not
  /// caught up.
  [[nodiscard]] Timer every(Duration period, std::function<void()> fn);

  /// Takes over these signals of the process; replaces what an earlier call asked for.
  void on_signal(std::initializer_list<int> signals, std::function<void(int)> fn);

  /// For net/ itself (net/asio.hpp says what is in it).
  detail::LoopImpl& impl() const { return *impl_; }

 private:
  std::unique_ptr<detail::LoopImpl> impl_;
};

}  // namespace choregos::net
