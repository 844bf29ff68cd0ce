#include "choregos/record/story.hpp"

#include <gtest/gtest.h>

namespace choregos::record {
namespace {

wire::RecordedObservation heard(const std::string& id, Duration at) {
  Observation o;
  o.source = "beacon";
  o.subject = o.names.id = id;
  o.incarnation = 7;
  o.lease.interval = 1s;
  o.claims.emplace().status = Status::idle;
  return {o, Instant{0} + at, {}, true};
}

TEST(Story, TellsBeaconsAsBeatAndHush) {
  Story story;
  for (int i = 0; i < 5; ++i) {
    story.take(heard("a1", i * 1s));
    if (i < 2) story.take(heard("a2", i * 1s + 100ms));
  }
  auto bye = heard("a1", 5s);
  bye.observation.kind = ObservationKind::goodbye;
  bye.observation.reason = "told to \"stop\"";
  story.take(bye);
  story.take(wire::RecordedTick{Instant{0} + 6s, {}});
  const std::string text = story.text();
  EXPECT_EQ(text.substr(text.find("\n\n") + 2), "beat a1 inc=7 status=idle\nadvance 100ms\nbeat a2 inc=7 status=idle\nadvance 1s1ms\nhush a2\nadvance 3s899ms\ngoodbye a1 inc=7 reason=\"told to 'stop'\"\nadvance 1s\nshow\n----\n");
}

TEST(Story, TellsWhatIsNoBeacon) {
  Story story;
  auto o = heard("a1", 0s);
  o.observation.source = "registration";
  o.observation.lease = kOpenLease;
  story.take(o);
  o.observation.kind = ObservationKind::doubt;
  story.take(o);
  o.observation.kind = ObservationKind::asked;
  story.take(o);
  o.observation = {};
  o.observation.source = "http_probe";
  o.observation.names.address = SocketAddress{IpAddress::v4(10, 0, 0, 7), 8081};
  o.observation.kind = ObservationKind::refused;
  story.take(o);
  o.observation.names = {};
  o.observation.names.task = SwarmTask{"chorus", "1", "x7"};
  o.observation.kind = ObservationKind::dead;
  story.take(o);
  wire::RecordedSign sign;
  for (const SignKind kind : {SignKind::listened, SignKind::listened, SignKind::canary_heard, SignKind::canary_lost, SignKind::canary_heard}) {
    sign.sign.kind = kind;
    story.take(sign);
  }
  const std::string text = story.text();
  EXPECT_EQ(text.substr(text.find("\n\n") + 2), "tether a1 opens inc=7 status=idle\ntether a1 breaks inc=7\nprobe 10.0.0.7:8081 refuses\ntask chorus.1.x7 died\nlisten\nsign canary_lost\nsign canary_heard\nshow\n----\n");
}

}  // namespace
}  // namespace choregos::record
