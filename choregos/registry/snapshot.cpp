#include "choregos/registry/snapshot.hpp"

#include <algorithm>
#include <cassert>
#include <compare>

#include "choregos/base/text.hpp"
#include "choregos/registry/snapshot_data.hpp"

namespace choregos {
namespace {

using registry::CapabilityEntry;
using registry::kNoSlot;
using registry::Slot;

/// A record's place in a sort order other than by id, as text that compares like the value.
std::string sort_text(SortKey key, const AgentRecord& record) {
  const auto number = [](std::uint64_t value) {
    std::string digits = std::to_string(value);
    return std::string(20 - digits.size(), '0') + digits;
  };
  const Agent& agent = record.agent;
  switch (key) {
    case SortKey::id: return {};
    case SortKey::name: return agent.name;
    case SortKey::status: return std::string(to_string(agent.status));
    case SortKey::liveness: return number(static_cast<std::uint64_t>(agent.liveness));
    case SortKey::model: return agent.model;
    case SortKey::cluster: return agent.cluster_id;
    case SortKey::last_seen: return number(static_cast<std::uint64_t>(std::max<std::int64_t>(0, record.vitals->last_seen_ms.load(std::memory_order_relaxed))));
    case SortKey::first_seen: return number(static_cast<std::uint64_t>(std::max<std::int64_t>(0, agent.first_seen.ms)));
    case SortKey::tasks_completed: return number(agent.tasks_completed);
  }
  return {};
}

/// A cursor is hex of "<sort word>\n<sort text>\n<id>": opaque to clients, checked when it comes back.
std::string make_cursor(const Query& query, const std::string& text, const std::string& id) {
  const std::string plain = std::string(query.descending ? "-" : "") + std::string(to_string(query.sort)) + "\n" + text + "\n" + id;
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(plain.size() * 2);
  for (const char c : plain) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

struct Place {
  std::string text;
  std::string id;
};

Result<Place> read_cursor(const Query& query) {
  const auto bad = [](const char* why) { return fail(ErrorCode::invalid, std::string("cursor ") + why + "; take next_cursor of the last page, with the same sort"); };
  std::string plain;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  if (query.cursor.size() % 2 != 0) return bad("is not one of ours");
  for (std::size_t i = 0; i < query.cursor.size(); i += 2) {
    const int high = digit(query.cursor[i]), low = digit(query.cursor[i + 1]);
    if (high < 0 || low < 0) return bad("is not one of ours");
    plain += static_cast<char>(high << 4 | low);
  }
  const auto first = plain.find('\n');
  const auto last = plain.rfind('\n');
  if (first == std::string::npos || first == last) return bad("is not one of ours");
  const std::string order = std::string(query.descending ? "-" : "") + std::string(to_string(query.sort));
  if (plain.substr(0, first) != order) return bad("belongs to another sort order");
  return Place{plain.substr(first + 1, last - first - 1), plain.substr(last + 1)};
}

int compare_places(const Place& a, const Place& b) {
  if (const int order = a.text.compare(b.text); order != 0) return order;
  return natural_compare(a.id, b.id);
}

/// The bitsets of the query's capabilities. False when some capability is had by nobody; `known` says whether all are indexed.
bool collect_bitsets(const Snapshot::Data& data, const Query& query, std::vector<const CapabilityEntry*>& bitsets) {
  for (const auto& capability : query.capabilities) {
    const auto it = data.capabilities->find(capability);
    if (it != data.capabilities->end()) {
      bitsets.push_back(it->second.get());
    } else if (data.capabilities_complete) {
      return false;
    }
  }
  std::sort(bitsets.begin(), bitsets.end(), [](const CapabilityEntry* a, const CapabilityEntry* b) { return a->total < b->total; });
  return true;
}

/// Whether the filters beside capabilities can reject anything.
bool only_capabilities(const Query& q) {
  return q.status.empty() && q.liveness.empty() && q.model.empty() && q.cluster.empty() && q.team.empty() && q.labels.empty() && q.text.empty();
}

/// The slots that have every capability, by ANDing words.
std::vector<Slot> intersect(const std::vector<const CapabilityEntry*>& bitsets) {
  std::vector<Slot> slots;
  const auto& rarest = *bitsets.front();
  slots.reserve(rarest.total);
  for (std::size_t w = 0; w < rarest.bits.size(); ++w) {
    std::uint64_t word = rarest.bits[w];
    for (std::size_t i = 1; i < bitsets.size() && word != 0; ++i) word &= w < bitsets[i]->bits.size() ? bitsets[i]->bits[w] : 0;
    while (word != 0) {
      slots.push_back(static_cast<Slot>(w * 64 + static_cast<std::size_t>(__builtin_ctzll(word))));
      word &= word - 1;
    }
  }
  return slots;
}

}  // namespace

Revision Snapshot::revision() const { return data_->revision; }
Instant Snapshot::taken_at() const { return data_->taken_at; }
WallTime Snapshot::taken_wall_at() const { return data_->taken_wall_at; }
std::size_t Snapshot::size() const { return data_->order.size(); }
const Counts& Snapshot::counts() const { return data_->counts; }
const GuardViewPtr& Snapshot::guard() const { return data_->guard; }

AgentRecordPtr Snapshot::find(std::string_view id_or_alias) const {
  const Slot slot = data_->names.find(id_or_alias);
  return slot == kNoSlot ? nullptr : data_->records[slot];
}

void Snapshot::for_each(const std::function<void(const AgentRecordPtr&)>& visit) const {
  for (auto p = data_->order.begin(); !data_->order.at_end(p); p = data_->order.next(p)) visit(data_->records[data_->order.at(p)]);
}

std::vector<CapabilityCount> Snapshot::capabilities() const {
  std::vector<CapabilityCount> out;
  for (const auto& [name, entry] : *data_->capabilities) out.push_back({name, entry->total, entry->live});
  return out;
}

Result<Page> Snapshot::run(const Query& query) const {
  Place from;
  if (!query.cursor.empty()) {
    auto place = read_cursor(query);
    if (!place) return place.error();
    from = std::move(*place);
  }
  Page page;
  std::vector<const CapabilityEntry*> bitsets;
  if (!collect_bitsets(*data_, query, bitsets)) return page;
  const auto id_of = [this](Slot slot) -> std::string_view { return data_->records[slot]->agent.id; };

  if (query.sort == SortKey::id && !query.descending) {
    // Walk in id order. Bits are tested first: they are dense and cheap, records are not.
    const auto start = query.cursor.empty() ? data_->order.begin() : data_->order.after(from.id, id_of);
    const bool bits_decide = only_capabilities(query) && bitsets.size() == query.capabilities.size();
    const bool know_total = bits_decide && bitsets.size() <= 1;
    if (know_total) page.total = bitsets.empty() ? data_->order.size() : bitsets.front()->total;
    const auto take = [&](Slot slot) {
      const AgentRecordPtr& record = data_->records[slot];
      if (query.limit != 0 && page.records.size() == query.limit) {
        if (page.next_cursor.empty()) page.next_cursor = make_cursor(query, {}, page.records.back()->agent.id);
        return;
      }
      page.records.push_back(record);
    };
    // Few candidates: gather and sort them instead of walking everybody.
    if (!bitsets.empty() && bitsets.front()->total < data_->order.size() / 32) {
      std::vector<Slot> slots = intersect(bitsets);
      if (!bits_decide) std::erase_if(slots, [&](Slot s) { return !matches(query, data_->records[s]->agent); });
      page.total = slots.size();
      std::sort(slots.begin(), slots.end(), [&](Slot a, Slot b) { return natural_compare(id_of(a), id_of(b)) < 0; });
      for (const Slot slot : slots)
        if (query.cursor.empty() || natural_compare(id_of(slot), from.id) > 0) take(slot);
      return page;
    }
    for (auto p = know_total ? start : data_->order.begin(); !data_->order.at_end(p); p = data_->order.next(p)) {
      const Slot slot = data_->order.at(p);
      const bool bits = std::all_of(bitsets.begin(), bitsets.end(), [&](const CapabilityEntry* e) { return e->has(slot); });
      if (!bits || (!bits_decide && !matches(query, data_->records[slot]->agent))) continue;
      if (!know_total) {
        ++page.total;
        if (!query.cursor.empty() && natural_compare(id_of(slot), from.id) <= 0) continue;
      } else if (!page.next_cursor.empty()) {
        break;
      }
      take(slot);
    }
    return page;
  }

  // Any other order: gather, sort by (value, id), cut.
  std::vector<std::pair<Place, AgentRecordPtr>> found;
  const auto consider = [&](const AgentRecordPtr& record) {
    if (matches(query, record->agent)) found.emplace_back(Place{sort_text(query.sort, *record), record->agent.id}, record);
  };
  if (bitsets.empty()) {
    for_each(consider);
  } else {
    for (const Slot slot : intersect(bitsets)) consider(data_->records[slot]);
  }
  page.total = found.size();
  const int sign = query.descending ? -1 : 1;
  std::sort(found.begin(), found.end(), [&](const auto& a, const auto& b) { return sign * compare_places(a.first, b.first) < 0; });
  for (auto& [place, record] : found) {
    if (!query.cursor.empty() && sign * compare_places(place, from) <= 0) continue;
    if (query.limit != 0 && page.records.size() == query.limit) {
      const auto& last = *page.records.back();
      page.next_cursor = make_cursor(query, sort_text(query.sort, last), last.agent.id);
      break;
    }
    page.records.push_back(std::move(record));
  }
  return page;
}

}  // namespace choregos
