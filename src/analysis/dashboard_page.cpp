#include "analysis/dashboard_page.h"

#include <random>

#include <nlohmann/json.hpp>

#include "analysis/page_sources.h"
#include "core/error.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;

/// JSON that no `<` is left in, so that it cannot end the element it stands in.
std::string json_for_html(const json& value) {
  const std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size() + text.size() / 64);
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else if (c == '>') {
      safe += "\\u003e";
    } else if (c == '&') {
      safe += "\\u0026";
    } else {
      safe += c;
    }
  }
  return safe;
}

void replace_mark(std::string& page, const std::string& name, const std::string& by) {
  const std::string mark = "{{" + name + "}}";
  const size_t at = page.find(mark);
  ENSURE(at != std::string::npos, "page.html has no " << mark);
  page.replace(at, mark.size(), by);
}

}  // namespace

std::string random_key() {
  static constexpr char kLetters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device entropy;
  std::string key;
  for (int i = 0; i < 22; ++i)
    key += kLetters[std::uniform_int_distribution<size_t>(0, 61)(entropy)];
  return key;
}

std::string content_security_policy(const std::string& nonce, bool live) {
  return "default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'nonce-" +
         nonce + "'; style-src 'nonce-" + nonce +
         "'; img-src data:" + (live ? "; connect-src 'self'" : "");
}

std::string dashboard_page(const json& runs, const PageOptions& options) {
  const std::string nonce = options.nonce.empty() ? random_key() : options.nonce;
  const json data = {{"schema", 1},
                     {"live", options.live},
                     {"action_key", options.action_key},
                     {"runs", runs}};
  std::string page = page_sources::kHtml;
  replace_mark(page, "policy", content_security_policy(nonce, options.live));
  for (int i = 0; i < 2; ++i) replace_mark(page, "nonce", nonce);
  replace_mark(page, "style", page_sources::kStyle);
  replace_mark(page, "script", page_sources::kScript);
  // Last, for what it brings is not looked through for marks.
  replace_mark(page, "data", json_for_html(data));
  return page;
}

}  // namespace srpo::analysis
