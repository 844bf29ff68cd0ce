// A DNS server for tests on loopback, as small as Docker's: A and PTR, no such name, server failure, silence.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "choregos/base/text.hpp"
#include "choregos/net/udp.hpp"

namespace choregos::source {

struct FakeDns {
  enum class Mood { answers, refuses, silent };
  Mood mood = Mood::answers;
  std::map<std::string, std::vector<IpAddress>> a;           ///< by lower-case name without trailing dot; absent = no such name
  std::map<std::string, std::string> ptr;                    ///< "4.0.0.10.in-addr.arpa" -> name
  std::map<std::string, int> asked;                          ///< by name
  std::unique_ptr<net::UdpSocket> socket;

  explicit FakeDns(net::Loop& loop) {
    net::UdpSocket::Options options;
    options.bind = {IpAddress::v4(127, 0, 0, 1), 0};
    auto opened = net::UdpSocket::open(loop, options, [this](std::span<const net::Datagram> batch) {
      for (const net::Datagram& d : batch) answer(d);
    });
    socket = std::move(*opened);
  }
  SocketAddress address() const { return socket->local(); }

  static std::string reverse_name(const IpAddress& ip) {
    std::string out;
    for (int i = 0; i < 4; ++i) out += std::to_string((ip.v4_bits() >> (8 * i)) & 0xff) + ".";
    return out + "in-addr.arpa";
  }

 private:
  using Bytes = std::vector<std::byte>;
  static void put16(Bytes& out, unsigned v) { out.push_back(std::byte(v >> 8)), out.push_back(std::byte(v & 0xff)); }
  static Bytes name_bytes(const std::string& name) {
    Bytes out;
    std::size_t begin = 0;
    while (begin < name.size()) {
      const std::size_t end = std::min(name.find('.', begin), name.size());
      out.push_back(std::byte(end - begin));
      for (std::size_t i = begin; i < end; ++i) out.push_back(std::byte(name[i]));
      begin = end + 1;
    }
    out.push_back(std::byte{0});
    return out;
  }

  void answer(const net::Datagram& d) {
    if (d.bytes.size() < 17) return;
    std::string name;
    std::size_t i = 12;
    while (i < d.bytes.size() && d.bytes[i] != std::byte{0}) {
      const auto n = static_cast<std::size_t>(d.bytes[i]);
      if (!name.empty()) name += '.';
      for (std::size_t k = 1; k <= n && i + k < d.bytes.size(); ++k) name += static_cast<char>(d.bytes[i + k]);
      i += n + 1;
    }
    name = to_lower(name);
    const std::size_t question_end = i + 5;
    if (question_end > d.bytes.size()) return;
    const auto type = static_cast<unsigned>(d.bytes[i + 2]);
    ++asked[name];
    if (mood == Mood::silent) return;

    std::vector<Bytes> data;
    bool exists = false;
    if (type == 1 && a.contains(name)) {
      exists = true;
      for (const IpAddress& ip : a[name]) {
        Bytes rdata;
        put16(rdata, ip.v4_bits() >> 16), put16(rdata, ip.v4_bits() & 0xffff);
        data.push_back(rdata);
      }
    } else if (type == 12 && ptr.contains(name)) {
      exists = true;
      data.push_back(name_bytes(ptr[name]));
    }
    Bytes out(d.bytes.begin(), d.bytes.begin() + 2);
    put16(out, mood == Mood::refuses ? 0x8185 : exists ? 0x8180 : 0x8183);
    put16(out, 1), put16(out, mood == Mood::refuses ? 0 : static_cast<unsigned>(data.size())), put16(out, 0), put16(out, 0);
    out.insert(out.end(), d.bytes.begin() + 12, d.bytes.begin() + static_cast<std::ptrdiff_t>(question_end));
    if (mood != Mood::refuses)
      for (const Bytes& rdata : data) {
        put16(out, 0xc00c), put16(out, type), put16(out, 1), put16(out, 0), put16(out, 600), put16(out, static_cast<unsigned>(rdata.size()));
        out.insert(out.end(), rdata.begin(), rdata.end());
      }
    (void)socket->send(d.from, out, true);
  }
};

}  // namespace choregos::source
