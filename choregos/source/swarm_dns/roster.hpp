// What DNS says of one service, over time: which addresses its tasks have, who stands at each, which of them are leaving.
// Pure: swarm_dns.hpp asks the questions and passes the answers in.
//
//   found          these addresses; one that is missing now is draining
//   no such name   no task: all are draining
//   failed         nothing is known: everything stays as it was
//   draining       its name has vanished; still a target until it no longer answers, at most 60 s (a container that is told
//                  to stop leaves DNS within 2 s and ends up to 10 s or more later, measured with Docker 20.10)
//   named          the address has a task by PTR; asked again each minute and whenever the address comes back, because
//                  addresses are used again
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/limits.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/source_health.hpp"
#include "choregos/model/target.hpp"

namespace choregos::source {

struct ServiceSettings {
  std::string service = "chorus";     ///< asked for as tasks.<service>
  std::uint16_t port = 8081;          ///< health port
  std::string path = "/health";
  std::optional<std::size_t> expected; ///< how many there should be; unset = not known
};

class Roster {
 public:
  static constexpr Duration kDrainingFor = 60s;
  static constexpr Duration kNameAgain = 60s;
  /// A new address waits so long for its PTR before it is published without a task, so that it is not first listed by its
  /// address and then merged under its task.
  static constexpr Duration kNamePatience = 500ms;

  explicit Roster(ServiceSettings settings) : settings_(std::move(settings)) {}
  const ServiceSettings& settings() const { return settings_; }

  void found(const std::vector<IpAddress>& addresses, Instant now);
  void no_such_name(Instant now) { found({}, now); }
  void failed(std::string why);

  /// Addresses whose PTR is to be asked now, at most `count_max`; each counts as asked.
  std::vector<IpAddress> to_name(Instant now, std::size_t count_max);
  /// What a PTR question gave: nothing = the address has no name of a task. A question that failed is named_failed.
  void named(const IpAddress& address, std::optional<SwarmTask> task, Instant now);
  void name_failed(const IpAddress& address, Instant now);
  /// Questions under way will never be answered, because the asker was stopped.
  void questions_lost();
  /// The probe says that nobody answers at a draining address any more.
  void silent(const IpAddress& address);

  /// The complete set, when it differs from what the last call gave; nothing before the first lookup that worked.
  std::optional<std::vector<Target>> take_changed(Instant now);
  /// When take_changed or to_name may have something that they have not now.
  Instant next(Instant now) const;

  std::size_t present() const;
  std::size_t draining() const { return members_.size() - present(); }
  bool asked() const { return asked_; }
  bool failing() const { return !last_failure_.empty(); }
  const std::string& last_failure() const { return last_failure_; }  ///< "" when the last lookup worked
  /// What is not as it should be, in a sentence; "" when all is well.
  std::string warning() const;

 private:
  struct Member {
    Instant since;                                ///< appeared, or came back
    Instant vanished = Instant::never();          ///< draining from then on
    std::optional<SwarmTask> task;
    bool name_known = false;                      ///< the first PTR answer or failure has come
    bool asking = false;
    bool outdated = false;                        ///< it was asked before the address came back
    Instant ask_at;
    bool draining() const { return vanished != Instant::never(); }
  };
  bool ready(const Member& member, Instant now) const { return member.name_known || now >= member.since + kNamePatience; }

  ServiceSettings settings_;
  std::map<IpAddress, Member> members_;
  bool asked_ = false;  ///< at least one lookup worked
  std::string last_failure_;
  std::optional<std::vector<Target>> published_;
};

}  // namespace choregos::source
