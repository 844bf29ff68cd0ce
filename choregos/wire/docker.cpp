#include "choregos/wire/docker.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <boost/json.hpp>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/fields.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::wire {
namespace {

using boost::json::object;
using boost::json::value;

Error wrong(std::string_view what) { return fail(ErrorCode::invalid, "Docker's reply is not as it should be: " + std::string(what)); }

JsonRules item_rules() {
  JsonRules rules;
  rules.bytes_max = limits::docker_item_bytes_max;
  rules.depth_max = 2 * limits::json_depth_max;
  rules.member_count_max = limits::docker_member_count_max;
  rules.text = JsonText::any;  // what is kept is looked at by itself
  return rules;
}

/// At most `bytes_max` of it, not in the middle of a character.
std::string cut(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

/// Free text of the engine, on one line, printable and no longer than any other.
std::string shown(std::string_view text, std::size_t bytes_max = limits::text_bytes_max) {
  std::string line(text.substr(0, 4 * bytes_max));
  std::replace_if(line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return cut(printable(line), bytes_max);
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= limits::id_bytes_max && std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

bool is_name(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; };
  return !text.empty() && text.size() <= limits::name_bytes_max && std::all_of(text.begin(), text.end(), fits);
}

bool is_state(std::string_view text) {
  return text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || c == '-'; });
}

/// An object inside; an empty one when it is absent or null, because Docker leaves out what is empty.
const object& inside(const object& from, std::string_view name, std::optional<Error>& error) {
  static const object kNone;
  const value* found = Fields(from).find(name);
  if (found == nullptr) return kNone;
  if (const object* there = found->if_object()) return *there;
  if (!error) error = wrong("'" + std::string(name) + "' is no object");
  return kNone;
}

const boost::json::array& list(const object& from, std::string_view name, std::optional<Error>& error) {
  static const boost::json::array kNone;
  const value* found = Fields(from).find(name);
  if (found == nullptr) return kNone;
  if (const boost::json::array* there = found->if_array()) return *there;
  if (!error) error = wrong("'" + std::string(name) + "' is no array");
  return kNone;
}

std::string text_of(const object& from, std::string_view name, std::optional<Error>& error) {
  std::string out;
  Fields fields(from);
  fields.text(name, out);
  if (fields.error() && !error) error = wrong(fields.error()->message);
  return out;
}

std::string checked(const object& from, std::string_view name, bool (*fits)(std::string_view), bool needed, std::optional<Error>& error) {
  std::string out = text_of(from, name, error);
  if (out.empty() ? needed : !fits(out)) {
    if (!error) error = wrong("'" + std::string(name) + "' is missing or no word of its kind");
    out.clear();
  }
  return out;
}

std::optional<std::int64_t> integer(const object& from, std::string_view name, std::optional<Error>& error) {
  const value* found = Fields(from).find(name);
  if (found == nullptr) return std::nullopt;
  if (found->is_int64()) return found->get_int64();
  if (!error) error = wrong("'" + std::string(name) + "' is no whole number");
  return std::nullopt;
}

Labels labels_of(const object& from, std::string_view name, std::optional<Error>& error) {
  Labels out;
  for (const auto& item : inside(from, name, error)) {
    const std::string_view key = view(item.key());
    const bool ours = key.starts_with("choregos.") || key.starts_with("com.docker.swarm.") || key.starts_with("org.agntcy/");
    if (!ours || key.size() > limits::name_bytes_max || !item.value().is_string()) continue;
    const std::string_view said = view(item.value().get_string());
    if (out.size() < limits::docker_label_count_max && check_text(key, "label", limits::name_bytes_max) && check_text(said, "label", 4 * limits::text_bytes_max)) out.emplace_back(key, said);
  }
  std::sort(out.begin(), out.end());
  return out;
}

void add_address(DockerAttachment& to, std::string_view text) {
  if (const auto slash = text.find('/'); slash != std::string_view::npos) text = text.substr(0, slash);
  if (const auto ip = parse_ip(text); ip && !ip->is_unspecified() && to.addresses.size() < limits::docker_address_count_max) to.addresses.push_back(*ip);
}

NodeState node_state(std::string_view word) {
  for (const NodeState state : {NodeState::ready, NodeState::down, NodeState::disconnected})
    if (to_string(state) == word) return state;
  return NodeState::unknown;
}

/// Where the value that begins at `begin` ends: the next ',' or ']' outside of strings and brackets.
std::size_t end_of_item(std::string_view text, std::size_t begin) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      else if (c == '"') in_string = false;
      continue;
    }
    switch (c) {
      case '"': in_string = true; break;
      case '{': case '[': ++depth; break;
      case '}': if (depth > 0) --depth; break;
      case ']':
        if (depth == 0) return i;
        --depth;
        break;
      case ',': if (depth == 0) return i; break;
      default: break;
    }
  }
  return text.size();
}

