// Reads one HTTP response with Beast's incremental parser. For net/ itself.
//
// Beast is lenient about framing (it takes bare oddities that the gate refuses), which does no harm here: a connection
// belongs to one target, so a response read wrongly can only be that target's own.
#pragma once

#include <boost/beast/http/basic_parser.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "choregos/net/http_message.hpp"

namespace choregos::net {

class ResponseReader final : public boost::beast::http::basic_parser<false> {
 public:
  /// Body bytes go into the response unless `on_body` is set. body_bytes_max is for the sum; 0 = unlimited.
  ResponseReader(bool to_head_request, std::size_t header_bytes_max, std::size_t body_bytes_max);

  std::function<void(std::string_view)> on_body;

  HttpResponse& response() { return response_; }
  bool too_large() const { return too_large_; }
  /// The header promises a body over the limit: no need to wait for it.
  bool announces_too_much() const;

 private:
  using ErrorCodeRef = boost::beast::error_code&;
  using Text = boost::beast::string_view;
  void on_request_impl(boost::beast::http::verb, Text, Text, int, ErrorCodeRef) override {}
  void on_response_impl(int code, Text reason, int version, ErrorCodeRef error) override;
  void on_field_impl(boost::beast::http::field, Text name, Text value, ErrorCodeRef error) override;
  void on_header_impl(ErrorCodeRef error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCodeRef error) override;
  std::size_t on_body_impl(Text body, ErrorCodeRef error) override;
  void on_chunk_header_impl(std::uint64_t size, Text extensions, ErrorCodeRef error) override;
  std::size_t on_chunk_body_impl(std::uint64_t remain, Text body, ErrorCodeRef error) override;
  void on_finish_impl(ErrorCodeRef) override {}

  HttpResponse response_;
  const std::size_t body_bytes_max_;
  std::uint64_t body_bytes_ = 0;
  bool header_done_ = false;  // fields after it are trailers
  bool too_large_ = false;
};

}  // namespace choregos::net
