#include "model/model_family.h"

namespace srpo::model {

const std::vector<ModelFamily>& model_families() {
  using enum NormPlace;
  using enum WindowRule;
  constexpr auto kHead = QueryKeyNorm::kHead;
  constexpr auto kProjection = QueryKeyNorm::kProjection;
  constexpr auto kPlain = QueryKeyNorm::kNone;
  // Defaults are those of transformers 4.57.
  static const std::vector<ModelFamily> kFamilies{
      {"llama", "LlamaForCausalLM", kBefore, kPlain, false, true, true, kNone, false, 0,
       1e-6},
      {"qwen2", "Qwen2ForCausalLM", kBefore, kPlain, true, false, false, kFlag, false, 0,
       1e-6},
      {"qwen3", "Qwen3ForCausalLM", kBefore, kHead, false, true, false, kFlag, false, 128,
       1e-6},
      {"olmo2", "Olmo2ForCausalLM", kAfter, kProjection, false, true, false, kNone, false,
       0, 1e-5},
      {"olmo3", "Olmo3ForCausalLM", kAfter, kProjection, false, true, false, kThreeOfFour,
       true, 0, 1e-5},
  };
  return kFamilies;
}

const ModelFamily* find_family(const std::string& type) {
  for (const ModelFamily& family : model_families()) {
    if (type == family.type) return &family;
  }
  return nullptr;
}

std::string family_names() {
  std::string names;
  for (const ModelFamily& family : model_families()) {
    names += (names.empty() ? "" : ", ") + std::string(family.type);
  }
  return names;
}

}  // namespace srpo::model
