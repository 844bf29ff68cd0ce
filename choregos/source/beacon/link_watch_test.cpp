#include "choregos/source/beacon/link_watch.hpp"

#include <gtest/gtest.h>

namespace choregos::source::beacon {
namespace {

constexpr Instant at(int s) { return Instant{1'000'000'000'000} + std::chrono::seconds(s); }

struct Links {
  LinkWatch watch;
  std::vector<std::string> told;
  void look(int s, std::vector<std::string> up) {
    std::vector<net::Interface> present;
    unsigned index = 0;
    for (const auto* name : {"lo", "eth0", "docker0"}) {
      net::Interface one;
      one.name = name;
      one.index = ++index;
      one.addresses = {IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(index))};
      one.loopback = one.name == "lo";
      one.up = std::find(up.begin(), up.end(), one.name) != up.end();
      present.push_back(one);
    }
    told.clear();
    watch.look(at(s), present, [](const std::string& name) { return name == "docker0"; }, [this](bool lost, const std::string& name) { told.push_back((lost ? "-" : "+") + name); });
  }
};
using Told = std::vector<std::string>;

TEST(LinkWatch, TellsOfALinkThatWentDownUnderAgentsUntilItIsBack) {
  Links links;
  links.look(0, {"lo", "eth0"});
  links.watch.heard(2, at(1));
  links.look(2, {"lo"});
  EXPECT_EQ(links.told, Told{"-eth0"});
  links.look(3, {"lo"});
  EXPECT_EQ(links.told, Told{"-eth0"});
  links.look(4, {"lo", "eth0"});
  EXPECT_EQ(links.told, Told{"+eth0"});
  links.look(5, {"lo", "eth0"});
  EXPECT_EQ(links.told, Told{});
}

TEST(LinkWatch, SaysNothingOfLinksWithoutAgentsOfBridgesAndOfLoopback) {
  Links links;
  links.look(0, {"lo", "eth0", "docker0"});
  links.watch.heard(1, at(1));
  links.watch.heard(3, at(1));
  links.watch.heard(2, at(1));
  links.look(70, {});
  EXPECT_EQ(links.told, Told{});
}

TEST(LinkWatch, GetsUsedToItAfterAWhile) {
  Links links;
  links.look(0, {"eth0"});
  links.watch.heard(2, at(1));
  links.look(2, {});
  links.look(301, {});
  EXPECT_EQ(links.told, Told{"-eth0"});
  links.look(303, {});
  EXPECT_EQ(links.told, Told{});
}

}  // namespace
}  // namespace choregos::source::beacon
