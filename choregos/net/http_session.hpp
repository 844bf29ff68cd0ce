// One connection of an HttpServer: bytes in, requests out, replies back in order. For net/ itself.
//
// Requests of a connection are numbered; their replies wait in slots until all earlier ones have left. A reply that is a
// stream takes the connection for good when its turn comes.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/net/asio.hpp"
#include "choregos/net/framing_gate.hpp"
#include "choregos/net/http_server.hpp"
#include "choregos/net/sockets.hpp"
#include "choregos/net/write_queue.hpp"

namespace choregos::net {

class HttpSession;

/// What the sessions of one server share. The server owns it; a session may use it while `alive`.
struct HttpServerCore {
  HttpServerCore(Loop& l, HttpServer::Options o, HttpServer::Handler h) : loop(l), options(o), handler(std::move(h)) {}
  Loop& loop;
  const HttpServer::Options options;
  const HttpServer::Handler handler;
  HttpServer::Stats stats;
  bool draining = false;
  std::string scratch = std::string(64 * 1024, '\0');  // every read lands here first, so idle connections own no buffer
  std::vector<std::weak_ptr<HttpSession>> written;      // streams that were written to in this turn of the loop

  /// A piece as one chunk of a chunked body. One that goes to many streams is framed once.
  const std::shared_ptr<const std::string>& framed(const std::shared_ptr<const std::string>& piece);

  virtual ~HttpServerCore() = default;
  /// The session has closed its socket; it is no longer counted.
  virtual void on_session_closed(HttpSession& session) = 0;
  /// The session has become a stream, which other caps count.
  virtual void on_session_streams(HttpSession& session) = 0;

 private:
  std::shared_ptr<const std::string> last_piece_;
  std::shared_ptr<const std::string> last_framed_;
};

/// One stream; it outlives its session as a handle that answers "gone".
class HttpStream final : public Stream {
 public:
  HttpStream(Loop& loop, std::weak_ptr<HttpSession> session, std::uint64_t number, SocketAddress peer, bool chunked)
      : loop_(loop), session_(std::move(session)), number_(number), peer_(peer), chunked_(chunked) {}

  using Stream::write;
  bool write(std::shared_ptr<const std::string> piece) override;
  void close() override;
  void on_close(std::function<void(StreamEnd)> fn) override;
  void on_drained(std::function<void()> fn) override { drained_ = std::make_shared<const std::function<void()>>(std::move(fn)); }
  bool open() const override { return !ended_; }
  std::size_t queued_bytes() const override;
  std::size_t queued_count() const override;
  SocketAddress peer() const override { return peer_; }

 private:
  friend class HttpSession;
  void end(StreamEnd reason);
  void tell();
  void tell_drained();

  Loop& loop_;
  std::weak_ptr<HttpSession> session_;
  const std::uint64_t number_;
  const SocketAddress peer_;
  const bool chunked_;
  bool ended_ = false;
  bool told_ = false;
  StreamEnd reason_ = StreamEnd::closed;
  std::function<void(StreamEnd)> closed_;
  std::shared_ptr<const std::function<void()>> drained_;  // shared, as it may replace itself while it runs
};

class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(std::shared_ptr<HttpServerCore> core, int fd, SocketAddress peer, bool over_unix);
  ~HttpSession();

  void start() { wait_read(); }
  /// Times are over? Called a few times a second.
  void check_time(Instant now);
  /// The server stops: streams end, an idle connection closes, answers under way still leave.
  void drain();
  /// Closes at once. `tell` = callbacks of streams and waiting handlers are called (posted).
  void abort(StreamEnd reason, bool tell);

  const SocketAddress& peer() const { return peer_; }
  bool over_unix() const { return over_unix_; }
  bool streaming() const { return streaming_; }
  bool closed() const { return closed_; }

