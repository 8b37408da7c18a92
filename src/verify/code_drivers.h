// The Python programs of ours that run inside sandboxes.
#pragma once

#include <string>

namespace srpo::verify {

/// Beside program.py: reads a header line {"nonce", "function", "prompt", "imports",
/// "tagged", "strict"}, then a JSON list of arguments a line; answers each with
/// {"r": result} or {"e": name of the exception} and a line with the nonce.
/// It shares its process with the program, which can forge any answer: an answer is data,
/// to be compared outside with what was never inside.
const char* call_driver();

/// Beside orders.json {"nonce", "function", "prompt", "checks"}: runs the author's checks
/// with a function that asks the call driver of another sandbox. Reports on standard
/// error a line `nonce index pass` or `nonce index fail REASON` for each check.
const char* check_driver();

/// What LiveCodeBench imports for every program.
const char* usual_imports();

}  // namespace srpo::verify
