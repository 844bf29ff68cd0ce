#include "choregos/source/http_probe/sampler.hpp"

#include <algorithm>
#include <cmath>

namespace choregos::source {

void Sampler::add(std::string_view id) {
  failures_in_row_ = 0;
  if (id.empty()) {
    ++nameless_;
    return;
  }
  ++samples_;
  const std::size_t count = ++seen_[std::string(id)];
  if (count == 1) ++once_;
  if (count == 2) --once_, ++twice_;
  if (count == 3) --twice_;
}

double Sampler::unseen() const {
  const auto f1 = static_cast<double>(once_), f2 = static_cast<double>(twice_);
  return once_ == 0 ? 0 : f1 * (f1 - 1) / (2 * (f2 + 1));
}

std::size_t Sampler::tries_max() const { return std::min(count_max_, std::max<std::size_t>(15, 6 * distinct() + 10)); }

std::size_t Sampler::tries_min() const {
  const auto d = static_cast<double>(distinct());
  return std::min(tries_max(), distinct() == 0 ? std::size_t{5} : static_cast<std::size_t>(std::ceil(d * (std::log(d) + 3) + 4)));
}

bool Sampler::complete() const { return distinct() > 0 && samples_ >= tries_min() && unseen() < 0.5; }

bool Sampler::done() const {
  if (gave_up()) return true;
  if (distinct() == 0 && nameless_ >= 3) return true;
  return complete() || samples_ + nameless_ + failures_ >= tries_max();
}

}  // namespace choregos::source
