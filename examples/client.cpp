// Ask a choregosd who is there and can do something.
//   client http://127.0.0.1:4470 go_development
#include <choregos/sdk/client.hpp>

#include <iostream>

int main(int argc, char** argv) {
  choregos::Client::Options options;
  if (argc > 1) options.address = argv[1];
  choregos::Client client(std::move(options));

  choregos::Query query;
  query.liveness = {choregos::Liveness::alive};
  if (argc > 2) query.capabilities = {argv[2]};

  auto page = client.agents(query);
  if (!page) {
    std::cerr << page.error().message << "\n";
    return exit_code(page.error().code);
  }
  for (const auto& view : page->agents)
    std::cout << view.agent.id << "\t" << to_string(view.agent.status) << "\t" << view.agent.endpoint << "\n";
  std::cout << page->total << " agents at revision " << to_string(page->revision) << "\n";
}