/// Reads an array of objects one by one, so that a long list never stands in memory as a tree.
template <class Item>
Result<std::vector<Item>> read_list(std::string_view body, std::optional<Error> (*read)(const object&, Item&)) {
  if (body.size() > limits::docker_reply_bytes_max) return fail(ErrorCode::too_large, "Docker's reply is longer than " + std::to_string(limits::docker_reply_bytes_max) + " bytes");
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  std::size_t at = 0;
  const auto skip = [&] { while (at < body.size() && blank(body[at])) ++at; };
  std::vector<Item> out;
  skip();
  if (body.substr(at, 4) == "null") {
    at += 4;
    skip();
    if (at != body.size()) return wrong("bytes follow the list");
    return out;
  }
  if (at >= body.size() || body[at] != '[') return wrong("a list is wanted");
  ++at;
  skip();
  if (at < body.size() && body[at] == ']') {
    ++at;
  } else {
    for (;;) {
      const std::size_t end = end_of_item(body, at);
      if (end >= body.size()) return wrong("the list does not end");
      if (out.size() >= limits::docker_item_count_max) return fail(ErrorCode::too_large, "Docker lists more than " + std::to_string(limits::docker_item_count_max) + " items");
      const auto tree = parse_json(body.substr(at, end - at), item_rules());
      if (!tree) return Error{tree.error().code, "Docker's reply is not as it should be: item " + std::to_string(out.size()) + ": " + tree.error().message};
      const object* item = tree->if_object();
      if (item == nullptr) return wrong("item " + std::to_string(out.size()) + " is no object");
      Item made;
      if (auto error = read(*item, made)) return *error;
      out.push_back(std::move(made));
      at = end + 1;
      if (body[end] == ']') break;
    }
  }
  skip();
  if (at != body.size()) return wrong("bytes follow the list");
  return out;
}

std::optional<Error> read_node(const object& from, DockerNode& to) {
  std::optional<Error> error;
  to.id = checked(from, "ID", is_id, true, error);
  to.name = shown(text_of(inside(from, "Description", error), "Hostname", error));
  if (to.name.empty() || !is_name(to.name)) to.name = to.id;
  const object& status = inside(from, "Status", error);
  to.state = node_state(text_of(status, "State", error));
  to.message = shown(text_of(status, "Message", error));
  to.availability = checked(inside(from, "Spec", error), "Availability", is_state, false, error);
  return error;
}

std::optional<Error> read_service(const object& from, DockerService& to) {
  std::optional<Error> error;
  to.id = checked(from, "ID", is_id, true, error);
  const object& spec = inside(from, "Spec", error);
  to.name = checked(spec, "Name", is_name, true, error);
  to.labels = labels_of(spec, "Labels", error);
  const object& container = inside(inside(spec, "TaskTemplate", error), "ContainerSpec", error);
  to.container_labels = labels_of(container, "Labels", error);
  const object& mode = inside(spec, "Mode", error);
  if (Fields(mode).find("Global") != nullptr || Fields(mode).find("GlobalJob") != nullptr) {
    to.mode = ServiceMode::global;
  } else {
    Fields replicated(inside(mode, "Replicated", error));
    std::uint64_t replicas = 0;
    replicated.count("Replicas", replicas);
    if (replicated.error() && !error) error = wrong(replicated.error()->message);
    if (replicated.find("Replicas") != nullptr) to.replicas = replicas;
  }
  return error;
}

