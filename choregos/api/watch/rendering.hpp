// From changes to what a reader with a certain filter, fields and form is told. Pure.
//
// A change is rendered once for all readers of the same fields: the JSON is kept here and shared by every filter and form.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "choregos/api/watch_door.hpp"
#include "choregos/wire/watch_json.hpp"

namespace choregos::api::watch {

/// What readers have in common who may be served by the same bytes.
struct Dress {
  Query filter;
  wire::AgentFields fields;
  WatchForm form = WatchForm::sse;
  bool operator==(const Dress&) const = default;
};

/// What a reader with that filter sees of a change: nothing, a put, or that the agent leaves its list.
struct Seen {
  bool put = false;
  std::optional<wire::RemoveReason> removed;
  bool anything() const { return put || removed.has_value(); }
};
Seen seen(const Change& change, const Query& filter);

/// One event in its form; `id` is the position that a reader holds once it has read it.
std::string framed(WatchForm form, wire::WatchKind kind, std::optional<Revision> id, std::string_view json);

/// A run of changes as bytes, at most about `kPieceBytes` each, so that a slow reader can be left between two of them.
struct Piece {
  std::shared_ptr<const std::string> bytes;  ///< null: nothing in it concerns the reader
  std::uint64_t last = 0;                    ///< revision number after it
  std::size_t events = 0;
};
inline constexpr std::size_t kPieceBytes = 64 * 1024;

/// Renders one run of changes for any number of dresses.
class Renderer {
 public:
  Renderer(std::span<const Change> changes, Instant now) : changes_(changes), now_(now) {}
  /// Never empty unless there are no changes.
  std::vector<Piece> pieces(const Dress& dress);
  /// The events alone, as JSON.
  std::vector<std::string> events(const Query& filter, wire::AgentFields fields);

 private:
  const std::string& json(std::size_t index, const Seen& seen, wire::AgentFields fields);

  std::span<const Change> changes_;
  Instant now_;
  std::map<std::pair<std::size_t, std::uint64_t>, std::string> puts_;  ///< by index and fields
  std::map<std::pair<std::size_t, std::uint64_t>, std::string> removes_;
  std::map<std::pair<std::size_t, std::uint64_t>, std::string> unmatched_;
};

/// The same for a reader that fell behind: of several changes of one agent only the last is told. One whole run, which ends with a
/// mark: half of it is no position. `folded` receives how many were left out. There must be changes.
Piece folded_piece(std::span<const Change> changes, const Dress& dress, Instant now, std::uint64_t& folded);

}  // namespace choregos::api::watch
