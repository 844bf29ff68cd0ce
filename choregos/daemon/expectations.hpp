// What there should be, as the daemon knows it: the newest report of each orchestrator, the counts that an operator wrote, and
// the targets with what their probes found. On the loop's thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "choregos/daemon/logger.hpp"
#include "choregos/daemon/settings.hpp"
#include "choregos/model/expected.hpp"
#include "choregos/model/expected_found.hpp"
#include "choregos/registry/snapshot.hpp"
#include "choregos/source/http_probe/plan.hpp"

namespace choregos::daemon {

class Expectations final : public ExpectationSink {
 public:
  explicit Expectations(const Settings& settings);

  void report(ExpectationReportPtr report) override;
  /// Against what is found.
  ExpectedFound compare(std::span<const source::TargetState> targets, const Snapshot& snapshot, Instant now) const;
  /// Whether anybody says what there should be: without that there is nothing to watch.
  bool any() const;

 private:
  std::vector<ConfiguredCount> configured_;             ///< fixed after construction
  std::map<std::string, ExpectationReportPtr> reports_; ///< by source, never null
};

/// Says once in the log when a service no longer matches, and once when it does again. A difference that lasts no longer than
/// one look is an update on its way, and not worth a line.
class MismatchLog {
 public:
  void watch(const ExpectedFound& found, Logger& log);

 private:
  struct Seen {
    int looks = 0;  ///< in a row that it did not match
    bool told = false;
  };
  std::map<std::string, Seen> seen_;  ///< by service
};

}  // namespace choregos::daemon
