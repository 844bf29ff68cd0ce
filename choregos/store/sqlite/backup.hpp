// Snapshots of a store's file, for operators: saved while choregosd runs or not, put back while it does not. One file, no log beside it.
// Blocks on the disk; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "choregos/base/result.hpp"

namespace choregos::store {

struct SnapshotFacts {
  std::int64_t schema = 0;
  std::int64_t epoch = 0;
  std::int64_t agents = 0;     ///< listed when it was saved
  std::int64_t forgotten = 0;  ///< identities kept of those no longer listed
};

/// Copies the store at `database` into the new file `snapshot`, mode 0600: whole, checked and on disk when it has that name. What a running
/// choregosd has not written yet (some seconds of liveness and last_seen) is not in it. Errors: not_found, conflict (the file exists), io, invalid
/// (damaged, or no store of ours), unsupported (written by a newer choregos).
Result<SnapshotFacts> save_snapshot(const std::string& database, const std::string& snapshot);

/// Makes the store at `database` what `snapshot` holds, in one transaction: after a crash it is the old one or the new one. The snapshot is read
/// whole and checked first. Errors: not_found, conflict (a choregosd holds the store), io, invalid, unsupported; the store is then as it was.
Result<SnapshotFacts> restore_snapshot(const std::string& snapshot, const std::string& database);

}  // namespace choregos::store
