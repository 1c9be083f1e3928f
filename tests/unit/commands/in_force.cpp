#include "commands/in_force.hpp"

#include "commands/arguments.hpp"
#include "support/catch.hpp"
#include "support/programs.hpp"
#include "support/requests.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::commands;

namespace {

const std::string lost_node =
    "scope: demo\n"
    "bootstrap:\n"
    "  method: pgbackrest\n"
    "  pgbackrest:\n"
    "    command: patroni_pgbackrest bootstrap\n"
    "    stanza: demo\n"
    "    recovery_conf: {restore_command: patroni_pgbackrest archive-get %f %p, recovery_target_action: promote}\n"
    "postgresql:\n"
    "  data_dir: /data\n"
    "  pg_hba: [local all all peer]\n";
const std::string another_command = R"({"postgresql":{"recovery_conf":{"restore_command":"cp /old/%f %p"}}})";

BootstrapArguments arguments_with(const Files& files, const std::string& text = lost_node) {
    return read_bootstrap_arguments(
        {"bootstrap", "--patroni-config=" + files.write("patroni.yml", text).string(), "--scope=demo"});
}

patroni::ScopeState holding(const std::string& json) {
    patroni::ScopeState state;
    state.initialize = patroni::InitializeKey::empty;
    state.configuration = json;
    return state;
}

/// A server that only listens: the kernel accepts, and nobody answers.
class SilentServer {
  public:
    SilentServer() {
        REQUIRE(::listen(file_, 16) == 0);  // the kernel chooses a port of 0.0.0.0
        sockaddr_in address{};
        socklen_t size = sizeof address;
        REQUIRE(::getsockname(file_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        name_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    }
    ~SilentServer() { ::close(file_); }
    SilentServer(const SilentServer&) = delete;
    SilentServer& operator=(const SilentServer&) = delete;

    const std::string& name() const { return name_; }

  private:
    int file_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::string name_;
};

}  // namespace

TEST_CASE("another configuration is one that the DCS holds and that was not judged") {
    const Files files;
    auto judged = arguments_with(files);
    CHECK(is_another(judged, holding(another_command)));
    CHECK_FALSE(is_another(judged, holding("")));
    CHECK_FALSE(is_another(judged, patroni::ScopeState()));
    judged.source.dcs.json = another_command;
    CHECK_FALSE(is_another(judged, holding(another_command)));
    CHECK(is_another(judged, holding("{}")));
    // A Patroni that runs keeps it when the key is gone.
    CHECK_FALSE(is_another(judged, holding("")));
    CHECK_FALSE(is_another(BootstrapArguments(), holding(another_command)));
}

TEST_CASE("what the DCS tells later is judged as it would have been before") {
    const Files files;
    const Programs programs(files);
    const auto go = files.path("go").string();
    files.write("answer",
                "[]\nempty\n" + another_command +
                    "\n{\"last_lsn\": 0, \"sync\": [], \"failsafe\": [], \"failover\": false, \"renewed\": \"\", "
                    "\"leader\": \"\", \"ended\": []}\n-\n");
    programs.patronictl("#!/bin/sh\necho asks the DCS >&2\nuntil [ -e " + go +
                        " ]; do /bin/sleep 0.1; done\n/bin/cat " + files.path("answer").string() + "\n");
    const auto given = arguments_with(files);
    InForce in_force(given);
    CHECK_FALSE(in_force.hear());
    CHECK(in_force.silence() == patroni::Silence::may_end);  // its servers are not known
    auto request = make_request(in_force.arguments().options, in_force.arguments().patroni);
    CHECK_FALSE(judge_again(in_force, request));
    files.write("go", "");
    in_force.hear_out();
    CHECK(in_force.arguments().source.dcs.json == another_command);
    const auto refused = problems_of(ExitCode::usage, [&] { judge_again(in_force, request); });
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].place == "/config in the DCS, postgresql.recovery_conf.restore_command");
    CHECK(refused[0].hint.find("patronictl edit-config demo --force -s "
                               "postgresql.recovery_conf.restore_command=null takes it out of the DCS") !=
          std::string::npos);
    // The same again is no other one, and a question that has an answer is not asked anew.
    CHECK_FALSE(in_force.take(holding(another_command)));
    CHECK_FALSE(in_force.hear());
}

TEST_CASE("a DCS that has not said a word is away if it is silent once more, but not for resume") {
    const Files files;
    const Programs programs(files);  // none, so that nothing is waited for
    const SilentServer server;
    auto given = arguments_with(files, lost_node + "etcd3: {hosts: '" + server.name() + "'}\n");
    InForce in_force(given);
    CHECK(in_force.silence() == patroni::Silence::is_away);
    in_force.hear_out();
    patroni::ScopeState unknown;
    unknown.leadership.why_unknown = "nothing answers";
    CHECK_FALSE(in_force.take(unknown));
    CHECK(in_force.silence() == patroni::Silence::is_away);
    CHECK_FALSE(in_force.take(holding("")));
    CHECK(in_force.silence() == patroni::Silence::may_end);
    given.patroni_goes_on = true;
    CHECK(InForce(given).silence() == patroni::Silence::may_end);
}
