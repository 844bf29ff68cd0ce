// Takes secrets out of text that leaves the house. Pure; one pass over the text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace choregos::cli {

/// The text with "(left out)" in the place of
///  - each of `known` that is longer than 3 bytes, wherever it stands,
///  - the value after a name that speaks of a token, secret, password, credential or private key, written name=value, name: value or
///    "name":"value"; names that end in _file hold a path and stay,
///  - what follows the words Bearer and Basic,
///  - user and password in a URL.
/// Rather too much than too little: what is left out is no loss to who reads it.
std::string redact(std::string_view text, const std::vector<std::string>& known = {});

}  // namespace choregos::cli
