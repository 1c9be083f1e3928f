// The files that another version of this program may have written, or will read: an example of each version of each of
// them lies in versions, as it was written then.
#include "replay/ticket.hpp"
#include "show/history.hpp"
#include "show/rehearsal.hpp"
#include "show/report.hpp"
#include "show/status.hpp"
#include "staging/journal.hpp"
#include "staging/memory.hpp"
#include "support/catch.hpp"
#include "support/requests.hpp"

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

using namespace patroni_pgbackrest;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

const fs::path here = fs::path(__FILE__).parent_path();

struct Kind {
    std::string name;
    std::string number;                              ///< the field that has its version
    unsigned first;                                  ///< 0: the first ones had none
    std::function<std::string(const Files&)> write;  ///< as it is written now
    std::function<bool(const fs::path&)> is_read;    ///< whether what is in it counts
    std::string refusal_of_newer{};                  ///< empty: it counts for nothing
    ExitCode code = ExitCode::unsafe;
};

/// What `save` puts into a file.
std::string saved(const Files& files, const std::function<void(const fs::path&)>& save) {
    save(files.path("saved"));
    return files.read("saved");
}

std::vector<Kind> kinds() {
    return {
        {"journal", "version", 0,
         [](const Files& files) { return saved(files, [](const fs::path& file) { Journal{}.save(file); }); },
         [](const fs::path& file) { return Journal::read(file).value().backup_set == "20261122-080000F"; },
         "the journal {} has version 2, and this program reads version 1 and older"},
        {"failure", "version", 0,
         [](const Files& files) { return saved(files, [](const fs::path& file) { EarlierFailure{}.save(file); }); },
         [](const fs::path& file) {
             const auto failure = EarlierFailure::read(file);
             return failure && failure->lasts && failure->in_a_row == 3;
         }},
        {"ticket", "version", 0, [](const Files&) { return Ticket{}.to_json(); },
         [](const fs::path& file) { return Ticket::from_json(system::read_file(file)).timeline.number == 1; },
         "patroni_pgbackrest.ticket has version 2, and this program reads version 1 and older",
         ExitCode::verification_failed},
        {"status", "schema", 1, [](const Files&) { return RunStatus{}.to_json(); },
         [](const fs::path& file) { return read_status(file).value().process.pid == 4711; },
         "the status file {} has schema 2, and this program reads schema 1 and older"},
        {"history", "schema", 1,
         [](const Files& files) { return saved(files, [](const fs::path& file) { add_to_history(file, {.at = 1}); }); },
         [](const fs::path& file) { return read_history(file).size() == 1; }},
        {"rehearsal", "version", 1, [](const Files&) { return Rehearsal{}.to_json().dump(); },
         [](const fs::path& file) { return read_rehearsals(file).size() == 1; }},
    };
}

unsigned current_version(const Kind& kind, const Files& files) {
    return Json::parse(kind.write(files)).at(kind.number).get<unsigned>();
}

fs::path example(const Kind& kind, unsigned version) {
    return here / "versions" / (kind.name + "-" + std::to_string(version) + ".json");
}

}  // namespace

TEST_CASE("each version of each file that was ever written is read") {
    for (const auto& kind : kinds()) {
        CAPTURE(kind.name);
        const Files files;
        for (auto version = kind.first; version <= current_version(kind, files); ++version) {
            CAPTURE(version);
            REQUIRE(fs::exists(example(kind, version)));
            const auto text = system::read_file(example(kind, version));
            CHECK(Json::parse(text).value(kind.number, 0U) == version);
            CHECK(kind.is_read(files.write("example", text)));
        }
    }
}

TEST_CASE("the example of the version that is written now has every field that is written") {
    for (const auto& kind : kinds()) {
        CAPTURE(kind.name);
        const Files files;
        const auto written = Json::parse(kind.write(files));
        const auto kept = Json::parse(system::read_file(example(kind, current_version(kind, files))));
        for (const auto& field : written.items()) {
            CAPTURE(field.key());
            CHECK(kept.contains(field.key()));
        }
    }
}

TEST_CASE("a file of a newer version is refused with a sentence, or counts for nothing where nothing rests on it") {
    for (const auto& kind : kinds()) {
        CAPTURE(kind.name);
        const Files files;
        const auto current = current_version(kind, files);
        auto newer = Json::parse(system::read_file(example(kind, current)));
        newer[kind.number] = current + 1;
        newer["of_tomorrow"] = true;
        const auto file = files.write("newer", newer.dump() + "\n");
        if (kind.refusal_of_newer.empty()) {
            CHECK_FALSE(kind.is_read(file));
        } else {
            auto refusal = kind.refusal_of_newer;
            if (const auto place = refusal.find("{}"); place != std::string::npos) {
                refusal.replace(place, 2, file.string());
            }
            const auto problems = problems_of(kind.code, [&] { kind.is_read(file); });
            REQUIRE(problems.size() == 1);
            CHECK(problems[0].message == refusal);
            CHECK_FALSE(problems[0].hint.empty());
        }
    }
}

TEST_CASE("the report, which only others read, has the number of its schema") {
    const auto schema =
        Json::parse(system::read_file(here.parent_path().parent_path().parent_path() / "docs" / "report.schema.json"));
    const auto report = Json::parse(Report("bootstrap").text(std::nullopt));
    CHECK(report.at("schema") == schema.at("properties").at("schema").at("const"));
}
