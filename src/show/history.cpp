#include "show/history.hpp"

#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/text.hpp"
#include "system/whole_number.hpp"

#include <nlohmann/json.hpp>

namespace patroni_pgbackrest {

namespace {

constexpr unsigned history_schema = 1;
constexpr std::size_t most_runs = 10;
/// Of a phase, in a file that is not damaged; with more of them an estimate would be no number.
constexpr double most_measured = 1e9;

MeasuredRun read_run(const nlohmann::json& content) {
    using system::whole_number;
    MeasuredRun run{whole_number<std::int64_t>(content.at("at")), whole_number<std::uint64_t>(content.at("bytes")),
                    whole_number<std::uint64_t>(content.at("segments")),
                    whole_number<std::uint64_t>(content.at("segment_size")),
                    content.at("seconds").get<std::map<std::string, double>>()};
    for (const auto& [phase, seconds] : run.seconds) {
        if (!(seconds >= 0 && seconds <= most_measured)) {
            throw nlohmann::json::other_error::create(501, phase + " took no time that a restore takes", nullptr);
        }
    }
    return run;
}

}  // namespace

std::vector<MeasuredRun> read_history(const std::filesystem::path& file) {
    std::vector<MeasuredRun> runs;
    try {
        const auto text = system::read_file_if_present(file);
        const auto content = nlohmann::json::parse(text.value_or("{}"));
        const auto schema = system::whole_number<unsigned>(content.at("schema"));
        if (schema > history_schema) {
            log::warning("{}: it counts for nothing",
                         system::newer_file(file.string(), "schema", schema, history_schema));
        } else {
            for (const auto& run : content.at("runs")) {
                runs.push_back(read_run(run));
            }
        }
    } catch (const nlohmann::json::exception&) {
        return {};
    } catch (const Failure&) {
        return {};
    }
    return runs;
}

void add_to_history(const std::filesystem::path& file, const MeasuredRun& run) {
    auto runs = read_history(file);
    runs.push_back(run);
    if (runs.size() > most_runs) {
        runs.erase(runs.begin(), runs.end() - most_runs);
    }
    auto list = nlohmann::json::array();
    for (const auto& each : runs) {
        list.push_back({{"at", each.at},
                        {"bytes", each.bytes},
                        {"segments", each.segments},
                        {"segment_size", each.segment_size},
                        {"seconds", each.seconds}});
    }
    const nlohmann::json content{{"schema", history_schema}, {"runs", list}};
    system::replace_file(file, content.dump(2) + "\n", 0644);
}

}  // namespace patroni_pgbackrest
