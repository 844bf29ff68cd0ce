#include "choregos/model/query.hpp"

#include <gtest/gtest.h>

#include "choregos/model/change.hpp"
#include "choregos/model/observation.hpp"

namespace choregos {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

Agent agent() {
  Agent a;
  a.id = "agent-7";
  a.name = "Seven";
  a.status = Status::idle;
  a.capabilities = {"database_design", "go_development"};
  a.model = "Llama3.1:8b";
  a.cluster_id = "docker-unified-stack";
  a.current_team = "alpha";
  a.labels = {{"zone", "b"}};
  a.endpoint = "http://10.0.0.7:8080";
  return a;
}

bool matches_text(const Parameters& parameters) {
  const auto query = parse_query(parameters);
  EXPECT_TRUE(query) << query.error().message;
  return query && matches(*query, agent());
}

TEST(Query, EveryFilterMatchesAndRejects) {
  EXPECT_TRUE(matches_text({}));
  EXPECT_TRUE(matches_text({{"capability", "go_development"}, {"capability", "database_design"}}));
  EXPECT_FALSE(matches_text({{"capability", "go_development,rust"}}));
  EXPECT_TRUE(matches_text({{"status", "working,idle"}}));
  EXPECT_FALSE(matches_text({{"status", "working"}}));
  EXPECT_TRUE(matches_text({{"liveness", "alive"}}));
  EXPECT_FALSE(matches_text({{"liveness", "lost,left"}}));
  EXPECT_TRUE(matches_text({{"model", "llama3*"}}));
  EXPECT_TRUE(matches_text({{"model", "LLAMA3*"}}));
  EXPECT_FALSE(matches_text({{"model", "llama3"}}));
  EXPECT_TRUE(matches_text({{"cluster", "x,docker-unified-stack"}}));
  EXPECT_TRUE(matches_text({{"team", "alpha"}}));
  EXPECT_FALSE(matches_text({{"team", "-"}}));
  EXPECT_TRUE(matches_text({{"label.zone", "b"}}));
  EXPECT_FALSE(matches_text({{"label.zone", "a"}}));
  EXPECT_TRUE(matches_text({{"q", "sev GO_dev"}}));
  EXPECT_FALSE(matches_text({{"q", "sev rust"}}));
}

TEST(Query, SaysWhatIsWrongAndWhatWouldBeRight) {
  const struct {
    Parameters parameters;
    const char* says;
  } rows[] = {{{{"capabilty", "go"}}, "did you mean 'capability'"}, {{{"status", "busy"}}, "online, idle, working"}, {{{"liveness", "dead"}}, "unconfirmed, alive"},
              {{{"limit", "0"}}, "between 1 and"},                   {{{"limit", "x"}}, "between 1 and"},              {{{"sort", "age"}}, "last_seen"},
              {{{"capability", "a b"}}, "capability has characters"}, {{{"q", "\x1b"}}, "q has control"}};
  for (const auto& row : rows) {
    const auto query = parse_query(row.parameters);
    ASSERT_FALSE(query) << row.says;
    EXPECT_NE(query.error().message.find(row.says), std::string::npos) << query.error().message;
  }
}

TEST(Query, IgnoresOnlyTheParametersNamed) {
  EXPECT_TRUE(parse_query({{"fields", "id"}}, {"fields"}));
  EXPECT_FALSE(parse_query({{"fields", "id"}}));
}

TEST(Query, NamesAllParametersThatAreKnownThoseOfOthersToo) {
  const auto error_of = [](const char* key) { return parse_query({{key, "x"}}, {"fields", "format"}).error().message; };
  EXPECT_EQ(error_of("bogus"), "the parameter 'bogus' is not known; known are capability, status, liveness, model, cluster, team, q, sort, limit, cursor, label.<key>, fields, format");
  EXPECT_EQ(error_of("feilds"), "the parameter 'feilds' is not known; did you mean 'fields'?");
}

TEST(Query, BoundsItsTerms) {
  Parameters many;
  for (int i = 0; i < 100; ++i) many.emplace_back("capability", "c" + std::to_string(i));
  EXPECT_FALSE(parse_query(many));
}

TEST(Words, OfEveryEnumeratorReadBack) {
  for (const auto s : {Status::online, Status::idle, Status::working}) EXPECT_EQ(parse_status(to_string(s)), s);
  for (const auto l : {Liveness::unconfirmed, Liveness::alive, Liveness::suspect, Liveness::lost, Liveness::left}) EXPECT_EQ(parse_liveness(to_string(l)), l);
  EXPECT_FALSE(parse_status("offline"));
  EXPECT_FALSE(parse_liveness("forgotten"));
}

TEST(Revision, ReadsBackAndOrdersByEpochFirst) {
  EXPECT_EQ(parse_revision(to_string(Revision{3, 1042})), (Revision{3, 1042}));
  for (const char* bad : {"", "3", "3.", ".4", "3.4x", "a.b", "3.4.5"}) EXPECT_FALSE(parse_revision(bad)) << bad;
  EXPECT_LT((Revision{2, 900}), (Revision{3, 1}));
}

TEST(Claims, AreCheckedFieldByField) {
  const auto error_of = [](auto change) {
    Claims c;
    change(c);
    normalize(c);
    const auto ok = check(c);
    return ok ? std::string() : ok.error().message;
  };
  EXPECT_EQ(error_of([](Claims&) {}), "");
  EXPECT_NE(error_of([](Claims& c) { c.name = std::string(129, 'x'); }).find("name is longer"), std::string::npos);
  EXPECT_NE(error_of([](Claims& c) { c.model = "a\nb"; }).find("model has control"), std::string::npos);
  EXPECT_NE(error_of([](Claims& c) { c.capabilities = {"ok", "not ok"}; }).find("capabilities[]"), std::string::npos);
  EXPECT_NE(error_of([](Claims& c) { c.capabilities = std::vector<std::string>(65, "c"); for (std::size_t i = 0; i < 65; ++i) (*c.capabilities)[i] += std::to_string(i); }).find("more than 64"),
            std::string::npos);
  EXPECT_NE(error_of([](Claims& c) { c.p2p_addr = "http://x"; }).find("p2p_addr"), std::string::npos);
  EXPECT_NE(error_of([](Claims& c) { c.labels = Labels{{"bad key", "v"}}; }).find("labels key"), std::string::npos);
}

TEST(Claims, NormalizeSortsAndRemovesDuplicates) {
  Claims c;
  c.capabilities = {"b", "a", "b"};
  c.labels = Labels{{"k", "1"}, {"a", "x"}, {"k", "2"}};
  normalize(c);
  EXPECT_EQ(*c.capabilities, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*c.labels, (Labels{{"a", "x"}, {"k", "1"}}));
}

}  // namespace
}  // namespace choregos
