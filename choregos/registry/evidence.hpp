// Evidence: what one channel (source and subject) has told us about one life of an agent. Folding an observation in gives
// the same evidence in whatever order observations arrive, because each part keeps the newest by its own stamp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "choregos/base/time.hpp"
#include "choregos/model/observation.hpp"

namespace choregos::registry {

/// Orders statements of one channel: by sequence when both have one, else by the time they arrived here.
struct Stamp {
  std::uint64_t sequence = 0;
  Instant at = Instant::min();
  bool operator==(const Stamp&) const = default;
};
bool newer(const Stamp& a, const Stamp& b);

/// The newest thing that speaks against life on this channel.
struct Failure {
  ObservationKind kind = ObservationKind::doubt;  ///< doubt, refused or goodbye
  Stamp stamp;
  Duration lost_after{};                          ///< from stamp.at, for doubt
  std::string reason;
};

struct Evidence {
  std::string source;
  std::string subject;
  Names names;                    ///< as last heard
  std::uint64_t incarnation = 0;
  Instant first_heard = Instant::never();
  Instant last_heard = Instant::min();
  Stamp last_stamp;
  std::shared_ptr<const Claims> said;        ///< the last whole statement; null = none
  Stamp said_at;
  std::shared_ptr<const Claims> amended;     ///< partial statements after it; null = none
  Stamp amended_at;
  std::unique_ptr<const Failure> failure;    ///< null = none
  Lease lease;                               ///< of the last evidence of life
  bool draining = false;

  bool is_channel(const Observation& o) const {
    return source == o.source && subject == o.subject && incarnation == o.incarnation && names.id == o.names.id;
  }
  bool open() const { return lease.open(); }
  /// Whether the failure still stands, that is, nothing newer was heard.
  bool failed() const;
  /// Until when this channel alone says "alive"; Instant::min() when it does not.
  Instant alive_until() const;
  /// From when on this channel alone would let the agent be lost.
  Instant lost_at() const;
  bool fresh(Instant now) const { return now < alive_until(); }
  /// When it last showed life: now for an open channel that has not failed.
  Instant heard_until(Instant now) const { return open() && !failed() ? now : last_heard; }
  bool has_statement() const { return said || amended; }
  Stamp statement_at() const { return newer(amended_at, said_at) ? amended_at : said_at; }
};

/// Folds one observation in. Returns whether anything but the times moved (a statement, a failure, draining).
bool fold(Evidence& evidence, const Observation& observation);

}  // namespace choregos::registry
