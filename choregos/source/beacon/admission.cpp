#include "choregos/source/beacon/admission.hpp"

#include <algorithm>

#include "choregos/base/text.hpp"

namespace choregos::source::beacon {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

Result<UnsignedRule> UnsignedRule::parse(std::string_view text) {
  UnsignedRule rule;
  rule.loopback_ = false;
  const std::string_view whole = trimmed(text);
  if (whole == "none") return rule;
  if (whole == "any") {
    rule.any_ = true;
    return rule;
  }
  for (std::string_view rest = whole;;) {
    const auto comma = rest.find(',');
    const std::string_view part = trimmed(rest.substr(0, comma));
    if (part == "loopback") {
      rule.loopback_ = true;
    } else {
      auto range = parse_cidr(part);
      if (!range)
        return fail(ErrorCode::invalid, "accept_unsigned '" + printable(part) + "' should be loopback, any, none or a list of ranges such as 10.0.0.0/8");
      rule.ranges_.push_back(*range);
    }
    if (comma == std::string_view::npos) return rule;
    rest.remove_prefix(comma + 1);
  }
}

bool UnsignedRule::allows(const IpAddress& from) const {
  return any_ || (loopback_ && from.is_loopback()) || std::any_of(ranges_.begin(), ranges_.end(), [&](const Cidr& range) { return range.contains(from); });
}

std::string UnsignedRule::text() const {
  if (any_) return "any";
  std::string out = loopback_ ? "loopback" : "";
  for (const Cidr& range : ranges_) out += (out.empty() ? "" : ",") + to_string(range);
  return out.empty() ? "none" : out;
}

bool TokenBucket::take(Instant now) {
  const Instant full_at = std::max(full_at_, now) + gap_;
  if (full_at - now > burst_ * gap_) return false;
  full_at_ = full_at;
  return true;
}

}  // namespace choregos::source::beacon
