// One life of an announcer, from start to stop: the loop and everything on it. Made and prepared by start(), run by its
// thread, gone after it. Internal to the announcer.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "choregos/net/loop.hpp"
#include "choregos/sdk/announcer.hpp"
#include "choregos/sdk/beacon_sender.hpp"
#include "choregos/sdk/health_responder.hpp"
#include "choregos/sdk/registrant.hpp"
#include "choregos/sdk/registry_link.hpp"

namespace choregos::sdk {

/// Options as they are used: checked, and turned into values.
struct AnnouncerPlan {
  Self self;
  std::vector<std::string> registry_names;
  std::vector<wire::HttpUrl> registries;
  std::string token;
  Announcer::Beacon beacon;
  std::optional<SocketAddress> health_listen;  ///< unset = no responder
  std::string health_path;
  bool work_out_health_url = false;
};

class AnnouncerLoop {
 public:
  using Publish = std::function<void(const Announcer::State&)>;
  using OnEvent = std::function<void(const Announcer::Event&)>;

  /// `publish` and `on_event` are called on the loop's thread.
  AnnouncerLoop(AnnouncerPlan plan, Publish publish, OnEvent on_event);
  ~AnnouncerLoop();

  /// Binds what is to be bound. Before run(). Errors: invalid, io.
  Result<void> prepare();
  /// Works until the goodbye is said. On the announcer's thread.
  void run();
  /// Thread safe.
  void say(Claims claims, bool draining);
  void begin_goodbye(std::string reason);
  /// Fills the counters that move by themselves. Thread safe after prepare().
  void count(Announcer::State& state) const;
  /// Fixed after prepare().
  std::optional<SocketAddress> health_address() const { return health_address_; }

 private:
  void begin();
  void take_claims(Claims claims, bool draining);
  void tell_all();
  void act();
  void carry_out();
  void settle();
  void adopt_health_url(const IpAddress& peer);
  void goodbye(const std::string& reason);
  void leave();

  AnnouncerPlan plan_;
  Publish publish_;
  OnEvent on_event_;
  std::optional<SocketAddress> health_address_;
  bool leaving_ = false;          ///< told to go
  bool left_ = false;             ///< the goodbye is on its way
  std::string reason_;

  net::Loop loop_;
  std::optional<Registrant> registrant_;
  Registrant::Actions actions_;
  std::unique_ptr<RegistryLink> link_;
  std::unique_ptr<HealthResponder> health_;
  std::unique_ptr<BeaconSender> beacon_;
  Duration tether_pace_{};  ///< last taken over from the tether
  net::Timer timer_, goodbye_timer_;
};

}  // namespace choregos::sdk
