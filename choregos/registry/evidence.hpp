// Evidence: what one channel (source and subject) has told us about one life of an agent. Folding an observation in gives
// the same evidence in whatever order observations arrive, because each part keeps the newest by its own stamp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "choregos/base/ip.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/loss_meter.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/registry/listening.hpp"

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
  std::optional<IpAddress> from;  ///< where it was last heard from
  LossMeter loss;                 ///< of messages that are numbered and have an interval
  // Questions in vain since it was last heard.
  Instant asked_at = Instant::never();       ///< the first of them
  std::uint16_t asked = 0;
  std::uint16_t asked_by_helpers = 0;
  Instant answered_at = Instant::min();      ///< when it last answered one; min() = never

  bool is_channel(const Observation& o) const {
    return source == o.source && subject == o.subject && incarnation == o.incarnation && names.id == o.names.id;
  }
  bool open() const { return lease.open(); }
  /// Has answered a question of ours.
  bool answers() const { return answered_at != Instant::min(); }
  /// Says something of its own accord at known intervals.
  bool speaks() const { return lease.interval > Duration{0} && !open(); }
  /// Whether the failure still stands, that is, nothing newer was heard.
  bool failed() const;
  /// Until when this channel alone says "alive"; Instant::min() when it does not. `beside`: the same life has a channel that speaks
  /// at this interval; 0 = none. A connection that is merely open proves little then: kernels hold them for stopped processes,
  /// too. And an answer to a question counts no longer than a word unasked would: the agent can be asked again.
  Instant alive_until(const Waits& waits, Duration beside) const;
  /// From when on this channel alone would let the agent be lost. `since`: its silence counts from then on, if later.
  Instant lost_at(const Waits& waits, Duration beside, Instant since, Duration tether_veto) const;
  /// When it last showed life: now for a channel that is open and nothing speaks against it.
  Instant heard_until(Instant now, Duration beside) const;
  bool has_statement() const { return said || amended; }
  Stamp statement_at() const { return newer(amended_at, said_at) ? amended_at : said_at; }
};

/// Whether the same source hears the same incarnation of the same id speak on both, by two subjects: two processes, then, or
/// one whose sender was made anew.
bool has_other_voice(const Evidence& a, const Evidence& b);

/// Folds one observation in. Returns whether anything but the times moved (a statement, a failure, draining).
bool fold(Evidence& evidence, const Observation& observation);

}  // namespace choregos::registry
