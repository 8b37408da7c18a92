#include "storage/tree_key.h"

#include <charconv>

#include "core/archive.h"
#include "core/error.h"
#include "storage/format_v1.h"

namespace srpo::storage {
namespace {

using records::RolloutTree;
using records::Trajectory;

template <class Enum>
void require_enumerator(Enum value, Enum last, const char* field,
                        const std::string& where) {
  REQUIRE(value <= last, kBadFile,
          where << ": " << field << "=" << static_cast<int>(value) << " (expected 0.."
                << static_cast<int>(last) << ")");
}

void require_sound(const Trajectory& chain, const std::string& where) {
  require_enumerator(chain.id.kind, records::DrawKind::kValidation, "id.kind", where);
  require_enumerator(chain.use, records::Use::kValidation, "use", where);
  require_enumerator(chain.finish, records::FinishReason::kTokenLimit, "finish", where);
  require_enumerator(chain.verdict.kind, records::VerdictKind::kError, "verdict.kind",
                     where);
  REQUIRE(chain.prefix_length <= chain.tokens.size(), kBadFile,
          where << ": prefix_length=" << chain.prefix_length << " (expected at most its "
                << chain.tokens.size() << " tokens)");
  uint32_t previous = 0;
  for (const uint32_t end : chain.thought_ends) {
    REQUIRE(end >= previous && end <= chain.tokens.size(), kBadFile,
            where << ": a thought ends at token " << end << " (expected " << previous
                  << ".." << chain.tokens.size() << ")");
    previous = end;
  }
  if (chain.parent)
    require_enumerator(chain.parent->kind, records::DrawKind::kValidation, "parent.kind",
                       where);
  int64_t before = -1;
  for (const records::VersionSpan& span : chain.version_spans) {
    REQUIRE(int64_t{span.first_token} > before && span.first_token < chain.tokens.size(),
            kBadFile,
            where << ": a version span begins at token " << span.first_token
                  << " (expected " << before + 1 << ".." << chain.tokens.size() << ")");
    before = span.first_token;
  }
}

}  // namespace

std::string TreeKey::to_string() const {
  return std::to_string(step) + "/" + std::to_string(slot) +
         (validation ? "/validation" : "");
}

TreeKey TreeKey::parse(const std::string& text) {
  TreeKey key;
  const char* end = text.data() + text.size();
  const auto step = std::from_chars(text.data(), end, key.step);
  bool good = step.ec == std::errc() && step.ptr != end && *step.ptr == '/';
  if (good) {
    const auto slot = std::from_chars(step.ptr + 1, end, key.slot);
    const std::string rest(slot.ptr, end);
    key.validation = rest == "/validation";
    good = slot.ec == std::errc() && (rest.empty() || key.validation);
  }
  REQUIRE(good, kBadFile,
          "tree key '" << text << "' (expected STEP/SLOT or STEP/SLOT/validation)");
  return key;
}

void require_sound(const RolloutTree& tree, const std::string& where) {
  const std::string place = where + ": tree " + key_of(tree).to_string();
  for (const Trajectory& chain : tree.fresh) {
    require_sound(chain,
                  place + ", trajectory " + std::to_string(&chain - tree.fresh.data()));
  }
  for (const Trajectory& chain : tree.suffixes) {
    require_sound(chain,
                  place + ", suffix " + std::to_string(&chain - tree.suffixes.data()));
  }
  if (tree.localization) {
    require_enumerator(tree.localization->status, records::ParseStatus::kNotParsed,
                       "localization.status", place);
  }
  for (const records::Localization& each : tree.further)
    require_enumerator(each.status, records::ParseStatus::kNotParsed, "further.status",
                       place);
}

RolloutTree tree_of(std::span<const std::byte> record, const RecordFormat& format,
                    const std::string& where) {
  RolloutTree tree;
  try {
    if (format.version == 1) {
      tree = upgraded(core::from_bytes<RolloutTreeV1>(record), format.run_seed);
    } else if (format.version == 2) {
      tree = upgraded(core::from_bytes<RolloutTreeV2>(record));
    } else {
      tree = core::from_bytes<RolloutTree>(record);
    }
  } catch (const core::Error& error) {
    throw core::Error(core::ErrorKind::kBadFile,
                      where + ": a record is no rollout tree (" + error.what() + ")");
  }
  require_sound(tree, where);
  return tree;
}

}  // namespace srpo::storage
