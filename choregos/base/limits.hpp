// One table of limits. Every parser, queue, body, list and history obeys one of these; what happens when it is reached is
// said beside it. Nothing here depends on input, so a stranger can never choose a size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "choregos/base/time.hpp"

namespace choregos::limits {

// HTTP in: over a limit the request is answered 413, 414 or 431 and the connection closed.
inline constexpr std::size_t header_bytes_max = 8 * 1024;
inline constexpr std::size_t header_count_max = 64;
inline constexpr std::size_t uri_bytes_max = 2 * 1024;
inline constexpr std::size_t body_bytes_max = 64 * 1024;
inline constexpr std::size_t connection_count_max = 4096;       ///< further ones are closed at once
inline constexpr std::size_t connection_per_ip_count_max = 256; ///< unauthenticated, loopback excepted
inline constexpr Duration header_time_max = 5s;                 ///< from the first byte to the end of the header
inline constexpr Duration idle_time_max = 60s;                  ///< between requests of one connection
inline constexpr Duration body_grace = 5s;                      ///< after it a body must come at body_rate_min
inline constexpr std::size_t body_rate_min = 1024;              ///< bytes a second
inline constexpr Duration write_stall_max = 30s;                ///< a reader that takes nothing is cut

// JSON: refused as a whole.
inline constexpr std::size_t json_depth_max = 16;
inline constexpr std::size_t json_member_count_max = 1000;      ///< of one object or array

// Records: an observation over a limit is refused at the border, with the field's name.
inline constexpr std::size_t id_bytes_max = 64;
inline constexpr std::size_t name_bytes_max = 128;
inline constexpr std::size_t text_bytes_max = 512;              ///< any other free text, and an endpoint
inline constexpr std::size_t record_bytes_max = 8 * 1024;
inline constexpr std::size_t capability_count_max = 64;         ///< of one agent
inline constexpr std::size_t capability_dictionary_max = 4096;  ///< distinct in the fleet; further ones are left out of the index
inline constexpr std::size_t label_count_max = 32;
inline constexpr std::size_t agent_count_max = 1'100'000;       ///< further ones are refused as exhausted
inline constexpr std::size_t evidence_count_max = 16;           ///< pieces kept of one agent; the oldest silent one goes first
inline constexpr std::size_t archive_count_max = 100'000;       ///< forgotten identities kept; the oldest goes first

// Histories and queues.
inline constexpr std::size_t journal_count_max = 100'000;       ///< changes kept for resuming; older cursors get 410
inline constexpr std::size_t history_of_agent_max = 64;         ///< events kept of one agent; the oldest goes first
inline constexpr std::size_t history_count_max = 500'000;       ///< events kept of all agents; the oldest goes first
inline constexpr std::size_t observation_queue_max = 1'000'000; ///< further ones are dropped and counted, never awaited
inline constexpr std::size_t watch_queue_bytes_max = 256 * 1024; ///< a watcher for whom more waits is left behind, a tether is cut
inline constexpr std::size_t watcher_count_max = 20'000;        ///< streams and long polls together
inline constexpr Duration watch_wait_max = 300s;                ///< of a long poll
inline constexpr std::size_t watch_event_bytes_max = 1024 * 1024; ///< a client of ours believes no longer one
inline constexpr std::size_t tether_count_max = 10'000;

// Lists.
inline constexpr std::size_t list_limit_max = 100'000;          ///< `limit=` above it is refused; no limit = everything
inline constexpr std::size_t cursor_bytes_max = 1400;
inline constexpr std::size_t filter_count_max = 64;             ///< terms of one query

// Teams: a request over a limit is refused, with the field's name.
inline constexpr std::size_t team_requirement_count_max = 64;   ///< of one request
inline constexpr std::size_t team_member_count_max = 64;        ///< seats of one request, and its sizes
inline constexpr std::size_t team_standby_count_max = 16;
inline constexpr std::size_t team_exclude_count_max = 1000;
inline constexpr std::size_t team_preference_count_max = 16;
inline constexpr std::size_t team_preference_points_max = 100'000; ///< that one unmet wish may cost a member
inline constexpr Duration team_time_max = 168h;                 ///< of a lease; renewing it is free
inline constexpr std::size_t team_count_max = 100'000;          ///< at once; further ones are refused as exhausted
inline constexpr std::size_t team_search_steps_max = 50'000;    ///< nodes of one search; then the best so far is told with its gap
inline constexpr std::size_t team_repair_count_max = 64;        ///< lacking teams tried again in one turn; the others wait for the next
inline constexpr std::size_t team_track_count_max = 200'000;    ///< agents whose successes and failures are remembered; the oldest goes

// UDP.
inline constexpr std::size_t datagram_bytes_max = 1200;

// Going out.
inline constexpr std::size_t probe_body_bytes_max = 64 * 1024;
inline constexpr Duration probe_time_max = 5s;
inline constexpr Duration probe_time_default = 2s;
inline constexpr std::size_t probe_parallel_max = 512;
inline constexpr std::size_t target_count_max = 100'000;        ///< of one source
inline constexpr std::size_t dns_address_count_max = 10'000;    ///< of one name

// Docker Engine: a reply over a limit is refused as a whole, so nothing is concluded from a part of it.
inline constexpr std::size_t docker_reply_bytes_max = 32 * 1024 * 1024;
inline constexpr std::size_t docker_item_count_max = 10'000;    ///< tasks, services, nodes or containers of one reply
inline constexpr std::size_t docker_item_bytes_max = 256 * 1024; ///< of one of them, and of one event

// Recordings of what the registry is given: over a limit the recording ends, and says so.
inline constexpr std::size_t recording_line_bytes_max = 1024 * 1024;  ///< of one input
inline constexpr std::size_t recording_queue_count_max = 1'000'000;   ///< inputs that wait for the disk, or for a shadow

/// The same table for people: docs, --print-config and /metrics read it from here.
struct Row {
  std::string_view name;
  std::uint64_t value;
  std::string_view unit;
  std::string_view when_reached;
};
std::span<const Row> table();

}  // namespace choregos::limits
