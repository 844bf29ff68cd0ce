#include "choregos/cli/why_text.hpp"

#include <cstdio>
#include <ostream>

#include "choregos/base/text.hpp"
#include "choregos/cli/paint.hpp"
#include "choregos/cli/table.hpp"

namespace choregos::cli {
namespace {

/// "0.4 s", "12 s", "3 min": below ten seconds a tenth decides.
std::string exact_age(Duration age) {
  if (age >= 10s) return format_age(age);
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(std::max(age, Duration{}).count()) / 1e9);
  return text;
}

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

Paint paint_of(const ChannelEvidence& c) {
  if (!c.counts) return Paint::dim;
  if (c.says == "alive" || c.says == "open") return Paint::good;
  return c.says == "refused" || c.says == "dead" || c.says == "silent" ? Paint::bad : Paint::warn;
}

bool is_over(Liveness liveness) { return liveness == Liveness::lost || liveness == Liveness::left; }

std::string holds(const ChannelEvidence& c, Liveness liveness) {
  if (is_over(liveness)) return "";
  if (!c.counts) return "does not count: another life, or somebody else";
  if (c.alive_for == Duration::max()) return "as long as it is open";
  return c.alive_for > Duration{} ? exact_age(c.alive_for) : std::string("no longer");
}

std::string weight(const ChannelEvidence& c) {
  if (c.weight <= 0) return "";
  std::string out = decimal(c.weight) + " (";
  if (c.missed > 0) out += std::to_string(c.missed) + " missed";
  if (c.asked > 0) out += std::string(c.missed > 0 ? ", " : "") + "asked " + std::to_string(c.asked) + (c.asked == 1 ? " time" : " times") + " in vain";
  if (c.asked_by_helpers > 0) out += ", " + std::to_string(c.asked_by_helpers) + " by others";
  if (c.loss) out += ", loses " + decimal(*c.loss * 100) + " %";
  return out + ")";
}

void verdict(const Explanation& e, bool color, std::ostream& out) {
  Agent agent;
  agent.liveness = e.liveness;
  out << printable(e.id) << " is " << painted(to_string(e.liveness), cli::paint_of(agent), color);
  if (!e.reason.empty()) out << ": " << printable(e.reason);
  out << "\n";
  if (is_over(e.liveness)) {
    if (e.silence > Duration{}) out << "  silent for " << exact_age(e.silence) << "\n";
    return;
  }
  if (e.silence > Duration{} || e.evidence > 0) {
    out << "  silent for " << exact_age(e.silence);
    if (e.silence_needed > Duration{}) out << "; lost takes " << exact_age(e.silence_needed);
    if (e.evidence_needed > 0) out << " and evidence of " << decimal(e.evidence_needed) << ", there is " << decimal(e.evidence);
    if (e.longest_silence > Duration{}) out << "; it came back from " << exact_age(e.longest_silence) << " within the last hour";
    if (e.stretch > 1) out << "; every wait is stretched by " << decimal(e.stretch);
    out << "\n";
  }
}

void lines(const char* title, const std::vector<std::string>& texts, std::ostream& out) {
  if (texts.empty()) return;
  out << "\n" << title << "\n";
  for (const auto& text : texts) out << "  " << printable(text) << "\n";
}

void channels(const Explanation& e, bool headers, bool color, std::ostream& out) {
  out << "\nevidence\n";
  if (e.channels.empty()) out << "  none since this choregosd started\n";
  Table table({"  CHANNEL", "SAYS", "HEARD", "HOLDS FOR", "WEIGHT OF SILENCE", "DETAIL"});
  for (const auto& c : e.channels) {
    const std::string name = "  " + c.source + (c.subject.empty() || c.subject == e.id ? "" : " " + c.subject);
    table.add({Cell(name, c.counts ? Paint::none : Paint::dim), Cell(c.says, paint_of(c)), c.age ? exact_age(*c.age) + " ago" : std::string("never"), holds(c, e.liveness), weight(c), c.detail});
  }
  if (table.size() > 0) table.print(out, headers, color);
}

void fields(const Explanation& e, bool headers, bool color, std::ostream& out) {
  if (e.fields.empty()) return;
  out << "\nfields\n";
  Table table({"  FIELD", "VALUE", "SAID BY", "AGE", "BECAUSE", "BUT"});
  for (const auto& f : e.fields) {
    const std::string from = f.source + (f.subject.empty() || f.subject == e.id ? "" : " " + f.subject);
    table.add({"  " + f.field, shortened(printable(f.value), 48), from, f.source.empty() ? std::string() : exact_age(f.age), Cell(f.rule, Paint::dim), joined(f.others)});
  }
  table.print(out, headers, color);
}

}  // namespace

void print_why(const Explanation& e, bool headers, bool color, std::ostream& out) {
  verdict(e, color, out);
  lines("held back by", e.held_by, out);
  lines("would change", e.would_change, out);
  channels(e, headers, color, out);
  fields(e, headers, color, out);
}

}  // namespace choregos::cli
