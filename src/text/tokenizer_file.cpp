#include "text/tokenizer_file.h"

#include <limits>
#include <map>
#include <set>

#include "core/error.h"
#include "text/json_fields.h"

namespace srpo::text {
namespace {

using nlohmann::json;

constexpr int64_t kMaxTokenId = std::numeric_limits<int32_t>::max() - 1;
// Of ByteLevel, as written in Hugging Face's source.
constexpr const char* kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

std::string place_in(const std::string& place, size_t index) {
  return place + "[" + std::to_string(index) + "]";
}

[[noreturn]] void refuse_type(JsonFields& fields, const std::string& type,
                              const std::string& known) {
  throw core::Error(core::ErrorKind::kBadFile, fields.place_of("type") + " '" + type +
                                                   "' is not supported (expected " +
                                                   known + ")");
}

/// The parts of a Sequence, or the thing itself; nothing for null.
template <class Visit>
void visit_sequence(const json* value, const std::string& place,
                    const std::string& list_key, const Visit& visit) {
  if (value == nullptr || value->is_null()) return;
  JsonFields fields(*value, place);
  if (fields.text("type") != "Sequence") {
    visit(*value, place);
    return;
  }
  const json& parts = fields.array(list_key);
  fields.refuse_unknown();
  for (size_t i = 0; i < parts.size(); ++i) {
    visit_sequence(&parts[i], place_in(fields.place_of(list_key), i), list_key, visit);
  }
}

SplitBehavior parse_behavior(JsonFields& fields) {
  static const std::map<std::string, SplitBehavior> known = {
      {"Removed", SplitBehavior::kRemoved},
      {"Isolated", SplitBehavior::kIsolated},
      {"MergedWithPrevious", SplitBehavior::kMergedWithPrevious},
      {"MergedWithNext", SplitBehavior::kMergedWithNext},
      {"Contiguous", SplitBehavior::kContiguous}};
  const std::string name = fields.text("behavior");
  const auto found = known.find(name);
  REQUIRE(found != known.end(), kBadFile,
          fields.place_of("behavior") << " '" << name << "' is not supported");
  return found->second;
}

SplitStep parse_split(JsonFields& fields) {
  JsonFields pattern(fields.object("pattern"), fields.place_of("pattern"));
  const bool literal = pattern.find("String") != nullptr;
  const char* key = literal ? "String" : "Regex";
  const std::string text = pattern.text(key);
  pattern.refuse_unknown();
  const SplitBehavior behavior = parse_behavior(fields);
  return make_split_step(text,
                         literal ? Regex::Syntax::kLiteral : Regex::Syntax::kOniguruma,
                         behavior, fields.flag("invert", false), pattern.place_of(key));
}

void parse_pre_tokenizer(const json* value, const std::string& place,
                         TokenizerFile& file) {
  bool byte_level = false;
  const auto parse_step = [&](const json& step, const std::string& step_place) {
    JsonFields fields(step, step_place);
    const std::string type = fields.text("type");
    REQUIRE(!byte_level, kBadFile,
            fields.place() << ": '" << type << "' after ByteLevel is not supported");
    if (type == "Split") {
      file.steps.emplace_back(parse_split(fields));
    } else if (type == "Digits") {
      file.steps.emplace_back(DigitsStep{fields.flag("individual_digits", false)});
    } else if (type == "ByteLevel") {
      byte_level = true;
      if (fields.flag("add_prefix_space", true))
        file.steps.emplace_back(PrefixSpaceStep{});
      if (fields.flag("use_regex", true)) {
        file.steps.emplace_back(
            make_split_step(kByteLevelPattern, Regex::Syntax::kOniguruma,
                            SplitBehavior::kIsolated, false, fields.place()));
      }
      fields.ignore("trim_offsets");
    } else {
      refuse_type(fields, type, "Split, Digits, ByteLevel or Sequence");
    }
    fields.refuse_unknown();
  };
  visit_sequence(value, place, "pretokenizers", parse_step);
  REQUIRE(byte_level, kBadFile,
          place << " has no ByteLevel step (only byte-level tokenizers are supported)");
}

void parse_normalizer(const json* value, const std::string& place, TokenizerFile& file) {
  visit_sequence(value, place, "normalizers",
                 [&](const json& part, const std::string& where) {
                   JsonFields fields(part, where);
                   const std::string type = fields.text("type");
                   if (type != "NFC") refuse_type(fields, type, "NFC, Sequence or null");
                   fields.refuse_unknown();
                   file.compose = true;
                 });
}

/// The ids that a template's special token stands for.
std::vector<int32_t> template_tokens(JsonFields& special, const std::string& name) {
  JsonFields entry(special.object(name), special.place_of(name));
  entry.ignore("id");
  entry.ignore("tokens");
  std::vector<int32_t> tokens;
  for (const json& id : entry.array("ids")) {
    REQUIRE(id.is_number_unsigned() && id.get<uint64_t>() <= kMaxTokenId, kBadFile,
            entry.place_of("ids") << " has " << id.dump() << " (expected a token id)");
    tokens.push_back(id.get<int32_t>());
  }
  entry.refuse_unknown();
  return tokens;
}

void parse_template(JsonFields& fields, TokenizerFile& file) {
  fields.ignore("pair");
  JsonFields special(fields.object("special_tokens"), fields.place_of("special_tokens"));
  const json& items = fields.array("single");
  std::vector<int32_t> before;
  std::vector<int32_t> after;
  int num_texts = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    JsonFields item(items[i], place_in(fields.place_of("single"), i));
    const bool is_text = item.find("Sequence") != nullptr;
    const char* key = is_text ? "Sequence" : "SpecialToken";
    JsonFields what(item.object(key), item.place_of(key));
    item.refuse_unknown();
    const std::string id = what.text("id");
    what.ignore("type_id");
    what.refuse_unknown();
    if (is_text) {
      REQUIRE(id == "A", kBadFile,
              what.place_of("id") << " is '" << id << "' (expected 'A')");
      ++num_texts;
      continue;
    }
    const std::vector<int32_t> tokens = template_tokens(special, id);
    auto& side = num_texts == 0 ? before : after;
    side.insert(side.end(), tokens.begin(), tokens.end());
  }
  REQUIRE(num_texts == 1, kBadFile,
          fields.place_of("single") << " has " << num_texts << " texts (expected one)");
  // A later template goes around an earlier one.
  file.before.insert(file.before.begin(), before.begin(), before.end());
  file.after.insert(file.after.end(), after.begin(), after.end());
}

void parse_post_processor(const json* value, const std::string& place,
                          TokenizerFile& file) {
  visit_sequence(
      value, place, "processors", [&](const json& part, const std::string& where) {
        JsonFields fields(part, where);
        const std::string type = fields.text("type");
        if (type == "TemplateProcessing") {
          parse_template(fields, file);
        } else if (type == "ByteLevel") {
          for (const char* key : {"add_prefix_space", "trim_offsets", "use_regex"})
            fields.ignore(key);
        } else {
          refuse_type(fields, type, "ByteLevel, TemplateProcessing, Sequence or null");
        }
        fields.refuse_unknown();
      });
}

void parse_decoder(const json* value, const std::string& place) {
  bool byte_level = false;
  visit_sequence(
      value, place, "decoders", [&](const json& part, const std::string& where) {
        JsonFields fields(part, where);
        const std::string type = fields.text("type");
        if (type != "ByteLevel" || byte_level) refuse_type(fields, type, "one ByteLevel");
        byte_level = true;
        for (const char* key : {"add_prefix_space", "trim_offsets", "use_regex"})
          fields.ignore(key);
        fields.refuse_unknown();
      });
  REQUIRE(byte_level, kBadFile, place << " is missing (expected ByteLevel)");
}

std::vector<AddedToken> parse_added_tokens(const json& list, const std::string& place) {
  std::vector<AddedToken> tokens;
  for (size_t i = 0; i < list.size(); ++i) {
    JsonFields fields(list[i], place_in(place, i));
    AddedToken token;
    token.id = static_cast<int32_t>(fields.integer("id", 0, kMaxTokenId));
    token.content = fields.text("content");
    token.special = fields.flag("special", false);
    token.normalized = fields.flag("normalized", !token.special);
    token.lstrip = fields.flag("lstrip", false);
    token.rstrip = fields.flag("rstrip", false);
    REQUIRE(!fields.flag("single_word", false), kBadFile,
            fields.place_of("single_word")
                << " of '" << token.content << "' is not supported");
    REQUIRE(!token.content.empty(), kBadFile, fields.place_of("content") << " is empty");
    fields.refuse_unknown();
    tokens.push_back(std::move(token));
  }
  return tokens;
}

std::vector<std::pair<std::string, std::string>> parse_merges(const json& list,
                                                              const std::string& place) {
  std::vector<std::pair<std::string, std::string>> merges;
  merges.reserve(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    const json& merge = list[i];
    if (merge.is_string()) {
      const std::string& both = merge.get_ref<const std::string&>();
      const size_t space = both.find(' ');
      REQUIRE(
          space != std::string::npos && both.find(' ', space + 1) == std::string::npos,
          kBadFile, place_in(place, i) << " is '" << both << "' (expected 'left right')");
      merges.emplace_back(both.substr(0, space), both.substr(space + 1));
    } else {
      REQUIRE(merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
                  merge[1].is_string(),
              kBadFile,
              place_in(place, i) << " (expected 'left right' or a pair of strings)");
      merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
    }
  }
  return merges;
}

BpeModel parse_model(const json& value, const std::string& place) {
  JsonFields fields(value, place);
  if (fields.find("type") != nullptr) {
    const std::string type = fields.text("type");
    if (type != "BPE") refuse_type(fields, type, "BPE");
  }
  const json* dropout = fields.find("dropout");
  REQUIRE(dropout == nullptr || dropout->is_null() || *dropout == 0.0, kBadFile,
          fields.place_of("dropout") << " is not supported");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    REQUIRE(fields.optional_text(key).value_or("").empty(), kBadFile,
            fields.place_of(key) << " is not supported");
  }
  REQUIRE(!fields.flag("byte_fallback", false), kBadFile,
          fields.place_of("byte_fallback") << " is not supported");
  BpeModel model;
  model.unknown_token = fields.optional_text("unk_token");
  model.fuse_unknown = fields.flag("fuse_unk", false);
  model.ignore_merges = fields.flag("ignore_merges", false);
  JsonFields vocabulary(fields.object("vocab"), fields.place_of("vocab"));
  for (const auto& [letters, id] : fields.object("vocab").items()) {
    model.vocabulary.emplace(
        letters, static_cast<int32_t>(vocabulary.integer(letters, 0, kMaxTokenId)));
  }
  model.merges = parse_merges(fields.array("merges"), fields.place_of("merges"));
  fields.refuse_unknown();
  return model;
}

}  // namespace

