// What every source is: something that can be started, stopped and asked how it does. It lives on the loop's thread. It
// hands observations (or targets) to the functions it was given and knows nothing of who takes them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "choregos/model/ask.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/model/sign.hpp"
#include "choregos/model/source_health.hpp"
#include "choregos/model/target.hpp"

namespace choregos::source {

/// Takes an observation; never blocks, may drop it when the queue is full (the taker counts that).
using Submit = std::function<void(Observation)>;
/// The complete set of targets that `origin` knows now; replaces what it said before. Not called when a source could not
/// ask: old knowledge stays.
using PublishTargets = std::function<void(const std::string& origin, std::vector<Target> targets)>;

/// Takes a sign: what this host learnt about itself. As Submit.
using SubmitSign = std::function<void(Sign)>;

class Source {
 public:
  virtual ~Source() = default;
  virtual void start() = 0;
  /// No observation is handed over after it returns. Safe to call twice.
  virtual void stop() = 0;
  virtual SourceHealth health() const = 0;
  /// Put a question to an agent on this source's channel: see model/ask.hpp. One for another source (Ask::source) is ignored, so
  /// all may be handed all. Sources that cannot ask leave it.
  virtual void ask(const Ask&) {}
};

}  // namespace choregos::source
