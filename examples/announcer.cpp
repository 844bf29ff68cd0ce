// Be an agent: register, answer /health, say what you do, and say goodbye.
//   announcer http://127.0.0.1:4470 writer-1
#include <choregos/sdk/announcer.hpp>

#include <iostream>

int main(int argc, char** argv) {
  choregos::Announcer::Options options;
  options.id = argc > 2 ? argv[2] : "writer-1";
  options.name = "A writer";
  options.capabilities = {"go_development", "writing"};
  options.status = choregos::Status::idle;
  options.registries = {argc > 1 ? argv[1] : "http://127.0.0.1:4470"};
  options.health.listen = "127.0.0.1:0";  // any free port

  choregos::Announcer announcer(std::move(options));
  announcer.on_event([](const choregos::Announcer::Event& event) {
    std::cout << to_string(event.kind) << ": " << event.detail << std::endl;
  });
  if (auto started = announcer.start(); !started) {
    std::cerr << started.error().message << "\n";
    return 1;
  }
  std::cout << "/health at " << to_string(*announcer.health_address()) << "; type a status, or end the input to leave" << std::endl;
  for (std::string word; std::cin >> word;) {
    if (auto status = choregos::parse_status(word)) announcer.set_status(status);
    else std::cout << "a status is online, idle or working" << std::endl;
  }
}  // the goodbye is said here
