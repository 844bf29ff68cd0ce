#include "choregos/source/swarm_dns/roster.hpp"

#include <gtest/gtest.h>

#include "choregos/source/swarm_dns/task_name.hpp"

namespace choregos::source {
namespace {

const std::string kTaskA(25, 'a'), kTaskB = "x0xv8t2m7q4nk1p9c5d6e7f8g";

TEST(TaskName, ReadsWhatDockersDnsSays) {
  struct Row {
    std::string name;
    std::optional<SwarmTask> task;
  };
  const Row rows[] = {
      {"chorus.3." + kTaskB + ".net.", SwarmTask{"chorus", "3", kTaskB}},
      {"chorus.3." + kTaskB + ".net", SwarmTask{"chorus", "3", kTaskB}},
      {"my_stack_chorus.12." + kTaskA + ".my_stack_default.", SwarmTask{"my_stack_chorus", "12", kTaskA}},
      {"chorus." + kTaskB + "." + kTaskA + ".net.", SwarmTask{"chorus", kTaskB, kTaskA}},
      {"chorus.1." + kTaskA + ".net.with.dots.", SwarmTask{"chorus", "1", kTaskA}},
      {"lonely_container.net.", std::nullopt},
      {"chorus.1." + kTaskA + ".", std::nullopt},
      {"chorus.1." + kTaskA, std::nullopt},
      {"chorus.1." + kTaskA + "..", std::nullopt},
      {"chorus.0." + kTaskA + ".net.", std::nullopt},
      {"chorus.01." + kTaskA + ".net.", std::nullopt},
      {"chorus.-1." + kTaskA + ".net.", std::nullopt},
      {"chorus.1." + kTaskA.substr(1) + ".net.", std::nullopt},
      {"chorus.1." + kTaskA + "a.net.", std::nullopt},
      {"chorus.1.A" + kTaskA.substr(1) + ".net.", std::nullopt},
      {"cho rus.1." + kTaskA + ".net.", std::nullopt},
      {".1." + kTaskA + ".net.", std::nullopt},
      {"_x.1." + kTaskA + ".net.", std::nullopt},
      {"chorus.1." + kTaskA + ".n\x01t.", std::nullopt},
      {std::string(300, 'a'), std::nullopt},
      {"", std::nullopt},
      {"...", std::nullopt},
  };
  for (const Row& row : rows) EXPECT_EQ(parse_task_name(row.name), row.task) << row.name;
}

TEST(TaskName, StackPrefixIsTheSameService) {
  EXPECT_TRUE(is_task_of({"chorus", "1", kTaskA}, "chorus"));
  EXPECT_TRUE(is_task_of({"prod_chorus", "1", kTaskA}, "chorus"));
  EXPECT_FALSE(is_task_of({"xchorus", "1", kTaskA}, "chorus"));
  EXPECT_FALSE(is_task_of({"redis", "1", kTaskA}, "chorus"));
}

IpAddress ip(std::uint8_t n) { return IpAddress::v4(10, 0, 1, n); }

struct Dns {
  Roster roster{ServiceSettings{}};
  Instant now{1'000'000'000'000};

