#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <zlib.h>

#include "core/error.h"
#include "verify/code_tests.h"

namespace srpo::verify {
namespace {

constexpr size_t kMostUnpacked = 1ULL << 30;

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

std::string decode_base64(const std::string& text) {
  std::string bytes;
  uint32_t bits = 0;
  int num_bits = 0;
  for (const char c : text) {
    if (c == '=' || c == '\n') continue;
    const int value = base64_value(c);
    REQUIRE(value >= 0, kBadInput, "packed test cases: not base64");
    bits = (bits << 6) | static_cast<uint32_t>(value);
    num_bits += 6;
    if (num_bits >= 8) {
      num_bits -= 8;
      bytes += static_cast<char>((bits >> num_bits) & 0xff);
    }
  }
  return bytes;
}

std::string inflate_all(const std::string& packed) {
  z_stream stream{};
  REQUIRE(::inflateInit(&stream) == Z_OK, kBadInput, "packed test cases: zlib fails");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  int status = Z_OK;
  while (status == Z_OK && text.size() < kMostUnpacked) {
    char buffer[65536];
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    status = ::inflate(&stream, Z_NO_FLUSH);
    text.append(buffer, sizeof buffer - stream.avail_out);
  }
  ::inflateEnd(&stream);
  REQUIRE(status == Z_STREAM_END, kBadInput,
          "packed test cases: not zlib, cut off, or longer than " << kMostUnpacked
                                                                  << " bytes");
  return text;
}

/// The one text that a pickle of a text holds; no other opcode is known here.
std::string text_of_pickle(const std::string& pickle) {
  size_t at = 0;
  const auto number = [&](size_t width) {
    REQUIRE(pickle.size() - at >= width, kBadInput, "packed test cases: a torn pickle");
    uint64_t value = 0;
    std::memcpy(&value, pickle.data() + at, width);
    at += width;
    return value;
  };
  while (at < pickle.size()) {
    const char opcode = pickle[at++];
    size_t width = 0;
    if (opcode == '\x80') {  // protocol
      at += 1;
      continue;
    }
    if (opcode == '\x95') {  // frame
      at += 8;
      continue;
    }
    if (opcode == '\x8c') width = 1;
    if (opcode == 'X') width = 4;
    if (opcode == '\x8d') width = 8;
    REQUIRE(width > 0, kBadInput, "packed test cases: a pickle of something but a text");
    const uint64_t size = number(width);
    REQUIRE(size <= pickle.size() - at, kBadInput, "packed test cases: a torn pickle");
    const std::string_view rest = std::string_view(pickle).substr(at + size);
    REQUIRE(rest == "." || rest == "\x94." || (rest.size() == 3 && rest[0] == 'q'),
            kBadInput, "packed test cases: a pickle of more than a text");
    return pickle.substr(at, size);
  }
  throw core::Error(core::ErrorKind::kBadInput, "packed test cases: an empty pickle");
}

}  // namespace

std::string unpack_test_cases(const std::string& packed) {
  return text_of_pickle(inflate_all(decode_base64(packed)));
}

}  // namespace srpo::verify
