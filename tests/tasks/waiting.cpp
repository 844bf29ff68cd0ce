#include "tests/tasks/waiting.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <queue>
#include <string>
#include <vector>

#include "choregos/base/rng.hpp"
#include "choregos/task/ledger.hpp"

namespace choregos::task_sim {
namespace {

constexpr int kAgents = 100;
constexpr double kMean = 60, kSigma = 1.2;
constexpr double kSlower = 3;

struct Arrival {
  double at = 0;
  double work = 0;  ///< seconds on a fast agent
};

std::vector<Arrival> draw(std::uint64_t seed, double load, bool slow_half, int tasks) {
  Rng rng(seed);
  const double capacity = slow_half ? kAgents * (1 + 1 / kSlower) / 2 : kAgents;
  const double rate = load * capacity / kMean;
  std::vector<Arrival> all;
  double at = 0;
  for (int i = 0; i < tasks; ++i) {
    at += -std::log(1 - rng.unit()) / rate;
    // Box and Muller; one of the pair is enough.
    const double normal = std::sqrt(-2 * std::log(1 - rng.unit())) * std::cos(2 * M_PI * rng.unit());
    all.push_back({at, std::exp(std::log(kMean) - kSigma * kSigma / 2 + kSigma * normal)});
  }
  return all;
}

double speed(int agent, bool slow_half) { return slow_half && agent % 2 == 1 ? 1 / kSlower : 1; }

Waits judge(std::vector<double> waits) {
  Waits w;
  for (const double x : waits) w.mean += x / static_cast<double>(waits.size());
  const auto nth = waits.begin() + static_cast<std::ptrdiff_t>(0.99 * static_cast<double>(waits.size()));
  std::nth_element(waits.begin(), nth, waits.end());
  w.p99 = *nth;
  return w;
}

using Done = std::pair<double, int>;  ///< when, which agent
using DoneQueue = std::priority_queue<Done, std::vector<Done>, std::greater<>>;

Waits least_loaded(const std::vector<Arrival>& arrivals, bool slow_half) {
  std::vector<std::deque<double>> ends(kAgents);  ///< of the tasks in each agent's own queue
  std::vector<double> waits;
  for (const Arrival& a : arrivals) {
    int best = 0;
    for (int i = 0; i < kAgents; ++i) {
      while (!ends[i].empty() && ends[i].front() <= a.at) ends[i].pop_front();
      if (ends[i].size() < ends[best].size()) best = i;
    }
    const double begin = ends[best].empty() ? a.at : ends[best].back();
    waits.push_back(begin - a.at);
    ends[best].push_back(begin + a.work / speed(best, slow_half));
  }
  return judge(std::move(waits));
}

Waits pull(const std::vector<Arrival>& arrivals, bool slow_half) {
  std::deque<int> free;
  for (int i = 0; i < kAgents; ++i) free.push_back(i);
  DoneQueue done;
  std::vector<double> waits;
  for (const Arrival& a : arrivals) {
    while (!done.empty() && done.top().first <= a.at) free.push_back(done.top().second), done.pop();
    double begin = a.at;
    int agent = 0;
    if (!free.empty()) {
      agent = free.front();
      free.pop_front();
    } else {
      begin = done.top().first;
      agent = done.top().second;
      done.pop();
    }
    waits.push_back(begin - a.at);
    done.emplace(begin + a.work / speed(agent, slow_half), agent);
  }
  return judge(std::move(waits));
}

Waits by_ledger(const std::vector<Arrival>& arrivals, bool slow_half) {
  using namespace choregos::task;
  LedgerSettings settings;
  Ledger ledger(settings);
  Output out;
  const auto instant = [](double s) { return Instant{1'000'000'000 + static_cast<std::int64_t>(s * 1e9)}; };
  const auto wall = [](double s) { return WallTime{1'700'000'000'000 + static_cast<std::int64_t>(s * 1e3)}; };
  for (int i = 0; i < kAgents; ++i) {
    AgentNews news;
    news.id = "a" + std::to_string(i);
    news.capabilities = {"work"};
    (void)ledger.apply(news, instant(0), wall(0), out);
    (void)ledger.apply(Listen{news.id, Instant::never(), 0}, instant(0), wall(0), out);
  }
  struct Held {
    Grip grip;
    double begun;
  };
  std::vector<Held> held(kAgents);
  DoneQueue done;
  std::vector<double> waits(arrivals.size());
  // Offers are answered in the instant in which they are made: what is measured is the policy.
  const auto answer_offers = [&](double at) {
    while (!out.notices.empty()) {
      const std::vector<Notice> notices = std::move(out.notices);
      out.clear();
      for (const Notice& n : notices) {
        const int agent = std::stoi(n.agent.substr(1));
        const Grip grip{n.agent, n.task, n.fence};
        (void)ledger.apply(Accept{grip}, instant(at), wall(at), out);
        const Arrival& a = arrivals[n.task - 1];
        waits[n.task - 1] = at - a.at;
        held[agent] = {grip, at};
        done.emplace(at + a.work / speed(agent, slow_half), agent);
      }
    }
    out.clear();
  };
  const auto finish_until = [&](double at) {
    while (!done.empty() && done.top().first <= at) {
      const auto [end, agent] = done.top();
      done.pop();
      while (ledger.next_deadline() <= instant(end)) ledger.tick(instant(end), wall(end), out);
      (void)ledger.apply(Complete{held[agent].grip, nullptr}, instant(end), wall(end), out);
      answer_offers(end);
    }
  };
  TaskRequest request;
  request.capabilities = {"work"};
  request.keep_for = 1min;
  for (const Arrival& a : arrivals) {
    finish_until(a.at);
    (void)ledger.apply(Submit{request, nullptr}, instant(a.at), wall(a.at), out);
    ledger.stored(ledger.sequence(), instant(a.at), wall(a.at), out);
    answer_offers(a.at);
  }
  finish_until(1e18 / 1e9);
  return judge(std::move(waits));
}

}  // namespace

Waits replay(Policy policy, std::uint64_t seed, double load, bool slow_half, int tasks) {
  const std::vector<Arrival> arrivals = draw(seed, load, slow_half, tasks);
  switch (policy) {
    case Policy::least_loaded: return least_loaded(arrivals, slow_half);
    case Policy::pull: return pull(arrivals, slow_half);
    case Policy::ledger: return by_ledger(arrivals, slow_half);
  }
  return {};
}

}  // namespace choregos::task_sim
