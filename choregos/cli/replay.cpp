// choregos replay FILE: gives a recording to a new registry and says whether it makes the same of it, byte for byte; or, with
// other settings, what those would have done. Needs no daemon.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <ostream>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"
#include "choregos/cli/verbs.hpp"
#include "choregos/record/replay.hpp"
#include "choregos/record/story.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::cli {
namespace {

/// As diff(1) has it.
constexpr int kSame = 0, kDiffers = 1, kTrouble = 2;

/// Hands out the lines of a file, each without its line feed; true at the end when a last one without line feed was left out.
template <class Take>
Result<bool> for_each_line(const std::string& path, const Take& take) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(path == "-" ? ::fdopen(0, "rb") : std::fopen(path.c_str(), "rbe"));
  if (!file) return fail(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io, path + " cannot be read: " + std::strerror(errno));
  std::string text;
  std::size_t begin = 0;
  while (true) {
    const std::size_t kept = text.size() - begin;
    text.erase(0, begin);
    begin = 0;
    constexpr std::size_t kPiece = 256 * 1024;
    text.resize(kept + kPiece);
    const std::size_t got = std::fread(text.data() + kept, 1, kPiece, file.get());
    text.resize(kept + got);
    if (got == 0) {
      if (std::ferror(file.get()) != 0) return fail(ErrorCode::io, path + " cannot be read: " + std::strerror(errno));
      return kept > 0;
    }
    for (auto end = text.find('\n', kept); end != std::string::npos; end = text.find('\n', begin)) {
      if (auto taken = take(std::string_view(text).substr(begin, end - begin)); !taken) return taken.error();
      begin = end + 1;
    }
    if (text.size() - begin > limits::recording_line_bytes_max) return fail(ErrorCode::too_large, path + " is no recording: a line is longer than " + std::to_string(limits::recording_line_bytes_max) + " bytes");
  }
}

bool concerns(const Change& change, const std::string& id) {
  const Agent& agent = change.record->agent;
  return id.empty() || agent.id == id || change.into == id || std::find(agent.aliases.begin(), agent.aliases.end(), id) != agent.aliases.end();
}

std::string text_of(const Change& change) {
  const Agent& agent = change.record->agent;
  std::string out = to_rfc3339(change.wall_at) + "  " + agent.id + "  ";
  const std::string liveness(to_string(agent.liveness));
  switch (change.kind) {
    case ChangeKind::appeared: out += "appeared: " + liveness; break;
    case ChangeKind::updated: out += agent.conflict ? "updated, in conflict" : "updated"; break;
    case ChangeKind::liveness: out += (change.was ? std::string(to_string(*change.was)) + " -> " : std::string()) + liveness; break;
    case ChangeKind::forgotten: out += "forgotten"; break;
    case ChangeKind::merged: out += "merged into " + change.into; break;
  }
  if (!agent.reason.empty() && change.kind != ChangeKind::updated) out += " (" + agent.reason + ")";
  if (!change.source.empty()) out += "  by " + change.source;
  return printable(out);
}

std::string average(Duration sum, std::uint64_t count) {
  return count == 0 ? std::string() : ", by " + format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(sum / static_cast<std::int64_t>(count))) + " on average";
}

void print_comparison(const record::Comparison& c, const std::string& agent, Streams s) {
  std::size_t shown = 0;
  for (const auto& d : c.differences()) {
    if (!agent.empty() && d.id != agent) continue;
    s.out << to_rfc3339(d.at) << "  " << printable(d.id) << "  " << d.what << "\n";
    ++shown;
  }
  if (agent.empty() && c.difference_count() > shown) s.out << "… the newest " << shown << " of " << c.difference_count() << "\n";
  const auto line = [&](const char* who, const record::Comparison::Counts& counts) {
    s.out << who << ": declared lost " << counts.lost << ", of these alive after all " << counts.false_removals << "\n";
  };
  line("the settings in force", c.of_actor());
  line("the other settings", c.of_understudy());
  s.out << "deaths noticed earlier by the other settings: " << c.earlier() << average(c.earlier_by(), c.earlier()) << "; later: " << c.later() << average(c.later_by(), c.later())
        << "; lost at the end for one alone: " << c.only_actor() << " and " << c.only_understudy() << "\n";
}

