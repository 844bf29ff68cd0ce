// The source that reads targets from a file of the operator and follows its edits (target_list.hpp says what stands in it).
//
// The file is looked at each second (size, times, inode: an edit in place and an atomic rename both show). An edit with a
// fault keeps the old list and says where the fault is; a file that is not there is looked for again. Names are resolved
// as the system does (hosts file, search list), again every 30 s; a name that cannot be resolved keeps its addresses. Of a
// name with IPv4 addresses only those are used, so that one agent is not probed as two.
//
// Origin "static_file"; its targets are configured: an operator wrote them, so they may be loopback. Lives on the loop's
// thread; reading the file blocks it for as long as the disk takes.
#pragma once

#include <memory>
#include <string>

#include "choregos/net/loop.hpp"
#include "choregos/source/source.hpp"

namespace choregos::source {

class StaticFile : public Source {
 public:
  struct Options {
    std::string path;
    Duration look_every = 1s;
    Duration resolve_every = 30s;
  };

  StaticFile(net::Loop& loop, Options options, PublishTargets publish);
  ~StaticFile() override;

  /// Reads at once, before it returns. Harmless when running already; may be started again after stop().
  void start() override;
  /// Nothing is published after it returns. Targets published stay published.
  void stop() override;
  SourceHealth health() const override;
  /// Looks now, for SIGHUP.
  void reload();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace choregos::source
