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
inline constexpr std::size_t pipeline_count_max = 64;           ///< requests of one connection that wait for answers; then reading pauses
inline constexpr std::size_t output_bytes_max = 1024 * 1024;    ///< answers that wait for one peer; then reading pauses
inline constexpr std::size_t discard_bytes_max = 64 * 1024;     ///< of what comes after the last request; then the connection is closed
inline constexpr std::size_t wrong_token_count_max = 20;        ///< of one address in a minute; further wrong ones are 429, right ones pass
inline constexpr std::size_t wrong_token_address_max = 10'000;  ///< remembered; when full, unknown ones share one counter

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
inline constexpr std::size_t group_count_max = 100;             ///< of one summary; the smallest are summed up as others
inline constexpr std::size_t metric_label_count_max = 200;      ///< capabilities in /metrics; the rarest are left out
inline constexpr std::size_t near_search_count_max = 2000;      ///< in a larger fleet nobody looks for the id that was meant
inline constexpr std::size_t history_question_count_max = 1000; ///< that wait for the store; further ones are answered 429

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

// Tasks: over a limit a submission is refused; what was taken in before is never dropped for it.
inline constexpr std::size_t task_count_max = 2'000'000;        ///< kept, those that have ended included
inline constexpr std::size_t task_blob_bytes_max = 1024 * 1024; ///< of one payload, and of one result
inline constexpr std::size_t task_bytes_max = 1024 * 1024 * 1024; ///< of all payloads and results; results of what runs still come in
inline constexpr std::size_t task_tree_count_max = 1000;        ///< living tasks that descend from one by delegation
inline constexpr std::size_t task_refusal_count_max = 100'000;  ///< remembered (agent, kind) pairs; the oldest goes, and is offered once more
inline constexpr std::size_t task_hold_count_max = 100'000;     ///< agents and providers that are held back or counted; further holds are refused

// UDP.
inline constexpr std::size_t datagram_bytes_max = 1200;
inline constexpr std::size_t goodbye_reason_bytes_max = 100;    ///< ours is cut, a stranger's longer one is refused
inline constexpr std::size_t question_count_max = 32768;        ///< open at once, ten seconds' worth of what a registry asks; then none is asked
inline constexpr std::size_t relayed_question_max = 32;         ///< that one agent has open for registries; further ones are not relayed
inline constexpr std::size_t registry_count_max = 16;           ///< whose lives one agent remembers; the oldest goes

// Going out.
inline constexpr std::size_t probe_body_bytes_max = 64 * 1024;
inline constexpr Duration probe_time_max = 5s;
inline constexpr Duration probe_time_default = 2s;
inline constexpr std::size_t probe_parallel_max = 512;
inline constexpr std::size_t target_count_max = 100'000;        ///< of one source
inline constexpr std::size_t dns_address_count_max = 10'000;    ///< of one name
inline constexpr std::size_t dns_name_count_max = 64;           ///< of one address; further ones are left out
inline constexpr std::size_t dns_naming_parallel_max = 32;      ///< questions for names open at once, of one service
inline constexpr std::size_t lookup_queue_max = 256;            ///< host names that wait for the system's resolver; further ones fail
inline constexpr std::size_t lookup_parallel_max = 4;           ///< of them, looked up at once
inline constexpr std::size_t lookup_address_count_max = 64;     ///< of one host name; further ones are left out
inline constexpr std::size_t sample_count_max = 200;            ///< fresh connections to a virtual IP in one round
inline constexpr std::size_t client_body_bytes_max = 512 * 1024 * 1024; ///< of an answer to a client of ours; a longer one is an error

// Files that an operator writes: a longer one is refused, what was read of it before stays.
inline constexpr std::size_t config_file_bytes_max = 1024 * 1024;
inline constexpr std::size_t token_file_bytes_max = 64 * 1024;
inline constexpr std::size_t key_file_bytes_max = 1024 * 1024;
inline constexpr std::size_t key_bytes_max = 64;                ///< HMAC-SHA256 hashes longer ones first, which gains nothing
inline constexpr std::size_t target_file_bytes_max = 16 * 1024 * 1024;

// Docker Engine: a reply over a limit is refused as a whole, so nothing is concluded from a part of it.
inline constexpr std::size_t docker_reply_bytes_max = 32 * 1024 * 1024;
inline constexpr std::size_t docker_item_count_max = 10'000;    ///< tasks, services, nodes or containers of one reply
inline constexpr std::size_t docker_item_bytes_max = 256 * 1024; ///< of one of them, and of one event
inline constexpr std::size_t docker_member_count_max = 4096;    ///< of one object: a container may have thousands of variables and labels
inline constexpr std::size_t docker_label_count_max = 64;       ///< kept of one service or container; further ones are left out
inline constexpr std::size_t docker_network_count_max = 64;     ///< kept of one task or container; further ones are left out
inline constexpr std::size_t docker_address_count_max = 16;     ///< kept of it on one network; further ones are left out
inline constexpr std::size_t docker_id_count_max = 16;          ///< heard as one task; a service behind one address may say many

// Recordings of what the registry is given: over a limit the recording ends, and says so.
inline constexpr std::size_t recording_line_bytes_max = 1024 * 1024;  ///< of one input
inline constexpr std::size_t recording_queue_count_max = 1'000'000;   ///< inputs that wait for the disk, or for a shadow
inline constexpr std::size_t shadow_difference_count_max = 100;       ///< kept until they are asked for; the oldest goes

// Ourselves.
inline constexpr std::size_t batch_count_max = 4096;            ///< observations between two publications; the others come next
inline constexpr std::size_t deafness_count_max = 64;           ///< times remembered in which we could not hear; the oldest goes
inline constexpr std::size_t log_queue_bytes_max = 4 * 1024 * 1024; ///< lines that wait for who reads the log; further ones are dropped and counted
inline constexpr std::size_t log_change_count_max = 200;        ///< lines of one batch of changes; the others are counted in one
inline constexpr std::size_t log_shadow_count_max = 10;         ///< lines about a shadow in one turn; the others are counted in one
inline constexpr std::size_t log_kind_count_max = 1000;         ///< of failures whose repeats are counted; further kinds are written each time

/// The same table for people: docs, --print-config and /metrics read it from here.
struct Row {
  std::string_view name;
  std::uint64_t value;
  std::string_view unit;
  std::string_view when_reached;
};
std::span<const Row> table();

}  // namespace choregos::limits
