#include "choregos/source/pulse/pulse.hpp"

#include <time.h>

#include <algorithm>
#include <utility>

namespace choregos::source {
namespace {

Duration clock_time(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

Pulse::Pulse(net::Loop& loop, Options options, SubmitSign submit) : loop_(loop), options_(std::move(options)), submit_(std::move(submit)) {}
Pulse::~Pulse() { stop(); }

void Pulse::start() {
  if (here_) return;
  here_ = std::make_shared<bool>(true);
  due_ = loop_.now() + kPeriod;
  slept_ = options_.slept ? options_.slept() : clock_time(CLOCK_BOOTTIME) - clock_time(CLOCK_MONOTONIC);
  timer_ = loop_.every(kPeriod, [this] { tick(); });
}

void Pulse::stop() {
  if (!here_) return;
  *here_ = false;
  here_.reset();
  working_ = false;
  timer_.cancel();
}

Sign Pulse::sign(SignKind kind, Instant at) const {
  Sign out;
  out.kind = kind;
  out.at = at;
  out.source = options_.name;
  return out;
}

void Pulse::tick() {
  const Instant now = loop_.now();
  const auto here = here_;  // whoever takes a sign may stop us
  if (now - due_ > kLagMax) {
    Sign lag = sign(SignKind::lag, now);
    lag.amount = now - due_;
    submit_(std::move(lag));
  }
  due_ = now + kPeriod;
  const Duration slept = options_.slept ? options_.slept() : clock_time(CLOCK_BOOTTIME) - clock_time(CLOCK_MONOTONIC);
  if (*here && slept - slept_ > kSuspendMin) {
    Sign suspended = sign(SignKind::suspended, now);
    suspended.amount = slept - slept_;
    submit_(std::move(suspended));
  }
  slept_ = slept;
  if (!*here || std::exchange(working_, true)) return;
  round(now, kRounds);
}

/// What is posted runs after everything that the loop already has in hand, and at most two posts lie between two looks at the
/// sockets.
void Pulse::round(Instant began, int left) {
  loop_.post([this, here = here_, began, left] {
    if (!*here) return;
    if (left > 1) return round(began, left - 1);
    working_ = false;
    listened(began);
  });
}

void Pulse::listened(Instant began) {
  const auto here = here_;  // whoever is handed a datagram may stop us
  Instant until = began;
  if (options_.drain) until = std::min(until, options_.drain());
  if (!*here || until == Instant::min()) return;
  until = until - kStampSlack;
  if (until <= until_) return;
  until_ = until;
  Sign out = sign(SignKind::listened, loop_.now());
  out.until = until;
  submit_(std::move(out));
}

}  // namespace choregos::source
