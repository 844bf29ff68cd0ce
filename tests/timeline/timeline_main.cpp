// choregos-timeline FOLDER          draws the pictures of docs/LIVENESS.md into it
// choregos-timeline --check FOLDER  says which of those there differ from what the registry does today
#include <cstdio>
#include <fstream>
#include <iterator>

#include "tests/timeline/picture.hpp"

int main(int argc, char** argv) {
  const bool check = argc == 3 && std::string(argv[1]) == "--check";
  if (argc != 2 && !check) {
    std::fprintf(stderr, "usage: choregos-timeline [--check] FOLDER\n");
    return 2;
  }
  int differ = 0;
  for (const auto& picture : choregos::timeline::all()) {
    const std::string path = std::string(argv[argc - 1]) + "/" + picture.file + ".svg";
    const std::string drawn = choregos::timeline::draw(picture);
    if (!check) {
      std::ofstream(path, std::ios::binary) << drawn;
      std::printf("%s\n", path.c_str());
      continue;
    }
    std::ifstream in(path, std::ios::binary);
    if (std::string(std::istreambuf_iterator<char>(in), {}) == drawn) continue;
    std::printf("%s is not what the registry does today; draw it anew with choregos-timeline\n", path.c_str());
    ++differ;
  }
  return differ == 0 ? 0 : 1;
}
