#include "commands/dcs_in_force.hpp"

#include "commands/arguments.hpp"
#include "commands/configured_in_dcs.hpp"
#include "plan/living_source.hpp"
#include "support/catch.hpp"
#include "support/requests.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::commands;

namespace {

const std::string lost_node = "scope: demo\n"
                              "bootstrap:\n"
                              "  method: pgbackrest\n"
                              "  pgbackrest:\n"
                              "    command: patroni_pgbackrest bootstrap\n"
                              "    stanza: demo\n"
                              "  dcs:\n"
                              "    postgresql:\n"
                              "      parameters: {archive_mode: 'off'}\n"
                              "postgresql:\n"
                              "  data_dir: /data\n"
                              "  pg_hba: [local all all peer]\n";

const std::string archives = R"({"postgresql":{"parameters":{"archive_mode":"on",)"
                             R"("archive_command":"pgbackrest --stanza=demo archive-push %p"}}})";

BootstrapArguments arguments_with(const Files& files, const std::string& text = lost_node,
                                  const std::string& scope = "--scope=demo") {
    return read_bootstrap_arguments(
        {"bootstrap", "--patroni-config=" + files.write("patroni.yml", text).string(), scope});
}

patroni::ScopeState holding(const std::string& json, patroni::InitializeKey key = patroni::InitializeKey::empty) {
    patroni::ScopeState state;
    state.initialize = key;
    state.configuration = json;
    return state;
}

bool would_archive(const BootstrapArguments& arguments) {
    return would_archive_into(make_request(arguments.options, arguments.patroni));
}

}  // namespace

TEST_CASE("the scope is that of the command line, else that of patroni.yml") {
    const Files files;
    CHECK(scope_of(arguments_with(files, lost_node, "--scope=other")) == "other");
    CHECK(scope_of(arguments_with(files, lost_node, "--datadir=/data")) == "demo");
    CHECK(scope_of({}).empty());
}

TEST_CASE("whether the cluster archives is what the DCS says, where it holds a configuration") {
    const Files files;
    const auto given = arguments_with(files);
    CHECK_FALSE(would_archive(given));
    CHECK_FALSE(would_archive(with_dcs(given, patroni::ScopeState())));
    CHECK_FALSE(would_archive(with_dcs(given, holding(""))));
    const auto in_force = with_dcs(given, holding(archives));
    CHECK(would_archive(in_force));
    CHECK(in_force.source.dcs.edit == "patronictl edit-config demo --force");
    // Asked again, there is none any more, or no answer.
    CHECK_FALSE(would_archive(with_dcs(in_force, holding(""))));
    CHECK(would_archive(with_dcs(in_force, patroni::ScopeState())));
    CHECK_FALSE(with_dcs({}, holding(archives)).patroni);
}

TEST_CASE("in patroni mode a restore_command in the DCS that is not the guard's is refused with what takes it out") {
    const Files files;
    auto text = lost_node;
    text.insert(text.find("  dcs:\n"), "    recovery_conf: {restore_command: patroni_pgbackrest archive-get %f %p, "
                                       "recovery_target_action: promote}\n");
    const auto given = arguments_with(files, text);
    const auto refused = [&](const std::string& json) {
        const auto arguments = with_dcs(given, holding(json));
        return problems_of(ExitCode::usage, [&] { make_request(arguments.options, arguments.patroni); });
    };
    CHECK(refused(archives) == Problems{});
    CHECK(refused(R"({"postgresql":{"recovery_conf":{"restore_command":"patroni_pgbackrest archive-get %f %p"}}})") ==
          Problems{});
    CHECK(refused(R"({"postgresql":{"recovery_conf":{"restore_command":"cp /old/%f %p"}}})") ==
          Problems{{"another restore_command than the guard's would replay after a restart of Patroni",
                    "remove it, or make it the guard's: patroni_pgbackrest archive-get %f %p; patronictl edit-config "
                    "demo --force -s postgresql.recovery_conf.restore_command=null takes it out of the DCS, and -s "
                    "KEY=VALUE sets a key there",
                    "/config in the DCS, postgresql.recovery_conf.restore_command"}});
    const auto other =
        with_dcs(given, holding(R"({"postgresql":{"recovery_conf":{"restore_command":"cp /old/%f %p"}}})"));
    CHECK(make_request_in_any_mode(other.options, other.patroni).recovery == Recovery::patroni);
    CHECK(refused(R"({"postgresql":{"custom_conf":"own.conf"}})").front().place ==
          "/config in the DCS, postgresql.custom_conf");
}

TEST_CASE("of an initialised scope check judges what counts once it is taken out of the DCS") {
    using enum patroni::InitializeKey;
    CHECK(at_bootstrap(holding(archives, initialized)).configuration.empty());
    for (const auto key : {absent, empty}) {
        CHECK(at_bootstrap(holding(archives, key)).configuration == archives);
    }
}

TEST_CASE("where the commands of the DCS name another stanza it has to be given") {
    const auto problems = [](const std::string& json) {
        return problems_of(ExitCode::usage, [&] { require_stanza_of_dcs({json, "edit"}, "old"); });
    };
    CHECK(problems("") == Problems{});
    CHECK(problems("[]") == Problems{});
    CHECK(problems(R"({"postgresql":{"parameters":{"archive_command":"cp %p /archive","restore_command":7}}})") ==
          Problems{});
    CHECK(problems(R"({"postgresql":{"parameters":{"archive_command":"pgbackrest --stanza=old archive-push %p"}}})") ==
          Problems{});
    for (const std::string key : {R"("parameters":{"archive_command")", R"("parameters":{"restore_command")",
                                  R"("recovery_conf":{"restore_command")"}) {
        CAPTURE(key);
        const auto found = problems(R"({"postgresql":{)" + key + R"(:"pgbackrest --stanza=new archive-push %p"}}})");
        REQUIRE(found.size() == 1);
        CHECK(found[0].message.ends_with("names stanza new, and the restore's is old"));
        CHECK(found[0].hint == "name this cluster's with --stanza");
    }
}
