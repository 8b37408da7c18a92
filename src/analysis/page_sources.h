// The files of src/analysis/page, as they were when the program was built.
#pragma once

namespace srpo::analysis::page_sources {

extern const char* const kHtml;
extern const char* const kStyle;
extern const char* const kScript;

}  // namespace srpo::analysis::page_sources
