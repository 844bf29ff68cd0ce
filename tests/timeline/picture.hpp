// A picture of a story, as SVG that reads on light and dark pages.
#pragma once

#include <string>

#include "tests/timeline/story.hpp"

namespace choregos::timeline {

std::string draw(const Picture& picture);

}  // namespace choregos::timeline
