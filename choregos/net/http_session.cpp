#include "choregos/net/http_session.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/net/reply_head.hpp"

namespace choregos::net {
namespace {

constexpr std::size_t kSendSlice = 4 * 1024 * 1024;    // of one turn of the loop
constexpr std::size_t kJoinedBodyMax = 4 * 1024;       // a shared body up to this size is copied behind its head
constexpr std::size_t kJoinedChunkMax = 16 * 1024;     // a piece up to this size is copied into its chunk's frame
constexpr Duration kLinger = 1s;                       // for the peer to read our last words before a reset could eat them

GateLimits gate_limits(const HttpServer::Options& o) { return {o.header_bytes_max, o.header_count_max, o.uri_bytes_max}; }

const std::shared_ptr<const std::string>& continue_bytes() {
  static const auto bytes = std::make_shared<const std::string>("HTTP/1.1 100 Continue\r\n\r\n");
  return bytes;
}

std::string chunk_of(std::string_view piece) {
  std::array<char, 16> size;
  const auto end = static_cast<std::size_t>(std::to_chars(size.data(), size.data() + size.size(), piece.size(), 16).ptr - size.data());
  std::string out;
  out.reserve(piece.size() + 20);
  out.append(size.data(), end).append("\r\n").append(piece).append("\r\n");
  return out;
}

const std::shared_ptr<const std::string>& last_chunk() {
  static const auto bytes = std::make_shared<const std::string>("0\r\n\r\n");
  return bytes;
}

}  // namespace

HttpReply server_problem(int status, std::string_view detail) {
  HttpReply reply;
  reply.status = status;
  reply.headers = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}};
  reply.body = "{\"type\":\"about:blank\",\"title\":\"";
  reply.body += status_phrase(status);
  reply.body += "\",\"status\":" + std::to_string(status) + ",\"detail\":\"";
  reply.body += detail;  // sentences of ours: no character needs escaping
  reply.body += "\"}\n";
  return reply;
}

const std::shared_ptr<const std::string>& HttpServerCore::framed(const std::shared_ptr<const std::string>& piece) {
  if (piece != last_piece_) {
    last_framed_ = std::make_shared<const std::string>(chunk_of(*piece));
    last_piece_ = piece;
  }
  return last_framed_;
}

HttpSession::HttpSession(std::shared_ptr<HttpServerCore> core, int fd, SocketAddress peer, bool over_unix)
    : core_(std::move(core)), socket_(context_of(core_->loop), fd), peer_(peer), over_unix_(over_unix), last_activity_(core_->loop.now()) {}

HttpSession::~HttpSession() = default;

void HttpSession::post(std::function<void()> fn) { core_->loop.post(std::move(fn)); }

// ---- Reading --------------------------------------------------------------------------------------------------------

bool HttpSession::may_parse() const {
  return !closed_ && phase_ != Phase::over && slots_.size() < core_->options.pipeline_count_max && out_.bytes() < limits::output_bytes_max;
}

bool HttpSession::may_read() const {
  if (closed_ || saw_end_) return false;
  // Nothing more is read as a request, but the end of the connection must be noticed.
  if (phase_ == Phase::over) return discarded_ <= limits::discard_bytes_max;
  return in_.empty() || in_.size() < core_->scratch.size() ? may_parse() : false;
}

void HttpSession::wait_read() {
  if (reading_ || !may_read()) return;
  reading_ = true;
  socket_.async_wait(Descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
    self->reading_ = false;
    if (!error && !self->closed_) self->on_readable();
  });
}

void HttpSession::on_readable() {
  auto& scratch = core_->scratch;
  const ssize_t n = ::recv(socket_.native_handle(), scratch.data(), scratch.size(), MSG_DONTWAIT);
  if (n < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return wait_read();
    return abort(StreamEnd::peer_reset, true);
  }
  if (n == 0) return on_end_of_input();
  core_->stats.bytes_in += static_cast<std::uint64_t>(n);
  take(std::string_view(scratch.data(), static_cast<std::size_t>(n)));
  pump();
}

