#include "choregos/cli/csv.hpp"

#include <gtest/gtest.h>

namespace choregos::cli {
namespace {

std::string cell(std::string_view text) {
  std::string out;
  append_csv_text(out, text);
  return out;
}

TEST(Csv, LeavesPlainTextAlone) {
  EXPECT_EQ(cell("llama3.1:8b"), "llama3.1:8b");
  EXPECT_EQ(cell(""), "");
  EXPECT_EQ(cell("a=b"), "a=b");
}

TEST(Csv, QuotesWhatWouldBreakTheLine) {
  EXPECT_EQ(cell("a,b"), "\"a,b\"");
  EXPECT_EQ(cell("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(cell("two\nlines"), "\"two\nlines\"");
  EXPECT_EQ(cell("a;b"), "\"a;b\"") << "a comma in other countries";
}

TEST(Csv, KeepsASpreadsheetFromCalculating) {
  for (const char* text : {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uFF1D1", "\uFF0B1", "\uFF0D1", "\uFF201"})
    EXPECT_EQ(cell(text), "\"'" + std::string(text) + "\"");
  EXPECT_EQ(cell("=HYPERLINK(\"http://x\",\"y\")"), "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"");
}

TEST(Csv, WritesAsManyCellsAsColumns) {
  AgentView view;
  view.agent.id = "a1";
  view.agent.capabilities = {"go", "testing"};
  view.agent.labels = {{"zone", "=cmd|' /C calc'!A0"}};
  view.agent.model = "-evil";
  const std::string text = agents_csv({view}, true);
  const auto end = text.find("\r\n");
  ASSERT_NE(end, std::string::npos);
  const std::string head = text.substr(0, end), row = text.substr(end + 2);
  EXPECT_EQ(std::count(head.begin(), head.end(), ','), std::count(row.begin(), row.end(), ','));
  EXPECT_TRUE(row.starts_with("a1,,online,go testing,\"'-evil\",")) << row;
  EXPECT_TRUE(row.ends_with(",0\r\n")) << row;
  EXPECT_EQ(agents_csv({view}, false), row);
}

}  // namespace
}  // namespace choregos::cli