  std::vector<IpAddress> naming(std::size_t max = 100) { return roster.to_name(now, max); }
  void name_all(char c = 'a') {
    for (const IpAddress& address : naming()) roster.named(address, SwarmTask{"chorus", std::to_string(address.v4_bits() & 0xff), std::string(25, c)}, now);
  }
  std::optional<std::vector<Target>> changed() { return roster.take_changed(now); }
};

TEST(Roster, SaysNothingBeforeALookupWorked) {
  Dns d;
  d.roster.failed("timed out");
  EXPECT_FALSE(d.changed());
  EXPECT_EQ(d.roster.warning(), "tasks.chorus: timed out");
}

TEST(Roster, FoundAddressesBecomeTargetsWithTheirTasks) {
  Dns d;
  d.roster.found({ip(3), ip(1), ip(2)}, d.now);
  EXPECT_TRUE(d.changed()->empty()) << "none has a name yet";
  d.name_all();
  const auto targets = d.changed();
  ASSERT_TRUE(targets);
  ASSERT_EQ(targets->size(), 3u);
  EXPECT_EQ((*targets)[0].address, (SocketAddress{ip(1), 8081}));
  EXPECT_EQ((*targets)[0].path, "/health");
  EXPECT_EQ((*targets)[0].task->slot, "1");
  EXPECT_FALSE((*targets)[0].configured) << "loopback is for operators only";
  EXPECT_FALSE(d.changed()) << "said once";
}

TEST(Roster, AddressWithoutAnswerToItsPtrIsPublishedAfterHalfASecond) {
  Dns d;
  d.roster.found({ip(1)}, d.now);
  d.naming();
  (void)d.changed();
  EXPECT_EQ(d.roster.next(d.now), d.now + 500ms);
  d.now = d.now + 500ms;
  const auto targets = d.changed();
  ASSERT_TRUE(targets);
  ASSERT_EQ(targets->size(), 1u);
  EXPECT_FALSE((*targets)[0].task);
}

TEST(Roster, FailedLookupKeepsTheOldTargets) {
  Dns d;
  d.roster.found({ip(1), ip(2)}, d.now);
  d.name_all();
  (void)d.changed();
  for (int i = 0; i < 1000; ++i) {
    d.now = d.now + 2s;
    d.roster.failed("no answer from 127.0.0.11:53");
    d.name_all();
    EXPECT_FALSE(d.changed());
  }
  EXPECT_EQ(d.roster.present(), 2u);
}

TEST(Roster, VanishedNameIsDrainingForAMinute) {
  Dns d;
  d.roster.found({ip(1), ip(2)}, d.now);
  d.name_all();
  (void)d.changed();
  d.roster.found({ip(1)}, d.now);
  auto targets = d.changed();
  ASSERT_TRUE(targets);
  ASSERT_EQ(targets->size(), 2u);
  EXPECT_FALSE((*targets)[0].draining);
  EXPECT_TRUE((*targets)[1].draining);
  EXPECT_TRUE((*targets)[1].task) << "it is still that task";
  d.now = d.now + 60s;
  targets = d.changed();
  ASSERT_TRUE(targets);
  EXPECT_EQ(targets->size(), 1u);
}

TEST(Roster, DrainingAddressThatIsSilentGoesAtOnce) {
  Dns d;
  d.roster.found({ip(1), ip(2)}, d.now);
  d.name_all();
  (void)d.changed();
  d.roster.silent(ip(2));
  EXPECT_FALSE(d.changed()) << "DNS still names it: silence is the probe's affair";
  d.roster.found({ip(1)}, d.now);
  d.roster.silent(ip(2));
  EXPECT_EQ(d.changed()->size(), 1u);
}

TEST(Roster, NoSuchNameDrainsEverybody) {
  Dns d;
  d.roster.found({ip(1), ip(2)}, d.now);
  d.name_all();
  (void)d.changed();
  d.roster.no_such_name(d.now);
  EXPECT_EQ(d.roster.present(), 0u);
  EXPECT_EQ(d.roster.draining(), 2u);
  const auto targets = d.changed();
  ASSERT_TRUE(targets);
  EXPECT_EQ(targets->size(), 2u);
  for (const Target& t : *targets) EXPECT_TRUE(t.draining);
}

TEST(Roster, NameThatComesBackIsNoLongerDrainingAndIsAskedForItsTaskAgain) {
  Dns d;
  d.roster.found({ip(1)}, d.now);
  d.name_all('a');
  (void)d.changed();
  d.roster.no_such_name(d.now);
  (void)d.changed();
  d.roster.found({ip(1)}, d.now);
  EXPECT_EQ(d.naming(), std::vector<IpAddress>{ip(1)});
  d.roster.named(ip(1), SwarmTask{"chorus", "1", std::string(25, 'b')}, d.now);
  const auto targets = d.changed();
  ASSERT_TRUE(targets);
  EXPECT_EQ((*targets)[0].task->task_id, std::string(25, 'b'));
  EXPECT_FALSE((*targets)[0].draining);
}

TEST(Roster, TaskIsAskedAgainEachMinuteBecauseAddressesAreUsedAgain) {
  Dns d;
  d.roster.found({ip(1)}, d.now);
  d.name_all('a');
  EXPECT_TRUE(d.naming().empty());
  d.now = d.now + 59s;
  EXPECT_TRUE(d.naming().empty());
  d.now = d.now + 1s;
  (void)d.changed();
  d.name_all('b');
  EXPECT_EQ((*d.changed())[0].task->task_id, std::string(25, 'b'));
}

TEST(Roster, AnswerToAQuestionFromBeforeTheAddressCameBackIsNotBelieved) {
  Dns d;
  d.roster.found({ip(1)}, d.now);
  ASSERT_EQ(d.naming().size(), 1u);
  d.roster.no_such_name(d.now);
  d.roster.found({ip(1)}, d.now);
  d.roster.named(ip(1), SwarmTask{"chorus", "1", std::string(25, 'a')}, d.now);
  EXPECT_EQ(d.naming().size(), 1u) << "asked again";
  d.roster.named(ip(1), SwarmTask{"chorus", "1", std::string(25, 'b')}, d.now);
  EXPECT_EQ((*d.changed())[0].task->task_id, std::string(25, 'b'));
}

TEST(Roster, NeverWaitsForWhatIsAlreadyPast) {
  Dns d;
  d.roster.found({ip(1)}, d.now);
  d.naming();
  d.now = d.now + 10s;
  (void)d.changed();
  EXPECT_GT(d.roster.next(d.now), d.now) << "the answer that is still out wakes us, no timer does";
}

TEST(Roster, FailedPtrKeepsTheTaskAndIsAskedAgainSoon) {
  Dns d;
  d.roster.found({ip(1)}, d.now);
  d.name_all('a');
  (void)d.changed();
  d.now = d.now + 60s;
  ASSERT_EQ(d.naming().size(), 1u);
  d.roster.name_failed(ip(1), d.now);
  EXPECT_FALSE(d.changed());
  EXPECT_EQ(d.roster.next(d.now), d.now + 5s);
}

TEST(Roster, QuestionsAreBounded) {
  Dns d;
  std::vector<IpAddress> many;
  for (std::uint32_t i = 0; i < 12'000; ++i) many.push_back(IpAddress::v4(0x0A010000u + i));
  d.roster.found(many, d.now);
  EXPECT_EQ(d.roster.present(), limits::dns_address_count_max);
  EXPECT_EQ(d.naming(64).size(), 64u);
  EXPECT_EQ(d.naming(64).size(), 64u) << "others";
}

TEST(Roster, ZeroFoundWhereNineAreExpectedIsAWarningWithTheDifference) {  // the predecessor called it "completed"
  Roster roster({"chorus", 8081, "/health", 9});
  EXPECT_EQ(roster.warning(), "");
  roster.no_such_name({1});
  EXPECT_EQ(roster.warning(), "tasks.chorus: 0 found, 9 expected: 9 missing");
  std::vector<IpAddress> nine;
  for (std::uint8_t i = 1; i <= 9; ++i) nine.push_back(ip(i));
  roster.found(nine, {2});
  EXPECT_EQ(roster.warning(), "");
}

TEST(Roster, AddressOfAnotherServiceIsShown) {
  Dns d;
  d.roster.found({ip(1)}, d.now);
  d.naming();
  d.roster.named(ip(1), SwarmTask{"redis", "1", kTaskA}, d.now);
  EXPECT_NE(d.roster.warning().find("10.0.1.1 belongs to redis.1"), std::string::npos);
}

}  // namespace
}  // namespace choregos::source