void HttpSession::on_end_of_input() {
  saw_end_ = true;
  if (stream_) return abort(StreamEnd::peer_closed, true);
  phase_ = Phase::over;
  if (lingering_ || (slots_.empty() && out_.empty())) return close_socket();
  // The peer may have closed its sending half only: what it asked for is still answered. But whoever waits is told.
  for (auto& waiting : slots_)
    if (waiting.gone) post(std::exchange(waiting.gone, nullptr));
  if (slots_.empty()) close_after_output_ = true;
  else slots_.back().close = true;
}

void HttpSession::take(std::string_view bytes) {
  if (phase_ == Phase::over) {
    discarded_ += bytes.size();
    if (streaming_ && discarded_ > limits::discard_bytes_max) abort(StreamEnd::overflow, true);
    return;
  }
  if (in_.empty()) {
    const std::size_t used = parse(bytes);
    if (phase_ != Phase::over && !closed_) in_.assign(bytes.substr(used));
  } else {
    in_.append(bytes);
    const std::size_t used = parse(in_);
    in_.erase(0, used);
  }
  if (phase_ == Phase::over) in_.clear();
}

std::size_t HttpSession::parse(std::string_view bytes) {
  std::size_t used = 0;
  parsing_ = true;
  while (used < bytes.size() && may_parse()) {
    std::size_t consumed = 0;
    const bool more = phase_ == Phase::head ? parse_head(bytes.substr(used), consumed) : parse_body(bytes.substr(used), consumed);
    used += consumed;
    if (!more) break;
  }
  parsing_ = false;
  return used;
}

bool HttpSession::parse_head(std::string_view bytes, std::size_t& consumed) {
  const GateLimits limits = gate_limits(core_->options);
  Verdict verdict;
  const std::size_t end = find_head_end(bytes, searched_, limits, verdict);
  if (verdict.ok() && end == 0) {
    if (head_began_ == Instant::never()) head_began_ = core_->loop.now();
    return false;
  }
  if (verdict.ok()) verdict = read_request_head(bytes.substr(0, end), limits, head_);
  searched_ = 0;
  head_began_ = Instant::never();
  if (!verdict.ok()) return refuse(verdict), false;
  consumed = end;
  return begin_request(head_);
}

bool HttpSession::begin_request(const RequestHead& head) {
  if (head.body == BodyKind::sized && head.body_bytes > core_->options.body_bytes_max)
    return refuse({413, "the body is larger than is accepted here"}), false;
  request_ = HttpRequest{};
  if (auto split = split_target(head.target, request_.path, request_.query); !split)
    return refuse({400, "the request target must decode to a plain UTF-8 path and query"}), false;
  request_.method = head.method;
  request_.target = head.target;
  request_.headers.reserve(head.fields.size());
  for (const auto& [name, value] : head.fields) request_.headers.emplace_back(name, value);
  request_.peer = peer_;
  request_.over_unix = over_unix_;
  request_.version_minor = head.version_minor;
  request_.keep_alive = head.keep_alive && !core_->draining;
  if (head.body == BodyKind::none) {
    dispatch();
    return true;
  }
  phase_ = Phase::body;
  body_chunked_ = head.body == BodyKind::chunked;
  body_left_ = head.body_bytes;
  body_seen_ = 0;
  body_began_ = core_->loop.now();
  chunks_ = ChunkedReader{};
  if (!body_chunked_) request_.body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, 16 * 1024)));
  if (head.expects_continue) {
    // Takes its turn behind the replies to earlier requests.
    Slot& slot = slots_.emplace_back();
    slot.number = next_number_++;
    slot.bytes.push_back(continue_bytes());
    make_ready(slot);
  }
  return true;
}

bool HttpSession::parse_body(std::string_view bytes, std::size_t& consumed) {
  if (body_chunked_) {
    std::string_view piece;
    consumed = chunks_.feed(bytes, piece);
    if (chunks_.failed()) return refuse({400, chunks_.reason()}), false;
    // Frames count as well: a body of one-byte chunks is six times its size.
    body_seen_ += consumed;
    if (request_.body.size() + piece.size() > core_->options.body_bytes_max || body_seen_ > 8 * core_->options.body_bytes_max + limits::discard_bytes_max)
      return refuse({413, "the body is larger than is accepted here"}), false;
    request_.body.append(piece);
    if (!chunks_.done()) return consumed > 0;
  } else {
    consumed = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, bytes.size()));
    request_.body.append(bytes.substr(0, consumed));
    body_seen_ += consumed;
    body_left_ -= consumed;
    if (body_left_ > 0) return false;
  }
  phase_ = Phase::head;
  body_began_ = Instant::never();
  dispatch();
  return true;
}

