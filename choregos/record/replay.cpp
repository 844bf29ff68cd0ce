#include "choregos/record/replay.hpp"

#include <utility>

#include "choregos/wire/change_json.hpp"

namespace choregos::record {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

}  // namespace

Result<void> Replay::take(std::string_view text) {
  ++line_;
  if (done_) return {};
  const auto here = [&](const Error& error) { return fail(error.code, "line " + std::to_string(line_) + ": " + error.message); };
  auto line = wire::read_recording_line(text);
  if (!line) return here(head_ ? line.error() : fail(line.error().code, "no recording begins like this: " + line.error().message));
  if (!head_) {
    const auto* head = std::get_if<wire::RecordingHead>(&*line);
    if (head == nullptr) return here(fail(ErrorCode::invalid, "no recording begins like this; the first line names its format and settings"));
    if (auto begun = begin(*head); !begun) return begun;
  } else if (std::holds_alternative<wire::RecordingHead>(*line)) {
    return here(fail(ErrorCode::invalid, "a second recording begins here; replay them one by one"));
  } else if (ended_) {
    return here(fail(ErrorCode::invalid, "something follows the end of the recording"));
  } else if (auto taken = input(*line); !taken) {
    return here(taken.error());
  }
  return {};
}

Result<void> Replay::begin(const wire::RecordingHead& head) {
  OtherSettings other{head.settings, {}, {}};
  for (const std::string& assignment : options_.other_settings)
    if (auto set = other.set(assignment); !set) return set;
  head_ = head;
  registry_.emplace(head.settings, head.start);
  if (!options_.other_settings.empty()) understudy_.emplace(other, head.start);
  if (options_.on_line) options_.on_line(head);
  return {};
}

/// The registry is promised that times do not fall.
Result<void> Replay::advance(Instant at) {
  if (at < last_) return fail(ErrorCode::invalid, "'at' lies before that of an earlier line");
  if (first_ == Instant::min()) first_ = at;
  if (options_.until && at - first_ > *options_.until) {
    done_ = true;
    return {};
  }
  left_over(true);
  last_ = at;
  ++inputs_;
  return {};
}

Result<void> Replay::input(const wire::RecordingLine& line) {
  Result<void> result = {};
  Instant at = last_;
  WallTime wall;
  bool tick = false, ends = false;
  const auto come = [&](const auto& l) {
    at = l.at;
    wall = l.wall;
    result = advance(at);
    return result.has_value() && !done_;
  };
  std::visit(Overloaded{
                 [](const wire::RecordingHead&) {},
                 [&](const wire::RecordedRemembered& l) { registry_->remember(l.agent, l.until); },
                 [&](const wire::RecordedRestored& l) {
                   if (come(l)) registry_->restore(l.agent, l.last_seen, l.at, l.wall, changes_);
                 },
                 [&](const wire::RecordedRestoredAll& l) { ends = come(l); },
                 [&](const wire::RecordedObservation& l) {
                   if (!come(l)) return;
                   (void)registry_->apply(l.observation, l.at, l.wall, changes_);
                   tick = l.tick;
                 },
                 [&](const wire::RecordedSign& l) {
                   if (!come(l)) return;
                   registry_->note(l.sign, l.at, l.wall, changes_);
                   tick = l.tick;
                 },
                 [&](const wire::RecordedTick& l) { tick = come(l); },
                 [&](const wire::RecordedChange& l) { expect(l.json); },
                 [&](const wire::RecordedEnd& l) {
                   ended_ = true;
                   end_ = l.reason;
                 },
             },
             line);
  if (!result || done_) return result;
  if (options_.on_line) options_.on_line(line);
  if (tick) registry_->tick(at, wall, changes_);
  if (understudy_) understudy_->take(line);
  if (tick || ends) batch_ends(at);
  return {};
}

/// As the recorder does: the changes of a batch become JSON when it is over, because what a record shows of its age moves.
void Replay::batch_ends(Instant at) {
  (void)registry_->take_asks();
  replayed_.clear();
  matched_ = 0;
  for (const Change& change : changes_) {
    replayed_.push_back(wire::change_json(change, at));
    if (options_.on_change) options_.on_change(change, replayed_.back());
  }
  changes_count_ += changes_.size();
  if (understudy_) {
    const std::vector<Change> others = understudy_->take_changes();
    comparison_.take(changes_, others);
    for (const Change& change : others)
      if (options_.on_other_change) options_.on_other_change(change);
  }
  changes_.clear();
}

void Replay::expect(const std::string& recorded) {
  if (difference_) return;
  if (matched_ == replayed_.size()) difference_ = Difference{line_, recorded, ""};
  else if (replayed_[matched_] != recorded) difference_ = Difference{line_, recorded, replayed_[matched_]};
  else ++matched_;
}

void Replay::left_over(bool batch_is_whole) {
  if (!difference_ && batch_is_whole && matched_ < replayed_.size()) difference_ = Difference{line_, "", replayed_[matched_]};
  replayed_.clear();
  matched_ = 0;
}

Result<void> Replay::finish(bool torn) {
  torn_ = torn;
  if (!head_) return fail(ErrorCode::invalid, torn ? "the recording was cut off in its first line" : "the file is empty, and no recording");
  // A recording that did not end in order may lack the last changes of its last batch.
  left_over(done_ || (ended_ && end_ == "stopped"));
  return {};
}

}  // namespace choregos::record
