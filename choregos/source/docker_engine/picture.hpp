// What Docker says, over time: which of its tasks and containers are agents to be, where they can be asked, which have ended and
// how, which nodes are down. Pure: docker_engine.hpp asks the questions and passes the answers in.
//
//   enabled        a service (or a container without one) labelled choregos.enable=true, or named in the configuration and not
//                  labelled choregos.enable=false
//   target         a task that starts or runs, at each of its addresses but the ingress network's; draining when Docker wants
//                  it stopped
//   dead           a task in a final state (complete, failed, shutdown, rejected, orphaned, remove), its container ended, or a
//                  task that was told to go and has left a complete list: Docker deletes a task only once it has ended
//   vanished       a task that left the list though it was wanted: no proof, so it stays a draining target until nobody answers,
//                  at most 60 s
//   node down      is about the node: managers hear nothing of it. No task dies of it
//   not asked      what could not be asked stays as it was
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "choregos/base/time.hpp"
#include "choregos/model/expected.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/model/sign.hpp"
#include "choregos/model/target.hpp"
#include "choregos/wire/docker.hpp"

namespace choregos::source {

/// A service that the configuration names. "chorus" means "chorus" and, of a stack, "anything_chorus".
struct DockerNamed {
  std::string service;
  std::uint16_t port = 0;  ///< 0 = the default
  std::string path;        ///< "" = the default
};

struct PictureSettings {
  std::string name = "docker_engine";
  std::vector<DockerNamed> named;
  std::uint16_t port = 8081;        ///< where neither label nor name says one
  std::string path = "/health";
  std::string network;              ///< only addresses of this one; "" = of all but ingress
};

/// One look at the engine: what was asked at `asked` and has come whole by `now`. An absent list was not to be had (no
/// manager, not allowed): nothing follows from its absence.
struct DockerLook {
  Instant asked;
  Instant now;
  WallTime wall;
  std::optional<std::vector<wire::DockerNode>> nodes;
  std::optional<std::vector<wire::DockerService>> services;  ///< with tasks, or not at all
  std::optional<std::vector<wire::DockerTask>> tasks;
  std::optional<std::vector<wire::DockerContainer>> containers;
};

class Picture {
 public:
  static constexpr Duration kVanishedFor = 60s;
  /// A manager that says for so long that it is none is believed.
  static constexpr Duration kDemotedAfter = 60s;

  explicit Picture(PictureSettings settings) : settings_(std::move(settings)) {}

  struct Output {
    std::vector<Observation> observations;
    std::vector<Sign> signs;
    ExpectationReportPtr report;  ///< null while a manager says nothing of its Swarm: the last one stays
  };
  Output look(DockerLook look);
  /// An event says that the container of this task died. It is never started again, so this is the end of the task, known before
  /// any list shows it. Strangers, and those known dead, give nothing.
  Output container_died(const std::string& task_id, std::optional<std::int64_t> exit_code, Instant now, WallTime wall);

  /// Who answered or spoke, through whatever source: when that is one of our tasks, what Docker knows besides (the node, the
  /// declared capabilities, the task's name) goes with it, once per change, as a statement that shows no life of its own. Something
  /// against an agent gives nothing.
  std::optional<Observation> met(const Observation& heard);
  /// Whether this concerns a task of ours, so that Docker may know more by now.
  bool concerns(const Observation& observation) const;

  /// The complete set, when it differs from what the last call gave.
  std::optional<std::vector<Target>> take_changed(Instant now);
  /// The probe says that nobody answers at a draining address any more.
  void silent(const SocketAddress& address);
  /// When take_changed may have something that it has not now.
  Instant next() const;
  /// Some task starts, stops or has just vanished: look again soon.
  bool unsettled() const { return unsettled_; }

  struct Figures {
    std::size_t services = 0, tasks = 0, running = 0, nodes = 0, nodes_down = 0, targets = 0;
    std::uint64_t deaths = 0, deaths_superseded = 0, vanished = 0;
  };
  Figures figures() const;
  /// What is not as it should be, in a sentence; "" when all is well.
  std::string warning() const;

 private:
  /// How agents of a service are asked, from labels, name and defaults.
  struct Way {
    std::uint16_t port = 0;
    std::string path;
    std::vector<std::string> capabilities;
    bool capabilities_said = false;
    bool operator==(const Way&) const = default;
  };
  /// A task of Swarm, or a container without one, under the id that Docker gives it.
  struct Member {
    std::string key;                    ///< the id that Docker gives it
    SwarmTask task;
    bool swarm = false;                 ///< a task; else a container, named by its addresses
    std::string service_id;
    std::string container_id;
    std::string node;
    Way way;
    std::vector<IpAddress> addresses;
    bool wanted = false;
    bool running = false;               ///< starts or runs
    bool told_to_go = false;
    bool dead = false;                  ///< and the registry was told
    Instant vanished = Instant::never();
    std::optional<Observation> told;    ///< the last statement of met()
    std::set<std::string> ids;          ///< that were heard as this task
    std::uint64_t incarnation = 0;      ///< the highest one heard as this task
  };

  std::optional<Way> way_of(const std::string& service, const Labels& labels, const Labels& more);
  std::vector<IpAddress> addresses_of(const std::vector<wire::DockerAttachment>& attachments) const;
  void take_tasks(const DockerLook& look, Output& out);
  void take_containers(const DockerLook& look, Output& out);
  void take_nodes(const DockerLook& look, Output& out);
  void die(Member& member, const std::string& reason, const DockerLook& look, Output& out);
  ExpectationReportPtr report(const DockerLook& look) const;
  /// The key of the living member that it concerns; "" = none of ours.
  std::string find(const Observation& observation) const;
  std::vector<SocketAddress> places(const Member& member) const;

  PictureSettings settings_;
  std::map<std::string, Member> members_;
  std::map<std::string, wire::DockerService> services_;          ///< enabled ones by id
  std::map<std::string, wire::DockerNode> nodes_;
  std::map<std::string, ExpectedTask> listed_;                   ///< by task or container id, of the last look
  std::map<IpAddress, std::string> by_address_;                  ///< members that live there; "" = several
  std::map<std::string, std::set<std::string>> heard_as_;        ///< agent id -> keys of the members as which it was heard
  std::set<std::string> warnings_;
  std::optional<std::vector<Target>> published_;
  bool looked_ = false, whole_swarm_ = false, unsettled_ = false;
  Instant manager_at_ = Instant::min();  ///< the last look that listed the Swarm's tasks
  std::uint64_t deaths_ = 0, deaths_superseded_ = 0, vanished_ = 0;
};

}  // namespace choregos::source
