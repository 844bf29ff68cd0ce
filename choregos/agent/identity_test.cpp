#include "choregos/agent/identity.hpp"

#include <gtest/gtest.h>

#include <map>

namespace choregos::agent {
namespace {

Environment fake(std::map<std::string, std::string> variables) {
  return [variables](const char* name) -> std::optional<std::string> {
    auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(Identity, PrefersTheTaskNameThenTheTaskIdThenTheHostName) {
  EXPECT_EQ(default_id(fake({{"CHOREGOS_TASK_NAME", "chorus.3.abc"}, {"CHOREGOS_TASK_ID", "abc"}}), "f00d").value(), "chorus.3.abc");
  EXPECT_EQ(default_id(fake({{"CHOREGOS_TASK_ID", "abc"}}), "f00d").value(), "abc");
  EXPECT_EQ(default_id(fake({}), "8f3c1a2b4d5e").value(), "8f3c1a2b4d5e");
}

TEST(Identity, PassesOverATaskNameThatIsTooLongForAnId) {
  EXPECT_EQ(default_id(fake({{"CHOREGOS_TASK_NAME", std::string(70, 's')}, {"CHOREGOS_TASK_ID", "abc"}}), "h").value(), "abc");
}

TEST(Identity, RefusesToCallItselfLocalhost) {
  auto id = default_id(fake({}), "localhost");
  ASSERT_FALSE(id);
  EXPECT_NE(id.error().message.find("--id"), std::string::npos);
}

}  // namespace
}  // namespace choregos::agent
