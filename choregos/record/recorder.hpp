// The flight recorder: a tape that writes a recording (wire/recording.hpp) to a file, on its own thread. Nothing that happens
// to the file disturbs the registry: when it cannot go on (full disk, bytes_max reached, too much waits) the recording ends,
// stays readable up to there, and health() says why.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "choregos/base/result.hpp"
#include "choregos/model/source_health.hpp"
#include "choregos/record/tape.hpp"

namespace choregos::record {

struct RecorderOptions {
  std::string path = {};
  std::uint64_t bytes_max = std::uint64_t{1} << 30;
  std::string version = {};                               ///< of this program
  std::function<void(const std::string& reason)> on_end = {};  ///< on the recorder's thread, when it ends before it is stopped
  std::size_t waiting_max = limits::recording_queue_count_max;
};

class Recorder final : public Tape {
 public:
  /// Makes the file, mode 0600. A file of that name becomes NAME.old, in place of an older one: the recording of a daemon that
  /// crashed is still there after its restart. Errors: io.
  static Result<std::unique_ptr<Recorder>> open(RecorderOptions options, const RegistrySettings& settings, Revision start);
  ~Recorder() override;

  /// As one more row beside the sources: "recorder", with what was written. Degraded when it has ended, never failed: a failed
  /// source makes the list old, and this one says nothing about agents.
  SourceHealth health() const;

 private:
  Recorder(RecorderOptions options, int file);
  void seal(TapeBatch& batch, std::span<const Change> changes) override;
  void work(TapeBatch& batch) override;
  void caught_up() override;
  void wound_up() override;
  void write_out();
  void end(const std::string& reason, bool say_so = true);

  const RecorderOptions options_;
  // The recorder's thread only.
  int file_;
  std::string buffer_;
  bool over_ = false;

  // Guarded by state_mutex_.
  mutable std::mutex state_mutex_;
  std::uint64_t bytes_ = 0;
  std::uint64_t lines_ = 0;
  std::string ended_because_;
};

}  // namespace choregos::record