void write_comparison(const record::Comparison& c, std::ostream& out) {
  const auto millis = [](Duration d) { return static_cast<std::int64_t>(d / std::chrono::milliseconds(1)); };
  wire::JsonWriter json;
  json.begin_object();
  for (const auto& [who, counts, only] : {std::tuple("in_force", &c.of_actor(), c.only_actor()), std::tuple("other", &c.of_understudy(), c.only_understudy())})
    json.key(who).begin_object().member("lost", counts->lost).member("false_removals", counts->false_removals).member("lost_alone_at_the_end", only).end_object();
  json.member("earlier", c.earlier()).member("earlier_by_ms", millis(c.earlier_by())).member("later", c.later()).member("later_by_ms", millis(c.later_by()));
  json.key("differences").begin_array();
  for (const auto& d : c.differences()) json.begin_object().member("at", to_rfc3339(d.at)).member("id", d.id).member("what", d.what).end_object();
  json.end_array().member("difference_count", c.difference_count()).end_object();
  out << json.text() << "\n";
}

/// The whole text or nothing of it. Errors: io.
Result<void> replace_file(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  std::FILE* file = std::fopen(fresh.c_str(), "wbe");
  if (file == nullptr) return fail(ErrorCode::io, fresh + " cannot be made: " + std::strerror(errno));
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written || std::rename(fresh.c_str(), path.c_str()) != 0) return fail(ErrorCode::io, path + " cannot be written: " + std::strerror(errno));
  return {};
}

/// Where the recording ends, when that is not where the daemon stopped.
std::string ending(const record::Replay& replay) {
  if (replay.torn()) return "; its last line was cut off";
  if (replay.done() || replay.end() == "stopped") return {};
  if (replay.end().empty()) return "; it ends without an end: choregosd was killed, or still runs";
  return "; it ends there because " + printable(replay.end());
}

}  // namespace

int replay(const Context& context, const ReplayArguments& arguments, Streams s) {
  const bool json = context.format == Format::json;
  const bool tries = !arguments.with.empty();
  record::ReplayOptions options;
  options.other_settings = arguments.with;
  options.until = arguments.until;
  record::Story story;
  if (arguments.scenario) options.on_line = [&](const wire::RecordingLine& line) { story.take(line); };
  std::string rewritten, news;
  if (arguments.rewrite) {
    if (arguments.file == "-" || arguments.until) {
      s.err << "choregos: --rewrite needs a file, and all of it\n";
      return kTrouble;
    }
    options.on_change = [&](const Change&, const std::string& text) { news += "{\"change\":" + text + "}\n"; };
  } else if (!tries && !arguments.scenario)
    options.on_change = [&](const Change& change, const std::string& text) {
      if (!concerns(change, arguments.agent)) return;
      s.out << (json ? text : text_of(change)) << "\n";
    };
  record::Replay replay(std::move(options));
  const auto torn = for_each_line(arguments.file, [&](std::string_view line) {
    auto taken = replay.take(line);
    if (!arguments.rewrite) return taken;
    if (!line.starts_with("{\"change\":")) rewritten.append(line) += '\n';
    rewritten += std::exchange(news, {});
    return taken;
  });
  const Result<void> done = torn ? replay.finish(*torn) : Result<void>(torn.error());
  if (!done) {
    report(context, done.error(), s.err);
    return done.error().code == ErrorCode::not_found ? exit_code(ErrorCode::not_found) : kTrouble;
  }
  if (arguments.scenario) s.out << story.text();
  if (tries && json) write_comparison(*replay.comparison(), s.out);
  else if (tries) print_comparison(*replay.comparison(), arguments.agent, s);
  s.err << replay.inputs() << " inputs in " << format_age(replay.length()) << ", " << replay.changes() << " changes" << ending(replay) << "\n";

  const auto& difference = replay.difference();
  if (difference && arguments.rewrite) {
    if (auto replaced = replace_file(arguments.file, rewritten); !replaced) {
      report(context, replaced.error(), s.err);
      return kTrouble;
    }
    s.err << "rewritten; the first change that differs is at line " << difference->line << "\n";
    return kSame;
  }
  if (!difference) {
    s.err << "replayed the same, byte for byte\n";
    return kSame;
  }
  const auto side = [&](const char* name, const std::string& text) { s.err << "  " << name << ": " << (text.empty() ? "nothing" : printable(text)) << "\n"; };
  s.err << "choregos: the replay differs from the recording at line " << difference->line << " (written by choregos " << printable(replay.head().version) << "):\n";
  side("recorded", difference->recorded);
  side("replayed", difference->replayed);
  return kDiffers;
}

}  // namespace choregos::cli
