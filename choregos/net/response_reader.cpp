#include "choregos/net/response_reader.hpp"

#include <boost/beast/http/error.hpp>

#include "choregos/base/limits.hpp"

namespace choregos::net {

namespace http = boost::beast::http;

ResponseReader::ResponseReader(bool to_head_request, std::size_t header_bytes_max, std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {
  eager(true);
  skip(to_head_request);
  header_limit(static_cast<std::uint32_t>(header_bytes_max));
  body_limit(boost::none);  // counted here, chunks as well
}

bool ResponseReader::announces_too_much() const {
  if (body_bytes_max_ == 0 || !is_header_done() || is_done()) return false;
  const auto length = content_length();
  return length && *length > body_bytes_max_;
}

void ResponseReader::on_response_impl(int code, Text, int version, ErrorCodeRef error) {
  error = {};
  response_.status = code;
  response_.version_minor = version % 10;
}

void ResponseReader::on_field_impl(http::field, Text name, Text value, ErrorCodeRef error) {
  error = {};
  if (header_done_) return;
  if (response_.headers.size() >= limits::header_count_max) {
    too_large_ = true;
    error = http::error::header_limit;
    return;
  }
  response_.headers.emplace_back(std::string(name), std::string(value));
}

void ResponseReader::on_header_impl(ErrorCodeRef error) {
  error = {};
  header_done_ = true;
}

void ResponseReader::on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCodeRef error) {
  error = {};
  if (length && body_bytes_max_ > 0 && *length > body_bytes_max_) {
    too_large_ = true;
    error = http::error::body_limit;
  }
}

std::size_t ResponseReader::on_body_impl(Text body, ErrorCodeRef error) {
  error = {};
  body_bytes_ += body.size();
  if (body_bytes_max_ > 0 && body_bytes_ > body_bytes_max_) {
    too_large_ = true;
    error = http::error::body_limit;
    return 0;
  }
  if (on_body) on_body(std::string_view(body.data(), body.size()));
  else response_.body.append(body.data(), body.size());
  return body.size();
}

void ResponseReader::on_chunk_header_impl(std::uint64_t, Text, ErrorCodeRef error) { error = {}; }

std::size_t ResponseReader::on_chunk_body_impl(std::uint64_t, Text body, ErrorCodeRef error) { return on_body_impl(body, error); }

}  // namespace choregos::net
