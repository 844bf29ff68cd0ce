#include "choregos/cli/document.hpp"

#include <boost/json.hpp>
#include <ostream>

#include "choregos/wire/json.hpp"

namespace choregos::cli {
namespace {

namespace json = boost::json;

std::string scalar(const json::value& value) {
  if (value.is_string()) {
    std::string out;
    wire::append_json_string(out, std::string_view(value.get_string().data(), value.get_string().size()));
    return out;
  }
  if (value.is_double()) {
    wire::JsonWriter out;
    out.value(value.get_double());
    return std::move(out).take();
  }
  return json::serialize(value);
}

void write_json(const json::value& value, int depth, std::ostream& out) {
  const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out << "{\n";
    std::size_t left = object->size();
    for (const auto& member : *object) {
      std::string key;
      wire::append_json_string(key, std::string_view(member.key().data(), member.key().size()));
      out << indent << "  " << key << ": ";
      write_json(member.value(), depth + 1, out);
      out << (--left != 0 ? ",\n" : "\n");
    }
    out << indent << "}";
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    out << "[\n";
    std::size_t left = array->size();
    for (const auto& item : *array) {
      out << indent << "  ";
      write_json(item, depth + 1, out);
      out << (--left != 0 ? ",\n" : "\n");
    }
    out << indent << "]";
  } else {
    out << scalar(value);
  }
}

/// YAML 1.2 takes JSON scalars as they are, so strings stay quoted and nothing is read as a number or a yes.
void write_yaml(const json::value& value, int depth, bool after_dash, std::ostream& out) {
  const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    bool first = after_dash;
    if (!after_dash && depth != 0) out << "\n";
    for (const auto& member : *object) {
      if (!first) out << indent;
      first = false;
      out << std::string_view(member.key().data(), member.key().size()) << ":";
      const bool nested = (member.value().is_object() && !member.value().get_object().empty()) || (member.value().is_array() && !member.value().get_array().empty());
      if (!nested) out << " ";
      write_yaml(member.value(), depth + 1, false, out);
    }
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    if (depth != 0) out << "\n";
    for (const auto& item : *array) {
      out << indent << "- ";
      write_yaml(item, depth + 1, true, out);
    }
  } else {
    out << scalar(value) << "\n";
  }
}

}  // namespace

Result<void> print_document(std::string_view body, Format format, std::ostream& out) {
  wire::JsonRules rules;
  rules.bytes_max = std::size_t{512} * 1024 * 1024;
  rules.member_count_max = 10'000'000;
  rules.text = wire::JsonText::any;
  const auto value = wire::parse_json(body, rules);
  if (!value) return value.error();
  if (format == Format::yaml) {
    write_yaml(*value, 0, false, out);
  } else {
    write_json(*value, 0, out);
    out << "\n";
  }
  return {};
}

}  // namespace choregos::cli
