// Cuts a Jinja template into text and the tokens of its tags.
#pragma once

#include <string>
#include <vector>

namespace srpo::text {

enum class JinjaTokenKind {
  kData,        ///< text to be written as it stands
  kBlockBegin,  ///< {%
  kBlockEnd,    ///< %}
  kPrintBegin,  ///< {{
  kPrintEnd,    ///< }}
  kName,
  kString,  ///< unquoted and unescaped
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct JinjaToken {
  JinjaTokenKind kind = JinjaTokenKind::kEnd;
  std::string text;
  int line = 1;
};

/// The tokens, a kEnd last. White space is taken away as by jinja2 with trim_blocks and
/// lstrip_blocks on, which is how transformers runs chat templates. Throws kBadFile,
/// naming `place` and the line.
std::vector<JinjaToken> read_jinja_tokens(const std::string& source,
                                          const std::string& place);

}  // namespace srpo::text
