// The status that a wrapped program shows at a URL: a JSON object with a member "status". Asked in turns, one at a time.
//
// Owns one thread, on which `take` is called. Loopback is fine: whoever started us wrote the URL.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "choregos/agent/status_word.hpp"
#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"

namespace choregos::agent {

class StatusUrl {
 public:
  using Take = std::function<void(const StatusReading&)>;
  /// The first question is asked at once, each further one `period` after the last was answered or given up (2 s).
  /// Errors: invalid (the URL).
  static Result<std::unique_ptr<StatusUrl>> create(const std::string& url, Duration period, Take take);
  /// `take` is not called after it returns.
  ~StatusUrl();

 private:
  class Impl;
  explicit StatusUrl(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace choregos::agent
