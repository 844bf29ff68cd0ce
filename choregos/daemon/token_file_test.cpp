#include "choregos/daemon/token_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace choregos::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class TokenFile : public ::testing::Test {
 protected:
  TokenFile() {
    std::string pattern = "/tmp/choregos-token-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/token";
  }
  ~TokenFile() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& text, mode_t mode = 0600) {
    std::ofstream(path_) << text;
    ::chmod(path_.c_str(), mode);
  }
  std::string error() {
    const auto tokens = load_tokens(path_);
    return tokens ? "none" : tokens.error().message;
  }
  std::string folder_, path_;
};

TEST_F(TokenFile, GivesOneTokenALine) {
  write("# ours\n0123456789abcdef\r\n\n  fedcba9876543210  \n");
  const auto tokens = load_tokens(path_);
  ASSERT_TRUE(tokens) << tokens.error().message;
  EXPECT_THAT(*tokens, ElementsAre("0123456789abcdef", "fedcba9876543210"));
}

TEST_F(TokenFile, IsRefusedWhenOthersMayReadIt) {
  for (const mode_t mode : {0644, 0640, 0604, 0660, 0620}) {
    write("0123456789abcdef\n", mode);
    EXPECT_THAT(error(), HasSubstr("run: chmod 600 " + path_)) << std::oct << mode;
  }
  write("0123456789abcdef\n", 0400);
  EXPECT_EQ(error(), "none");
}

TEST_F(TokenFile, SaysWhatIsWrongWithoutSayingTheToken) {
  EXPECT_THAT(error(), HasSubstr("does not exist; make it with: (umask 077;"));
  write("0123456789abcdef\ns3cr3t\n");
  EXPECT_THAT(error(), HasSubstr("line 2: a token has at least 16 characters"));
  EXPECT_THAT(error(), Not(HasSubstr("s3cr3t")));
  write("# nothing\n");
  EXPECT_THAT(error(), HasSubstr("holds no token"));
  write(std::string(70'000, 'x'));
  EXPECT_THAT(error(), HasSubstr("over 64 KiB"));
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(error(), HasSubstr("no regular file"));
}

}  // namespace
}  // namespace choregos::daemon
