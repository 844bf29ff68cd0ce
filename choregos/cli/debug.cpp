// choregos debug FOLDER: what somebody who helps needs to see, in files, without secrets. Everything goes through redact(), and the files that
// hold tokens and keys are never opened (but for the token that asks, which is then known and taken out).
#include <sys/stat.h>
#include <sys/utsname.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <ostream>
#include <sstream>

#include "choregos/base/text.hpp"
#include "choregos/cli/redact.hpp"
#include "choregos/cli/verbs.hpp"
#include "choregos/wire/agent_json.hpp"
#include "choregos/wire/url.hpp"

namespace choregos::cli {
namespace {

constexpr std::size_t kTroubledMax = 20;  ///< agents whose evidence and history are told

class Bundle {
 public:
  Bundle(std::string folder, std::string token) : folder_(std::move(folder)), secrets_{std::move(token)} {}

  Result<void> make() const {
    if (::mkdir(folder_.c_str(), 0700) == 0) return {};
    if (errno == EEXIST) return fail(ErrorCode::conflict, folder_ + " exists; choose another name or remove it");
    return fail(ErrorCode::io, folder_ + " cannot be made: " + std::strerror(errno));
  }
  void add(const std::string& name, std::string_view text) {
    std::ofstream out(folder_ + "/" + name, std::ios::binary);
    out << redact(text, secrets_);
    out.close();
    if (!out) failed_ = name;
  }
  const std::string& failed() const { return failed_; }  ///< a file that could not be written; "" = none

 private:
  std::string folder_;
  std::vector<std::string> secrets_;
  std::string failed_;
};

std::string about_here(const Context& context) {
  std::ostringstream out;
  out << "choregos " << CHOREGOS_VERSION << "\nasked " << context.address << " (from " << context.address_from << "), token " << (context.token.empty() ? "not given" : "given") << "\n";
  utsname name{};
  if (::uname(&name) == 0) out << name.sysname << " " << name.release << " " << name.machine << "\n";
  return out.str();
}

}  // namespace

int debug(const Context& context, const DebugArguments& arguments, Streams s) {
  Bundle bundle(arguments.folder, context.token);
  if (const auto ok = bundle.make(); !ok) return report(context, ok.error(), s.err);
  bundle.add("client.txt", about_here(context));
  if (std::ifstream file(arguments.config); file) {
    std::ostringstream text;
    text << file.rdbuf();
    bundle.add("config.toml", text.str());
  }
  Client client = context.client();
  std::string problems;
  const std::pair<const char*, const char*> asked[] = {{"version.json", "/api/v1/version"},   {"healthz.json", "/healthz"},
                                                       {"readyz.json", "/readyz"},            {"metrics.txt", "/metrics"},
                                                       {"summary.json", "/api/v1/summary"},   {"sources.json", "/api/v1/sources"},
                                                       {"expected.json", "/api/v1/expected"}, {"capabilities.json", "/api/v1/capabilities"},
                                                       {"agents.json", "/api/v1/agents"}};
  std::string list;
  std::optional<Error> unreachable;
  for (const auto& [name, path] : asked) {
    const auto answer = client.get(path);
    if (!answer) {
      problems += std::string(path) + ": " + answer.error().message + "\n";
      unreachable = answer.error();
      if (answer.error().code == ErrorCode::unavailable) break;  // the others would only wait as long
      continue;
    }
    if (answer->status >= 400) problems += std::string(path) + ": status " + std::to_string(answer->status) + "\n";
    if (std::string_view(path) == "/api/v1/agents" && answer->status == 200) list = answer->body;
    bundle.add(name, answer->body);
  }
  std::string why, history;
  std::size_t told = 0;
  if (const auto fleet = wire::read_list(list); fleet)
    for (const auto& document : fleet->agents) {
      if (document.agent.liveness == Liveness::alive && !document.agent.conflict) continue;
      if (++told > kTroubledMax) break;
      const std::string path = "/api/v1/agents/" + wire::percent_encode(document.agent.id);
      if (const auto answer = client.get_raw(path + "/why")) why += *answer + "\n";
      if (const auto answer = client.get_raw(path + "/history")) history += *answer + "\n";
    }
  bundle.add("why.ndjson", why);
  bundle.add("history.ndjson", history);
  if (!problems.empty()) bundle.add("problems.txt", problems);
  if (!bundle.failed().empty()) return report(context, fail(ErrorCode::io, bundle.failed() + " could not be written to " + arguments.folder), s.err);
  s.out << arguments.folder << "\n";
  s.err << "look through it, then pack it: tar czf " << printable(arguments.folder) << ".tar.gz " << printable(arguments.folder) << "\n";
  return unreachable ? report(context, *unreachable, s.err) : 0;
}

}  // namespace choregos::cli
