#include "choregos/cli/completion.hpp"

#include <CLI/CLI.hpp>

#include <map>
#include <vector>

namespace choregos::cli {
namespace {

struct Verb {
  std::string name, description;
  std::vector<std::pair<std::string, std::string>> flags;  ///< "--long" or "-s", and what it is for
};

std::vector<std::pair<std::string, std::string>> flags_of(const CLI::App& app) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const CLI::Option* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) out.emplace_back("--" + name, option->get_description());
    for (const auto& name : option->get_snames()) out.emplace_back("-" + name, option->get_description());
  }
  return out;
}

std::vector<Verb> verbs_of(const CLI::App& app) {
  std::vector<Verb> out;
  const auto global = flags_of(app);
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    Verb verb{sub->get_name(), sub->get_description(), flags_of(*sub)};
    for (const auto& flag : global)
      if (flag.first != "--version") verb.flags.push_back(flag);
    out.push_back(std::move(verb));
  }
  return out;
}

/// Values that a flag takes, where they are words of ours.
const std::map<std::string, std::string>& values() {
  static const std::map<std::string, std::string> known{{"--output", "table wide json yaml name"},
                                                        {"-o", "table wide json yaml name"},
                                                        {"--status", "online idle working"},
                                                        {"--liveness", "unconfirmed alive suspect lost left"},
                                                        {"--sort", "id name status liveness model cluster last_seen first_seen tasks_completed"},
                                                        {"--color", "auto always never"}};
  return known;
}

/// Verbs whose argument is an agent.
bool takes_agent(const Verb& verb) { return verb.name == "agent" || verb.name == "why" || verb.name == "history"; }

std::string words(const std::vector<std::pair<std::string, std::string>>& flags) {
  std::string out;
  for (const auto& flag : flags) out += (out.empty() ? "" : " ") + flag.first;
  return out;
}

std::string escaped(std::string text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') out += "'\\''";
    else if (c == '[' || c == ']' || c == ':') out += std::string("\\") + c;
    else out += c;
  }
  return out;
}

std::string bash(const std::vector<Verb>& verbs) {
  std::string out = "# bash completion for choregos; load it with: source <(choregos completion bash)\n_choregos() {\n  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb=\n  local word\n"
                    "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do [[ $word != -* ]] && { verb=$word; break; }; done\n  case $prev in\n";
  for (const auto& [flag, list] : values()) out += "    " + flag + ") COMPREPLY=($(compgen -W '" + list + "' -- \"$cur\")); return ;;\n";
  out += "    --token-file|--key-file) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n  esac\n  case $verb in\n    '') COMPREPLY=($(compgen -W '";
  for (const auto& verb : verbs) out += verb.name + " ";
  out += "' -- \"$cur\")) ;;\n";
  for (const auto& verb : verbs) {
    out += "    " + verb.name + ")\n";
    if (takes_agent(verb)) out += "      [[ $cur != -* ]] && { COMPREPLY=($(compgen -W \"$(choregos agents -o name 2>/dev/null)\" -- \"$cur\")); return; }\n";
    if (verb.name == "snapshot") out += "      [[ $cur != -* ]] && { [[ $prev == snapshot ]] && COMPREPLY=($(compgen -W 'save restore' -- \"$cur\")) || COMPREPLY=($(compgen -f -- \"$cur\")); return; }\n";
    if (verb.name == "completion") out += "      [[ $cur != -* ]] && { COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$cur\")); return; }\n";
    out += "      COMPREPLY=($(compgen -W '" + words(verb.flags) + "' -- \"$cur\")) ;;\n";
  }
  return out + "  esac\n}\ncomplete -F _choregos choregos\n";
}

std::string zsh(const std::vector<Verb>& verbs) {
  std::string out = "#compdef choregos\n# zsh completion for choregos; put it into a folder of $fpath as _choregos\n_choregos() {\n  local -a verbs\n  verbs=(\n";
  for (const auto& verb : verbs) out += "    '" + verb.name + ":" + escaped(verb.description) + "'\n";
  out += "  )\n  if (( CURRENT == 2 )); then _describe 'command' verbs; return; fi\n  case $words[2] in\n";
  for (const auto& verb : verbs) {
    out += "    " + verb.name + ") _arguments";
    for (const auto& [flag, what] : verb.flags) {
      const auto list = values().find(flag);
      out += " '" + flag + "[" + escaped(what) + "]" + (list != values().end() ? ":value:(" + list->second + ")" : "") + "'";
    }
    if (takes_agent(verb)) out += " '*:agent:(${(f)\"$(choregos agents -o name 2>/dev/null)\"})'";
    if (verb.name == "snapshot") out += " '1:what:(save restore)' '*:file:_files'";
    if (verb.name == "completion") out += " '*:shell:(bash zsh fish)'";
    out += " ;;\n";
  }
  return out + "  esac\n}\n_choregos \"$@\"\n";
}

std::string fish(const std::vector<Verb>& verbs) {
  std::string out = "# fish completion for choregos; load it with: choregos completion fish | source\ncomplete -c choregos -f\n";
  for (const auto& verb : verbs) {
    out += "complete -c choregos -n __fish_use_subcommand -a " + verb.name + " -d '" + escaped(verb.description) + "'\n";
    for (const auto& [flag, what] : verb.flags) {
      const bool is_long = flag.substr(0, 2) == "--";
      const auto list = values().find(flag);
      out += "complete -c choregos -n '__fish_seen_subcommand_from " + verb.name + "' " + (is_long ? "-l " + flag.substr(2) : "-s " + flag.substr(1)) + " -d '" + escaped(what) + "'" +
             (list != values().end() ? " -xa '" + list->second + "'" : "") + "\n";
    }
  }
  return out + "complete -c choregos -n '__fish_seen_subcommand_from agent why history' -a '(choregos agents -o name 2>/dev/null)'\ncomplete -c choregos -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n"
               "complete -c choregos -n '__fish_seen_subcommand_from snapshot; and not __fish_seen_subcommand_from save restore' -a 'save restore'\ncomplete -c choregos -n '__fish_seen_subcommand_from save restore' -F\n";
}

}  // namespace

Result<std::string> completion_script(const CLI::App& app, std::string_view shell) {
  const auto verbs = verbs_of(app);
  if (shell == "bash") return bash(verbs);
  if (shell == "zsh") return zsh(verbs);
  if (shell == "fish") return fish(verbs);
  return fail(ErrorCode::invalid, "'" + std::string(shell.substr(0, 40)) + "' is no shell that has completions here; write bash, zsh or fish");
}

}  // namespace choregos::cli
