// The handlers, one file per resource. Those that read answer at once from the View; those that write answer when the
// door has decided. The gate (http_api.cpp) has checked everything that is the same for all before one is called.
#pragma once

#include <functional>

#include "choregos/api/http/call.hpp"
#include "choregos/api/http/reply.hpp"

namespace choregos::api {

Reply get_page(const Call& call);            // page.cpp
Reply get_healthz(const Call& call);         // health.cpp
Reply get_readyz(const Call& call);
Reply get_openapi(const Call& call);         // openapi.cpp
Reply list_agents(const Call& call);         // agents.cpp
Reply list_capabilities(const Call& call);   // capabilities.cpp
Reply get_summary(const Call& call);         // summary.cpp
Reply list_sources(const Call& call);        // sources.cpp
Reply get_version(const Call& call);         // version.cpp
Reply get_expected(const Call& call);        // expected.cpp
Reply thaw(const Call& call);                // thaw.cpp

/// Called once, on the loop's thread, possibly before the handler returns and possibly after its Call is gone.
using Answer = std::function<void(Reply)>;
void get_agent(const Call& call, Answer answer);       // agent.cpp
void explain_agent(const Call& call, Answer answer);   // why.cpp
void get_history(const Call& call, Answer answer);     // history.cpp
void register_agent(const Call& call, Answer answer);  // registration.cpp
void renew_agent(const Call& call, Answer answer);
void leave_agent(const Call& call, Answer answer);

/// Sends the head and leaves the reply open; null when the peer is gone, and for HEAD.
using OpenStream = std::function<std::shared_ptr<net::Stream>(const Reply& head)>;
/// Its argument is called if the peer goes away before the answer.
using OnGone = std::function<void(std::function<void()>)>;
void watch_agents(const Call& call, Answer answer, const OpenStream& open, const OnGone& on_gone);  // watch.cpp

/// `incarnation=` of a query; 0 when absent. Errors: invalid.
Result<std::uint64_t> incarnation_of(const Call& call);
/// The refusal when there is no door behind the writing routes.
Reply no_door(const Call& call);
/// A refusal by the door; those that pass by themselves say when to come again.
Reply refused_by_door(const Error& error, std::string_view path);
/// "/api/v1/agents/<id>", encoded.
std::string agent_path(std::string_view id);
/// 404 that names near ids; used by every route of one agent.
Reply unknown_agent(const Asked& asked);
/// The same for routes that only read: of an agent that was forgotten it says when and why, and where its history is.
void answer_unknown(const Call& call, Answer answer);  // history.cpp

}  // namespace choregos::api
