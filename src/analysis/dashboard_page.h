// One HTML file that shows runs and needs nothing else.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace srpo::analysis {

/// How a page is delivered.
struct PageOptions {
  bool live = false;       ///< it listens to the server that it came from
  std::string action_key;  ///< what the server wants to see before it acts; live only
  std::string nonce;       ///< of its content security policy; random when empty
};

/// `runs`: documents of run_document; the first one is shown, the others are compared
/// with it. Text in them cannot leave its place: the document is data, is escaped so that
/// no tag can begin in it, is put on the page as text only, and a content security policy
/// lets no other script run.
std::string dashboard_page(const nlohmann::json& runs, const PageOptions& options = {});

/// The policy that the page states itself, for a server's header.
std::string content_security_policy(const std::string& nonce, bool live);

/// A fresh one: 22 random characters.
std::string random_key();

}  // namespace srpo::analysis
