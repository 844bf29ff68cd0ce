// The page that choregosd serves at /, as bytes that lie in the program: what ui/ was built into, once plain and once packed with
// gzip. Nothing is read from a disk and nothing is compressed at run time. Any thread.
#pragma once

#include <span>
#include <string_view>

namespace choregos::api {

struct Asset {
  std::string_view path;          ///< "/index.html", "/assets/index-DY6IcorZ.css"
  std::string_view content_type;
  std::string_view etag;          ///< quoted, of the plain bytes
  bool immutable = false;         ///< its name holds a hash of its content: browsers may keep it for ever
  std::string_view plain;
  std::string_view gzip;
};

std::span<const Asset> assets();
/// "/" is "/index.html". Null when there is none.
const Asset* find_asset(std::string_view path);

}  // namespace choregos::api