void HttpSession::dispatch() {
  Slot& slot = slots_.emplace_back();
  slot.number = next_number_++;
  slot.is_head = request_.method == "HEAD";
  slot.close = !request_.keep_alive;
  slot.version_minor = request_.version_minor;
  if (slot.close) phase_ = Phase::over;
  ++core_->stats.requests;
  Responder responder(std::make_shared<Responder::State>(weak_from_this(), slot.number));
  try {
    core_->handler(std::move(request_), std::move(responder));
  } catch (...) {
    // Its responder is gone by now, which has answered 500; the other connections are not to pay for it.
  }
}

void HttpSession::refuse(Verdict verdict) {
  ++core_->stats.bad_requests;
  phase_ = Phase::over;
  head_began_ = Instant::never();
  body_began_ = Instant::never();
  request_ = HttpRequest{};
  Slot& slot = slots_.emplace_back();
  slot.number = next_number_++;
  slot.close = true;
  slot.bytes.push_back(std::make_shared<const std::string>(reply_bytes(server_problem(verdict.status, verdict.reason), true)));
  make_ready(slot);
}

void HttpSession::pump() {
  while (true) {
    flush();
    if (closed_ || in_.empty() || !may_parse()) break;
    const std::size_t before = in_.size();
    take({});
    if (in_.size() == before && out_.empty()) break;
  }
  wait_read();
}

// ---- Answering ------------------------------------------------------------------------------------------------------

HttpSession::Slot* HttpSession::slot(std::uint64_t number) {
  if (closed_ || slots_.empty() || number < slots_.front().number) return nullptr;
  const std::uint64_t index = number - slots_.front().number;
  return index < slots_.size() ? &slots_[static_cast<std::size_t>(index)] : nullptr;
}

void HttpSession::make_ready(Slot& slot) {
  slot.ready = true;
  slot.gone = nullptr;
  settle();
  if (!parsing_) pump();
}

void HttpSession::settle() {
  while (!slots_.empty() && slots_.front().ready && !streaming_ && !close_after_output_) {
    Slot slot = std::move(slots_.front());
    slots_.pop_front();
    for (std::size_t i = 0; i < slot.bytes.size(); ++i) {
      if (i == 0 && slot.first_limit > 0) out_.push_front_of(std::move(slot.bytes[i]), slot.first_limit);
      else out_.push(std::move(slot.bytes[i]));
    }
    if (slot.stream) start_stream(std::move(slot.stream));
    else if (slot.close) close_after_output_ = true;
  }
  if (slots_.empty()) last_activity_ = core_->loop.now();
}

void HttpSession::answer(std::uint64_t number, HttpReply reply) {
  Slot* s = slot(number);
  if (!s || s->ready) return;
  if (core_->draining) s->close = true;
  const bool bodiless = s->is_head || reply.status == 204 || reply.status == 304;
  if (!bodiless && reply.shared_body && reply.shared_body->size() > kJoinedBodyMax) {
    s->bytes.push_back(std::make_shared<const std::string>(reply_head(reply.status, reply.headers, reply.shared_body->size(), s->close)));
    s->bytes.push_back(std::move(reply.shared_body));
  } else if (bodiless) {
    const std::size_t size = reply.shared_body ? reply.shared_body->size() : reply.body.size();
    s->bytes.push_back(std::make_shared<const std::string>(reply_head(reply.status, reply.headers, size, s->close)));
  } else {
    s->bytes.push_back(std::make_shared<const std::string>(reply_bytes(reply, s->close)));
  }
  const auto self = shared_from_this();
  make_ready(*s);
}

void HttpSession::answer_raw(std::uint64_t number, std::shared_ptr<const std::string> bytes) {
  Slot* s = slot(number);
  if (!s || s->ready || !bytes) return;
  if (core_->draining) s->close = true;
  if (s->is_head) {
    const auto end = bytes->find("\r\n\r\n");
    s->first_limit = end == std::string::npos ? 0 : end + 4;
  }
  s->bytes.push_back(std::move(bytes));
  const auto self = shared_from_this();
  make_ready(*s);
}

