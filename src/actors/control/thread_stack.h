// Where another thread of this process is: its native stack, while it runs or waits.
#pragma once

#include <chrono>
#include <pthread.h>
#include <string>
#include <vector>

namespace srpo::actors {

/// The calling thread becomes the one to look at. Installs a handler for a real-time
/// signal; system calls of the thread are restarted.
class ThreadStack {
 public:
  ThreadStack();

  /// One line a frame, innermost first: `comm::Communicator::try_receive() + 0x1c`. Any
  /// thread but the one looked at; one at a time. Empty if the thread does not answer in
  /// time (it is in the kernel's hands).
  std::vector<std::string> capture(std::chrono::milliseconds longest) const;

 private:
  pthread_t thread_;
};

/// Name and offset of the function at an address, from the program's symbol table or the
/// library's dynamic one; `file + offset` where there is no name.
std::string describe_address(const void* address);

}  // namespace srpo::actors
