#include "choregos/sdk/self.hpp"

#include <gtest/gtest.h>

namespace choregos::sdk {
namespace {

Self writer() {
  Self self;
  self.id = "writer-1";
  self.incarnation = 1700;
  self.claims.name = "Writer";
  self.claims.status = Status::working;
  self.claims.capabilities = {"go", "sql"};
  self.claims.model = "llama3";
  self.claims.endpoint = "http://10.0.0.4:9000";
  self.claims.labels = Labels{{"zone", "eu"}};
  self.claims.running = 3;
  self.claims.capacity = 4;
  return self;
}

TEST(Self, HealthBodyReadsBackToTheSameClaims) {
  auto self = writer();
  self.claims.tasks_completed = 12;
  self.draining = true;
  std::vector<std::string> notes;
  const auto read = wire::read_health_body(self.health_body(), &notes);
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(read.id, self.id);
  EXPECT_EQ(read.incarnation, self.incarnation);
  EXPECT_EQ(read.claims, self.claims);
  EXPECT_TRUE(read.draining);
}

TEST(Self, HealthBodySaysNothingThatWasNotSaid) {
  Self self;
  self.id = "a";
  EXPECT_EQ(self.health_body(), R"({"id":"a"})");
}

TEST(Self, RegistrationLeavesOutWhatOnlyARegistryWrites) {
  auto self = writer();
  self.claims.tasks_completed = 12;
  const auto read = wire::read_registration(self.registration_body(), self.id);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->incarnation, self.incarnation);
  EXPECT_FALSE(read->claims.tasks_completed);
  EXPECT_EQ(read->claims.labels, self.claims.labels);
}

TEST(Self, AliveBodyCarriesLoadPerMille) {
  auto self = writer();
  EXPECT_EQ(self.alive().load, 750);
  self.claims.capacity = 0;
  EXPECT_FALSE(self.alive().load);
  self.claims.running = 1'000'000;
  EXPECT_EQ(self.alive().running, 65534);
}

}  // namespace
}  // namespace choregos::sdk
