// What net/ keeps to itself: the io_context behind a Loop, and readiness of a descriptor. Included by sources of net/ only.
//
// Asio is the reactor, the timers and the signals. Bytes are moved by recv, sendmsg, recvmmsg and connect themselves, on
// non-blocking descriptors once Asio says they are ready: an idle connection then holds no buffer, a thousand replies
// leave by one gathered call, and every errno is seen as it is.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>

#include <atomic>
#include <functional>
#include <thread>

#include "choregos/net/loop.hpp"

namespace choregos::net {

namespace asio = boost::asio;

namespace detail {

struct LoopImpl {
  asio::io_context context{1};  // one thread runs it: fewer locks; post() stays thread safe
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::atomic<std::thread::id> thread{};

  asio::signal_set signals{context};
  std::function<void(int)> signal_fn;
  void wait_for_signal();
};

}  // namespace detail

/// A descriptor registered with the loop. Owns it.
using Descriptor = asio::posix::stream_descriptor;

inline asio::io_context& context_of(const Loop& loop) { return loop.impl().context; }

}  // namespace choregos::net
