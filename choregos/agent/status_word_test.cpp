#include "choregos/agent/status_word.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace choregos::agent {
namespace {

struct StatusFile : testing::Test {
  std::filesystem::path path = std::filesystem::path(testing::TempDir()) / ("status-" + std::to_string(getpid()));
  void write(const char* text) { std::ofstream(path, std::ios::binary) << text; }
  ~StatusFile() override { std::filesystem::remove(path); }
};

TEST_F(StatusFile, HoldsOneOfThreeWords) {
  write("idle\n");
  EXPECT_EQ(read_status_file(path).status, Status::idle);
  write("  working since noon");
  EXPECT_EQ(read_status_file(path).status, Status::working);
  write("online");
  EXPECT_EQ(read_status_file(path).status, Status::online);
}

TEST_F(StatusFile, WithAnotherWordSaysNothingAndExplains) {
  write("busy\n");
  const auto reading = read_status_file(path);
  EXPECT_FALSE(reading.status);
  EXPECT_NE(reading.note.find("'busy'"), std::string::npos);
  write("");
  EXPECT_NE(read_status_file(path).note.find("empty"), std::string::npos);
}

TEST_F(StatusFile, ThatIsMissingSaysNothingAndNamesThePath) {
  const auto reading = read_status_file("/no/such/status");
  EXPECT_FALSE(reading.status);
  EXPECT_NE(reading.note.find("/no/such/status"), std::string::npos);
}

}  // namespace
}  // namespace choregos::agent
