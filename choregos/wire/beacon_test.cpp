#include "choregos/wire/beacon.hpp"

#include <gtest/gtest.h>

#include <string>

#include "choregos/base/rng.hpp"

namespace choregos::wire {
namespace {

const std::string kKey(32, 'k');

BeaconFrame sample() {
  BeaconFrame frame;
  frame.type = BeaconType::alive;
  frame.flags = kBeaconDraining;
  frame.cookie = 0x0102030405060708;
  frame.key_id = 0x1112131415161718;
  frame.session = 0x2122232425262728;
  frame.sequence = 0x3132333435363738;
  frame.payload = "abc";
  return frame;
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

// The MAC was computed with Python: hmac.new(b"k" * 32, bytes.fromhex(…), "sha256").digest()[:16].
TEST(Beacon, HasTheDocumentedBytes) {
  const auto datagram = encode_beacon(sample(), kKey);
  ASSERT_TRUE(datagram);
  EXPECT_EQ(hex(*datagram),
            "43485247" "01" "02" "0001" "0102030405060708" "1112131415161718" "2122232425262728" "3132333435363738" "0003" "616263"
            "0e576fe03fbfe343c69c2b7e5dc644d0");
}

TEST(Beacon, DecodesWhatItEncoded) {
  const std::string datagram = *encode_beacon(sample(), kKey);
  BeaconView view;
  ASSERT_EQ(decode_beacon(datagram, view), BeaconFault::none);
  EXPECT_EQ(view.type, BeaconType::alive);
  EXPECT_EQ(view.flags, kBeaconDraining);
  EXPECT_EQ(view.cookie, sample().cookie);
  EXPECT_EQ(view.key_id, sample().key_id);
  EXPECT_EQ(view.session, sample().session);
  EXPECT_EQ(view.sequence, sample().sequence);
  EXPECT_EQ(view.payload, "abc");
  EXPECT_TRUE(verify_beacon(view, kKey));
  EXPECT_FALSE(verify_beacon(view, std::string(32, 'x')));
  EXPECT_FALSE(verify_beacon(view, ""));
}

TEST(Beacon, EveryFlippedBitBreaksTheFrameOrTheMac) {
  const std::string datagram = *encode_beacon(sample(), kKey);
  for (std::size_t bit = 0; bit < datagram.size() * 8; ++bit) {
    std::string changed = datagram;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    BeaconView view;
    if (decode_beacon(changed, view) == BeaconFault::none) {
      EXPECT_FALSE(verify_beacon(view, kKey)) << "bit " << bit;
    }
  }
}

TEST(Beacon, NamesEachFault) {
  const std::string good = *encode_beacon(sample(), kKey);
  const auto fault = [](const std::string& bytes) {
    BeaconView view;
    return decode_beacon(bytes, view);
  };
  const auto with = [&good](std::size_t at, char byte) {
    std::string out = good;
    out[at] = byte;
    return out;
  };
  EXPECT_EQ(fault(""), BeaconFault::length);
  EXPECT_EQ(fault(good.substr(0, 57)), BeaconFault::length);
  EXPECT_EQ(fault(good.substr(0, good.size() - 1)), BeaconFault::length);
  EXPECT_EQ(fault(good + "x"), BeaconFault::length);
  EXPECT_EQ(fault(std::string(1201, 'C')), BeaconFault::length);
  EXPECT_EQ(fault(with(0, 'X')), BeaconFault::magic);
  EXPECT_EQ(fault(with(4, 2)), BeaconFault::version);
  EXPECT_EQ(fault(with(5, 0)), BeaconFault::type);
  EXPECT_EQ(fault(with(5, 8)), BeaconFault::type);
  EXPECT_EQ(fault(with(41, 4)), BeaconFault::length);
  BeaconFrame unsigned_frame = sample();
  unsigned_frame.key_id = 0;
  std::string plain = *encode_beacon(unsigned_frame);
  EXPECT_EQ(fault(plain), BeaconFault::none);
  plain.back() = 1;
  EXPECT_EQ(fault(plain), BeaconFault::mac_on_unsigned);
}

TEST(Beacon, FillsADatagramAndNoMore) {
  BeaconFrame frame = sample();
  frame.payload = std::string(kBeaconPayloadBytesMax, 'p');
  const auto full = encode_beacon(frame, kKey);
  ASSERT_TRUE(full);
  EXPECT_EQ(full->size(), limits::datagram_bytes_max);
  BeaconView view;
  EXPECT_EQ(decode_beacon(*full, view), BeaconFault::none);
  frame.payload += 'p';
  EXPECT_EQ(encode_beacon(frame, kKey).error().code, ErrorCode::too_large);
}

TEST(Beacon, SignsOnlyWithKeyAndKeyId) {
  BeaconFrame frame = sample();
  EXPECT_FALSE(encode_beacon(frame));
  EXPECT_FALSE(encode_beacon(frame, "short"));
  frame.key_id = 0;
  EXPECT_FALSE(encode_beacon(frame, kKey));
  const std::string plain = *encode_beacon(frame);
  BeaconView view;
  ASSERT_EQ(decode_beacon(plain, view), BeaconFault::none);
  EXPECT_FALSE(verify_beacon(view, kKey));  // an unsigned frame is verified by no key
}

TEST(AliveBody, ReadsBackWhatItWrote) {
  const AliveBody plain{"a-1", 7, std::nullopt, std::nullopt, std::nullopt, std::nullopt};
  EXPECT_EQ(*read_alive(write_alive(plain)), plain);
  const AliveBody said{std::string(64, 'a'), UINT64_MAX, Status::working, std::uint16_t{0}, std::uint16_t{65534}, std::uint16_t{1000}};
  EXPECT_EQ(*read_alive(write_alive(said)), said);
  const AliveBody cut{"a", 1, Status::idle, std::uint16_t{65535}, std::nullopt, std::nullopt};
  EXPECT_EQ(read_alive(write_alive(cut))->running, 65534);
}

TEST(AliveBody, RefusesWhatIsShortLongOrNoWord) {
  const std::string good = write_alive({"a-1", 7, Status::idle, std::nullopt, std::nullopt, std::nullopt});
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(read_alive(good.substr(0, n))) << n;
  EXPECT_FALSE(read_alive(good + "x"));
  std::string spaced = good;
  spaced[17] = ' ';
  EXPECT_FALSE(read_alive(spaced));
  std::string status = good;
  status[8] = 3;
  EXPECT_FALSE(read_alive(status));
}

TEST(ByeBody, ReadsBackWhatItWroteAndCutsTheReason) {
  const ByeBody bye{"a-1", 7, "stopped by SIGTERM"};
  EXPECT_EQ(*read_bye(write_bye(bye)), bye);
  std::string long_reason = "x";
  for (int i = 0; i < 60; ++i) long_reason += "\xc3\xa4";
  const auto read = read_bye(write_bye({"a-1", 7, long_reason}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->reason.size(), 99U);  // the 50th umlaut would end at byte 101
  EXPECT_TRUE(read_bye(write_bye({"a-1", 7, "\x1b[31m\xff"})));
  const std::string good = write_bye(bye);
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(read_bye(good.substr(0, n))) << n;
}

TEST(Ping, IsNeverShorterThanItsAnswer) {
  const std::string ping = write_ping(42);
  EXPECT_EQ(ping.size(), write_ack({}).size());
  EXPECT_EQ(*read_ping(ping), 42U);
  EXPECT_EQ(*read_ping(ping + "more"), 42U);
  EXPECT_FALSE(read_ping(ping.substr(0, 27)));
  const AckBody ack{42, 1500, 3, UINT64_MAX};
  EXPECT_EQ(*read_ack(write_ack(ack)), ack);
  EXPECT_FALSE(read_ack(write_ack(ack) + "x"));
  EXPECT_FALSE(read_ack(write_ack(ack).substr(1)));
}

TEST(Help, ReadsBackWhatItWroteAndCarriesNothingButPingsAndAcks) {
  BeaconFrame frame;
  frame.type = BeaconType::ping;
  frame.payload = write_ping(42);
  const std::string ping = encode_beacon(frame).value();
  EXPECT_EQ(ping.size(), kBeaconPingBytes);
  frame.payload = write_ping(42) + "x";
  const std::string longer = encode_beacon(frame).value();
  frame.type = BeaconType::ack;
  frame.payload = write_ack({42, 0, 0, 0});
  const std::string ack = encode_beacon(frame).value();
  for (const auto* target : {"10.0.0.7:5000", "[fd00::7]:5000"}) {
    const AskBody ask{*parse_socket_address(target), 1000, ping};
    const std::string good = write_ask(ask);
    ASSERT_TRUE(read_ask(good)) << target;
    EXPECT_EQ(*read_ask(good), ask);
    for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(read_ask(good.substr(0, n))) << n;
    EXPECT_FALSE(read_ask(good + "x"));
    EXPECT_FALSE(read_ask(write_ask({ask.target, 1000, ack})));
    EXPECT_FALSE(read_ask(write_ask({ask.target, 1000, longer})));
    EXPECT_FALSE(read_ask(write_ask({ask.target, 1000, std::string(kBeaconPingBytes, 'x')})));
    EXPECT_LE(write_told({42, ack}).size(), good.size());
  }
  for (const ToldBody& told : {ToldBody{42, ack}, ToldBody{42, ""}}) {
    ASSERT_TRUE(read_told(write_told(told)));
    EXPECT_EQ(*read_told(write_told(told)), told);
  }
  EXPECT_FALSE(read_told(write_told({42, ping})));
  EXPECT_FALSE(read_told(write_told({42, "x"})));
  EXPECT_FALSE(read_told("1234567"));
}

TEST(SequenceWindow, TakesEachSequenceOnce) {
  SequenceWindow window;
  EXPECT_FALSE(window.accept(0));
  EXPECT_TRUE(window.accept(100));
  EXPECT_FALSE(window.accept(100));
  EXPECT_TRUE(window.accept(99));
  EXPECT_TRUE(window.accept(37));   // 63 behind
  EXPECT_FALSE(window.accept(36));  // 64 behind
  EXPECT_TRUE(window.accept(101));
  EXPECT_FALSE(window.accept(37));
  EXPECT_TRUE(window.would_accept(200));
  EXPECT_TRUE(window.accept(UINT64_MAX));
  EXPECT_FALSE(window.accept(200));
  EXPECT_TRUE(window.accept(UINT64_MAX - 63));
  EXPECT_EQ(window.highest(), UINT64_MAX);
}

TEST(SequenceWindow, AgreesWithASetUnderReordering) {
  Rng rng(4471);
  SequenceWindow window;
  std::vector<bool> taken(5000, false);
  std::uint64_t highest = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t base = static_cast<std::uint64_t>(i) / 5 + 1;
    const std::uint64_t sequence = base + rng.below(90);
    const bool want = !taken[sequence] && (sequence > highest || highest - sequence < 64);
    ASSERT_EQ(window.accept(sequence), want) << sequence;
    if (want) taken[sequence] = true;
    highest = std::max(highest, sequence);
  }
}

}  // namespace
}  // namespace choregos::wire
