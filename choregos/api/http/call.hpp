// One request on its way through the API: what the gate made of it, and the belief that it is answered from.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "choregos/api/http/routes.hpp"
#include "choregos/api/http/services.hpp"
#include "choregos/base/ip.hpp"
#include "choregos/wire/url.hpp"

namespace choregos::api {

/// Every handler reads one View, taken once, so that its reply speaks of one revision and one moment.
struct View {
  const Services& services;
  SnapshotPtr snapshot;   ///< null only when not ready
  std::string mode;       ///< "normal", "draining" or "frozen": whether verdicts of silence are held back
  Instant now;
  WallTime wall_now;
};

/// What an answer that comes later still needs, when its Call is gone.
struct Asked {
  std::string id;
  std::string path;
  SnapshotPtr snapshot;
};

struct Call {
  const Route& route;
  std::string id;                  ///< decoded "{id}" of the path; "" when the route has none
  std::string path;                ///< raw path, for problems and links
  wire::Parameters parameters;     ///< checked against the route's
  std::string if_none_match;
  bool accepts_gzip = false;
  std::string body;
  SocketAddress peer;
  const View& view;
  std::string accept = {};
  std::string last_event_id = {};

  Asked asked() const { return {id, path, view.snapshot}; }

  /// The first value of a parameter; nothing when it was not given.
  std::optional<std::string_view> parameter(std::string_view name) const {
    for (const auto& [key, value] : parameters)
      if (key == name) return std::string_view(value);
    return std::nullopt;
  }
};

}  // namespace choregos::api
