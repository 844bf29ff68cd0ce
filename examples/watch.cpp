// Follow a fleet: who comes, who changes, who goes, for ever.
//   watch http://127.0.0.1:4470 go_development
#include <choregos/sdk/client.hpp>

#include <iostream>
#include <limits>

int main(int argc, char** argv) {
  choregos::Client::Options options;
  if (argc > 1) options.address = argv[1];
  choregos::Client client(std::move(options));

  choregos::Query query;
  if (argc > 2) query.capabilities = {argv[2]};

  using Kind = choregos::WatchEvent::Kind;
  auto watch = client.watch(query, [](const choregos::WatchEvent& event) {
    const auto& agent = event.agent.agent;
    if (event.kind == Kind::put) std::cout << agent.id << " is " << to_string(agent.liveness) << ", " << to_string(agent.status) << std::endl;
    if (event.kind == Kind::remove) std::cout << agent.id << " is gone: " << event.reason << std::endl;
    if (event.kind == Kind::lost) std::cout << "no news: " << event.error.message << std::endl;
  });
  if (!watch) {
    std::cerr << watch.error().message << "\n";
    return exit_code(watch.error().code);
  }
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());  // until input ends; the handle ends the watch
}
