// Asio and Beast take five seconds to parse; here they are parsed once for the folder. Not for tests and not for others.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>
