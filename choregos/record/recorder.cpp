#include "choregos/record/recorder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "choregos/base/time.hpp"
#include "choregos/wire/change_json.hpp"

namespace choregos::record {
namespace {

constexpr std::size_t kWriteBytes = 256 * 1024;
/// Kept free for the line that says why it ends.
constexpr std::size_t kEndBytes = 256;

std::string megabytes(std::uint64_t bytes) { return std::to_string(bytes / 1'000'000) + " MB"; }

Instant time_of(const wire::RecordingLine& line) {
  return std::visit(
      []<class Line>(const Line& l) {
        if constexpr (requires { l.at; }) return l.at;
        else return Instant{};
      },
      line);
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::open(RecorderOptions options, const RegistrySettings& settings, Revision start) {
  // A device or a pipe is written to as it is; of an ordinary file the former one is kept.
  struct stat former {};
  const bool exists = ::lstat(options.path.c_str(), &former) == 0;
  const bool ordinary = !exists || S_ISREG(former.st_mode);
  if (exists && ordinary && ::rename(options.path.c_str(), (options.path + ".old").c_str()) != 0)
    return fail(ErrorCode::io, "the former recording " + options.path + " cannot be renamed: " + std::strerror(errno));
  const int file = ::open(options.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | (ordinary ? O_CREAT | O_EXCL : O_NONBLOCK), 0600);
  if (file < 0) return fail(ErrorCode::io, "the recording " + options.path + " cannot be made: " + std::strerror(errno));
  std::unique_ptr<Recorder> recorder(new Recorder(std::move(options), file));
  wire::append_recording_line(recorder->buffer_, wire::RecordingHead{recorder->options_.version, start, settings});
  recorder->lines_ = 1;
  recorder->start();
  return recorder;
}

Recorder::Recorder(RecorderOptions options, int file) : Tape(options.waiting_max), options_(std::move(options)), file_(file) {}

Recorder::~Recorder() {
  stop();
  ::close(file_);
}

void Recorder::seal(TapeBatch& batch, std::span<const Change> changes) {
  const Instant at = time_of(batch.lines.back());
  for (const Change& change : changes) batch.lines.emplace_back(wire::RecordedChange{wire::change_json(change, at)});
}

void Recorder::work(TapeBatch& batch) {
  if (over_) return;
  std::size_t lines = 0;
  for (const wire::RecordingLine& line : batch.lines) {
    const std::size_t before = buffer_.size();
    wire::append_recording_line(buffer_, line);
    if (buffer_.size() - before > limits::recording_line_bytes_max) {
      buffer_.resize(before);
      return end("an input of over " + std::to_string(limits::recording_line_bytes_max) + " bytes cannot be recorded");
    }
    if (bytes_ + buffer_.size() + kEndBytes > options_.bytes_max) {
      buffer_.resize(before);
      return end("it has reached record.bytes_max, " + megabytes(options_.bytes_max));
    }
    ++lines;
  }
  {
    const std::lock_guard lock(state_mutex_);
    lines_ += lines;
  }
  if (buffer_.size() >= kWriteBytes) write_out();
}

void Recorder::caught_up() {
  if (!over_) write_out();
}

void Recorder::wound_up() {
  if (over_) return;
  if (cut()) return end("the disk was too slow: over " + std::to_string(options_.waiting_max) + " inputs waited for it");
  wire::append_recording_line(buffer_, wire::RecordedEnd{"stopped"});
  write_out();
}

void Recorder::write_out() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = ::write(file_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const std::string why = written < 0 ? std::strerror(errno) : "nothing was taken";
      {
        const std::lock_guard lock(state_mutex_);
        bytes_ += buffer_.size() - rest.size();
      }
      buffer_.clear();  // what was cut off in the middle of a line stays so: readers know what that means
      return end("it cannot be written: " + why, false);
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  const std::lock_guard lock(state_mutex_);
  bytes_ += buffer_.size();
  buffer_.clear();
}

void Recorder::end(const std::string& reason, bool say_so) {
  if (over_) return;
  over_ = true;
  {
    const std::lock_guard lock(state_mutex_);
    ended_because_ = reason;
  }
  if (say_so) {
    wire::append_recording_line(buffer_, wire::RecordedEnd{reason});
    write_out();
  }
  if (options_.on_end) options_.on_end(reason);
}

SourceHealth Recorder::health() const {
  SourceHealth out;
  out.name = "recorder";
  out.kind = "recorder";
  out.gauges = {{"waiting", waiting()}};
  const std::lock_guard lock(state_mutex_);
  out.counters = {{"bytes", bytes_}, {"lines", lines_}};
  if (!ended_because_.empty()) {
    out.state = SourceState::degraded;
    out.detail = "the recording " + options_.path + " has ended";
    out.last_error = ended_because_;
    out.advice = "restart choregosd for a new one, with more room or a greater record.bytes_max; the list is not affected";
  } else if (cut()) {
    out.state = SourceState::degraded;
    out.detail = "the recording " + options_.path + " ends: the disk is too slow";
    out.last_error = "over " + std::to_string(options_.waiting_max) + " inputs waited";
    out.advice = "record to a faster disk; the list is not affected";
  } else {
    out.state = SourceState::ok;
    out.detail = "writes to " + options_.path;
  }
  return out;
}

}  // namespace choregos::record
