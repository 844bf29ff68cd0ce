#include "tests/sim/replay_row.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "choregos/base/rng.hpp"
#include "choregos/registry/registry.hpp"
#include "choregos/source/beacon/evidence.hpp"
#include "choregos/source/beacon/receiver.hpp"
#include "choregos/source/beacon/sender_for_tests.hpp"

namespace choregos::sim {
namespace {

using source::beacon::Receiver;
using source::beacon::Sender;

constexpr int kAgents = 5;

/// A fleet of senders, one receiver, one registry. Agent 0 falls silent, agent 1 says goodbye; then both are replayed.
class Recordings {
 public:
  Recordings(std::uint64_t seed, Scale scale) : rng_(seed), full_(scale == Scale::full), receiver_(settings()), registry_(RegistrySettings{}, Revision{1, 0}) {
    for (int i = 0; i < kAgents; ++i) {
      Sender& s = senders_.emplace_back();
      s.id = "agent-" + std::to_string(i);
      s.session = rng_.next() | 1;
    }
  }

  Tally run() {
    const int seconds = full_ ? 600 : 40;
    for (int t = 0; t < seconds; ++t) beat(0, t % 10 == 0);
    send(1, senders_[1].bye());
    for (int t = 0; t < 40; ++t) beat(2, false);
    expect(liveness(0) == Liveness::lost && liveness(1) == Liveness::left, "the silent one is not lost, or the one that said goodbye has not left");
    incarnation_ = registry_.find("agent-2")->agent.incarnation;
    replay();
    restart();
    tape_.erase(std::remove_if(tape_.begin(), tape_.end(), [](const auto& taped) { return taped.first == 0; }), tape_.end());
    replay();  // only of the one that said goodbye: a receiver that restarted cannot tell what it never heard (receiver.hpp)
    tally_.runs = 1;
    return std::move(tally_);
  }

 private:
  static source::beacon::ReceiverSettings settings() {
    source::beacon::ReceiverSettings s;
    s.accept_unsigned = source::beacon::UnsignedRule::parse("any").value();
    return s;
  }
  WallTime wall() const { return {1'700'000'000'000 + now_.ns / 1'000'000}; }

  void beat(int first, bool announce) {
    for (int i = first; i < kAgents; ++i) send(i, announce ? senders_[static_cast<std::size_t>(i)].announce() : senders_[static_cast<std::size_t>(i)].alive(Status::idle));
    pass(1s);
  }
  void send(int agent, std::string datagram) {
    hear(datagram);
    if (agent < 2) tape_.emplace_back(agent, std::move(datagram));
  }
  void hear(const std::string& datagram) {
    ++tally_.events;
    auto taken = receiver_.take({datagram, SocketAddress{IpAddress::v4(10, 0, 0, 9), 4471}, now_, false});
    if (!taken.heard) return;
    changes_.clear();
    (void)registry_.apply(source::beacon::observe(std::move(*taken.heard), "beacon", Lease{3s, 10s, 1s}, now_, wall()), now_, wall(), changes_);
    tally_.changes += changes_.size();
  }
  void pass(Duration d) {
    const Instant end = now_ + d;
    changes_.clear();
    while (registry_.next_deadline() <= end) {
      now_ = std::max(now_, registry_.next_deadline());
      registry_.tick(now_, wall(), changes_);
    }
    now_ = end;
    receiver_.sweep(now_);
    tally_.changes += changes_.size();
  }
  /// Everything on tape, again and again, in any order, among the beacons of the living.
  void replay() {
    const std::size_t times = full_ ? 1000 : 5;
    for (std::size_t round = 0; round < times; ++round) {
      for (std::size_t i = tape_.size(); i > 1; --i) std::swap(tape_[i - 1], tape_[rng_.below(i)]);
      for (const auto& [agent, datagram] : tape_) hear(datagram);
      if (round % (full_ ? 10 : 1) == 0) beat(2, false);
      for (int i = 0; i < 2; ++i) expect(liveness(i) != Liveness::alive && liveness(i) != Liveness::suspect, "a recording brings agent-" + std::to_string(i) + " back to life");
      const AgentRecordPtr living = registry_.find("agent-2");
      expect(living && living->agent.liveness == Liveness::alive && living->agent.incarnation == incarnation_ && !living->agent.conflict, "recordings of others disturb the living");
    }
  }
  /// The daemon anew: it remembers the list, no windows.
  void restart() {
    const SnapshotPtr list = registry_.snapshot(now_, wall());
    registry_ = Registry(RegistrySettings{}, {2, registry_.revision().number});
    receiver_ = Receiver(settings());
    changes_.clear();
    list->for_each([&](const AgentRecordPtr& r) {
      registry_.restore(r->agent, wall(), now_, wall(), changes_);
      receiver_.expect(r->agent.id, r->agent.incarnation, r->agent.liveness == Liveness::left);
    });
    beat(2, false);
  }
  Liveness liveness(int agent) const {
    const AgentRecordPtr record = registry_.find("agent-" + std::to_string(agent));
    return record ? record->agent.liveness : Liveness::lost;
  }
  void expect(bool holds, const std::string& otherwise) {
    if (!holds && tally_.violation.empty()) tally_.violation = otherwise;
  }

  Rng rng_;
  bool full_;
  Receiver receiver_;
  Registry registry_;
  Instant now_{1'000'000'000};
  std::vector<Sender> senders_;
  std::vector<std::pair<int, std::string>> tape_;
  std::vector<Change> changes_;
  std::uint64_t incarnation_ = 0;  ///< of a living one, before
  Tally tally_;
};

}  // namespace

Tally run_N03(std::uint64_t seed, Scale scale) { return Recordings(seed, scale).run(); }

}  // namespace choregos::sim
