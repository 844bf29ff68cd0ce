#include "choregos/api/watch/rendering.hpp"

#include <unordered_map>

#include "choregos/wire/sse.hpp"

namespace choregos::api::watch {
namespace {

bool listed_after(const Change& change) { return change.kind != ChangeKind::forgotten && change.kind != ChangeKind::merged; }

Seen seen_between(const AgentRecordPtr& before, const Change& after, const Query& filter) {
  const bool had = before && matches(filter, before->agent);
  if (!listed_after(after)) {
    if (!had) return {};
    return {false, after.kind == ChangeKind::forgotten ? wire::RemoveReason::forgotten : wire::RemoveReason::merged};
  }
  if (matches(filter, after.record->agent)) return {true, std::nullopt};
  if (had) return {false, wire::RemoveReason::unmatched};
  return {};
}

std::string json_of(const Change& change, const Seen& seen, wire::AgentFields fields, Instant now, std::optional<std::size_t> folded = std::nullopt) {
  if (seen.put) return wire::put_json(change, now, fields, folded);
  return wire::remove_json(change, *seen.removed, now, fields, folded);
}

void append_framed(std::string& out, WatchForm form, wire::WatchKind kind, std::optional<Revision> id, std::string_view json) {
  if (form == WatchForm::ndjson) {
    out += json;
    out += '\n';
    return;
  }
  // A reader that drops what it holds holds no position either: an empty id makes a browser forget its own (HTML, 9.2.6).
  if (kind == wire::WatchKind::reset) out += "id:\n";
  wire::append_sse_event(out, id ? to_string(*id) : std::string(), wire::to_string(kind), json);
}

/// Collects events into pieces.
class Cutter {
 public:
  explicit Cutter(WatchForm form) : form_(form) {}
  void add(const Change& change, const Seen& seen, std::string_view json) {
    append_framed(bytes_, form_, seen.put ? wire::WatchKind::put : wire::WatchKind::remove, change.revision, json);
    ++events_;
    pass(change);
    if (bytes_.size() >= kPieceBytes) cut();
  }
  void pass(const Change& change) { last_ = change.revision.number; }
  std::vector<Piece> finish() && {
    if (pieces_.empty() || pieces_.back().last != last_) cut();
    return std::move(pieces_);
  }

 private:
  void cut() {
    pieces_.push_back({bytes_.empty() ? nullptr : std::make_shared<const std::string>(std::exchange(bytes_, {})), last_, std::exchange(events_, 0)});
  }
  WatchForm form_;
  std::string bytes_;
  std::size_t events_ = 0;
  std::uint64_t last_ = 0;
  std::vector<Piece> pieces_;
};

}  // namespace

Seen seen(const Change& change, const Query& filter) { return seen_between(change.before, change, filter); }

std::string framed(WatchForm form, wire::WatchKind kind, std::optional<Revision> id, std::string_view json) {
  std::string out;
  out.reserve(json.size() + 64);
  append_framed(out, form, kind, id, json);
  return out;
}

const std::string& Renderer::json(std::size_t index, const Seen& seen, wire::AgentFields fields) {
  auto& kept = seen.put ? puts_ : seen.removed == wire::RemoveReason::unmatched ? unmatched_ : removes_;
  std::string& text = kept[{index, fields.bits}];
  if (text.empty()) text = json_of(changes_[index], seen, fields, now_);
  return text;
}

std::vector<Piece> Renderer::pieces(const Dress& dress) {
  if (changes_.empty()) return {};
  Cutter cutter(dress.form);
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const Seen what = seen(changes_[i], dress.filter);
    if (what.anything()) cutter.add(changes_[i], what, json(i, what, dress.fields));
    else cutter.pass(changes_[i]);
  }
  return std::move(cutter).finish();
}

std::vector<std::string> Renderer::events(const Query& filter, wire::AgentFields fields) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < changes_.size(); ++i)
    if (const Seen what = seen(changes_[i], filter); what.anything()) out.push_back(json(i, what, fields));
  return out;
}

Piece folded_piece(std::span<const Change> changes, const Dress& dress, Instant now, std::uint64_t& folded) {
  struct Run {
    AgentRecordPtr before;  ///< what the reader has of it
    std::size_t last = 0;
    std::size_t count = 0;
  };
  std::unordered_map<std::string_view, Run> runs;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    auto& run = runs[changes[i].record->agent.id];
    if (run.count++ == 0) run.before = changes[i].before;
    run.last = i;
  }
  Piece piece;
  std::string bytes;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const Run& run = runs[changes[i].record->agent.id];
    if (run.last != i) continue;
    folded += run.count - 1;
    const Seen what = seen_between(run.before, changes[i], dress.filter);
    if (!what.anything()) continue;
    append_framed(bytes, dress.form, what.put ? wire::WatchKind::put : wire::WatchKind::remove, std::nullopt, json_of(changes[i], what, dress.fields, now, run.count - 1));
    ++piece.events;
  }
  const Revision end = changes.back().revision;
  append_framed(bytes, dress.form, wire::WatchKind::mark, end, wire::mark_json(end));
  piece.bytes = std::make_shared<const std::string>(std::move(bytes));
  piece.last = end.number;
  return piece;
}

}  // namespace choregos::api::watch
