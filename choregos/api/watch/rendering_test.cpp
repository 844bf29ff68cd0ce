#include "choregos/api/watch/rendering.hpp"

#include <gtest/gtest.h>

#include "choregos/api/watch/world_for_tests.hpp"

namespace choregos::api::watch {
namespace {

std::size_t occurrences(const std::string& text, std::string_view of) {
  std::size_t count = 0;
  for (auto at = text.find(of); at != std::string::npos; at = text.find(of, at + 1)) ++count;
  return count;
}

std::vector<Change> three_changes_of_two() {
  World world;
  Claims idle, working;
  idle.status = Status::idle, working.status = Status::working;
  world.hear("a", idle);
  world.hear("b", idle);
  world.now = world.now + 1s;
  world.hear("a", working);
  return world.changes;
}

TEST(Rendering, HalfAFoldedRunIsNoPosition) {
  std::uint64_t folded = 0;
  const Piece piece = folded_piece(three_changes_of_two(), {}, {}, folded);
  EXPECT_EQ(folded, 1U);
  EXPECT_EQ(piece.events, 2U);
  EXPECT_EQ(occurrences(*piece.bytes, "id: "), 1U) << *piece.bytes;
  EXPECT_NE(piece.bytes->find("id: 3.1003\nevent: mark\n"), std::string::npos) << *piece.bytes;
  EXPECT_EQ(occurrences(*piece.bytes, "\"folded\":"), 2U) << *piece.bytes;
}

TEST(Rendering, FoldingSeesWhatTheReaderHadBeforeTheRun) {
  Dress idle;
  idle.filter.status = {Status::idle};
  const auto changes = three_changes_of_two();
  std::uint64_t folded = 0;
  // It never had a, so nothing is to be taken from it.
  EXPECT_EQ(folded_piece(changes, idle, {}, folded).events, 1U);
  EXPECT_EQ(folded_piece(std::span(changes).subspan(2), idle, {}, folded).events, 1U) << "it had a";
}

TEST(Rendering, IsCutWhereAReaderMayBeLeft) {
  World world;
  for (int i = 0; i < 400; ++i) world.hear("a" + std::to_string(i));
  const auto pieces = Renderer(world.changes, {}).pieces({});
  ASSERT_GT(pieces.size(), 2U);
  std::size_t events = 0;
  for (const auto& piece : pieces) {
    EXPECT_LT(piece.bytes->size(), kPieceBytes + limits::record_bytes_max);
    EXPECT_EQ(piece.bytes->substr(piece.bytes->size() - 2), "\n\n");
    events += piece.events;
  }
  EXPECT_EQ(events, 400U);
  EXPECT_EQ(pieces.back().last, 1400U);
}

TEST(Rendering, WhatConcernsNobodyIsNoBytes) {
  World world;
  world.hear("a");
  Dress other;
  other.filter.capabilities = {"go"};
  const auto pieces = Renderer(world.changes, {}).pieces(other);
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_FALSE(pieces[0].bytes);
  EXPECT_EQ(pieces[0].last, 1001U);
}

TEST(Rendering, AResetMakesABrowserForgetItsPosition) {
  wire::SseParser parser;
  std::string last = "none";
  const auto feed = [&](const std::string& bytes) { (void)parser.feed(bytes, [](const wire::SseEvent&) {}), last = parser.last_event_id(); };
  feed(framed(WatchForm::sse, wire::WatchKind::mark, Revision{3, 7}, "{}"));
  EXPECT_EQ(last, "3.7");
  feed(framed(WatchForm::sse, wire::WatchKind::reset, std::nullopt, "{}"));
  EXPECT_EQ(last, "");
}

}  // namespace
}  // namespace choregos::api::watch
