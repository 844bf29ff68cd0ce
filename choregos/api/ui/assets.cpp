#include "choregos/api/ui/assets.hpp"

#include <algorithm>

namespace choregos::api {

const Asset* find_asset(std::string_view path) {
  if (path == "/") path = "/index.html";
  const auto all = assets();
  const auto it = std::find_if(all.begin(), all.end(), [&](const Asset& asset) { return asset.path == path; });
  return it == all.end() ? nullptr : &*it;
}

}  // namespace choregos::api
