// Connecting to process 0, and asking it what a process is doing.
#pragma once

#include <filesystem>
#include <memory>

#include <boost/asio/io_context.hpp>

#include "actors/control/control_address.h"
#include "actors/control/control_link.h"

namespace srpo::actors {

/// A welcomed connection; runs the io_context meanwhile. Throws kBadInput with the words
/// of process 0 if it refuses, kPeerLost if it cannot be reached in time.
std::shared_ptr<ControlLink> connect_control(boost::asio::io_context& io,
                                             const ControlAddress& address,
                                             const Hello& hello,
                                             std::chrono::milliseconds longest);

/// What a process of a running job does (`kEveryProcess`: one line for each); `file` is
/// the job's control file. Throws kBadFile, kPeerLost.
constexpr int kEveryProcess = -1;
std::string ask_control(const std::filesystem::path& file, int process,
                        std::chrono::milliseconds longest);

}  // namespace srpo::actors
