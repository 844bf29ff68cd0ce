#include "choregos/base/limits.hpp"

namespace choregos::limits {
namespace {
constexpr std::uint64_t ms(Duration d) { return static_cast<std::uint64_t>(d.count() / 1'000'000); }
}  // namespace

std::span<const Row> table() {
  static const Row rows[] = {
      {"header_bytes_max", header_bytes_max, "bytes", "431, connection closed"},
      {"header_count_max", header_count_max, "headers", "431, connection closed"},
      {"uri_bytes_max", uri_bytes_max, "bytes", "414, connection closed"},
      {"body_bytes_max", body_bytes_max, "bytes", "413, connection closed"},
      {"connection_count_max", connection_count_max, "connections", "new ones are closed at once"},
      {"connection_per_ip_count_max", connection_per_ip_count_max, "connections", "new ones are closed at once"},
      {"header_time_max", ms(header_time_max), "ms", "connection closed"},
      {"idle_time_max", ms(idle_time_max), "ms", "connection closed"},
      {"body_grace", ms(body_grace), "ms", "then body_rate_min holds"},
      {"body_rate_min", body_rate_min, "bytes/s", "connection closed"},
      {"write_stall_max", ms(write_stall_max), "ms", "connection closed"},
      {"json_depth_max", json_depth_max, "levels", "400"},
      {"json_member_count_max", json_member_count_max, "members", "400"},
      {"id_bytes_max", id_bytes_max, "bytes", "400, field named"},
      {"name_bytes_max", name_bytes_max, "bytes", "400, field named"},
      {"text_bytes_max", text_bytes_max, "bytes", "400, field named"},
      {"record_bytes_max", record_bytes_max, "bytes", "413"},
      {"capability_count_max", capability_count_max, "capabilities", "400"},
      {"capability_dictionary_max", capability_dictionary_max, "capabilities", "further ones are found by looking at every record"},
      {"label_count_max", label_count_max, "labels", "400"},
      {"agent_count_max", agent_count_max, "agents", "new ones are refused (429)"},
      {"evidence_count_max", evidence_count_max, "channels of an agent", "the one silent longest goes"},
      {"archive_count_max", archive_count_max, "identities", "the oldest goes"},
      {"journal_count_max", journal_count_max, "changes", "older cursors get 410"},
      {"history_of_agent_max", history_of_agent_max, "events", "the oldest of that agent goes"},
      {"history_count_max", history_count_max, "events", "the oldest of all goes"},
      {"observation_queue_max", observation_queue_max, "observations", "dropped and counted"},
      {"watch_queue_bytes_max", watch_queue_bytes_max, "bytes that wait for a reader", "a watcher is left behind and served by folding, a tether is cut"},
      {"watcher_count_max", watcher_count_max, "streams and long polls", "429"},
      {"watch_wait_max", ms(watch_wait_max), "ms", "400"},
      {"watch_event_bytes_max", watch_event_bytes_max, "bytes of an event", "a client of ours connects again"},
      {"list_limit_max", list_limit_max, "records", "400"},
      {"cursor_bytes_max", cursor_bytes_max, "bytes", "400"},
      {"filter_count_max", filter_count_max, "terms", "400"},
      {"team_requirement_count_max", team_requirement_count_max, "requirements of a team", "400"},
      {"team_member_count_max", team_member_count_max, "members of a team", "400"},
      {"team_standby_count_max", team_standby_count_max, "standbys of a team", "400"},
      {"team_exclude_count_max", team_exclude_count_max, "excluded agents", "400"},
      {"team_preference_count_max", team_preference_count_max, "wishes of a team", "400"},
      {"team_preference_points_max", team_preference_points_max, "points of a wish", "400"},
      {"team_time_max", ms(team_time_max), "ms", "400"},
      {"team_count_max", team_count_max, "teams", "429"},
      {"team_search_steps_max", team_search_steps_max, "nodes of a search", "the best team so far, with its gap"},
      {"team_repair_count_max", team_repair_count_max, "lacking teams in a turn", "the others wait for the next"},
      {"team_track_count_max", team_track_count_max, "agents with a track record", "the oldest goes"},
      {"datagram_bytes_max", datagram_bytes_max, "bytes", "dropped and counted"},
      {"probe_body_bytes_max", probe_body_bytes_max, "bytes", "the probe fails"},
      {"probe_time_max", ms(probe_time_max), "ms", "a longer time-out is refused"},
      {"probe_parallel_max", probe_parallel_max, "probes", "the others wait for their turn"},
      {"target_count_max", target_count_max, "targets of a source", "further ones are left out, the source is degraded"},
      {"dns_address_count_max", dns_address_count_max, "addresses of a name", "further ones are left out, the source is degraded"},
      {"docker_reply_bytes_max", docker_reply_bytes_max, "bytes", "the reply is refused, old knowledge ages"},
      {"docker_item_count_max", docker_item_count_max, "items", "the reply is refused, old knowledge ages"},
      {"docker_item_bytes_max", docker_item_bytes_max, "bytes", "the reply is refused, old knowledge ages"},
      {"recording_line_bytes_max", recording_line_bytes_max, "bytes of a line", "the recording ends"},
      {"recording_queue_count_max", recording_queue_count_max, "inputs that wait", "the recording or the shadow ends"},
      {"tether_count_max", tether_count_max, "tethers", "429"},
  };
  return rows;
}

}  // namespace choregos::limits