TokenizerFile parse_tokenizer_file(const std::string& content, const std::string& place) {
  const json whole = parse_json(content, place);
  JsonFields fields(whole, place + ":");
  TokenizerFile file;
  const std::string version = fields.text("version");
  REQUIRE(version == "1.0", kBadFile,
          fields.place_of("version") << " is '" << version << "' (expected '1.0')");
  for (const char* key : {"truncation", "padding"}) {
    const json* value = fields.find(key);
    REQUIRE(value == nullptr || value->is_null(), kBadFile,
            fields.place_of(key) << " is not supported (expected null)");
  }
  if (const json* added = fields.find("added_tokens");
      added != nullptr && !added->is_null()) {
    file.added_tokens =
        parse_added_tokens(fields.array("added_tokens"), fields.place_of("added_tokens"));
  }
  parse_normalizer(fields.find("normalizer"), fields.place_of("normalizer"), file);
  parse_pre_tokenizer(fields.find("pre_tokenizer"), fields.place_of("pre_tokenizer"),
                      file);
  parse_post_processor(fields.find("post_processor"), fields.place_of("post_processor"),
                       file);
  parse_decoder(fields.find("decoder"), fields.place_of("decoder"));
  file.model = parse_model(fields.object("model"), fields.place_of("model"));
  fields.refuse_unknown();
  return file;
}

}  // namespace srpo::text
