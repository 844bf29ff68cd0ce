#include "choregos/net/address_policy.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <cstring>

#include "choregos/net/sockets.hpp"

namespace choregos::net {
namespace {

/// Every address that getaddrinfo makes of a text, as it would be connected to. Numeric forms only: no question leaves.
std::vector<IpAddress> as_dialled(const char* text) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  std::vector<IpAddress> found;
  if (::getaddrinfo(text, nullptr, &hints, &list) != 0) return found;
  for (const addrinfo* at = list; at; at = at->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, at->ai_addr, at->ai_addrlen);
    found.push_back(socket_address(storage).ip);
  }
  ::freeaddrinfo(list);
  return found;
}

AddressPolicy open_policy() {
  AddressPolicy policy;
  policy.allow(*parse_cidr("0.0.0.0/0"));
  policy.allow(*parse_cidr("::/0"));
  return policy;
}

TEST(AddressPolicy, RefusesSixtySpellingsOfWhatMustNotBeDialled) {
  // Even with everything allowed. `configured` would allow the plain loopback ones only.
  const struct {
    const char* text;
    bool loopback = false;
  } spellings[] = {
      {"169.254.169.254"}, {"0xA9FEA9FE"}, {"0xa9fea9fe"}, {"2852039166"}, {"0251.0376.0251.0376"}, {"169.254.43518"},
      {"169.16689662"}, {"0xa9.0xfe.0xa9.0xfe"}, {"0251.254.0xa9.254"}, {"025177524776"}, {"169.254.0.1"}, {"169.254.255.255"},
      {"127.0.0.1", true}, {"127.1", true}, {"127.0.1", true}, {"0x7f000001", true}, {"2130706433", true}, {"0177.0.0.1", true},
      {"0x7f.1", true}, {"017700000001", true}, {"127.255.255.254", true}, {"::1", true}, {"0:0:0:0:0:0:0:1", true},
      {"::ffff:127.0.0.1", true}, {"::ffff:7f00:1", true}, {"0"}, {"0.0.0.0"}, {"0x0"}, {"00"}, {"0.1"}, {"0.255.255.255"}, {"::"},
      {"::ffff:0.0.0.0"}, {"255.255.255.255"}, {"0xffffffff"}, {"4294967295"}, {"240.0.0.1"}, {"224.0.0.1"}, {"239.255.67.72"},
      {"ff02::1"}, {"ff02::4348"}, {"fe80::1"}, {"febf::1"}, {"fec0::1"}, {"::ffff:169.254.169.254"}, {"::ffff:a9fe:a9fe"},
      {"::169.254.169.254"}, {"::127.0.0.1"}, {"::ffff:0:169.254.169.254"}, {"2002:a9fe:a9fe::"}, {"2002:7f00:1::1"}, {"2002:e000:1::1"},
      {"64:ff9b::169.254.169.254"}, {"64:ff9b::a9fe:a9fe"}, {"64:ff9b::127.0.0.1"}, {"64:ff9b:1::169.254.169.254"},
      {"64:ff9b:1:a9fe:a9:fe00::"}, {"64:ff9b:1:0:7f:0:100:0"}, {"2001:0:a9fe:a9fe::1"}, {"2001:0:4136:e378:8000:63bf:5601:5601"},
      {"2001:0:4136:e378:8000:63bf:80ff:fffe"}, {"2001:db8::5efe:169.254.169.254"}, {"2001:db8::200:5efe:127.0.0.1"},
      {"fd00:ec2::254"}, {"100.100.100.200"}, {"168.63.129.16"},
  };
  EXPECT_GE(std::size(spellings), 60U);
  const AddressPolicy policy = open_policy();
  for (const auto& one : spellings) {
    const auto addresses = as_dialled(one.text);
    EXPECT_FALSE(addresses.empty()) << one.text << " is no address at all";
    for (const IpAddress& address : addresses) {
      const auto plain = policy.check({address, 80}, false);
      ASSERT_FALSE(plain) << one.text << " would be dialled as " << to_string(address);
      EXPECT_EQ(plain.error().code, ErrorCode::forbidden);
      EXPECT_EQ(policy.check({address, 80}, true).has_value(), one.loopback) << one.text;
    }
  }
}

