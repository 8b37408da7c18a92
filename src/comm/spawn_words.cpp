#include "comm/spawn_words.h"

#include <memory>
#include <thread>

#include "comm/mpi_session.h"
#include "core/deadline.h"
#include "core/error.h"

namespace srpo::comm {
namespace {

constexpr int kTag = 1;
constexpr size_t kMostBytes = 1024;

}  // namespace

void send_first_words(MPI_Comm intercommunicator, const std::string& words) {
  ENSURE(words.size() <= kMostBytes, "first words of " << words.size() << " bytes");
  MPI_Request request = MPI_REQUEST_NULL;
  // The receiver may die: the words stay where they are for ever then.
  const auto* kept = new std::string(words);
  check_mpi(MPI_Isend(kept->data(), static_cast<int>(kept->size()), MPI_BYTE, 0, kTag,
                      intercommunicator, &request),
            "MPI_Isend");
  MPI_Request_free(&request);
}

std::string receive_first_words(MPI_Comm parent, std::chrono::milliseconds longest) {
  const auto deadline = core::Deadline::in(longest);
  while (true) {
    int found = 0;
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Status status;
    check_mpi(MPI_Improbe(0, kTag, parent, &found, &message, &status), "MPI_Improbe");
    if (found != 0) {
      int size = 0;
      check_mpi(MPI_Get_count(&status, MPI_BYTE, &size), "MPI_Get_count");
      std::string words(static_cast<size_t>(size), '\0');
      check_mpi(MPI_Mrecv(words.data(), size, MPI_BYTE, &message, MPI_STATUS_IGNORE),
                "MPI_Mrecv");
      return words;
    }
    REQUIRE(!deadline.has_passed(), kTimeout,
            "the process that started this one has said nothing");
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

}  // namespace srpo::comm
