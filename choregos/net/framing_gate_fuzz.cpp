// Whatever bytes come, the gate answers the same in one piece as byte by byte, never reads outside of them, and what it
// accepts is read by Beast's parser in the same way: same method, target, fields, body and end.
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "choregos/net/framing_gate.hpp"
#include "choregos/net/http_message.hpp"

namespace {

namespace http = boost::beast::http;
using namespace choregos::net;

struct Reading {
  Verdict verdict;
  RequestHead head;
  std::string body;
  std::size_t used = 0;
  bool whole = false;
};

void require(bool holds) {
  if (!holds) std::abort();
}

Reading read(std::string_view bytes, std::size_t step) {
  Reading r;
  std::size_t searched = 0, end = 0;
  for (std::size_t have = 0; end == 0 && r.verdict.ok() && have < bytes.size();) {
    have = std::min(have + step, bytes.size());
    end = find_head_end(bytes.substr(0, have), searched, {}, r.verdict);
    require(end <= have);
  }
  if (!r.verdict.ok() || end == 0) return r;
  r.verdict = read_request_head(bytes.substr(0, end), {}, r.head);
  if (!r.verdict.ok()) return r;
  r.used = end;
  if (r.head.body == BodyKind::none) {
    r.whole = true;
  } else if (r.head.body == BodyKind::sized) {
    r.whole = bytes.size() - end >= r.head.body_bytes;
    if (r.whole) {
      r.body = bytes.substr(end, static_cast<std::size_t>(r.head.body_bytes));
      r.used += r.body.size();
    }
  } else {
    ChunkedReader chunks;
    while (!chunks.done() && !chunks.failed() && r.used < bytes.size()) {
      std::string_view piece;
      const std::size_t n = chunks.feed(bytes.substr(r.used, step), piece);
      require(n > 0 || chunks.failed());
      r.used += n;
      r.body += piece;
    }
    r.whole = chunks.done();
    if (chunks.failed()) r.verdict = {400, chunks.reason()};
  }
  return r;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Reading whole = read(bytes, std::max<std::size_t>(size, 1));
  const Reading slow = read(bytes, 1);
  require(whole.verdict.ok() == slow.verdict.ok() && whole.whole == slow.whole && whole.body == slow.body);
  if (!whole.verdict.ok() || !whole.whole) return 0;

  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
  if (split_target(whole.head.target, path, query)) require(path == "*" || path.front() == '/');

  http::request_parser<http::string_body> theirs;
  theirs.eager(true);
  boost::system::error_code error;
  std::size_t used = 0;
  while (used < whole.used && !error && !theirs.is_done()) used += theirs.put(boost::asio::buffer(bytes.data() + used, whole.used - used), error);
  require(!error && theirs.is_done() && used == whole.used);
  require(theirs.get().method_string() == whole.head.method && theirs.get().target() == whole.head.target && theirs.get().body() == whole.body);
  // Sorted, because Beast keeps fields of one name together.
  std::vector<std::pair<std::string, std::string>> ours, beast;
  for (const auto& [name, value] : whole.head.fields) ours.emplace_back(name, value);
  for (const auto& field : theirs.get()) beast.emplace_back(std::string(field.name_string()), std::string(field.value()));
  std::sort(ours.begin(), ours.end());
  std::sort(beast.begin(), beast.end());
  require(ours == beast);
  return 0;
}
