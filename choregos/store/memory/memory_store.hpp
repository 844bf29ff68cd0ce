// A store without a disk: for tests, the embedded registry and daemons that need no memory of their own. Nothing survives
// the object, except across close() and open() of the same one. Any thread.
#pragma once

#include <cstddef>
#include <memory>

#include "choregos/base/limits.hpp"
#include "choregos/store/store.hpp"

namespace choregos::store {

/// `start` is the position that the first open() hands out, one epoch on. At most `history_count_max` events are kept.
std::unique_ptr<Store> make_memory_store(Revision start = {}, std::size_t history_count_max = limits::history_count_max);

}  // namespace choregos::store
