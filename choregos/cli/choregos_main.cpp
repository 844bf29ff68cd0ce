// choregos: the command line.
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "choregos/cli/command_line.hpp"

int main(int argc, char** argv) {
  const auto environment = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value != nullptr ? value : "");
  };
  const int code = choregos::cli::run(std::vector<std::string>(argv + 1, argv + argc), environment, isatty(STDOUT_FILENO) == 1, {std::cout, std::cerr});
  std::cout.flush();
  return std::cout ? code : 1;  // a full disk or a closed pipe is a failure
}
