#include "choregos/source/http_probe/evidence.hpp"

#include "choregos/wire/statement.hpp"

namespace choregos::source {
namespace {

bool is_object(std::string_view body) {
  const std::size_t begin = body.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && body[begin] == '{';
}

}  // namespace

Observation heard_from(const Target& target, const std::string& source, const ProbeResult& answer, Moment at) {
  wire::Statement said = wire::read_health_body(answer.body);
  Observation o;
  o.kind = ObservationKind::heard;
  o.source = source;
  o.names.id = std::move(said.id);
  o.names.address = target.address;
  o.names.behind_balancer = target.behind_balancer;
  if (!target.behind_balancer) o.names.task = target.task;
  o.subject = target.behind_balancer ? vip_subject(target.address, o.names.id) : to_string(target.address);
  o.incarnation = said.incarnation;
  o.heard_at = at.now;
  o.wall_at = at.wall;
  if (said.claims != Claims{} || is_object(answer.body)) o.claims = std::move(said.claims);
  o.draining = target.draining || said.draining;
  o.latency = answer.latency;
  o.answer = !target.behind_balancer;  // behind a balancer nobody in particular is asked
  o.from = target.address.ip;
  return o;
}

std::string id_in(const std::string& body) { return wire::read_health_body(body).id; }

Observation failure_of(const Heard& heard, const std::string& source, std::string subject, ObservationKind kind, Lease lease, std::string reason, Moment at) {
  Observation o;
  o.kind = kind;
  o.source = source;
  o.subject = std::move(subject);
  o.names = heard.names;
  o.incarnation = heard.incarnation;
  o.heard_at = at.now;
  o.wall_at = at.wall;
  o.lease = lease;
  if (heard.names.address) o.from = heard.names.address->ip;
  o.reason = std::move(reason);
  return o;
}

std::string vip_subject(const SocketAddress& address, std::string_view id) {
  std::string subject = "vip/" + to_string(address);
  if (!id.empty()) subject.append("/").append(id);
  return subject;
}

}  // namespace choregos::source
