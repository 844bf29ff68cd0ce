// A store without a disk: for tests, the embedded registry and daemons that need no memory of their own. Nothing survives
// the object, except across close() and open() of the same one. Any thread.
#pragma once

#include <memory>

#include "choregos/store/store.hpp"

namespace choregos::store {

/// `start` is the position that the first open() hands out, one epoch on.
std::unique_ptr<Store> make_memory_store(Revision start = {});

}  // namespace choregos::store