std::shared_ptr<Stream> HttpSession::answer_stream(std::uint64_t number, int status, HttpHeaders headers) {
  Slot* s = slot(number);
  if (!s || s->ready) return nullptr;
  const auto self = shared_from_this();
  const bool chunked = s->version_minor == 1;
  if (chunked && !s->is_head) headers.emplace_back("Transfer-Encoding", "chunked");
  s->close = true;
  s->bytes.push_back(std::make_shared<const std::string>(reply_head(status, headers, std::nullopt, true)));
  if (s->is_head) {
    make_ready(*s);
    return nullptr;
  }
  auto stream = std::make_shared<HttpStream>(core_->loop, weak_from_this(), number, peer_, chunked);
  s->stream = stream;
  stream_ = stream;
  phase_ = Phase::over;
  in_.clear();
  drop_slots_after(number);
  make_ready(*slot(number));
  return stream;
}

/// Requests that were pipelined behind one whose reply never ends: nobody will hear the answers.
void HttpSession::drop_slots_after(std::uint64_t number) {
  std::vector<Slot> dropped;
  while (!slots_.empty() && slots_.back().number > number) {
    dropped.push_back(std::move(slots_.back()));
    slots_.pop_back();
  }
  for (auto& slot : dropped) {
    if (slot.stream) slot.stream->end(StreamEnd::closed);
    if (slot.gone) post(std::move(slot.gone));
  }
}

void HttpSession::on_gone(std::uint64_t number, std::function<void()> fn) {
  Slot* s = slot(number);
  if (!s || s->ready || !fn) return;
  if (saw_end_) post(std::move(fn));
  else s->gone = std::move(fn);
}

void HttpSession::start_stream(std::shared_ptr<HttpStream> stream) {
  streaming_ = true;
  // The network may lose the peer without a word while we have nothing to write: let the kernel ask.
  set_option(socket_.native_handle(), SOL_SOCKET, SO_KEEPALIVE, 1);
  core_->on_session_streams(*this);
  for (auto& piece : std::exchange(early_, {})) {
    if (stream->chunked_) out_.push_chunk(std::move(piece));
    else out_.push(std::move(piece));
  }
  early_bytes_ = 0;
  if (stream_closing_) finish_stream();
}

bool HttpSession::stream_write(HttpStream& stream, std::shared_ptr<const std::string> piece) {
  if (closed_ || stream_.get() != &stream || stream_closing_) return false;
  if (!piece || piece->empty()) return true;
  // The reply's own head does not count as company.
  if (queued_bytes() > core_->options.header_bytes_max && queued_bytes() + piece->size() > core_->options.stream_queue_bytes_max) {
    abort(StreamEnd::overflow, true);
    return false;
  }
  if (!streaming_) {
    early_bytes_ += piece->size();
    early_.push_back(std::move(piece));
    return true;
  }
  // The first piece of a turn of the loop goes out at once, what follows it leaves together at the turn's end: who tells one thing to
  // a thousand passes over them once, and who writes a lot is called back between the parts.
  const bool first = !std::exchange(written_, true);
  if (first) {
    if (core_->written.empty())
      post([core = core_] {
        for (const auto& each : std::exchange(core->written, {}))
          if (const auto session = each.lock()) session->after_writes();
      });
    core_->written.push_back(weak_from_this());
  }
  const bool joined = !stream.chunked_ || piece->size() <= kJoinedChunkMax;
  if (joined && stream.chunked_) piece = core_->framed(piece);
  if (!joined) {
    out_.push_chunk(std::move(piece));
  } else if (!first || !out_.empty()) {
    out_.push(std::move(piece));
  } else {
    const auto sent = out_.send_or_push(socket_.native_handle(), std::move(piece));
    core_->stats.bytes_out += sent.bytes;
    if (sent.outcome == WriteQueue::Outcome::failed) return abort(StreamEnd::peer_reset, true), false;
    if (sent.outcome == WriteQueue::Outcome::blocked) note_blocked(sent.bytes), wait_write();
  }
  return true;
}

void HttpSession::after_writes() {
  written_ = false;
  if (closed_) return;
  if (!out_.empty()) return pump();
  if (const auto stream = stream_) stream->tell_drained();
}

