#include "plan/living_source.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"
#include "yaml/tree.hpp"

using namespace patroni_pgbackrest;

namespace {

Request archiving(bool on, const std::optional<std::string>& command) {
    Request request;
    request.pgbackrest.stanza = "demo";
    request.patroni.emplace();
    request.patroni->archiving.is_on = on;
    if (command) {
        request.patroni->archiving.command = patroni::Value{*command, "patroni.yml:9"};
    }
    return request;
}

}  // namespace

TEST_CASE("a restored cluster may archive into its own stanza unless patroni.yml says otherwise") {
    CHECK(would_archive_into(archiving(true, "pgbackrest --stanza=demo archive-push %p")));
    CHECK(would_archive_into(archiving(true, "pgbackrest --stanza demo archive-push \"%p\"")));
    CHECK(would_archive_into(archiving(true, "bash -c 'pgbackrest --stanza=demo archive-push %p'")));
    CHECK(would_archive_into(
        archiving(true, "pgbackrest --stanza=demo archive-push %p && pgbackrest --stanza=other archive-push %p")));
    CHECK(
        would_archive_into(archiving(true, "pgbackrest --stanza=other archive-push %p && pgbackrest archive-push %p")));
    CHECK(would_archive_into(archiving(true, "bash -c 'S=demo; pgbackrest --stanza=$S archive-push %p'")));
    CHECK(would_archive_into(archiving(true, "pgbackrest archive-push %p")));
    CHECK(would_archive_into(archiving(true, "/opt/push.sh %p")));
    CHECK_FALSE(would_archive_into(archiving(true, "pgbackrest --stanza=other archive-push %p")));
    CHECK_FALSE(would_archive_into(archiving(true, " ")));
    CHECK(would_archive_into(archiving(true, std::nullopt)));
    auto off = archiving(false, "pgbackrest --stanza=demo archive-push %p");
    CHECK(would_archive_into(off));  // archive_mode is as in the backup
    off.patroni->archiving.mode = patroni::Value{"off", "patroni.yml:8"};
    CHECK_FALSE(would_archive_into(off));
    Request alone;
    CHECK(would_archive_into(alone));
}

TEST_CASE("a restored cluster archives as the backup does where Patroni writes nothing") {
    const auto would = [](const std::string& parameters) {
        Request request;
        request.pgbackrest.stanza = "demo";
        const auto tree = yaml::parse("postgresql: {parameters: {" + parameters + "}}\n", "patroni.yml");
        request.patroni = patroni::configuration_in(*tree, "patroni.yml");
        return would_archive_into(request);
    };
    CHECK(would("archive_command: ~"));
    CHECK(would("archive_mode: ~"));
    CHECK(would("archive_mode: enabled"));
    CHECK_FALSE(would("archive_command: ''"));
    CHECK_FALSE(would("archive_mode: off"));
}

TEST_CASE("what ALTER SYSTEM said of the source hides patroni.yml") {
    using Settings = std::vector<postgres::Setting>;
    const auto elsewhere = archiving(true, "pgbackrest --stanza=other archive-push %p");
    const Settings into{{"archive_command", "pgbackrest --stanza=demo archive-push %p"}};
    CHECK(would_archive_into(elsewhere, into));
    CHECK(archiving_to_reset(elsewhere, into) == std::vector<std::string>{"archive_command"});
    CHECK_FALSE(would_archive_into(elsewhere, {{"work_mem", "1GB"}}));
    CHECK(archiving_to_reset(elsewhere, {{"work_mem", "1GB"}}).empty());
    CHECK_FALSE(would_archive_into(archiving(true, into[0].value), {{"archive_mode", "off"}}));
    CHECK(archiving_to_reset(archiving(true, into[0].value), into).empty());
    auto off = archiving(false, into[0].value);
    off.patroni->archiving.mode = patroni::Value{"off", "patroni.yml:8"};
    CHECK(archiving_to_reset(off, {{"archive_mode", "on"}}) == std::vector<std::string>{"archive_mode"});
    CHECK(archiving_to_reset(elsewhere, {{"archive_library", "basic_archive"}}) ==
          std::vector<std::string>{"archive_library"});
}

TEST_CASE("a source that is alive is refused, unless it is fenced or the restored cluster archives elsewhere") {
    auto request = archiving(true, "pgbackrest --stanza=demo archive-push %p");
    CHECK(problems_of(ExitCode::unsafe, [&] { refuse_living_source(request, "00000001000000000000000A"); }) ==
          Problems{{"00000001000000000000000A has arrived in stanza demo since the restore began: the old cluster is "
                    "alive, and the restored one would destroy its archive by archiving into the same stanza",
                    "stop the old cluster, or give the restored one an archive_command with a stanza of its own, and "
                    "run it again: the staging directory is kept; `source: fenced` says that it cannot come back"}});
    request.patroni->dcs_edit = "patronictl edit-config demo --force";
    request.patroni->archiving.command->place = "/config in the DCS, postgresql.parameters.archive_command";
    CHECK(
        problems_of(ExitCode::unsafe, [&] { refuse_living_source(request, "x"); })
            .front()
            .hint.ends_with("; patronictl edit-config demo --force -s postgresql.parameters.archive_command=null takes "
                            "it out of the DCS, and -s KEY=VALUE sets a key there"));
    request.source_is_fenced = true;
    CHECK_NOTHROW(refuse_living_source(request, "00000001000000000000000A"));
    CHECK_NOTHROW(refuse_living_source(archiving(true, "pgbackrest --stanza=b archive-push %p"), "x"));
}

TEST_CASE("source takes nothing but fenced") {
    CHECK(request_for({{"source", "fenced"}}).source_is_fenced);
    CHECK_FALSE(request_for({}).source_is_fenced);
    CHECK(refusals({{"source", "dead"}}) ==
          Problems{{"'dead' says nothing about the source",
                    "write fenced when the old cluster cannot come back, or leave source out", "--source"}});
}
