// What the API needs of the program around it: functions and two references. It is built with them and knows neither
// sources nor daemon, so that a test hands it small working fakes.
//
// Everything here is called on the loop's thread and must return at once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/api/watch_door.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/expected_found.hpp"
#include "choregos/model/explanation.hpp"
#include "choregos/model/history.hpp"
#include "choregos/model/registration.hpp"
#include "choregos/model/sign.hpp"
#include "choregos/model/source_health.hpp"
#include "choregos/net/http_server.hpp"
#include "choregos/registry/snapshot.hpp"
#include "choregos/wire/metrics.hpp"
#include "choregos/writer/writer.hpp"

namespace choregos::api {

/// Whether lists may be believed yet. While it is false every list answers 503 with the reasons: an empty list would say
/// that there is nobody.
struct Readiness {
  bool ready = false;
  std::vector<std::string> reasons;  ///< why not, one sentence each; empty when ready
  Duration retry_after = 1s;         ///< when asking again makes sense; whole seconds are told
};

struct BuildInfo {
  std::string version;  ///< "0.1.0"
  std::string commit;   ///< of the sources, "" when not known
  std::string compiler; ///< "GNU 12.2.0"
};

/// A file of the page for browsers; the views live as long as the program.
struct PageFile {
  std::string_view content_type;
  std::string_view etag;    ///< quoted
  bool immutable = false;   ///< its name changes with its content
  std::string_view plain;
  std::string_view gzip;    ///< the same, packed
};

struct Services {
  // Required.
  std::function<SnapshotPtr()> snapshot;  ///< the newest belief; null counts as not ready
  std::function<Readiness()> readiness;
  std::function<std::vector<SourceHealth>()> sources;
  std::function<Instant()> now;
  std::function<WallTime()> wall_now;
  RegistrationDoor* door = nullptr;  ///< null: the writing routes answer 503
  // Optional.
  // These two answer once, on the loop's thread, later. Unset: their routes answer 503.
  std::function<void(std::string id, std::function<void(Result<Explanation>)>)> explain;  ///< as Writer::explain
  std::function<void(std::string id, std::function<void(Result<Past>)>)> past;            ///< as Store::past
  WatchDoor* watch = nullptr;                       ///< null: nothing can be watched here
  std::function<ExpectedFound()> expected;          ///< unset: nothing is known of what should be there
  std::function<bool(Sign)> sign;                   ///< as Writer::submit; unset: nothing can be thawed here
  std::function<std::optional<PageFile>(std::string_view path)> page;  ///< "/", "/assets/…"; unset: a plain list of links at /
  BuildInfo build;
  WallTime started;  ///< when this process began to serve
  std::function<Writer::Stats()> writer_stats;
  std::function<net::HttpServer::Stats()> server_stats;
  /// Each adds families of its own to /metrics; their names must not clash with choregos_agents*, choregos_http*,
  /// choregos_source*, choregos_writer*, choregos_limit, process_*.
  std::vector<std::function<void(wire::MetricsWriter&)>> metrics;
};

}  // namespace choregos::api