void HttpSession::stream_close(HttpStream& stream) {
  if (closed_ || stream_.get() != &stream || stream_closing_) return;
  stream_closing_ = true;
  if (streaming_) finish_stream();
}

void HttpSession::finish_stream() {
  if (stream_ && stream_->chunked_) out_.push(last_chunk());
  close_after_output_ = true;
  stream_.reset();
  flush_soon();
}

void HttpSession::end_stream(StreamEnd reason, bool tell) {
  const auto stream = std::exchange(stream_, nullptr);
  if (!stream) return;
  if (!tell) stream->told_ = true;
  stream->end(reason);
}

// ---- Writing --------------------------------------------------------------------------------------------------------

void HttpSession::flush_soon() {
  if (flush_posted_ || closed_) return;
  flush_posted_ = true;
  post([self = shared_from_this()] {
    self->flush_posted_ = false;
    self->pump();
  });
}

void HttpSession::flush() {
  if (closed_ || writing_ || lingering_) return;
  if (!out_.empty()) {
    const auto sent = out_.send(socket_.native_handle(), kSendSlice);
    core_->stats.bytes_out += sent.bytes;
    if (sent.outcome == WriteQueue::Outcome::failed) return abort(StreamEnd::peer_reset, true);
    if (sent.outcome != WriteQueue::Outcome::drained) {
      note_blocked(sent.bytes);
      if (sent.outcome == WriteQueue::Outcome::blocked) wait_write();
      else flush_soon();
      return;
    }
    write_progress_ = Instant::never();
    if (slots_.empty()) last_activity_ = core_->loop.now();
    if (stream_ && streaming_ && stream_->drained_) post([stream = stream_] { stream->tell_drained(); });
  }
  if (close_after_output_) linger();
}

/// The peer takes no more at the moment: its time runs from the last byte that it took.
void HttpSession::note_blocked(std::size_t sent) {
  if (sent > 0 || write_progress_ == Instant::never()) write_progress_ = core_->loop.now();
}

void HttpSession::wait_write() {
  writing_ = true;
  socket_.async_wait(Descriptor::wait_write, [self = shared_from_this()](const boost::system::error_code& error) {
    self->writing_ = false;
    if (!error && !self->closed_) self->pump();
  });
}

/// Closing with unread input makes the kernel send a reset, which can destroy our last reply on its way: first say that
/// nothing more comes, then give the peer a moment to end its side.
void HttpSession::linger() {
  if (saw_end_) return close_socket();
  lingering_ = true;
  phase_ = Phase::over;
  in_.clear();
  linger_until_ = core_->loop.now() + kLinger;
  ::shutdown(socket_.native_handle(), SHUT_WR);
  wait_read();
}

// ---- Ending ---------------------------------------------------------------------------------------------------------

void HttpSession::check_time(Instant now) {
  if (closed_) return;
  const auto& o = core_->options;
  const auto self = shared_from_this();
  if (lingering_) {
    if (now >= linger_until_) close_socket();
    return;
  }
  if (write_progress_ != Instant::never() && now - write_progress_ > o.write_stall_max) {
    ++core_->stats.timeouts;
    return abort(StreamEnd::stalled, true);
  }
  if (!may_parse()) return;
  if (phase_ == Phase::head && head_began_ != Instant::never() && now - head_began_ > o.header_time_max) {
    ++core_->stats.timeouts;
    return refuse({408, "the header block did not come in time"});
  }
  if (phase_ == Phase::body) {
    const Duration over = now - body_began_ - o.body_grace;
    const double due = static_cast<double>(o.body_rate_min) * std::chrono::duration<double>(over).count();
    if (over.count() > 0 && static_cast<double>(body_seen_) < due) {
      ++core_->stats.timeouts;
      return refuse({408, "the body comes too slowly"});
    }
    return;
  }
  if (slots_.empty() && out_.empty() && in_.empty() && now - last_activity_ > o.idle_time_max) {
    ++core_->stats.timeouts;
    close_socket();
  }
}

