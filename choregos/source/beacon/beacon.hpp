// The beacon source: agents that say by themselves, over UDP, that they live. Multicast on a LAN, unicast from everywhere
// else. What a datagram proves is decided in receiver.hpp, how long it counts in pace.hpp; this is their ears and mouth.
//
// Lives on the loop's thread, and hands over observations there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "choregos/net/loop.hpp"
#include "choregos/source/beacon/ears.hpp"
#include "choregos/source/beacon/interface_watch.hpp"
#include "choregos/source/beacon/pace.hpp"
#include "choregos/source/beacon/receiver.hpp"
#include "choregos/source/source.hpp"

namespace choregos::source {

class Beacon final : public Source {
 public:
  struct Options {
    std::string name = "beacon";           ///< instance name, Observation::source
    beacon::ReceiverSettings receiver;     ///< give it a random seed: it is that of our own session, too
    beacon::Ears::Options ears;
    std::uint64_t epoch = 0;               ///< of the registry; told in acks, so that agents announce themselves to a new one
    std::uint64_t cookie = 0;              ///< told in acks; agents repeat it from then on
  };

  Beacon(net::Loop& loop, Options options, Submit submit);
  ~Beacon() override;

  /// A port that cannot be had shows in health() and is tried again every 5 s. May be started again after stop().
  void start() override;
  void stop() override;
  SourceHealth health() const override;

  /// Known from before a restart; see Receiver::expect.
  void expect(const std::string& id, std::uint64_t incarnation, bool ended) { receiver_.expect(id, incarnation, ended); }
  /// In force for the next datagram.
  void set_keys(beacon::KeyRing keys) { receiver_.set_keys(std::move(keys)); }

  /// Where unicast arrives; 0 while nothing is bound.
  std::uint16_t port() const { return ears_ ? ears_->port() : 0; }
  /// What agents are told now, here and by whoever else tells them.
  Duration interval() const { return pace_.interval(); }
  std::size_t agents() const { return receiver_.agents(); }

 private:
  void open();
  void turn();
  void take(const beacon::Packet& packet, unsigned interface_index);
  void note_refusal(beacon::Drop drop, const beacon::Packet& packet);
  void judge(SourceHealth& health) const;

  net::Loop& loop_;
  const Options options_;
  const Submit submit_;
  beacon::Receiver receiver_;
  beacon::Pace pace_;
  beacon::InterfaceWatch watch_;
  std::unique_ptr<beacon::Ears> ears_;
  net::Timer timer_, retry_;
  bool running_ = false;
  Instant opened_at_;
  Instant refreshed_at_ = Instant::min();
  std::vector<IpAddress> own_addresses_;
  std::uint64_t acks_ = 0;
  std::uint64_t kernel_drops_ = 0;
  Instant lost_at_ = Instant::min();  ///< when the kernel last dropped something
  std::string open_error_;
  beacon::Drop refusal_ = beacon::Drop::none;  ///< the last one that an operator can do something about
  Instant refused_at_ = Instant::min();
  std::string last_error_;
  WallTime last_ok_, last_error_at_;
};

}  // namespace choregos::source
