// Any bytes as any reply of a Docker Engine: refused with a sound message, or read into values within bounds.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/docker.hpp"

namespace {

using namespace choregos;

void require(bool truth) {
  if (!truth) std::abort();
}

void text(std::string_view t, std::size_t bytes_max = limits::text_bytes_max) { require(t.size() <= bytes_max && is_utf8(t) && !has_hidden_characters(t)); }

void labels(const Labels& all) {
  require(all.size() <= 64);
  for (const auto& [key, value] : all) text(key), text(value, 4 * limits::text_bytes_max);
}

void attachments(const std::vector<wire::DockerAttachment>& all) {
  require(all.size() <= 64);
  for (const auto& a : all) text(a.network), require(a.addresses.size() <= 16);
}

template <class T, class F>
void each(const Result<std::vector<T>>& list, F&& look) {
  if (!list) return text(list.error().message, 4096);
  require(list->size() <= limits::docker_item_count_max);
  for (const auto& item : *list) text(item.id, limits::id_bytes_max), require(!item.id.empty()), look(item);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  each(wire::read_docker_nodes(body), [](const wire::DockerNode& n) { text(n.name), text(n.availability), text(n.message), require(!n.name.empty()); });
  each(wire::read_docker_services(body), [](const wire::DockerService& s) { text(s.name), labels(s.labels), labels(s.container_labels), require(!s.name.empty()); });
  each(wire::read_docker_tasks(body), [](const wire::DockerTask& t) { text(t.service_id), text(t.node_id), text(t.desired_state), text(t.state), text(t.message), text(t.error), text(t.container_id), attachments(t.attachments); });
  each(wire::read_docker_containers(body), [](const wire::DockerContainer& c) { text(c.name), text(c.state), text(c.status), labels(c.labels), attachments(c.attachments), require(!c.name.empty()); });
  text(wire::read_docker_error(body));
  if (const auto version = wire::read_docker_version(body)) {
    text(version->engine, limits::id_bytes_max);
    if (const auto api = wire::choose_docker_api(*version)) require(api->size() <= 6 && api->find('.') != std::string::npos);
  } else {
    text(version.error().message, 4096);
  }

  // The same lines come out however the stream is cut.
  std::vector<std::string> whole, pieces;
  wire::DockerEventLines one, many;
  require(one.put(body, [&](std::string_view line) { whole.emplace_back(line); }).has_value() || size > limits::docker_item_bytes_max);
  for (std::size_t at = 0; at < size; at += 7)
    if (!many.put(body.substr(at, 7), [&](std::string_view line) { pieces.emplace_back(line); })) break;
  require(size > limits::docker_item_bytes_max || whole == pieces);
  for (const auto& line : whole)
    if (const auto event = wire::read_docker_event(line)) text(event->type), text(event->action, limits::id_bytes_max), require(!event->type.empty());
  return 0;
}
