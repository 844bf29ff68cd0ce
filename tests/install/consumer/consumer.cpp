// A program that has only the installed library: an agent that a registry of its own finds.
#include <choregos/sdk/announcer.hpp>
#include <choregos/sdk/client.hpp>
#include <choregos/sdk/discovery.hpp>

#include <condition_variable>
#include <iostream>
#include <mutex>

int main() {
  choregos::Announcer::Options me;
  me.id = "consumer-1";
  me.capabilities = {"testing"};
  me.health.listen = "127.0.0.1:0";
  choregos::Announcer announcer(std::move(me));
  if (auto started = announcer.start(); !started) return std::cerr << started.error().message << "\n", 1;

  choregos::Discovery::Options options;
  options.static_targets = {to_string(*announcer.health_address())};
  options.probe_period = std::chrono::seconds(1);
  choregos::Discovery discovery(std::move(options));
  std::mutex mutex;
  std::condition_variable changed;
  bool found = false;
  discovery.watch([&](const choregos::Change& change) {
    std::lock_guard lock(mutex);
    found = found || change.record->agent.id == "consumer-1";
    changed.notify_all();
  });
  if (auto started = discovery.start(); !started) return std::cerr << started.error().message << "\n", 1;
  {
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, std::chrono::seconds(20), [&] { return found; })) return std::cerr << "not found within 20 s\n", 1;
  }
  choregos::Query query;
  query.capabilities = {"testing"};
  auto page = discovery.agents(query);
  if (!page || page->agents.size() != 1) return std::cerr << "the list does not hold exactly one agent\n", 1;

  // Nobody listens on port 1: the client must say so, not throw or hang.
  choregos::Client client({.address = "http://127.0.0.1:1", .token = {}, .timeout = std::chrono::seconds(2)});
  auto healthz = client.healthz();
  if (healthz || exit_code(healthz.error().code) != 4) return std::cerr << "an unreachable server was not reported\n", 1;
  std::cout << "found " << page->agents[0].agent.id << " at revision " << to_string(page->revision) << "\n";
}
