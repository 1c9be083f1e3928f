#include "show/history.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("the history keeps what the last ten restores took, oldest first") {
    const Files files;
    const auto file = files.path("data.restores.json");
    CHECK(read_history(file).empty());
    for (int number = 1; number <= 12; ++number) {
        add_to_history(file,
                       {.at = number, .bytes = 1000, .segments = 7, .segment_size = 16, .seconds = {{"copy", 1.5}}});
    }
    const auto runs = read_history(file);
    REQUIRE(runs.size() == 10);
    CHECK(runs.front().at == 3);
    CHECK(runs.back() ==
          MeasuredRun{.at = 12, .bytes = 1000, .segments = 7, .segment_size = 16, .seconds = {{"copy", 1.5}}});
    CHECK(system::entries(files.path()) == std::vector<std::string>{"data.restores.json"});
}

TEST_CASE("a history that is damaged, or a later program's, counts as none, and the next restore begins another") {
    const Files files;
    for (const std::string text : {"", "{", "[]", R"({"schema": 2, "runs": []})",
                                   R"({"schema": 1, "runs": [{"at": "x"}]})", R"({"schema": 1, "runs": 5})",
                                   R"({"schema": 1, "runs": [{"at": 1, "bytes": -1, "segments": 1, "segment_size": 1,
                                       "seconds": {}}]})",
                                   R"({"schema": 1, "runs": [{"at": 1.76e58, "bytes": 1, "segments": 1,
                                       "segment_size": 1, "seconds": {}}]})",
                                   R"({"schema": 1, "runs": [{"at": 1, "bytes": 1, "segments": 1, "segment_size": 1,
                                       "seconds": {"copy": -1}}]})",
                                   R"({"schema": 1, "runs": [{"at": 1, "bytes": 1, "segments": 1, "segment_size": 1,
                                       "seconds": {"copy": 1e300}}]})"}) {
        CAPTURE(text);
        const auto file = files.write("data.restores.json", text);
        CHECK(read_history(file).empty());
        add_to_history(file, {.at = 5, .bytes = 1});
        CHECK(read_history(file).size() == 1);
    }
    CHECK(problems_of(ExitCode::system_refused, [&] { add_to_history(files.path("away/x"), {.at = 5}); }).size() == 1);
}
