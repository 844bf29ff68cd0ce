// Requests whose end two readers could see in different places, or that smell of it. Each is followed on the wire by
// kSmuggled, which must never be read as a request. For tests.
#pragma once

#include <string_view>

namespace choregos::net::testing {

struct FramingCase {
  std::string_view name;
  std::string_view bytes;
};

inline constexpr std::string_view kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

using namespace std::string_view_literals;

inline constexpr FramingCase kAmbiguous[] = {
    // What Beast 1.81 accepts.
    {"coding gzip beside a length", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"},
    {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"bare LF in a quoted chunk extension", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"},
    {"equal lengths repeated", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"},
    {"length as a list", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5,5\r\n\r\nhello"},
    {"no Host", "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n"},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"},
    {"folded header", "GET / HTTP/1.1\r\nHost: x\r\nX-Fold: a\r\n b\r\n\r\n"},
    {"GET with a body", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"},
    {"coding xchunked", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\nhello"},
    {"coding chunked, identity", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\nhello"},
    // Lengths.
    {"different lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"},
    {"signed length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello"},
    {"negative length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"},
    {"hex length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\nhello"},
    {"octal-looking length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 005\r\n\r\nhello"},
    {"length with a blank inside", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5 0\r\n\r\nhello"},
    {"empty length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\nhello"},
    {"length that overflows", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551621\r\n\r\nhello"},
    {"fractional length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5.0\r\n\r\nhello"},
    // Transfer-Encoding.
    {"length beside chunked", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"zero length beside chunked", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n"},
    {"chunked twice", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"chunked, chunked", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
    {"gzip, chunked", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {"chunked with a parameter", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"},
    {"quoted chunked", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"},
    {"empty coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n"},
    {"coding identity", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello"},
    {"vertical tab before chunked", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0b"
                                    "chunked\r\n\r\n0\r\n\r\n"},
    {"DELETE with chunks", "DELETE / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"HEAD with a body", "HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"},
    // Lines and names.
    {"bare LF ends a header", "GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n"},
    {"bare LF ends the block", "GET / HTTP/1.1\r\nHost: x\r\n\n"},
    {"bare LF ends the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n"},
    {"bare CR in a value", "GET / HTTP/1.1\r\nHost: x\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n"},
    {"bare CR in the request line", "GET /\r HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"CR CR LF", "GET / HTTP/1.1\r\nHost: x\r\r\n\r\n"},
    {"blank before the colon", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello"},
    {"tab before the colon", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"},
    {"first header starts with a blank", "GET / HTTP/1.1\r\n Host: x\r\nHost: y\r\n\r\n"},
    {"header without a colon", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length\r\n\r\n"},
    {"empty header name", "GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n"},
    {"header name in brackets", "GET / HTTP/1.1\r\nHost: x\r\n(X): y\r\n\r\n"},
    {"non-ASCII header name", "GET / HTTP/1.1\r\nHost: x\r\nContent-L\xc3\xa9ngth: 5\r\n\r\n"},
    {"NUL in a value", "GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n"sv},
    {"NUL in a name", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length\0: 5\r\n\r\n"sv},
    {"DEL in a value", "GET / HTTP/1.1\r\nHost: x\r\nX: a\x7f\r\n\r\n"},
    {"escape in a value", "GET / HTTP/1.1\r\nHost: x\r\nX: \x1b[2J\r\n\r\n"},
    {"empty line first", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"blank first", " GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
    // Host.
    {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
    {"Host with userinfo", "GET / HTTP/1.1\r\nHost: admin@x\r\n\r\n"},
    {"Host with a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n"},
    {"Host as a list", "GET / HTTP/1.1\r\nHost: x, y\r\n\r\n"},
    {"Host with a bad port", "GET / HTTP/1.1\r\nHost: x:99999\r\n\r\n"},
    {"Host with an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
    // Request lines.
    {"absolute target", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"authority target", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"star for GET", "GET * HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"target without a slash", "GET a HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"fragment in the target", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"non-ASCII target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"control in the target", "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"backslash in the target", "GET /\\x HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"blank in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"two blanks", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"tab as separator", "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"blank after the version", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n"},
    {"no version", "GET /\r\nHost: x\r\n\r\n"},
    {"lower-case version", "GET / http/1.1\r\nHost: x\r\n\r\n"},
    {"version with two digits", "GET / HTTP/1.10\r\nHost: x\r\n\r\n"},
    {"version with a sign", "GET / HTTP/+1.1\r\nHost: x\r\n\r\n"},
    {"method with a colon", "GE:T / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv},
    // Chunks.
    {"chunk extension", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n"},
    {"chunk size with a blank", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n"},
    {"chunk size with 0x", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n"},
    {"chunk size with a sign", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n"},
    {"chunk size with many digits", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n000000005\r\nhello\r\n0\r\n\r\n"},
    {"chunk size that overflows", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n"},
    {"empty chunk size", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n"},
    {"bare LF after a chunk size", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n"},
    {"bare LF after a chunk", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n"},
    {"chunk longer than its size", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n"},
    {"trailer", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n"},
    {"bare LF at the end of chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\n"},
};

/// Sound requests, for the other side of the table.
inline constexpr FramingCase kSound[] = {
    {"plain GET", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"star for OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"GET of length zero", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"},
    {"DELETE of length zero", "DELETE /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"},
    {"blanks around a value", "GET / HTTP/1.1\r\nHost:\t x:80 \t\r\nX:\r\n\r\n"},
    {"IPv6 Host", "GET /?a=%41&b HTTP/1.1\r\nHost: [fd00::1]:8080\r\n\r\n"},
    {"UTF-8 in a value", "GET / HTTP/1.1\r\nHost: x\r\nX: h\xc3\xa9\r\n\r\n"},
    {"length", "PUT /a HTTP/1.1\r\nHost: x\r\ncontent-length: 5\r\n\r\nhello"},
    {"chunks", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0A\r\n0123456789\r\n0\r\n\r\n"},
    {"empty chunks", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n"},
    {"own method", "PURGE /a HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"sub-delims in the target", "GET /a;b=1/c,d(e)!*'$&+:@~|{}?q=a/b?c HTTP/1.1\r\nHost: x\r\n\r\n"},
};

}  // namespace choregos::net::testing