  // For Responder and HttpStream; `number` is the request's.
  void answer(std::uint64_t number, HttpReply reply);
  void answer_raw(std::uint64_t number, std::shared_ptr<const std::string> bytes);
  std::shared_ptr<Stream> answer_stream(std::uint64_t number, int status, HttpHeaders headers);
  bool wanted() const { return !closed_ && !saw_end_; }
  void on_gone(std::uint64_t number, std::function<void()> fn);
  bool stream_write(HttpStream& stream, std::shared_ptr<const std::string> piece);
  void stream_close(HttpStream& stream);
  /// The turn of the loop in which the stream was written to is over.
  void after_writes();
  std::size_t queued_bytes() const { return out_.bytes() + early_bytes_; }
  std::size_t queued_count() const { return out_.count() + early_.size(); }

 private:
  struct Slot {
    std::uint64_t number = 0;
    bool is_head = false;
    bool close = false;   // the connection ends after it
    bool ready = false;
    int version_minor = 1;
    std::vector<std::shared_ptr<const std::string>> bytes;
    std::size_t first_limit = 0;  // 0 = whole, else only so many bytes of bytes[0]
    std::shared_ptr<HttpStream> stream;
    std::function<void()> gone;
  };
  enum class Phase { head, body, over };  // over: what still comes is not read as requests

  // Reading
  void wait_read();
  void on_readable();
  void on_end_of_input();
  void take(std::string_view bytes);
  std::size_t parse(std::string_view bytes);
  bool parse_head(std::string_view bytes, std::size_t& consumed);
  bool parse_body(std::string_view bytes, std::size_t& consumed);
  bool begin_request(const RequestHead& head);
  void dispatch();
  void refuse(Verdict verdict);
  void pump();
  bool may_read() const;
  bool may_parse() const;

  // Answering
  Slot* slot(std::uint64_t number);
  void make_ready(Slot& slot);
  void settle();
  void start_stream(std::shared_ptr<HttpStream> stream);
  void finish_stream();
  void drop_slots_after(std::uint64_t number);
  void flush();
  void flush_soon();
  void note_blocked(std::size_t sent);
  void wait_write();
  void linger();
  void post(std::function<void()> fn);
  void close_socket();
  void end_stream(StreamEnd reason, bool tell);

  std::shared_ptr<HttpServerCore> core_;
  Descriptor socket_;
  const SocketAddress peer_;
  const bool over_unix_;

  // Input
  Phase phase_ = Phase::head;
  std::string in_;             // what could not be parsed yet
  std::size_t searched_ = 0;   // of in_, by find_head_end
  RequestHead head_;           // kept for its vector's capacity
  HttpRequest request_;
  bool body_chunked_ = false;
  bool expects_continue_ = false;
  std::uint64_t body_left_ = 0;
  std::uint64_t body_seen_ = 0;  // raw bytes, frames included
  ChunkedReader chunks_;
  std::size_t discarded_ = 0;
  bool reading_ = false;       // a wait for readability is pending
  bool saw_end_ = false;

  // Output
  std::deque<Slot> slots_;
  std::uint64_t next_number_ = 0;
  WriteQueue out_;
  bool writing_ = false;       // a wait for writability is pending
  bool flush_posted_ = false;
  bool parsing_ = false;       // answers given meanwhile leave together afterwards
  bool close_after_output_ = false;
  bool lingering_ = false;
  bool closed_ = false;

  // Stream
  bool streaming_ = false;     // its turn has come
  std::shared_ptr<HttpStream> stream_;
  bool stream_closing_ = false;
  bool written_ = false;       // in this turn of the loop
  std::deque<std::shared_ptr<const std::string>> early_;  // written before its turn
  std::size_t early_bytes_ = 0;

  // Times
  Instant last_activity_;      // idle: since the last request was done
  Instant head_began_ = Instant::never();
  Instant body_began_ = Instant::never();
  Instant write_progress_ = Instant::never();
  Instant linger_until_ = Instant::never();
};

struct Responder::State {
  State(std::weak_ptr<HttpSession> s, std::uint64_t n) : session(std::move(s)), number(n) {}
  ~State();
  std::weak_ptr<HttpSession> session;
  const std::uint64_t number;
  bool answered = false;
};

/// application/problem+json for what the server itself refuses.
HttpReply server_problem(int status, std::string_view detail);

}  // namespace choregos::net
