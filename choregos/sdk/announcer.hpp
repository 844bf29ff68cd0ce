// Announcer: be an agent. It introduces this program to one or several registries over HTTP, holds a tether open so that its
// death is seen at once, sends beacons, answers /health, and says goodbye when it goes.
//
//   choregos::Announcer::Options options;
//   options.id = "writer-1";
//   options.capabilities = {"go_development"};
//   options.registries = {"http://127.0.0.1:4470"};
//   choregos::Announcer announcer(std::move(options));
//   if (auto started = announcer.start(); !started) …
//
// It owns one thread. Every method may be called from any thread and returns without waiting for the network, except
// start() (binds the health port), stop() and the destructor (wait for the goodbye, at most kGoodbyeTimeMax).
// Nothing here throws; nothing is written to standard output or error.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/observation.hpp"

namespace choregos {

class Announcer {
 public:
  /// stop() and the destructor never take longer than this.
  static constexpr Duration kGoodbyeTimeMax = 500ms;

  struct Beacon {
    bool enabled = false;
    bool multicast = true;                ///< to 239.255.67.72 and ff02::4348, within this LAN
    std::vector<std::string> interfaces;  ///< names to multicast on; empty = every one that is up and can
    std::vector<std::string> unicast;     ///< "host:port" of registries on other networks
    std::uint16_t port = 4471;            ///< of the multicast groups
    Duration interval = 1s;               ///< between two signs of life, until a registry asks for another pace
    std::uint64_t key_id = 0;             ///< 0 = unsigned
    std::string key;                      ///< the key's bytes, at least 16, when key_id is not 0
    bool help = true;                     ///< ping other agents when a registry that hears us asks for it, at most 20 a second
  };
  struct Health {
    std::string listen;                   ///< "address:port", port 0 = any free one; "auto" = a free port on the address that faces
                                          ///< the first registry (asks the resolver, so start() may wait for it); "" = no responder
    std::string path = "/health";
  };
  struct Options {
    std::string id;                       ///< required: 1 to 64 of A-Z a-z 0-9 . _ : / -
    std::string name;
    std::vector<std::string> capabilities;
    std::string model;
    std::string endpoint;                 ///< URL where it takes tasks
    std::string p2p_addr;                 ///< host:port
    std::string cluster_id;
    Labels labels;
    std::string node;                     ///< host name
    std::string version;                  ///< of this agent's software
    std::string health_url;               ///< where a registry may probe it; "" = worked out from `health`; "none" = it is not to be
    std::optional<Status> status;         ///< at the start; unset = not said
    std::optional<std::uint32_t> running;
    std::optional<std::uint32_t> capacity;
    std::uint64_t incarnation = 0;        ///< 0 = the time of start() in ms, as the protocol suggests
    std::vector<std::string> registries;  ///< "http://host:port"; tried in order, the next one when one fails; may be empty
    std::string token;                    ///< bearer token for them; "" = none
    Duration ttl{};                       ///< lease to ask for; 0 = the registry's default
    Beacon beacon;
    Health health;
  };

  enum class Registration : std::uint8_t {
    off,         ///< no registry configured, not started or stopped
    connecting,  ///< not registered now; last_error says why when it was tried
    registered,  ///< registered, the tether is not open yet
    tethered,    ///< registered and the tether is open
    conflict,    ///< another living process holds the id; tried again every 5 s
  };
  struct State {
    Registration registration = Registration::off;
    bool registered = false;      ///< registered or tethered
    bool tethered = false;
    std::string registry;         ///< the one in use, or tried last
    std::string last_error;       ///< "" = none since the last success
    Duration ttl{};               ///< lease granted; 0 = none yet
    Duration beacon_interval{};   ///< the pace in force
    std::uint64_t incarnation = 0;
    std::uint64_t registrations = 0;  ///< that succeeded
    std::uint64_t renewals = 0;
    std::uint64_t tethers_lost = 0;
    std::uint64_t beacons_sent = 0;
    std::uint64_t beacon_errors = 0;  ///< datagrams that the system refused to send
    std::uint64_t health_answers = 0;
  };
  struct Event {
    enum class Kind : std::uint8_t {
      registered,   ///< detail: the registry
      tethered,     ///< detail: the registry
      tether_lost,  ///< detail: why
      conflict,     ///< detail: what the registry said
      failed,       ///< a registration or renewal failed; detail: why. Repeats of the same text are told once
      paced,        ///< the registry asked for another pace; detail: the beacon interval
      message,      ///< anything else that came down the tether: `name` and, in detail, its data
    };
    Kind kind = Kind::failed;
    std::string name;    ///< of a message
    std::string detail;
  };

  explicit Announcer(Options options);
  ~Announcer();  ///< stops
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;

  /// Set before start(). Called on the announcer's thread; it must not call stop() or destroy the announcer.
  void on_event(std::function<void(const Event&)> callback);

  /// Returns once the health port is bound; registering goes on behind it and never fails the start. It may be called
  /// again after stop(), with a new incarnation unless one was configured.
  /// Errors: invalid (an option, named), conflict (started already), io (the health port or beacon socket).
  Result<void> start();
  /// Says goodbye (beacon bye, DELETE at the registry) and ends the thread. Nothing is sent after it returns. Safe to call
  /// twice, from several threads, and before start. `reason` is shown to people.
  void stop(std::string_view reason = "stopped");

  /// What this agent says of itself from now on; told at once, and only when it differs. Kept when not started.
  void set_status(std::optional<Status> status);
  void set_load(std::optional<std::uint32_t> running, std::optional<std::uint32_t> capacity);
  /// It is being stopped and takes no new work.
  void set_draining(bool draining);
  /// Replaces the whole statement. Errors: invalid (the field is named); the statement stays as it was. What only a
  /// registry writes (current_team) is refused; tasks_completed is shown on /health alone.
  Result<void> set_claims(Claims claims);

  /// Where /health answers, with the port that was really taken; unset without a responder.
  std::optional<SocketAddress> health_address() const;
  State state() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

std::string_view to_string(Announcer::Registration registration);
std::string_view to_string(Announcer::Event::Kind kind);

}  // namespace choregos
