#include "text/streaming_decoder.h"

#include <utility>

#include "text/unicode.h"

namespace srpo::text {

std::string StreamingDecoder::push(int32_t id) {
  if (skip_special_ && tokenizer_.is_special(id)) return "";
  std::string bytes = std::move(unfinished_) + tokenizer_.token_bytes(id);
  const size_t whole = bytes.size() - unfinished_length(bytes);
  unfinished_ = bytes.substr(whole);
  bytes.resize(whole);
  return find_invalid_utf8(bytes) ? repair_utf8(bytes) : bytes;
}

std::string StreamingDecoder::finish() {
  return repair_utf8(std::exchange(unfinished_, std::string()));
}

}  // namespace srpo::text
