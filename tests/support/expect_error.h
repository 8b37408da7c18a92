// Checks that a call throws core::Error of a kind, with a message that says what it
// should.
#pragma once

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::test {

/// Fails unless `call` throws an Error of `kind` whose message contains `part`.
inline void expect_error(core::ErrorKind kind, const std::string& part,
                         const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown; expected an error with '" << part << "'";
  } catch (const core::Error& error) {
    EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(kind)) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
        << "the message is '" << error.what() << "', expected in it: '" << part << "'";
  }
}

}  // namespace srpo::test
