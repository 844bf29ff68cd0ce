#include "choregos/base/ip.hpp"

#include <gtest/gtest.h>

namespace choregos {
namespace {

TEST(Ip, ReadsOnlyTheStrictSpellings) {
  for (const char* good : {"0.0.0.0", "10.0.0.5", "255.255.255.255", "::", "::1", "fe80::1", "2001:db8::1:0:0:1", "::ffff:10.0.0.5", "1:2:3:4:5:6:7:8"})
    EXPECT_TRUE(parse_ip(good)) << good;
  for (const char* bad : {"", "10.0.0", "10.0.0.256", "010.0.0.1", "0x0a.0.0.1", "2852039166", "127.1", "10.0.0.1 ", "1:2:3:4:5:6:7", ":::", "1::2::3", "12345::", "fe80::1%eth0",
                          "::ffff:10.0.0", "1:2:3:4:5:6:7:8:9", "g::"})
    EXPECT_FALSE(parse_ip(bad)) << bad;
}

TEST(Ip, WritesWhatItReads) {
  for (const char* text : {"0.0.0.0", "169.254.169.254", "::", "::1", "fe80::1", "2001:db8::1:0:0:1", "1:2:3:4:5:6:7:8", "2001:0:0:1::"}) {
    const auto ip = parse_ip(text);
    ASSERT_TRUE(ip) << text;
    EXPECT_EQ(parse_ip(to_string(*ip)), ip) << text;
  }
  EXPECT_EQ(to_string(*parse_ip("2001:db8:0:0:1:0:0:1")), "2001:db8::1:0:0:1");
  EXPECT_EQ(to_string(*parse_ip("::ffff:10.0.0.5")), "10.0.0.5") << "the mapped form is the same address";
}

TEST(Ip, KnowsItsKinds) {
  EXPECT_TRUE(parse_ip("127.9.9.9")->is_loopback());
  EXPECT_TRUE(parse_ip("::1")->is_loopback());
  EXPECT_TRUE(parse_ip("169.254.169.254")->is_link_local());
  EXPECT_TRUE(parse_ip("fe80::1")->is_link_local());
  EXPECT_TRUE(parse_ip("239.255.67.72")->is_multicast());
  EXPECT_TRUE(parse_ip("ff02::4348")->is_multicast());
  EXPECT_TRUE(parse_ip("0.1.2.3")->is_unspecified());
  EXPECT_FALSE(parse_ip("10.0.0.1")->is_loopback());
}

TEST(SocketAddress, ReadsAndWrites) {
  for (const char* text : {"10.0.0.5:8081", "[fd00::1]:8081"}) EXPECT_EQ(to_string(*parse_socket_address(text)), text);
  for (const char* bad : {"10.0.0.5", "10.0.0.5:0", "10.0.0.5:65536", "fd00::1:8081", "[10.0.0.5]:1", "host:1", "10.0.0.5:80a"}) EXPECT_FALSE(parse_socket_address(bad)) << bad;
}

TEST(Cidr, ContainsItsRangeAndNothingElse) {
  const Cidr ten = *parse_cidr("10.0.0.0/8");
  EXPECT_TRUE(ten.contains(*parse_ip("10.255.0.1")));
  EXPECT_FALSE(ten.contains(*parse_ip("11.0.0.1")));
  EXPECT_FALSE(ten.contains(*parse_ip("fd00::1")));
  EXPECT_TRUE(parse_cidr("0.0.0.0/0")->contains(*parse_ip("8.8.8.8")));
  EXPECT_FALSE(parse_cidr("0.0.0.0/0")->contains(*parse_ip("fd00::1")));
  EXPECT_TRUE(parse_cidr("fd00::/8")->contains(*parse_ip("fdff::1")));
  EXPECT_TRUE(parse_cidr("10.0.0.4/30")->contains(*parse_ip("10.0.0.7")));
  EXPECT_FALSE(parse_cidr("10.0.0.4/30")->contains(*parse_ip("10.0.0.8")));
  EXPECT_EQ(to_string(ten), "10.0.0.0/8");
}

TEST(Cidr, SaysWhatIsWrong) {
  for (const char* bad : {"10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "x/8", "10.0.0.0/a", "fd00::1/8"}) {
    const auto cidr = parse_cidr(bad);
    ASSERT_FALSE(cidr) << bad;
    EXPECT_NE(cidr.error().message.find("10.0.0.0/8"), std::string::npos) << "shows a right one";
  }
}

TEST(HostPort, TakesNamesAndAddressesAndRefusesUrls) {
  for (const char* good : {"chorus:9000", "10.0.0.5:9000", "[fd00::1]:9000", "a-b.c_d:1"}) EXPECT_TRUE(parse_host_port(good)) << good;
  for (const char* bad : {"chorus", ":9000", "chorus:0", "http://x:1", "a b:1", "user@host:1", "[fd00::1:9000"}) EXPECT_FALSE(parse_host_port(bad)) << bad;
}

}  // namespace
}  // namespace choregos
