#include "choregos/source/beacon/keys.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "choregos/source/beacon/key_file.hpp"

namespace choregos::source::beacon {
namespace {

constexpr std::string_view kHex = "000102030405060708090a0b0c0d0e0f";

TEST(KeyRing, ReadsHexAndBase64AndPatterns) {
  const auto ring = KeyRing::parse(
      "# keys of the fleet\n"
      "\n"
      "7 000102030405060708090a0b0c0d0e0f writer-1  # its own\r\n"
      "8 base64:c2l4dGVlbiBieXRlcyEhIQ== build-*\n"
      "\t9\thex:ffffffffffffffffffffffffffffffff\n"
      "18446744073709551615 c2l4dGVlbiBieXRlcyEhIQ x?");
  ASSERT_TRUE(ring) << ring.error().message;
  EXPECT_EQ(ring->size(), 4U);
  EXPECT_EQ(ring->find(7)->secret, std::string("\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16));
  EXPECT_FALSE(ring->find(7)->is_pattern());
  EXPECT_EQ(ring->find(8)->secret, "sixteen bytes!!!");
  EXPECT_EQ(ring->find(9)->secret, std::string(16, '\xff'));
  EXPECT_EQ(ring->find(9)->agents, "*");
  EXPECT_EQ(ring->find(18446744073709551615U)->secret, "sixteen bytes!!!");
  EXPECT_EQ(ring->find(1), nullptr);
}

TEST(KeyRing, TheNarrowestBindingWins) {
  const auto ring = KeyRing::parse("1 000102030405060708090a0b0c0d0e0f a1\n2 100102030405060708090a0b0c0d0e0f a*\n3 200102030405060708090a0b0c0d0e0f a1\n").value();
  EXPECT_TRUE(ring.allows(*ring.find(1), "a1"));
  EXPECT_TRUE(ring.allows(*ring.find(3), "a1")) << "two keys of one id: the old and the new one while it changes";
  EXPECT_FALSE(ring.allows(*ring.find(1), "a2"));
  EXPECT_TRUE(ring.allows(*ring.find(2), "a2"));
  EXPECT_FALSE(ring.allows(*ring.find(2), "a1"));
  EXPECT_FALSE(ring.allows(*ring.find(2), "b1"));
  EXPECT_TRUE(ring.is_bound("a1"));
  EXPECT_FALSE(ring.is_bound("a2"));
}

TEST(KeyRing, RefusesWithTheLineAndNeverTellsASecret) {
  const struct {
    const char* text;
    const char* says;
  } kCases[] = {
      {"\n\n0 000102030405060708090a0b0c0d0e0f", "line 3: key number 0"},
      {"-1 000102030405060708090a0b0c0d0e0f", "line 1: the key's number"},
      {"7x 000102030405060708090a0b0c0d0e0f", "whole number"},
      {"18446744073709551616 000102030405060708090a0b0c0d0e0f", "whole number"},
      {"7", "reads: number secret [agents]"},
      {"7 000102030405060708090a0b0c0d0e0f a b", "reads: number secret [agents]"},
      {"7 000102030405060708090a0b0c0d0e", "has 15 bytes"},
      {"7 000102030405060708090a0b0c0d0e0f0", "neither hex nor base64"},
      {"7 base64:!!!!c2VjcmV0", "neither hex nor base64"},
      {"7 000102030405060708090a0b0c0d0e0f /a", "an agent's id or a pattern"},
      {"7 000102030405060708090a0b0c0d0e0f a1\n7 100102030405060708090a0b0c0d0e0f a2", "line 2: key 7 is there twice"},
  };
  for (const auto& c : kCases) {
    const auto ring = KeyRing::parse(c.text);
    ASSERT_FALSE(ring) << c.text;
    EXPECT_NE(ring.error().message.find(c.says), std::string::npos) << ring.error().message;
    EXPECT_EQ(ring.error().message.find("0001020304"), std::string::npos);
    EXPECT_EQ(ring.error().message.find("c2VjcmV0"), std::string::npos);
  }
}

struct KeyFile : testing::Test {
  std::string folder;
  std::string path;
  void SetUp() override {
    char name[] = "/tmp/choregos-keys-XXXXXX";
    folder = ::mkdtemp(name);
    path = folder + "/keys";
    std::ofstream(path) << "7 " << kHex << " a1\n";
    ::chmod(path.c_str(), 0600);
  }
  void TearDown() override {
    ::unlink(path.c_str());
    ::rmdir(folder.c_str());
  }
};

TEST_F(KeyFile, IsReadWhenNobodyElseCanReadIt) {
  for (const mode_t mode : {0600U, 0400U, 0700U}) {
    ::chmod(path.c_str(), mode);
    const auto ring = load_keys(path);
    ASSERT_TRUE(ring) << ring.error().message;
    EXPECT_EQ(ring->size(), 1U);
  }
}

TEST_F(KeyFile, IsRefusedWithTheCommandThatMendsIt) {
  for (const mode_t mode : {0644U, 0640U, 0604U, 0620U, 0602U, 0601U, 0666U}) {
    ::chmod(path.c_str(), mode);
    const auto ring = load_keys(path);
    ASSERT_FALSE(ring) << std::oct << mode;
    EXPECT_EQ(ring.error().code, ErrorCode::forbidden);
    EXPECT_NE(ring.error().message.find("chmod 600 " + path), std::string::npos) << ring.error().message;
  }
}

TEST_F(KeyFile, OfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
  const auto ring = load_keys(path);
  ASSERT_FALSE(ring);
  EXPECT_EQ(ring.error().code, ErrorCode::forbidden);
  EXPECT_NE(ring.error().message.find("chown"), std::string::npos);
}

TEST_F(KeyFile, SaysWhatIsWrong) {
  EXPECT_EQ(load_keys(folder + "/none").error().code, ErrorCode::not_found);
  EXPECT_EQ(load_keys(folder).error().code, ErrorCode::invalid);
  std::ofstream(path) << "7 short\n";
  const auto bad = load_keys(path);
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find(path + ", line 1"), std::string::npos) << bad.error().message;
  std::ofstream(path) << std::string((1 << 20) + 1, '#');
  EXPECT_EQ(load_keys(path).error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace choregos::source::beacon
