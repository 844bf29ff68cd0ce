#include "choregos/cli/command_line.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <ostream>

#include "choregos/base/text.hpp"
#include "choregos/cli/completion.hpp"

namespace choregos::cli {
namespace {

constexpr const char* kFooter =
    "Where to ask: --addr, else CHOREGOS_ADDR, else ~/.config/choregos/cli.toml (address, token_file, timeout), else\n"
    "http://127.0.0.1:4470. Data goes to stdout, talk to stderr. NO_COLOR is respected.\n"
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 unreachable or not ready, 5 denied.";

/// Values of the global flags, valid before or after the verb.
struct Globals {
  std::string addr, token_file, timeout, output = "table", color = "auto";
  bool no_headers = false;
};

void add_globals(CLI::App& app, Globals& g) {
  app.add_option("-a,--addr", g.addr, "Address of choregosd")->type_name("URL");
  app.add_option("--token-file", g.token_file, "File with the bearer token, mode 0600")->type_name("FILE");
  app.add_option("--timeout", g.timeout, "Longest wait for an answer, such as 5s")->type_name("TIME");
  app.add_option("-o,--output", g.output, "How to print")->check(CLI::IsMember({"table", "wide", "json", "yaml", "name"}))->type_name("FORMAT");
  app.add_option("--color", g.color, "When to use colour")->check(CLI::IsMember({"auto", "always", "never"}))->type_name("WHEN");
  app.add_flag("--no-headers", g.no_headers, "Leave out the line of column names");
}

Format format_of(const std::string& word) {
  return word == "wide" ? Format::wide : word == "json" ? Format::json : word == "yaml" ? Format::yaml : word == "name" ? Format::name : Format::table;
}

/// CLI11 says that something was not expected, not what was meant.
std::string suggestion(const CLI::App& app, const std::vector<std::string>& arguments) {
  std::vector<std::string> verbs;
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) verbs.push_back(sub->get_name());
  for (const auto& argument : arguments) {
    if (argument.empty() || argument[0] == '-') continue;
    if (std::find(verbs.begin(), verbs.end(), argument) != verbs.end()) return {};
    if (const auto near = nearest_word(argument, verbs); !near.empty()) return "; did you mean 'choregos " + std::string(near) + "'?";
    return {};
  }
  return {};
}

void add_filters(CLI::App& verb, AgentsArguments& filter) {
  verb.add_option("-c,--capability", filter.capabilities, "Has this capability; repeat for several")->type_name("WORD");
  verb.add_option("-s,--status", filter.status, "online, idle or working; repeat for any of several")->type_name("WORD");
  verb.add_option("-l,--liveness", filter.liveness, "unconfirmed, alive, suspect, lost or left; repeat for any of several")->type_name("WORD");
  verb.add_option("-m,--model", filter.model, "Model, with * and ?")->type_name("GLOB");
  verb.add_option("--cluster", filter.cluster, "Of this cluster; repeat for any of several")->type_name("ID");
  verb.add_option("--team", filter.team, "In this team; - for none")->type_name("NAME");
  verb.add_option("--label", filter.labels, "Has this label, as key=value; repeat for several")->type_name("K=V");
  verb.add_option("text", filter.text, "Words that must occur in id, name, model, endpoint, a capability or a label");
}

/// "" leaves `out` as it is.
Result<void> read_duration(const std::string& text, Duration& out) {
  if (text.empty()) return {};
  const auto duration = parse_duration(text);
  if (!duration) return duration.error();
  out = *duration;
  return {};
}

}  // namespace

