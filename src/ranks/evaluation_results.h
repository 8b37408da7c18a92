// What an evaluation leaves in its folder when all samples are there.
#pragma once

#include "ranks/evaluation_setup.h"
#include "storage/run_folder.h"

namespace srpo::ranks {

/// Reads samples.journal and writes samples.jsonl, card.json, card.md and, if the job
/// wants them, replay shards; prints the card. Throws kNoSpace or kBadFile.
void write_evaluation_results(const EvaluationSetup& setup,
                              const storage::RunFolder& folder);

}  // namespace srpo::ranks
