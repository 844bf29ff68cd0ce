// The OpenAPI 3.1 document of the API, as it is served.
#pragma once

#include <string_view>

namespace choregos::api {

/// The bytes of openapi.json.
std::string_view openapi_document();

}  // namespace choregos::api
