#include "checks/review_server_files.hpp"

#include "checks/checks.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "system/file.hpp"

#include <utility>

using namespace patroni_pgbackrest;

namespace {

/// A request for files' `data`, and a `postgres` that says what `answer`, a shell script's lines, says.
struct Case {
    explicit Case(const std::string& answer) {
        request.data_directory = files.path("data");
        request.patroni.emplace();
        request.patroni->data_directory = patroni::Value{request.data_directory.string(), "patroni.yml:1"};
        system::replace_file(files.path("postgres"), "#!/bin/sh\n" + answer, 0700);
    }
    std::vector<std::string> found() {
        std::vector<std::string> said;
        for (const auto& finding : review_server_file(request, files.path(""), file)) {
            CHECK(is_error(finding));
            CHECK_FALSE(finding.problem.hint.empty());
            said.push_back(finding.id + ": " + finding.problem.message);
        }
        return said;
    }

    const Files files;
    Request request;
    std::filesystem::path file = files.path("postgresql.conf");
};

/// A shell script's line that says this of a place below the script's own directory.
std::string says_not_opened(const std::string& place) {
    return "echo \"LOG:  could not open configuration file \\\"${0%/*}/" + place + "\\\": No such file\" >&2; exit 1\n";
}

}  // namespace

TEST_CASE("a data_directory that is not PGDATA is an error, wherever it is in force") {
    Case of("echo /elsewhere\n");
    const auto data = of.request.data_directory.string();
    const auto file = of.files.path("postgresql.conf").string();
    CHECK(of.found() == std::vector<std::string>{"data-directory-setting: data_directory is '/elsewhere' in " + file +
                                                 ": PostgreSQL would serve what is there, and not " + data});
    // Patroni's own parameters come behind the file.
    of.request.patroni->parameter_data_directory = patroni::Value{data + "/", "patroni.yml:9"};
    CHECK(of.found().empty());
    of.request.patroni->parameter_data_directory->text = "/third";
    CHECK(of.found() ==
          std::vector<std::string>{"data-directory-setting: data_directory is '/third' in postgresql.parameters: "
                                   "PostgreSQL would serve what is there, and not " +
                                   data});
    CHECK(review_server_file(of.request, of.files.path(""), std::nullopt).size() == 1);
}

TEST_CASE("what PostgreSQL refuses is an error unless Patroni sets the same, or the place comes with the copy") {
    Case of("echo 'LOG:  invalid value for parameter \"lc_messages\": \"xx\"' >&2; exit 1\n");
    CHECK(of.found() == std::vector<std::string>{"configuration-refused: PostgreSQL would not start with " +
                                                 of.files.path("postgresql.conf").string() +
                                                 ": invalid value for parameter \"lc_messages\": \"xx\""});
    of.request.patroni->written_parameters = {"lc_messages"};
    CHECK(of.found().empty());
    of.request.patroni.reset();  // nobody knows which file a person starts with
    CHECK(of.found().empty());

    CHECK(Case(says_not_opened("data/more.conf")).found().empty());
}

TEST_CASE("what is missing beside a backup of config_dir's file is looked for there, and not beside it") {
    Case of(says_not_opened("data.restoring/conf.d"));
    of.file = of.files.path("data.restoring/postgresql.base.conf");
    CHECK(of.found().size() == 1);
    of.file += ".backup";
    CHECK(of.found().empty());

    Case value("echo \"LOG:  invalid value for parameter \\\"TimeZone\\\": \\\"x\\\"\" >&2; exit 1\n");
    value.file = of.file;
    CHECK(value.found().size() == 1);
}

TEST_CASE("a file of the copy is none that comes later, where staging is in PGDATA") {
    for (const auto& [place, findings] :
         {std::pair("data/.restoring/more.conf", 1U), std::pair("data/more.conf", 0U)}) {
        Case of(says_not_opened(place));
        of.file = of.files.path("data/.restoring/postgresql.conf");
        CHECK(of.found().size() == findings);
    }
}

TEST_CASE("what names the lost cluster's directory is taken out of the copy's own file, and nothing else") {
    Case of("exit 3\n");
    const auto copy = of.files.path("data.restoring");
    std::filesystem::create_directory(copy);
    const auto rest = [&](const std::string& text) {
        of.files.write("data.restoring/postgresql.conf", text);
        take_out_data_directory(of.request, copy);
        return system::read_file(copy / "postgresql.conf");
    };
    CHECK(rest("a = 1\nData_Directory '/old' # here\nb = 2\n") == "a = 1\nb = 2\n");
    CHECK(rest("#data_directory = '/old'\n") == "#data_directory = '/old'\n");
    const auto own = "data_directory = '" + of.request.data_directory.string() + "/'\n";
    CHECK(rest(own) == own);
    of.request.patroni.reset();
    CHECK(rest("data_directory = '/old'\n").empty());
}