TEST(AddressPolicy, AllowsNothingByItself) {
  const AddressPolicy policy;
  EXPECT_FALSE(policy.check({IpAddress::v4(10, 0, 0, 1), 80}, false));
  EXPECT_FALSE(policy.check({*parse_ip("fd00::1"), 80}, false));
  EXPECT_FALSE(policy.check({IpAddress::v4(8, 8, 8, 8), 80}, false));
  EXPECT_TRUE(policy.check({IpAddress::v4(10, 0, 0, 1), 80}, true));
}

TEST(AddressPolicy, AllowsRanges) {
  AddressPolicy policy;
  policy.allow(*parse_cidr("10.1.0.0/16"));
  policy.allow(*parse_cidr("fd00::/8"));
  EXPECT_TRUE(policy.check({IpAddress::v4(10, 1, 255, 1), 80}, false));
  EXPECT_FALSE(policy.check({IpAddress::v4(10, 2, 0, 1), 80}, false));
  EXPECT_TRUE(policy.check({*parse_ip("fd12::1"), 80}, false));
  EXPECT_FALSE(policy.check({*parse_ip("2001:db8::1"), 80}, false));
}

TEST(AddressPolicy, ARangeDoesNotAllowLoopback) {
  AddressPolicy policy;
  policy.allow(*parse_cidr("127.0.0.0/8"));
  EXPECT_FALSE(policy.check({IpAddress::v4(127, 0, 0, 1), 80}, false));
  policy.learn(IpAddress::v4(127, 0, 0, 1), "registration");
  EXPECT_FALSE(policy.check({IpAddress::v4(127, 0, 0, 1), 80}, false));
  EXPECT_TRUE(policy.check({IpAddress::v4(127, 0, 0, 1), 80}, true));
}

TEST(AddressPolicy, TrustsASourceUntilItForgets) {
  AddressPolicy policy;
  const IpAddress a = IpAddress::v4(10, 0, 1, 7), b = IpAddress::v4(10, 0, 1, 8);
  policy.learn(a, "dns");
  policy.learn(a, "dns");
  policy.learn(a, "docker");
  policy.learn(b, "dns");
  policy.learn(IpAddress::v4(169, 254, 169, 254), "dns");
  EXPECT_TRUE(policy.check({a, 1}, false));
  EXPECT_FALSE(policy.check({IpAddress::v4(169, 254, 169, 254), 80}, false));
  policy.forget(a, "dns");
  EXPECT_TRUE(policy.check({a, 1}, false)) << "docker still vouches";
  policy.forget("docker");
  EXPECT_FALSE(policy.check({a, 1}, false));
  EXPECT_TRUE(policy.check({b, 1}, false));
  policy.forget(b, "dns");
  policy.forget(b, "nobody");
  EXPECT_FALSE(policy.check({b, 1}, false));
}

TEST(AddressPolicy, LeavesOrdinaryAddressesAlone) {
  const AddressPolicy policy = open_policy();
  for (const char* text : {"10.0.0.4", "172.17.0.2", "192.168.1.1", "100.64.0.1", "8.8.8.8", "126.255.255.255", "128.0.0.1", "169.253.1.1", "169.255.0.1", "223.255.255.255",
                           "fd00::1", "2001:db8::1", "2002:0a00:0001::1", "64:ff9b::8.8.8.8", "64:ff9b:1::10.0.0.5", "2a00:1450::1", "::ffff:10.0.0.4"})
    for (const IpAddress& address : as_dialled(text)) {
      const auto allowed = policy.check({address, 80}, false);
      EXPECT_TRUE(allowed) << text << ": " << (allowed ? "" : allowed.error().message);
    }
}

TEST(AddressPolicy, RefusesPortZero) {
  EXPECT_EQ(open_policy().check({IpAddress::v4(10, 0, 0, 1), 0}, true).error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace choregos::net
