// choregos-agent: makes any program an agent. See options.cpp for what it takes and sidecar.hpp for what it does.
#include <unistd.h>

#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "choregos/agent/identity.hpp"
#include "choregos/agent/options.hpp"
#include "choregos/agent/sidecar.hpp"

int main(int argc, char** argv) {
  using namespace choregos::agent;
  char host_name[256] = {};
  gethostname(host_name, sizeof host_name - 1);
  const auto parsed = parse_options(std::vector<std::string>(argv + 1, argv + argc), process_environment(), host_name);
  if (const auto* exit = std::get_if<Exit>(&parsed)) {
    std::fputs(exit->text.c_str(), exit->code == 0 ? stdout : stderr);
    return exit->code;
  }
  return run(std::get<Settings>(parsed));
}
