// choregos snapshot save FILE, choregos snapshot restore FILE: the store of this host's choregosd as one file. Asks no daemon: it works on the
// state folder, as the user who owns it.
#include <unistd.h>

#include <ostream>

#include "choregos/base/text.hpp"
#include "choregos/cli/verbs.hpp"
#include "choregos/store/sqlite/backup.hpp"

namespace choregos::cli {
namespace {

/// Where choregosd keeps its state when nobody says: the same rule.
std::string default_state(const Environment& environment) {
  if (std::string dir = environment("STATE_DIRECTORY"); !dir.empty()) return dir.substr(0, dir.find(':'));
  if (const std::string dir = environment("XDG_STATE_HOME"); dir.starts_with('/')) return dir + "/choregos";
  if (const std::string home = environment("HOME"); ::geteuid() != 0 && home.starts_with('/')) return home + "/.local/state/choregos";
  return "/var/lib/choregos";
}

}  // namespace

int snapshot(const Context& context, const SnapshotArguments& arguments, const Environment& environment, Streams s) {
  const std::string database = (arguments.state.empty() ? default_state(environment) : arguments.state) + "/state.db";
  const auto facts = arguments.restore ? store::restore_snapshot(arguments.file, database) : store::save_snapshot(database, arguments.file);
  if (!facts) {
    s.err << "choregos: " << printable(facts.error().message) << "\n";
    if (facts.error().code == ErrorCode::not_found && !arguments.restore && arguments.state.empty()) s.err << "choregos: say where choregosd keeps its state: --state FOLDER\n";
    return exit_code(facts.error().code);
  }
  if (context.format == Format::name) return s.out << (arguments.restore ? database : arguments.file) << "\n", 0;
  s.out << (arguments.restore ? "restored " + database + " from " + arguments.file : "saved " + database + " to " + arguments.file) << ": " << facts->agents << " agents, "
        << facts->forgotten << " forgotten, epoch " << facts->epoch << ", schema " << facts->schema << "\n";
  return 0;
}

}  // namespace choregos::cli