void HttpSession::drain() {
  if (closed_) return;
  const auto self = shared_from_this();
  if (stream_) {
    const auto stream = stream_;
    stream_closing_ = true;
    stream->end(StreamEnd::stopped);
    if (streaming_) finish_stream();
    return;
  }
  if (slots_.empty() && out_.empty() && (phase_ == Phase::head && in_.empty())) return close_socket();
  if (phase_ == Phase::head && in_.empty()) {
    phase_ = Phase::over;
    if (slots_.empty()) close_after_output_ = true;
    else slots_.back().close = true;
  }
}

void HttpSession::abort(StreamEnd reason, bool tell) {
  if (closed_) return;
  end_stream(reason, tell);
  if (tell)
    for (auto& slot : slots_)
      if (slot.gone) post(std::exchange(slot.gone, nullptr));
  close_socket();
}

void HttpSession::close_socket() {
  if (closed_) return;
  closed_ = true;
  const auto self = shared_from_this();
  // Destroying a slot may destroy a responder, which asks for its slot again.
  const auto slots = std::exchange(slots_, {});
  const auto early = std::exchange(early_, {});
  early_bytes_ = 0;
  out_.clear();
  in_ = {};
  boost::system::error_code ignored;
  socket_.close(ignored);
  core_->on_session_closed(*this);
}

// ---- Handles --------------------------------------------------------------------------------------------------------

bool HttpStream::write(std::shared_ptr<const std::string> piece) {
  if (ended_) return false;
  const auto session = session_.lock();
  return session && session->stream_write(*this, std::move(piece));
}

void HttpStream::close() {
  if (ended_) return;
  if (const auto session = session_.lock()) session->stream_close(*this);
  end(StreamEnd::closed);
}

void HttpStream::on_close(std::function<void(StreamEnd)> fn) {
  closed_ = std::move(fn);
  if (ended_ && !told_) tell();
}

std::size_t HttpStream::queued_bytes() const {
  const auto session = session_.lock();
  return session && !ended_ ? session->queued_bytes() : 0;
}

std::size_t HttpStream::queued_count() const {
  const auto session = session_.lock();
  return session && !ended_ ? session->queued_count() : 0;
}

void HttpStream::end(StreamEnd reason) {
  if (ended_) return;
  ended_ = true;
  reason_ = reason;
  if (!told_ && closed_) tell();
}

void HttpStream::tell_drained() {
  if (const auto fn = drained_; fn && *fn && !ended_) (*fn)();
}

/// Posted, so that it is never called inside a call of the one who is told.
void HttpStream::tell() {
  if (!closed_) return;
  told_ = true;
  drained_ = nullptr;
  loop_.post([fn = std::exchange(closed_, nullptr), reason = reason_] { fn(reason); });
}

Responder::State::~State() {
  if (answered) return;
  if (const auto s = session.lock()) s->answer(number, server_problem(500, "the request was not answered; this is a fault of the server"));
}

void Responder::reply(HttpReply reply) {
  if (!state_ || std::exchange(state_->answered, true)) return;
  if (const auto session = state_->session.lock()) session->answer(state_->number, std::move(reply));
}

void Responder::reply_raw(std::shared_ptr<const std::string> bytes) {
  if (!state_ || std::exchange(state_->answered, true)) return;
  if (const auto session = state_->session.lock()) session->answer_raw(state_->number, std::move(bytes));
}

std::shared_ptr<Stream> Responder::stream(int status, HttpHeaders headers) {
  if (!state_ || std::exchange(state_->answered, true)) return nullptr;
  const auto session = state_->session.lock();
  return session ? session->answer_stream(state_->number, status, std::move(headers)) : nullptr;
}

bool Responder::answered() const { return !state_ || state_->answered; }

bool Responder::wanted() const {
  if (!state_ || state_->answered) return false;
  const auto session = state_->session.lock();
  return session && session->wanted();
}

void Responder::on_gone(std::function<void()> fn) {
  if (!state_ || state_->answered) return;
  if (const auto session = state_->session.lock()) session->on_gone(state_->number, std::move(fn));
}

std::string_view to_string(StreamEnd end) {
  switch (end) {
    case StreamEnd::peer_closed: return "peer_closed";
    case StreamEnd::peer_reset: return "peer_reset";
    case StreamEnd::stalled: return "stalled";
    case StreamEnd::overflow: return "overflow";
    case StreamEnd::closed: return "closed";
    case StreamEnd::stopped: return "stopped";
  }
  return "closed";
}

}  // namespace choregos::net
