#include "choregos/cli/expected_text.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace choregos::cli {
namespace {

TEST(ExpectedText, ShowsTheCountsAndNamesEachThatDiffers) {
  ExpectedFound found;
  ServiceFound chorus;
  chorus.name = "chorus";
  chorus.desired = 5;
  chorus.tasks = 4;
  chorus.in_dns = 5;
  chorus.answering = chorus.listed = 4;
  chorus.missing.push_back({"chorus.5.t5", "", "", "worker-5", "it is wanted and failed (task: non-zero exit (137))"});
  chorus.phantom.push_back({"", "10.0.1.9:8081", "", "", "DNS has 10.0.1.9:8081, and no task has it; nobody answers"});
  ServiceFound quiet;
  quiet.name = "quiet";
  ServiceFound well;
  well.name = "well";
  well.desired = well.in_dns = well.answering = well.listed = 2;
  found.services = {chorus, quiet, well};
  found.nodes = {"worker-3 is down: heartbeat failure"};
  std::ostringstream out;
  print_expected(found, true, false, out);
  EXPECT_EQ(out.str(),
            R"(SERVICE  DESIRED  TASKS  IN DNS  ANSWERING  LISTED  VERDICT
chorus   5        4      5       4          4       1 missing, 1 phantom
quiet    ?        ?      0       0          0       nobody says how many
well     2        ?      2       2          2       as expected

missing  chorus  chorus.5.t5 on worker-5: it is wanted and failed (task: non-zero exit (137))
phantom  chorus  10.0.1.9:8081: DNS has 10.0.1.9:8081, and no task has it; nobody answers
node     worker-3 is down: heartbeat failure
)");
}

}  // namespace
}  // namespace choregos::cli