std::optional<Error> read_task(const object& from, DockerTask& to) {
  std::optional<Error> error;
  to.id = checked(from, "ID", is_id, true, error);
  to.service_id = checked(from, "ServiceID", is_id, false, error);
  to.node_id = checked(from, "NodeID", is_id, false, error);
  to.desired_state = checked(from, "DesiredState", is_state, false, error);
  Fields fields(from);
  fields.count("Slot", to.slot);
  if (fields.error() && !error) error = wrong(fields.error()->message);
  const object& status = inside(from, "Status", error);
  to.state = checked(status, "State", is_state, true, error);
  to.message = shown(text_of(status, "Message", error));
  to.error = shown(text_of(status, "Err", error));
  if (const auto since = parse_rfc3339(text_of(status, "Timestamp", error))) to.since = *since;
  const object& container = inside(status, "ContainerStatus", error);
  to.container_id = checked(container, "ContainerID", is_id, false, error);
  to.exit_code = integer(container, "ExitCode", error);
  for (const value& item : list(from, "NetworksAttachments", error)) {
    const object* attachment = item.if_object();
    if (attachment == nullptr) return wrong("a network attachment is no object");
    if (to.attachments.size() >= limits::docker_network_count_max) break;
    DockerAttachment made;
    const object& spec = inside(inside(*attachment, "Network", error), "Spec", error);
    made.network = shown(text_of(spec, "Name", error));
    Fields flags(spec);
    flags.truth("Ingress", made.ingress);
    if (flags.error() && !error) error = wrong(flags.error()->message);
    for (const value& address : list(*attachment, "Addresses", error)) {
      if (!address.is_string()) return wrong("an address is no string");
      add_address(made, view(address.get_string()));
    }
    to.attachments.push_back(std::move(made));
  }
  return error;
}

std::optional<std::int64_t> exit_code_in(std::string_view status) {
  const auto open = status.find('('), close = status.find(')');
  if (!status.starts_with("Exited") || open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  std::int64_t code = 0;
  const auto [end, bad] = std::from_chars(status.data() + open + 1, status.data() + close, code);
  return bad == std::errc{} && end == status.data() + close ? std::optional(code) : std::nullopt;
}

std::optional<Error> read_container(const object& from, DockerContainer& to) {
  std::optional<Error> error;
  to.id = checked(from, "Id", is_id, true, error);
  for (const value& name : list(from, "Names", error)) {
    if (!name.is_string()) return wrong("a container's name is no string");
    std::string_view text = view(name.get_string());
    if (text.starts_with('/')) text.remove_prefix(1);
    if (text.find('/') == std::string_view::npos && is_name(text)) {  // others are links
      to.name = text;
      break;
    }
  }
  if (to.name.empty()) to.name = to.id.substr(0, 12);
  to.state = checked(from, "State", is_state, true, error);
  to.status = shown(text_of(from, "Status", error));
  to.exit_code = exit_code_in(to.status);
  to.labels = labels_of(from, "Labels", error);
  for (const auto& item : inside(inside(from, "NetworkSettings", error), "Networks", error)) {
    if (item.value().is_null()) continue;
    const object* network = item.value().if_object();
    if (network == nullptr) return wrong("a network is no object");
    if (to.attachments.size() >= limits::docker_network_count_max) break;
    DockerAttachment made;
    made.network = shown(view(item.key()));
    made.ingress = made.network == "ingress";
    add_address(made, text_of(*network, "IPAddress", error));
    add_address(made, text_of(*network, "GlobalIPv6Address", error));
    to.attachments.push_back(std::move(made));
  }
  return error;
}

/// 1.41 as 1041; nothing for anything else.
std::optional<int> api_number(std::string_view text) {
  int major = 0, minor = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, major);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '.') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, minor);
  if (second.ec != std::errc{} || second.ptr != end || major < 1 || major > 99 || minor < 0 || minor > 999) return std::nullopt;
  return major * 1000 + minor;
}

