// What a job and a layout mean for the scheduler.
#pragma once

#include "ranks/rank_layout.h"
#include "ranks/run_config.h"
#include "records/draw_plan.h"
#include "scheduler/scheduler_config.h"

namespace srpo::ranks {

/// `plan`: what the job's algorithm draws. The same for a run and for its simulation.
scheduler::SchedulerConfig scheduler_config(const RunConfig& job,
                                            const records::DrawPlan& plan,
                                            const RankLayout& layout);

}  // namespace srpo::ranks