int run(const std::vector<std::string>& arguments, const Environment& environment, bool terminal, Streams s) {
  CLI::App app("Ask choregosd which agents there are, which are alive, and what they can do.", "choregos");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(kFooter);
  app.get_formatter()->column_width(34);
  Globals globals;
  add_globals(app, globals);
  app.set_version_flag("--version", std::string("choregos ") + CHOREGOS_VERSION);

  AgentsArguments list;
  auto* agents_verb = app.add_subcommand("agents", "List agents");
  agents_verb->alias("ls");
  add_filters(*agents_verb, list);
  agents_verb->add_option("--sort", list.sort, "Order; - in front for descending: --sort=-last_seen")->type_name("KEY");
  agents_verb->add_option("-n,--limit", list.limit, "At most this many")->type_name("N");
  agents_verb->add_flag("-q,--quiet", list.quiet, "Ids only");
  agents_verb->add_flag("-w,--watch", list.watch, "Go on with each change; -o json: an event a line");

  AgentsArguments exported;
  auto* export_verb = app.add_subcommand("export", "Agents for a spreadsheet, as CSV; -o json for programs");
  add_filters(*export_verb, exported);
  export_verb->add_option("--sort", exported.sort, "Order; - in front for descending: --sort=-last_seen")->type_name("KEY");

  EventsArguments follow;
  auto* events_verb = app.add_subcommand("events", "Tell what changes, as it changes; -o json: an object a line");
  add_filters(*events_verb, follow.filter);
  events_verb->add_option("-n,--count", follow.count, "End after so many")->type_name("N");

  WaitArguments awaited;
  std::size_t idle = 0;
  std::string hold, wait_timeout;
  auto* wait_verb = app.add_subcommand("wait", "Wait until so many agents are there: 0 they are, 124 not in time");
  add_filters(*wait_verb, awaited.filter);
  auto* count = wait_verb->add_option("-n,--count", awaited.count, "At least so many must match; alive ones, unless --liveness says otherwise")->type_name("N");
  auto* idle_option = wait_verb->add_option("--idle", idle, "The same, of those that are idle")->type_name("N")->excludes(count);
  wait_verb->add_flag("--none", awaited.none, "Until nobody matches")->excludes(count)->excludes(idle_option);
  wait_verb->add_option("--for", hold, "And it stays so for this long, such as 30s")->type_name("TIME");
  wait_verb->add_option("--within", wait_timeout, "Give up after this, such as 10m; --timeout of this verb means the same")->type_name("TIME");

  std::string id;
  auto* agent_verb = app.add_subcommand("agent", "Show one agent, by id or alias");
  agent_verb->add_option("id", id, "Its id, Swarm task name or address")->required();
  auto* why_verb = app.add_subcommand("why", "Why an agent is believed to be as it is: the evidence and what would change it");
  why_verb->add_option("id", id, "Its id, Swarm task name or address")->required();
  auto* history_verb = app.add_subcommand("history", "What happened to an agent, also to one that is no longer listed");
  history_verb->add_option("id", id, "Its id, Swarm task name or address")->required();
  auto* capabilities_verb = app.add_subcommand("capabilities", "Count agents by capability");
  auto* expected_verb = app.add_subcommand("expected", "What should be there against what is found; exit code 1 when they differ");
  auto* summary_verb = app.add_subcommand("summary", "The fleet in numbers");
  auto* sources_verb = app.add_subcommand("sources", "How each way of learning does; -o wide with its counters");

  PeersArguments listen;
  std::string listen_for = "3s";
  auto* peers_verb = app.add_subcommand("peers", "Listen to beacons on the network, with no daemon");
  peers_verb->add_option("--for", listen_for, "How long to listen")->type_name("TIME");
  peers_verb->add_option("--port", listen.port, "UDP port")->type_name("PORT");
  peers_verb->add_option("-i,--interface", listen.interfaces, "Listen on this interface; repeat for several, default all")->type_name("NAME");
  peers_verb->add_option("--key-file", listen.key_file, "Keys by which beacons are verified")->type_name("FILE");

  std::vector<std::string> domain;  // a name has a space in it, so it may come as several words
  auto* thaw_verb = app.add_subcommand("thaw", "Let silent agents of a frozen domain be lost after all");
  thaw_verb->add_option("domain", domain, "As shown on top of lists, such as subnet 10.0.1.0/24; left out: all");

  ReplayArguments recording;
  std::string until;
  auto* replay_verb = app.add_subcommand("replay", "Replay a recording of choregosd --record: 0 the same byte for byte, 1 it differs, 2 it cannot be replayed");
  replay_verb->add_option("file", recording.file, "The recording; - reads it from standard input")->required();
  replay_verb->add_option("--agent", recording.agent, "Print changes of this agent only")->type_name("ID");
  replay_verb->add_option("--until", until, "Stop so long after its beginning, such as 10m")->type_name("TIME");
  replay_verb->add_option("--with", recording.with, "Say what other settings would have done, such as detector.evidence_needed=10; repeat for several")->type_name("NAME=VALUE")->allow_extra_args(false);
  auto* rewrite = replay_verb->add_flag("--rewrite", recording.rewrite, "Replace the changes in the file by those made now, after a change of the rules");
  replay_verb->add_flag("--scenario", recording.scenario, "Tell it as a story for tests/scenario")->excludes(rewrite);

  SnapshotArguments saved;
  auto* snapshot_verb = app.add_subcommand("snapshot", "Save the store of this host's choregosd to a file, also while it runs; or put it back while it does not");
  std::string save_or_restore;
  snapshot_verb->add_option("what", save_or_restore, "save or restore")->required()->check(CLI::IsMember({"save", "restore"}));
  snapshot_verb->add_option("file", saved.file, "The snapshot; save makes it and never writes over a file")->required();
  snapshot_verb->add_option("--state", saved.state, "Folder in which choregosd keeps its state")->type_name("FOLDER");

  DebugArguments bundle;
  auto* debug_verb = app.add_subcommand("debug", "Gather what somebody who helps needs to see into a new folder, without secrets");
  debug_verb->add_option("folder", bundle.folder, "Is made")->required();
  debug_verb->add_option("--config", bundle.config, "choregosd's configuration file")->type_name("FILE");

  auto* doctor_verb = app.add_subcommand("doctor", "Find out why the list is not what you expect");
  auto* version_verb = app.add_subcommand("version", "Version of this program and of the daemon");
  std::string shell;
  auto* completion_verb = app.add_subcommand("completion", "Print a completion script");
  completion_verb->add_option("shell", shell, "bash, zsh or fish")->required();

  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::Success& done) {
    return app.exit(done, s.out, s.err);
  } catch (const CLI::ParseError& error) {
    s.err << "choregos: " << printable(error.what()) << suggestion(app, arguments) << "\nchoregos: see choregos --help\n";
    return 2;
  }

  Context context;
  context.format = format_of(globals.output);
  context.headers = !globals.no_headers;
  context.color = globals.color == "always" || (globals.color == "auto" && terminal && environment("NO_COLOR").empty() && environment("TERM") != "dumb");
  if (*replay_verb) {  // asks nobody, so how to reach somebody does not matter
    if (!until.empty()) {
      const auto duration = parse_duration(until);
      if (!duration) return report(context, duration.error(), s.err);
      recording.until = *duration;
    }
    return replay(context, recording, s);
  }
  if (*snapshot_verb) {
    saved.restore = save_or_restore == "restore";
    return snapshot(context, saved, environment, s);
  }
  std::map<std::string, std::string> flags;
  if (!globals.addr.empty()) flags["addr"] = globals.addr;
  if (!globals.token_file.empty()) flags["token-file"] = globals.token_file;
  if (!globals.timeout.empty()) flags["timeout"] = globals.timeout;
  if (const auto ok = resolve(context, flags, environment); !ok) return report(context, ok.error(), s.err);

  if (*agents_verb) return agents(context, list, s);
  if (*export_verb) return export_agents(context, exported, s);
  if (*debug_verb) return debug(context, bundle, s);
  if (*events_verb) return events(context, follow, s);
  if (*wait_verb) {
    if (idle > 0) awaited.count = idle, awaited.filter.status = {"idle"};
    // What bounds one answer elsewhere bounds the whole wait here, as the name says.
    if (wait_timeout.empty()) wait_timeout = globals.timeout;
    for (const auto& ok : {read_duration(hold, awaited.hold), read_duration(wait_timeout, awaited.timeout)})
      if (!ok) return report(context, ok.error(), s.err);
    return wait(context, awaited, s);
  }
  if (*agent_verb) return agent(context, id, s);
  if (*why_verb) return why(context, id, s);
  if (*history_verb) return history(context, id, s);
  if (*thaw_verb) {
    std::string name;
    for (const auto& word : domain) name += (name.empty() ? "" : " ") + word;
    return thaw(context, name, s);
  }
  if (*capabilities_verb) return capabilities(context, s);
  if (*expected_verb) return expected(context, s);
  if (*summary_verb) return summary(context, s);
  if (*sources_verb) return sources(context, s);
  if (*peers_verb) {
    const auto duration = parse_duration(listen_for);
    if (!duration) return report(context, duration.error(), s.err);
    listen.listen = *duration;
    return peers(context, listen, s);
  }
  if (*doctor_verb) return doctor(context, s);
  if (*version_verb) return version(context, s);
  if (*completion_verb) {
    const auto script = completion_script(app, shell);
    if (!script) return report(context, script.error(), s.err);
    s.out << *script;
    return 0;
  }
  return 2;
}

}  // namespace choregos::cli
