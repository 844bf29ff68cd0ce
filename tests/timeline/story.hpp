// A story for a picture: a few agents that beacon each second to a registry on a virtual clock, until something happens to
// them. What is recorded is what the registry believed, and how much their silence weighed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "choregos/base/rng.hpp"
#include "choregos/registry/registry.hpp"

namespace choregos::timeline {

/// A stretch of time in which an agent was believed to be so.
struct Span {
  double from = 0, to = 0;  ///< seconds since the picture's zero
  Liveness liveness = Liveness::alive;
};

/// A mark on an agent's line, or under the picture: a beacon heard, a question in vain, an event in words.
struct Mark {
  double at = 0;
  std::string kind;  ///< "heard", "missed", "asked", "event"
  std::string text;
};

struct Row {
  std::string name;
  std::vector<Span> spans;
  std::vector<Mark> marks;
};

struct Point {
  double at = 0, value = 0;
};

struct Picture {
  std::string file, title;
  double from = 0, to = 0;
  std::vector<Row> rows;
  std::vector<Mark> events;
  std::vector<Point> evidence;                    ///< of the first row; empty = not drawn
  double evidence_needed = 0;
  std::vector<std::pair<Span, std::string>> modes;  ///< frozen and draining, with their names
};

Picture one_dies(bool tethered, double loss);
Picture network_is_cut();
Picture node_is_powered_off();
std::vector<Picture> all();

}  // namespace choregos::timeline
