#include "comm/nccl_loader.h"

#include <dlfcn.h>

#include "core/error.h"

namespace srpo::comm {

std::unique_ptr<ProcessGroup> load_nccl_process_group(
    const std::filesystem::path& library, ProcessGroup& rendezvous, int device,
    std::chrono::milliseconds timeout) {
  // Never closed: the group's code lives in it, and CUDA does not survive being unloaded.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  REQUIRE(handle != nullptr, kBadConfig,
          "the NCCL back end cannot be loaded: " << dlerror()
                                                 << " (it is built with -DSRPO_CUDA=ON)");
  auto factory = reinterpret_cast<NcclFactory>(dlsym(handle, kNcclFactoryName));
  REQUIRE(factory != nullptr, kBadConfig,
          library << " exports no " << kNcclFactoryName
                  << ": it is not srpo's NCCL back end");
  return std::unique_ptr<ProcessGroup>(factory(rendezvous, device, timeout));
}

}  // namespace srpo::comm
