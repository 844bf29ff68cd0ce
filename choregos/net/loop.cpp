#include "choregos/net/loop.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include "choregos/net/asio.hpp"

namespace choregos::net {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

SteadyTime steady(Instant t) { return SteadyTime(std::chrono::duration_cast<SteadyTime::duration>(Duration(t.ns))); }

Instant monotonic_now() {
  return Instant{std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()).count()};
}

/// Says which thread is inside the loop, as long as it lives.
class OnThread {
 public:
  explicit OnThread(std::atomic<std::thread::id>& cell) : cell_(cell) { cell_.store(std::this_thread::get_id(), std::memory_order_relaxed); }
  ~OnThread() { cell_.store(std::thread::id{}, std::memory_order_relaxed); }

 private:
  std::atomic<std::thread::id>& cell_;
};

}  // namespace

namespace detail {

void LoopImpl::wait_for_signal() {
  signals.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    // A copy: the function may call on_signal() and so replace itself.
    if (auto fn = signal_fn) fn(number);
    wait_for_signal();
  });
}

struct TimerState : std::enable_shared_from_this<TimerState> {
  explicit TimerState(asio::io_context& context) : timer(context) {}

  asio::steady_timer timer;
  std::function<void()> fn;
  Instant due;
  Duration period{0};  // 0 = once
  bool armed = false;

  void wait() {
    timer.expires_at(steady(due));
    timer.async_wait([self = shared_from_this()](const boost::system::error_code&) { self->fire(); });
  }

  void fire() {
    if (!armed) return;
    // Moved out for the call: the function may destroy this timer, and with it itself.
    auto call = std::move(fn);
    if (period.count() == 0) {
      armed = false;
      call();
      return;
    }
    call();
    if (!armed) return;
    fn = std::move(call);
    const Instant now = monotonic_now();
    due = due + period;
    if (due <= now) due = now + period;
    wait();
  }

  void cancel() {
    if (!armed) return;
    armed = false;
    fn = nullptr;
    timer.cancel();
  }
};

}  // namespace detail

Timer::~Timer() { cancel(); }

Timer& Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    cancel();
    state_ = std::move(other.state_);
  }
  return *this;
}

void Timer::cancel() {
  if (state_) state_->cancel();
  state_.reset();
}

bool Timer::armed() const { return state_ && state_->armed; }

Loop::Loop() : impl_(std::make_unique<detail::LoopImpl>()) {}

Loop::~Loop() = default;

void Loop::run() {
  const OnThread here(impl_->thread);
  impl_->context.run();
  impl_->context.restart();
}

void Loop::stop() { impl_->context.stop(); }

bool Loop::run_until(const std::function<bool()>& done, Duration limit) {
  const OnThread here(impl_->thread);
  const auto deadline = steady(monotonic_now() + limit);
  bool answer = done();
  while (!answer && impl_->context.run_one_until(deadline) > 0) answer = done();
  impl_->context.restart();
  return answer;
}

void Loop::post(std::function<void()> fn) { asio::post(impl_->context, std::move(fn)); }

Instant Loop::now() const { return monotonic_now(); }

WallTime Loop::wall_now() const {
  using namespace std::chrono;
  return WallTime{duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

bool Loop::on_loop_thread() const { return impl_->thread.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

Timer Loop::after(Duration delay, std::function<void()> fn) { return at(now() + std::max(delay, Duration{0}), std::move(fn)); }

Timer Loop::at(Instant when, std::function<void()> fn) {
  auto state = std::make_shared<detail::TimerState>(impl_->context);
  state->fn = std::move(fn);
  state->due = when;
  state->armed = true;
  state->wait();
  return Timer(std::move(state));
}

Timer Loop::every(Duration period, std::function<void()> fn) {
  auto state = std::make_shared<detail::TimerState>(impl_->context);
  state->fn = std::move(fn);
  state->period = std::max<Duration>(period, 1ms);
  state->due = now() + state->period;
  state->armed = true;
  state->wait();
  return Timer(std::move(state));
}

void Loop::on_signal(std::initializer_list<int> signals, std::function<void(int)> fn) {
  boost::system::error_code ignored;
  impl_->signals.cancel(ignored);
  impl_->signals.clear(ignored);
  for (const int number : signals) impl_->signals.add(number, ignored);
  impl_->signal_fn = std::move(fn);
  impl_->wait_for_signal();
}

}  // namespace choregos::net
