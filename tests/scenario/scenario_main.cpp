// Runs stories and compares what is seen with what they tell. Usage: choregos-scenario [--rewrite] FILE...
// Exits 1 when a story differs (each difference is shown), 2 when one cannot be read. --rewrite writes what was seen.
//
// A story is text. Lines that begin with '#' and empty lines are for the reader. Commands stand one a line; behind them "----",
// then what is seen, up to an empty line.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/scenario/stage.hpp"

namespace {

using Lines = std::vector<std::string>;

bool read(const std::string& path, Lines& lines) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return in.eof();
}

int play(const std::string& path, bool rewrite) {
  Lines story;
  if (!read(path, story)) return std::fprintf(stderr, "%s: cannot be read\n", path.c_str()), 2;
  choregos::scenario::Stage stage;
  Lines told, seen;
  bool differs = false, commanded = false;
  for (std::size_t i = 0; i < story.size(); ++i) {
    const std::string& line = story[i];
    told.push_back(line);
    if (line == "----") {
      Lines expected;
      while (i + 1 < story.size() && !story[i + 1].empty()) expected.push_back(story[++i]);
      if (seen.empty()) seen.emplace_back("nothing");
      if (seen != expected) {
        differs = true;
        if (!rewrite) {
          std::printf("%s:%zu: the story tells\n", path.c_str(), i + 1);
          for (const auto& l : expected) std::printf("  - %s\n", l.c_str());
          std::printf("but what is seen is\n");
          for (const auto& l : seen) std::printf("  + %s\n", l.c_str());
        }
      }
      told.insert(told.end(), seen.begin(), seen.end());
      seen.clear();
      commanded = false;
    } else if (!line.empty() && line[0] != '#') {
      const auto lines = stage.run(line);
      if (!lines) return std::fprintf(stderr, "%s:%zu: %s: %s\n", path.c_str(), i + 1, line.c_str(), lines.error().message.c_str()), 2;
      seen.insert(seen.end(), lines->begin(), lines->end());
      commanded = true;
    }
  }
  if (commanded) return std::fprintf(stderr, "%s: ends with commands but no ----\n", path.c_str()), 2;
  if (differs && rewrite) {
    std::ofstream out(path);
    for (const auto& line : told) out << line << '\n';
    std::printf("%s: rewritten\n", path.c_str());
    return out.good() ? 0 : 2;
  }
  return differs ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  bool rewrite = false;
  int worst = 0;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--rewrite") == 0) {
      rewrite = true;
      continue;
    }
    worst = std::max(worst, play(argv[i], rewrite));
  }
  return worst;
}
