// choregosd: reads the command line, then either answers a question about the configuration or runs.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/limits.hpp"
#include "choregos/daemon/config.hpp"
#include "choregos/daemon/config_print.hpp"
#include "choregos/daemon/program.hpp"
#include "choregos/net/sockets.hpp"

namespace {

using namespace choregos;

constexpr int kExitFailure = 1;
constexpr int kExitConfig = 2;

Result<std::optional<std::string>> read_file(const std::string& path) {
  const net::FdGuard file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
    return fail(ErrorCode::io, std::string("cannot be opened: ") + std::strerror(errno));
  }
  struct stat info {};
  if (::fstat(file.get(), &info) == 0 && !S_ISREG(info.st_mode)) return fail(ErrorCode::io, "is no regular file");
  std::string text(limits::config_file_bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::io, std::string("cannot be read: ") + std::strerror(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > limits::config_file_bytes_max) return fail(ErrorCode::too_large, "is over " + std::to_string(limits::config_file_bytes_max / 1024) + " KiB, which is no configuration");
  text.resize(size);
  return std::optional(std::move(text));
}

daemon::Machine this_machine() {
  daemon::Machine machine;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (const auto equals = text.find('='); equals != std::string_view::npos) machine.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  machine.root = ::geteuid() == 0;
  machine.read_file = read_file;
  return machine;
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }
void complain(std::string_view text) { std::fprintf(stderr, "choregosd: %.*s\n", static_cast<int>(text.size()), text.data()); }

api::BuildInfo build_info() {
#if defined(__clang__)
  return {CHOREGOS_VERSION, CHOREGOS_COMMIT, "clang " __clang_version__};
#else
  return {CHOREGOS_VERSION, CHOREGOS_COMMIT, "GNU " __VERSION__};
#endif
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  const daemon::CommandLine flags = daemon::parse_command_line(arguments);
  switch (flags.action) {
    case daemon::Action::help: return print(daemon::help_text(CHOREGOS_VERSION)), 0;
    case daemon::Action::version: return print("choregosd " CHOREGOS_VERSION "\n"), 0;
    case daemon::Action::print_reference: return print(daemon::config_reference()), 0;
    case daemon::Action::print_example: return print(daemon::config_example()), 0;
    default: break;
  }

  const daemon::Machine machine = this_machine();
  daemon::Loaded loaded = daemon::load_config(flags, machine);
  if (loaded.errors.empty())
    if (auto files = daemon::Program::check_files(loaded.config.settings); !files && flags.action != daemon::Action::print_config)
      loaded.errors.push_back(files.error().message);
  for (const std::string& error : loaded.errors) complain(error);
  if (!loaded.errors.empty()) return kExitConfig;
  if (flags.action == daemon::Action::print_config) return print(daemon::print_config(loaded.config, CHOREGOS_VERSION)), 0;
  if (flags.action == daemon::Action::check_config) {
    const std::string& file = loaded.config.file;
    return print("The configuration is right" + (file.empty() ? std::string(" (no file, flags and environment only)") : ": " + file) + ".\n"), 0;
  }

  int code = kExitFailure;
  {
    daemon::Program program(std::move(loaded.config), flags, machine, build_info());
    if (auto started = program.start(); !started) complain(started.error().message);
    else code = program.run();
  }
  return code;
}
