// The beacon source: agents that say by themselves, over UDP, that they live. Multicast on a LAN, unicast from everywhere
// else. What a datagram proves is decided in receiver.hpp, how long it counts in pace.hpp; this is their ears and mouth.
//
// It puts questions to agents that say that they answer, itself or by way of others, and tells what it learns of its own ears:
// drops, refused sends, links that went down, and each second a canary, a datagram to itself that must come back.
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
#include "choregos/source/beacon/link_watch.hpp"
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

  /// Without `sign` no canary is sent and nothing is said of ourselves.
  Beacon(net::Loop& loop, Options options, Submit submit, SubmitSign sign = {});
  ~Beacon() override;

  /// A port that cannot be had shows in health() and is tried again every 5 s. May be started again after stop().
  void start() override;
  void stop() override;
  SourceHealth health() const override;
  /// Sent at once, or not at all: who does not answer such questions is not asked.
  void ask(const Ask& ask) override;

  /// Hands over what waits in our sockets. Until when everything that came has been: see UdpSocket::drain; never() while closed.
  Instant drain() { return ears_ ? ears_->drain() : Instant::never(); }

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
  bool transmit(const beacon::Asking& asking);
  void send_canary(Instant now);
  void canary_came(Instant now);
  void tell(SignKind kind, Instant at, std::string subject = {}, std::string reason = {}, std::uint64_t count = 0);

  net::Loop& loop_;
  const Options options_;
  const Submit submit_;
  const SubmitSign sign_;
  beacon::Receiver receiver_;
  beacon::Pace pace_;
  beacon::InterfaceWatch watch_;
  beacon::LinkWatch links_;
  std::unique_ptr<beacon::Ears> ears_;
  net::Timer timer_, retry_;
  bool running_ = false;
  Instant opened_at_;
  Instant refreshed_at_ = Instant::min();
  std::vector<IpAddress> own_addresses_;
  std::uint64_t acks_ = 0;
  std::uint64_t asked_ = 0, asked_through_ = 0, answered_ = 0, answered_through_ = 0, unanswered_ = 0;
  std::string canary_;                ///< under way; "" = none
  std::uint64_t canaries_lost_ = 0;   ///< in all
  std::uint64_t canaries_lost_in_a_row_ = 0;
  std::uint64_t received_at_canary_ = 0;
  Instant refused_send_at_ = Instant::min();
  static constexpr unsigned kRefusalsTold = 8;
  unsigned refused_sends_ = 0;  ///< in the second that began then
  std::uint64_t kernel_drops_ = 0;
  Instant lost_at_ = Instant::min();  ///< when the kernel last dropped something
  std::string open_error_;
  beacon::Drop refusal_ = beacon::Drop::none;  ///< the last one that an operator can do something about
  Instant refused_at_ = Instant::min();
  std::string last_error_;
  WallTime last_ok_, last_error_at_;
};

}  // namespace choregos::source