Result<value> small_reply(std::string_view body) {
  auto tree = parse_json(body, item_rules());
  if (!tree) return Error{tree.error().code, "Docker's reply is not as it should be: " + tree.error().message};
  if (!tree->is_object()) return wrong("an object is wanted");
  return tree;
}

}  // namespace

Result<DockerVersion> read_docker_version(std::string_view body) {
  const auto tree = small_reply(body);
  if (!tree) return tree.error();
  std::optional<Error> error;
  DockerVersion out;
  out.engine = shown(text_of(tree->get_object(), "Version", error), limits::id_bytes_max);
  out.api = text_of(tree->get_object(), "ApiVersion", error);
  out.api_min = text_of(tree->get_object(), "MinAPIVersion", error);
  if (error) return *error;
  if (!api_number(out.api) || (!out.api_min.empty() && !api_number(out.api_min))) return wrong("'ApiVersion' is no version such as 1.41");
  return out;
}

Result<std::string> choose_docker_api(const DockerVersion& version) {
  const auto newest = api_number(version.api);
  if (!newest) return wrong("'ApiVersion' is no version such as 1.41");
  const int oldest = api_number(version.api_min).value_or(1024);
  if (*newest < 1024) return fail(ErrorCode::unavailable, "the Docker Engine speaks API " + version.api + "; at least 1.24 is needed");
  const int chosen = std::max(std::min(1041, *newest), oldest);
  return std::to_string(chosen / 1000) + "." + std::to_string(chosen % 1000);
}

std::string read_docker_error(std::string_view body) {
  const auto tree = small_reply(body.substr(0, limits::docker_item_bytes_max));
  if (!tree) return {};
  std::optional<Error> error;
  return shown(text_of(tree->get_object(), "message", error));
}

Result<std::vector<DockerNode>> read_docker_nodes(std::string_view body) { return read_list<DockerNode>(body, read_node); }
Result<std::vector<DockerService>> read_docker_services(std::string_view body) { return read_list<DockerService>(body, read_service); }
Result<std::vector<DockerTask>> read_docker_tasks(std::string_view body) { return read_list<DockerTask>(body, read_task); }
Result<std::vector<DockerContainer>> read_docker_containers(std::string_view body) { return read_list<DockerContainer>(body, read_container); }

Result<DockerEvent> read_docker_event(std::string_view line) {
  const auto tree = small_reply(line);
  if (!tree) return tree.error();
  std::optional<Error> error;
  DockerEvent out;
  const object& from = tree->get_object();
  out.type = checked(from, "Type", is_state, true, error);
  out.action = shown(text_of(from, "Action", error), limits::id_bytes_max);
  Fields fields(from);
  fields.count("timeNano", out.time_ns);
  if (fields.error() && !error) error = wrong(fields.error()->message);
  const object& attributes = inside(inside(from, "Actor", error), "Attributes", error);
  out.task_id = checked(attributes, "com.docker.swarm.task.id", is_id, false, error);
  const std::string code = text_of(attributes, "exitCode", error);
  std::int64_t number = 0;
  if (const auto [end, bad] = std::from_chars(code.data(), code.data() + code.size(), number); bad == std::errc{} && end == code.data() + code.size()) out.exit_code = number;
  if (error) return *error;
  return out;
}

Result<void> DockerEventLines::put(std::string_view piece, const std::function<void(std::string_view)>& take) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    if (rest_.size() + std::min(end, piece.size()) > limits::docker_item_bytes_max) return fail(ErrorCode::too_large, "an event of Docker is longer than " + std::to_string(limits::docker_item_bytes_max) + " bytes");
    if (end == std::string_view::npos) {
      rest_.append(piece);
      return {};
    }
    std::string line = std::exchange(rest_, {});
    line.append(piece.substr(0, end));
    piece.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) take(line);
  }
  return {};
}

}  // namespace choregos::wire
