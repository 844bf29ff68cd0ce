#include "choregos/agent/sidecar.hpp"

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include "choregos/agent/status_url.hpp"
#include "choregos/agent/status_word.hpp"
#include "choregos/agent/supervisor.hpp"
#include "choregos/base/text.hpp"

namespace choregos::agent {
namespace {

constexpr Duration kStatusFilePeriod = 500ms;
constexpr Duration kForever = 1h;

/// One line on standard error in one write, so that lines of the wrapped program cannot fall in between.
void say(const Settings& settings, const std::string& text) {
  if (settings.quiet) return;
  const std::string line = "choregos-agent: " + printable(text) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

/// Takes over what a reading says; a note is told once, not at each look.
class StatusKeeper {
 public:
  StatusKeeper(const Settings& settings, Announcer& announcer) : settings_(settings), announcer_(announcer) {}
  void take(const StatusReading& reading) {
    announcer_.set_status(reading.status);
    if (reading.note != told_ && !reading.note.empty()) say(settings_, reading.note);
    told_ = reading.note;
  }

 private:
  const Settings& settings_;
  Announcer& announcer_;
  std::string told_;
};

std::string in_words(const Announcer::Event& event) {
  using Kind = Announcer::Event::Kind;
  switch (event.kind) {
    case Kind::registered: return "registered at " + event.detail;
    case Kind::tethered: return "tethered to " + event.detail;
    case Kind::tether_lost: return "tether lost: " + event.detail;
    case Kind::conflict: return "refused, another living process holds this id: " + event.detail;
    case Kind::failed: return "not registered: " + event.detail;
    case Kind::paced: return "beacon interval is now " + event.detail;
    case Kind::message: return "message " + event.name;
  }
  return {};
}

}  // namespace

int run(const Settings& settings) {
  std::signal(SIGPIPE, SIG_IGN);
  auto supervisor = Supervisor::create();
  if (!supervisor) return say(settings, supervisor.error().message), 1;

  Announcer announcer(settings.announcer);
  StatusKeeper keeper(settings, announcer);
  if (!settings.status_file.empty()) keeper.take(read_status_file(settings.status_file));
  announcer.on_event([&settings](const Announcer::Event& event) { say(settings, in_words(event)); });
  if (auto started = announcer.start(); !started) {
    // Said even when quiet: the program ends because of it.
    std::fprintf(stderr, "choregos-agent: %s\n", printable(started.error().message).c_str());
    return started.error().code == ErrorCode::invalid ? 2 : 1;
  }
  if (auto health = announcer.health_address()) say(settings, "answers http://" + to_string(*health) + settings.announcer.health.path + " as " + settings.announcer.id);

  if (!settings.command.empty()) {
    if (auto spawned = supervisor->spawn(settings.command); !spawned) {
      std::fprintf(stderr, "choregos-agent: %s\n", printable(spawned.error().message).c_str());
      announcer.stop("its program could not be started");
      return spawned.error().code == ErrorCode::not_found ? 127 : spawned.error().code == ErrorCode::forbidden ? 126 : 1;
    }
  }
  std::unique_ptr<StatusUrl> url;
  if (!settings.status_url.empty()) {
    auto created = StatusUrl::create(settings.status_url, settings.status_url_period, [&keeper](const StatusReading& reading) { keeper.take(reading); });
    if (!created) {
      std::fprintf(stderr, "choregos-agent: --status-url: %s\n", printable(created.error().message).c_str());
      return 2;
    }
    url = std::move(*created);
  }

  using Kind = Supervisor::Happening::Kind;
  for (;;) {
    const auto happening = supervisor->wait(settings.status_file.empty() ? kForever : kStatusFilePeriod);
    switch (happening.kind) {
      case Kind::child_ended:
        url.reset();
        announcer.stop("its program ended with exit code " + std::to_string(happening.exit_code));
        return happening.exit_code;
      case Kind::asked_to_stop:
        if (!supervisor->has_child()) {
          url.reset();
          announcer.stop("told to stop");
          return 0;
        }
        announcer.set_draining(true);
        break;
      case Kind::reload:
      case Kind::nothing:
        if (!settings.status_file.empty()) keeper.take(read_status_file(settings.status_file));
        break;
    }
  }
}

}  // namespace choregos::agent
