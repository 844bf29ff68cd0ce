// The source that asks agents how they are: `GET /health` of every target, kept alive, so that the end of a connection tells
// of a death at once. What is asked when, and what the answers prove, is decided in plan.hpp; this is its hands.
//
// Lives on the loop's thread, and hands over observations there. choregos/source/README.md says what a good source does.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/net/address_policy.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/source/http_probe/plan.hpp"
#include "choregos/source/http_probe/probe.hpp"
#include "choregos/source/source.hpp"

namespace choregos::source {

class HttpProbe : public Source {
 public:
  /// Whether a process is gone, asked by connecting twice, 200 ms apart.
  enum class Verdict {
    refused,   ///< both times: nobody listens there
    answered,  ///< somebody accepted
    unknown,   ///< silence, no route, not allowed: proves nothing
  };

  struct Options {
    ProbeSettings settings;
    /// Judges every dial; targets given to set_targets are learnt under their origin, so an origin must only name addresses
    /// that it may vouch for. nullptr = everything allowed. Outlives the source.
    net::AddressPolicy* policy = nullptr;
    std::uint64_t seed = 0;  ///< of the jitter
    std::string user_agent = "choregos";
  };

  /// `settings` must pass check(ProbeSettings).
  HttpProbe(net::Loop& loop, Options options, Submit submit);
  ~HttpProbe() override;

  /// Harmless when running already. May be started again after stop(): targets stay known.
  void start() override;
  /// Ends every connection and call: no packet leaves after it returns, no callback is called.
  void stop() override;
  SourceHealth health() const override;

  /// The complete set of `origin` now; replaces what it said before. May be called before start().
  void set_targets(const std::string& origin, std::vector<Target> targets);
  std::vector<TargetState> targets() const;
  /// Probes the address that is the ask's subject as soon as its track allows.
  void ask(const Ask& ask) override;

  /// `fn` is told of draining targets that no longer answer, so that their origin may drop them.
  void on_silent(std::function<void(const SocketAddress&)> fn);

  /// For the daemon, when a tether broke: does anybody still listen at this address? `done` is called once, on the loop's
  /// thread, unless stop() comes first. `configured` as in Target.
  void confirm_dead(const SocketAddress& address, std::function<void(Verdict)> done, bool configured = false);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace choregos::source
