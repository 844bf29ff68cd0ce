// choregos doctor: asks what a person would ask when the list is not what they expect, and says what to do about it.
#include <boost/json.hpp>
#include <ostream>

#include "choregos/base/text.hpp"
#include "choregos/cli/document.hpp"
#include "choregos/cli/guard_text.hpp"
#include "choregos/cli/paint.hpp"
#include "choregos/cli/table.hpp"
#include "choregos/cli/verbs.hpp"
#include "choregos/wire/expected_json.hpp"

namespace choregos::cli {
namespace {

class Report {
 public:
  Report(const Context& context, std::ostream& out) : context_(context), out_(out) {}
  void say(Paint paint, std::string_view word, const std::string& what, const std::string& advice = {}) {
    out_ << painted(word, paint, context_.color) << std::string(word.size() < 5 ? 5 - word.size() : 0, ' ') << "  " << printable(what) << "\n";
    if (!advice.empty()) out_ << "       " << painted("->", Paint::dim, context_.color) << " " << printable(advice) << "\n";
    if (paint == Paint::warn) ++warnings;
    if (paint == Paint::bad) ++faults;
  }
  int warnings = 0;
  int faults = 0;

 private:
  const Context& context_;
  std::ostream& out_;
};

std::string numbers(const SourceHealth& health) {
  std::string out;
  for (const auto* list : {&health.gauges, &health.counters})
    for (const auto& [name, value] : *list)
      if (value != 0) out += (out.empty() ? "" : ", ") + name + " " + std::to_string(value);
  return out.empty() ? std::string("nothing tried, nothing heard") : out;
}

void examine_sources(const std::vector<SourceHealth>& sources, Report& report) {
  bool any = false;
  for (const SourceHealth& health : sources) {
    if (health.state == SourceState::off) continue;
    any = any || (health.kind != "recorder" && health.kind != "shadow");
    const Paint paint = paint_of(health.state);
    const std::string word = health.state == SourceState::ok ? "ok" : health.state == SourceState::failed ? "fault" : "warn";
    report.say(paint == Paint::dim ? Paint::warn : paint, word, health.name + ": " + (health.detail.empty() ? std::string(to_string(health.state)) : health.detail) + " [" + numbers(health) + "]",
               health.advice);
    if (!health.last_error.empty() && health.state != SourceState::ok) report.say(Paint::none, "", "last error: " + health.last_error);
  }
  if (!any) report.say(Paint::bad, "fault", "no source is configured", "name a Swarm service, a target file, or let agents register; see docs/OPERATING.md");
}

void examine_guard(const GuardView& guard, Report& report) {
  const auto lines = guard_lines(guard);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string advice = "see whether this host still hears them: its network, its load, the sources above; waits shorten again when it does";
    if (i < guard.domains.size()) {
      const DomainView& domain = guard.domains[i];
      advice = domain.mode == Mode::draining ? "nothing to do: those that are heard again stay, the others are lost one by one"
                                             : "see whether you reach them: if they are alive, mend the path to this host; if they are truly gone: choregos thaw '" + domain.name + "'";
      if (domain.mode == Mode::frozen && domain.until != Instant::never()) advice += " (it drains by itself in " + format_age(domain.until - Instant{}) + ")";
    }
    report.say(Paint::warn, "warn", lines[i], advice);
  }
}

void examine_agents(Client& client, Report& report) {
  const auto page = client.agents();
  if (!page) return report.say(Paint::bad, "fault", "the list cannot be read: " + page.error().message);
  if (page->guard) examine_guard(*page->guard, report);
  std::size_t alive = 0;
  for (const AgentView& view : page->agents) {
    const Agent& a = view.agent;
    alive += a.liveness == Liveness::alive;
    if (a.conflict)
      report.say(Paint::warn, "warn", a.id + ": two living processes claim this id (" + joined(a.contenders) + ")", "give every agent an id of its own; replicas of one image often share a configured one");
    if (a.reachable && !*a.reachable && a.liveness == Liveness::alive)
      report.say(Paint::warn, "warn", a.id + ": is heard, and does not answer when it is asked", "its health endpoint is down or closed to this host; see: choregos why " + a.id);
    if (a.identity == IdentityKind::service)
      report.say(Paint::warn, "warn", a.id + ": a balancer in front of an unknown number of replicas that say no id",
                 "let the health body say an id, or probe tasks.<service> instead of the virtual address");
  }
  const bool some = !page->agents.empty();
  report.say(some && alive == page->agents.size() ? Paint::good : Paint::warn, some ? "ok" : "warn",
             std::to_string(alive) + " of " + std::to_string(page->agents.size()) + " listed agents are alive, revision " + to_string(page->revision) + ", mode " + page->mode,
             some ? "" : "start one: choregos-agent --id a1 --registry http://127.0.0.1:4470, or configure a source");
}

/// A choregosd that knows no such path is older; it says nothing then.
void examine_expected(Client& client, Report& report) {
  const auto body = client.get_raw("/api/v1/expected");
  if (!body) return;
  wire::JsonRules rules;
  rules.bytes_max = body->size();
  rules.member_count_max = limits::agent_count_max;
  rules.text = wire::JsonText::any;
  const auto value = wire::parse_json(*body, rules);
  if (!value || !value->is_object()) return;
  const auto found = wire::read_expected(value->get_object());
  if (!found) return;
  for (const ServiceFound& service : found->services) {
    if (!service.matches()) report.say(Paint::warn, "warn", mismatch_line(service, 3), "each of them with its reason: choregos expected");
    else if (service.desired) report.say(Paint::good, "ok", service.name + ": " + std::to_string(*service.desired) + " should be there, " + std::to_string(service.listed) + " are listed");
  }
  for (const auto& node : found->nodes) report.say(Paint::warn, "warn", "node " + node, "agents there may live all the same; see: choregos expected");
}

}  // namespace

int doctor(const Context& context, Streams s) {
  Report report(context, s.out);
  Client client = context.client();
  const auto health = client.healthz();
  if (!health) {
    report.say(Paint::bad, "fault", "no answer from " + context.address + " (from " + context.address_from + "): " + health.error().message,
               health.error().code == ErrorCode::denied || health.error().code == ErrorCode::forbidden
                   ? "give a token with --token-file or CHOREGOS_TOKEN_FILE"
                   : "start choregosd, or name its address with --addr or CHOREGOS_ADDR; to look for agents without it: choregos peers");
    return exit_code(health.error().code);
  }
  report.say(Paint::good, "ok", "choregosd answers at " + context.address);
  if (const auto ready = client.readyz(); !ready) report.say(Paint::warn, "warn", "it is not ready: " + ready.error().message, "wait; lists are refused until they can be true");
  if (const auto list = client.sources(); !list) {
    report.say(Paint::bad, "fault", "the sources cannot be read: " + list.error().message, list.error().code == ErrorCode::denied ? "give a token with --token-file or CHOREGOS_TOKEN_FILE" : "");
    return exit_code(list.error().code);
  } else {
    examine_sources(*list, report);
  }
  examine_expected(client, report);
  examine_agents(client, report);
  s.out << (report.faults == 0 && report.warnings == 0 ? "everything looks well\n" : std::to_string(report.faults) + " faults, " + std::to_string(report.warnings) + " warnings\n");
  return report.faults == 0 ? 0 : 1;
}

}  // namespace choregos::cli
