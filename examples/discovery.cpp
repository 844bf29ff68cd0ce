// The whole registry inside a program of your own: it probes the addresses that you name and tells every change.
//   discovery 127.0.0.1:8081 127.0.0.1:8082
#include <choregos/sdk/discovery.hpp>

#include <iostream>

int main(int argc, char** argv) {
  choregos::Discovery::Options options;
  options.static_targets.assign(argv + 1, argv + argc);
  options.probe_period = std::chrono::seconds(1);
  choregos::Discovery discovery(std::move(options));

  discovery.watch([](const choregos::Change& change) {
    const auto& agent = change.record->agent;
    std::cout << to_string(change.revision) << " " << to_string(change.kind) << " " << agent.id << " " << to_string(agent.liveness) << std::endl;
  });
  if (auto started = discovery.start(); !started) {
    std::cerr << started.error().message << "\n";
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {  // an empty line asks, the end of the input ends
    auto page = discovery.agents();
    if (page) std::cout << page->total << " agents" << std::endl;
  }
}
