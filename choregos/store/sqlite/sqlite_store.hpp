// The embedded default: one SQLite file in WAL mode, synchronous FULL for what was acknowledged. One transaction for each
// batch; records as JSON text, so that `sqlite3 state.db "select id, record ->> 'name' from agent"` reads them.
//
// Revisions are reserved in blocks: the file always holds a number above every one given out, so a change of liveness
// needs no wait for the disk, and a start after a crash begins at the end of the block. Numbers skip, but never fall and
// are never used twice.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "choregos/base/limits.hpp"
#include "choregos/base/time.hpp"
#include "choregos/store/store.hpp"

namespace choregos::store {

struct SqliteOptions {
  std::string path;                                        ///< folders above it are made with mode 0700, the file with 0600
  Duration archive_for = 168h;                             ///< forgotten identities older than this are removed
  std::size_t archive_count_max = limits::archive_count_max;
  std::size_t history_count_max = limits::history_count_max;
  std::uint64_t revision_block = 100'000;                  ///< reserved ahead; at least 2
  std::uint32_t page_count_max = 0;                        ///< bound on the file in pages of 4 KiB; 0 = none
};

std::unique_ptr<Store> make_sqlite_store(SqliteOptions options);

}  // namespace choregos::store
