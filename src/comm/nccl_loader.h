// Loads the NCCL back end when a GPU learner asks for it; no program links it.
#pragma once

#include <filesystem>
#include <memory>

#include "comm/process_group.h"

namespace srpo::comm {

/// Loads `library` (libsrpo_nccl.so, built with -DSRPO_CUDA=ON) and joins the ranks of
/// `rendezvous`, each on its GPU `device`. Collective over `rendezvous`, which carries
/// only NCCL's id and may be destroyed afterwards. Throws kBadConfig when the library
/// cannot be loaded, kPeerLost when NCCL fails.
std::unique_ptr<ProcessGroup> load_nccl_process_group(
    const std::filesystem::path& library, ProcessGroup& rendezvous, int device,
    std::chrono::milliseconds timeout);

/// What the library exports under the name kNcclFactoryName. Throws as above.
using NcclFactory = ProcessGroup* (*)(ProcessGroup& rendezvous, int device,
                                      std::chrono::milliseconds timeout);
inline constexpr const char* kNcclFactoryName = "srpo_make_nccl_process_group";

}  // namespace srpo::comm
