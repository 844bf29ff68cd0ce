// GET /openapi.json: the document that lies beside this file, built into the program (CMakeLists.txt).
#include "choregos/api/http/openapi.hpp"

#include <sodium.h>

#include "choregos/api/http/freshness.hpp"
#include "choregos/api/http/handlers.hpp"

namespace choregos::api {
namespace {

/// A strong tag of the document's bytes.
std::string make_tag(std::string_view bytes) {
  unsigned char hash[16];
  crypto_generichash(hash, sizeof hash, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr, 0);
  char hex[2 * sizeof hash + 1];
  sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
  return "\"" + std::string(hex) + "\"";
}

}  // namespace

Reply get_openapi(const Call& call) {
  static const std::string tag = make_tag(openapi_document());
  if (auto unchanged = not_modified(call, tag)) return *std::move(unchanged);
  return json_reply(std::string(openapi_document())).with("ETag", tag).with("Cache-Control", "no-cache");
}

}  // namespace choregos::api
