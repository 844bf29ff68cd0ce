#include "choregos/api/http/tether.hpp"

#include "choregos/base/limits.hpp"
#include "choregos/wire/json.hpp"
#include "choregos/wire/sse.hpp"

namespace choregos::api {

/// What the door holds. Until the reply is open, events wait; the door may already send from within open_tether.
class TetherSet::Channel final : public TetherChannel {
 public:
  bool send(std::string_view event, std::string_view data) override {
    if (closed_) return false;
    std::string text = wire::sse_event("", event, data);
    if (reply_) return reply_->write(std::move(text));
    if (waiting_.size() + text.size() > limits::watch_queue_bytes_max) return false;
    waiting_ += text;
    return true;
  }
  void close() override {
    closed_ = true;
    if (reply_) reply_->close();
  }

  void attach(std::shared_ptr<net::Stream> reply, std::string greeting) {
    reply_ = std::move(reply);
    reply_->write(greeting + waiting_);
    waiting_.clear();
    if (closed_) reply_->close();
  }
  void detach() {
    closed_ = true;
    reply_.reset();
  }
  void put_shared(const std::shared_ptr<const std::string>& piece) {
    if (reply_) reply_->write(piece);
  }

 private:
  std::shared_ptr<net::Stream> reply_;
  std::string waiting_;
  bool closed_ = false;
};

/// Shared with the callbacks of open replies, which may outlive the set by a moment.
struct TetherSet::State {
  std::map<TetherId, std::shared_ptr<Channel>> open;
  std::uint64_t opened_total = 0;
};

namespace {

std::string greeting(const Call& call) {
  wire::JsonWriter hello;
  hello.begin_object().member("id", call.id);
  if (call.view.snapshot) {
    const auto revision = call.view.snapshot->revision();
    hello.member("epoch", revision.epoch).member("revision", revision.number);
  }
  hello.member("heartbeat_ms", std::chrono::duration_cast<std::chrono::milliseconds>(kTetherHeartbeat).count());
  hello.end_object();
  return wire::sse_retry(1s) + wire::sse_event("", "hello", std::move(hello).take());
}

Reply stream_head() {
  Reply head;
  head.content_type = "text/event-stream";
  return head.with("Cache-Control", "no-store").with("X-Accel-Buffering", "no");
}

}  // namespace

TetherSet::TetherSet() : state_(std::make_shared<State>()) {}
TetherSet::~TetherSet() { close_all(); }

void TetherSet::open(const Call& call, const Answer& answer, const OpenStream& open) {
  RegistrationDoor* const door = call.view.services.door;
  if (!door) return answer(no_door(call));
  const auto incarnation = incarnation_of(call);
  if (!incarnation) return answer(problem_reply(incarnation.error(), call.path));
  if (state_->open.size() >= limits::tether_count_max)
    return answer(retry_reply(fail(ErrorCode::exhausted, "all " + std::to_string(limits::tether_count_max) + " tethers are taken; renew by POST instead"), call.path, 30s));

  auto channel = std::make_shared<Channel>();
  const auto tether = door->open_tether({call.id, *incarnation, call.peer, false}, channel);
  if (!tether) return answer(refused_by_door(tether.error(), call.path));
  const TetherId id = *tether;
  const auto reply = open(stream_head());
  if (!reply) return door->tether_closed(id, "the connection ended before the answer");
  state_->open[id] = channel;
  ++state_->opened_total;
  channel->attach(reply, greeting(call));
  reply->on_close([state = std::weak_ptr(state_), held = std::weak_ptr(channel), door, id](net::StreamEnd end) {
    if (const auto known = held.lock()) known->detach();
    // Without the set there is no API any more, and nobody may be told.
    if (const auto alive = state.lock(); alive && alive->open.erase(id) > 0) door->tether_closed(id, std::string(net::to_string(end)));
  });
}

void TetherSet::heartbeat() {
  // One buffer goes to all of them.
  const auto comment = std::make_shared<const std::string>(wire::sse_comment("alive"));
  for (const auto& [id, channel] : state_->open) channel->put_shared(comment);
}

void TetherSet::close_all() {
  for (const auto& [id, channel] : state_->open) channel->close();
}

std::size_t TetherSet::size() const { return state_->open.size(); }
std::uint64_t TetherSet::opened_total() const { return state_->opened_total; }

}  // namespace choregos::api
