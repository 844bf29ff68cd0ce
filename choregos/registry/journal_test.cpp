#include "choregos/registry/journal.hpp"

#include <gtest/gtest.h>

namespace choregos {
namespace {

Journal filled(std::size_t count, std::size_t keep) {
  Journal journal(Revision{3, 10}, keep);
  for (std::size_t i = 1; i <= count; ++i) {
    Change change;
    change.revision = {3, 10 + i};
    journal.append(change);
  }
  return journal;
}

TEST(Journal, ContinuesExactlyAfterAPosition) {
  const Journal journal = filled(5, 100);
  const auto changes = journal.since({3, 12}, 2);
  ASSERT_TRUE(changes);
  ASSERT_EQ(changes->size(), 2U);
  EXPECT_EQ(changes->front().revision, (Revision{3, 13}));
  EXPECT_TRUE(journal.since({3, 15}, 10)->empty());
  EXPECT_EQ(journal.since({3, 10}, 100)->size(), 5U);
}

TEST(Journal, SaysGoneForWhatItNoLongerHoldsAndForOtherEpochs) {
  const Journal journal = filled(50, 20);
  EXPECT_EQ(journal.oldest(), (Revision{3, 40}));
  EXPECT_TRUE(journal.since({3, 40}, 1));
  EXPECT_EQ(journal.since({3, 39}, 1).error().code, ErrorCode::gone);
  EXPECT_EQ(journal.since({2, 45}, 1).error().code, ErrorCode::gone);
}

TEST(Journal, RefusesAPositionThatWasNeverGivenOut) { EXPECT_EQ(filled(5, 100).since({3, 16}, 1).error().code, ErrorCode::invalid); }

}  // namespace
}  // namespace choregos
