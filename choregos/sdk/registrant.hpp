// Registrant: the registering side of an agent as a pure state machine. It decides what to send and when; the announcer
// sends it and reports how it went. No clock, no socket: time and answers come in, actions go out.
//
//   waiting ──time──► putting ──ok──► registered ──tether ends, renewal fails──► waiting (back-off, next registry on failure)
//                       └──409──► conflict ──5 s──► putting
//
// Every action carries a ticket; a report for an older ticket is ignored, so a late answer changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/rng.hpp"
#include "choregos/base/time.hpp"
#include "choregos/sdk/announcer.hpp"
#include "choregos/sdk/backoff.hpp"
#include "choregos/sdk/self.hpp"
#include "choregos/wire/registered_json.hpp"

namespace choregos::sdk {

class Registrant {
 public:
  static constexpr Duration kConflictWait = 5s;
  static constexpr Duration kPushGap = 100ms;    ///< between two statements that follow a change
  static constexpr Duration kTtlMin = 1s;        ///< what a registry grants is not taken for less
  static constexpr Duration kPaceMin = 100ms;    ///< nor the pace that it asks for
  static constexpr Duration kPaceMax = 10min;
  static constexpr Duration kTetherLasted = 2s;  ///< a tether that held this long starts the back-off anew

  struct Action {
    enum class Kind : std::uint8_t {
      put,           ///< register with `body`; report put_done
      renew,         ///< POST renew with `body`; report renew_done
      open_tether,   ///< report tether_opened, then tether_event …, then tether_closed; or tether_closed alone
      close_tether,  ///< drop the tether with this ticket; no report is needed
      leave,         ///< DELETE; nothing waits for its answer here
    };
    Kind kind = Kind::put;
    std::size_t registry = 0;  ///< index in the list of registries
    std::uint64_t ticket = 0;
    std::string body;
  };
  using Actions = std::vector<Action>;
  using Event = Announcer::Event;

  /// `registry_names` are for people. Without any it does nothing.
  Registrant(std::vector<std::string> registry_names, std::uint64_t seed);

  /// From here on until stop. Call tick() right after.
  void start(const Self& self, Instant now);
  /// What this agent says has changed: told at once when registered.
  void changed(const Self& self, Instant now);
  /// Everything that is due.
  void tick(Instant now, Actions& actions);
  Instant next_deadline() const;
  /// A registration is under way whose answer is not here yet: a goodbye now might overtake it.
  bool put_in_flight() const { return put_ticket_ != 0; }
  /// The goodbye, when there is somebody to say it to. Afterwards every report is ignored.
  void stop(Actions& actions);

  void put_done(std::uint64_t ticket, const Result<wire::RegisteredDocument>& answer, Instant now, Actions& actions);
  void renew_done(std::uint64_t ticket, const Result<wire::RegisteredDocument>& answer, Instant now, Actions& actions);
  void tether_opened(std::uint64_t ticket, Instant now);
  void tether_event(std::uint64_t ticket, std::string_view name, std::string_view data, Instant now);
  /// `error` says why; not_found means that the registry does not know us, exhausted that it has no room for tethers.
  void tether_closed(std::uint64_t ticket, const Error& error, Instant now, Actions& actions);

  /// Fills the registration part of the state.
  void describe(Announcer::State& state) const;
  /// The pace last asked for; 0 = none yet.
  Duration beacon_interval() const { return beacon_interval_; }
  /// What happened since the last call, in order.
  std::vector<Event> take_events();

 private:
  enum class Phase : std::uint8_t { off, waiting, putting, registered };

  void granted(const wire::RegisteredDocument& answer, Instant now);
  void pace(Duration interval);
  /// Back to waiting; `loud` tells of the error, unless the same was told last.
  void fall_back(const Error& error, bool next_registry, Instant now, Actions& actions, bool loud = true);
  void conflict(const Error& error, Instant now, Actions& actions);
  void drop_tether(Actions& actions);
  void tell(Event::Kind kind, std::string detail, std::string name = {});
  Action act(Action::Kind kind, std::string body = {});

  // Fixed after construction.
  std::vector<std::string> names_;
  Rng rng_;

  Phase phase_ = Phase::off;
  bool in_conflict_ = false;
  bool goodbye_owed_ = false;         ///< a registry may list us
  Self self_;                         ///< what we say now
  Claims told_;                       ///< what the registry was told last
  std::size_t registry_ = 0;
  std::size_t failed_in_a_row_ = 0;   ///< registries that failed since one did not
  Backoff backoff_;
  Instant retry_at_ = Instant::never();
  Instant renew_at_ = Instant::never();
  Instant push_at_ = Instant::never();
  Instant pushed_at_ = Instant::min();
  Instant tether_retry_at_ = Instant::never();
  Instant tethered_at_ = Instant::never();

  std::uint64_t next_ticket_ = 1;
  std::uint64_t put_ticket_ = 0;      ///< 0 = none in flight
  std::uint64_t renew_ticket_ = 0;
  std::uint64_t tether_ticket_ = 0;
  bool tether_open_ = false;
  std::uint64_t answer_ = 0;          ///< nonce of the newest ping that is not answered yet; 0 = none
  Claims in_flight_;                  ///< claims that the put or renewal in flight tells

  Duration ttl_{};
  Duration beacon_interval_{};
  std::string last_error_;
  std::string failure_told_;
  std::uint64_t registrations_ = 0;
  std::uint64_t renewals_ = 0;
  std::uint64_t tethers_lost_ = 0;
  std::vector<Event> events_;
};

/// The fields of `now` that differ from `told`; `withdrawn` is set when a field that was told is no longer said.
Claims claims_since(const Claims& told, const Claims& now, bool& withdrawn);

}  // namespace choregos::sdk
