#include "commands/rehearsal_settings.hpp"

#include "commands/preflight.hpp"
#include "replay/probes.hpp"
#include "show/rehearsal.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <random>
#include <system_error>

namespace patroni_pgbackrest::commands {

namespace {

constexpr std::uint64_t default_memory = 512ULL << 20;
constexpr std::uint64_t default_disk_floor = 1ULL << 30;
/// With the socket's own name it may have 107 bytes.
constexpr std::size_t longest_kept_directory = 90;

/// Of this node's restore, and none of a rehearsal's.
constexpr auto of_the_node = std::to_array<std::string_view>(
    {"recovery", "tablespace-map", "tablespace-map-all", "link-map", "link-all", "reuse-data", "source", "report",
     "process-max", "preload", "replay-setting", "write-back"});

/// Of a target.
constexpr auto of_the_target =
    std::to_array<std::string_view>({"type", "target", "set", "target-timeline", "nearest", "target-exclusive"});

bool is_place_option(std::string_view name) {
    return name == "tablespace-map" || name == "tablespace-map-all" || name == "link-map" || name == "link-all";
}

/// Why one of them is refused on the command line; empty when it may be given.
std::string_view why_refused(std::string_view option) {
    if (is_place_option(option)) {
        return "leave it out: tablespaces and links are restored into the scratch directory";
    }
    if (option == "recovery" || option == "archive-mode") {
        return "leave it out: a private server replays, and archives nothing";
    }
    if (option == "reuse-data" || option == "source") {
        return "leave it out: a rehearsal copies from the repository, and hands nothing over";
    }
    return {};
}

bool is_of_the_node(std::string_view name) {
    return std::find(of_the_node.begin(), of_the_node.end(), name) != of_the_node.end();
}

bool has_option(const std::vector<GivenOption>& options, std::string_view name) {
    return std::any_of(options.begin(), options.end(), [&](const GivenOption& option) { return option.name == name; });
}

std::uint64_t read_bytes(const std::string& text, const char* option, std::uint64_t otherwise,
                         std::vector<Problem>& problems) {
    if (text.empty()) {
        return otherwise;
    }
    const auto bytes = bytes_in_words(text);
    if (!bytes) {
        problems.push_back({fmt::format("'{}' is not a size", text), "write it as 512MB or 2GB", option});
    }
    return bytes.value_or(otherwise);
}

std::optional<std::uint64_t> read_seed(const RehearseArguments& arguments, const std::vector<GivenOption>& options,
                                       std::vector<Problem>& problems) {
    if (!arguments.random) {
        if (!arguments.seed.empty()) {
            problems.push_back({"a seed chooses a random moment", "give random as well, or leave seed out", "--seed"});
        }
        return std::nullopt;
    }
    for (const auto name : of_the_target) {
        if (has_option(options, name)) {
            problems.push_back({fmt::format("random chooses the target, and {} says another", name),
                                "leave one of the two out", fmt::format("--{}", name)});
        }
    }
    const auto seed = system::number(arguments.seed);
    if (!arguments.seed.empty() && !seed) {
        problems.push_back({fmt::format("'{}' is not a seed", arguments.seed), "use a whole number", "--seed"});
    }
    return arguments.seed.empty() ? std::optional<std::uint64_t>(std::random_device()()) : seed;
}

/// With the links resolved, as the server's socket will have it.
std::size_t length_of(const std::string& directory) {
    std::error_code error;
    const auto resolved = std::filesystem::weakly_canonical(std::filesystem::absolute(directory), error);
    return error ? directory.size() : resolved.string().size();
}

std::vector<Problem> problems_of_options(const RehearseArguments& arguments, const std::vector<GivenOption>& options) {
    std::vector<Problem> problems;
    for (const auto& option : options) {
        if (const auto why = why_refused(option.name); !why.empty()) {
            problems.push_back(
                {fmt::format("{} is no option of a rehearsal", option.name), std::string(why), "--" + option.name});
        }
    }
    if (arguments.scratch.empty()) {
        problems.push_back({"no scratch directory is given",
                            "name one that is empty or not there, on a disk with room for the cluster", "--scratch"});
    } else if (arguments.keep && length_of(arguments.scratch) > longest_kept_directory) {
        problems.push_back({"the path of the scratch directory is too long for a server's socket",
                            fmt::format("use one of at most {} bytes, or leave keep out", longest_kept_directory),
                            "--scratch"});
    }
    return problems;
}

std::vector<postgres::Probe> probes_of(const BootstrapArguments& given) {
    std::vector<std::string> words;
    for (const auto& option : given.options) {
        if (option.name == "probe") {
            words.push_back(option.value);
        }
    }
    return read_probes(words, given.patroni);
}

std::optional<std::filesystem::path> data_directory_of_node(const BootstrapArguments& given) {
    for (const auto& option : given.options) {
        if (option.name == "datadir") {
            return std::filesystem::absolute(option.value);
        }
    }
    const bool is_known = given.patroni && given.patroni->data_directory;
    return is_known ? std::optional<std::filesystem::path>(given.patroni->data_directory->text) : std::nullopt;
}

/// What make_request() is given: the scratch directory stands for the data directory until it is taken.
std::vector<GivenOption> options_for_request(const BootstrapArguments& given, const std::string& scratch) {
    auto options = given.options;
    std::erase_if(options, [](const GivenOption& option) { return option.name == "datadir"; });
    options.push_back({"datadir", scratch.empty() ? "scratch" : scratch});
    return options;
}

bool leaves_databases_out(const Request& request) {
    const auto& options = request.restore_options;
    return std::any_of(options.begin(), options.end(),
                       [](const pgbackrest::Option& option) { return option.name.starts_with("db-"); });
}

/// patroni.yml as a rehearsal reads it: the private server replays, whatever recovery_conf says, and where this node's
/// restore puts its files, or its report, and which libraries it loads, does not count.
patroni::Configuration configuration_for_rehearsal(patroni::Configuration patroni) {
    if (patroni.method) {
        patroni.method->recovery_conf.reset();
        std::erase_if(patroni.method->entries,
                      [](const patroni::BlockEntry& entry) { return is_of_the_node(entry.key); });
    }
    return patroni;
}

}  // namespace

std::optional<std::uint64_t> bytes_in_words(std::string_view text) {
    constexpr std::string_view units = "KMGTP";
    auto word = system::lower(system::trim(text));
    if (word.ends_with('b')) {
        word.pop_back();
    }
    double factor = 1;
    if (!word.empty() && system::lower(units).find(word.back()) != std::string::npos) {
        factor = std::pow(1024.0, static_cast<double>(system::lower(units).find(word.back()) + 1));
        word.pop_back();
    }
    const bool is_plain = !word.empty() && word.find_first_not_of("0123456789.") == std::string::npos &&
                          std::count(word.begin(), word.end(), '.') <= 1 && word != ".";
    const auto bytes = is_plain ? std::strtod(word.c_str(), nullptr) * factor : 0;
    constexpr double most = 9e18;
    return is_plain && bytes < most ? std::optional(static_cast<std::uint64_t>(bytes)) : std::nullopt;
}

RehearsalSettings rehearsal_settings(const RehearseArguments& arguments, const BootstrapArguments& given) {
    RehearsalSettings settings;
    auto problems = problems_of_options(arguments, given.options);
    settings.seed = read_seed(arguments, given.options, problems);
    settings.disk_floor = read_bytes(arguments.disk_floor, "--disk-floor", default_disk_floor, problems);
    const auto memory = read_bytes(arguments.memory, "--memory", default_memory, problems);
    settings.bandwidth = read_bytes(arguments.bandwidth, "--bandwidth", 0, problems);
    if (bytes_in_words(arguments.bandwidth) == 0U) {
        problems.push_back({fmt::format("'{}' would let nothing be read or written", arguments.bandwidth),
                            "write it as 50MB; for no limit leave it out", "--bandwidth"});
    }
    const auto patroni = given.patroni ? std::optional(configuration_for_rehearsal(*given.patroni)) : std::nullopt;
    try {
        settings.request = make_request(options_for_request(given, arguments.scratch), patroni);
    } catch (const Failure& failure) {
        if (failure.code() != ExitCode::usage) {
            throw;
        }
        problems.insert(problems.end(), failure.problems().begin(), failure.problems().end());
    }
    if (arguments.dump && leaves_databases_out(settings.request)) {
        problems.push_back({"a database that db-include or db-exclude leaves out cannot be dumped",
                            "rehearse without the one or the other", "--dump"});
    }
    if (!problems.empty()) {
        throw Failure(ExitCode::usage, problems);
    }
    auto& request = settings.request;
    settings.bin_directory = configured_binaries(request);
    settings.patroni = given.patroni;
    settings.source = given.source;
    request.patroni.reset();  // nothing of Patroni is asked or touched
    request.memory = memory;
    if (!has_option(given.options, "process-max")) {
        request.processes = 1;
    }
    if (settings.seed) {
        const auto set = request.backup_set;  // the block's, which may say which of two clusters is meant
        request = for_latest(request);
        request.backup_set = set;
    }
    settings.scratch = arguments.scratch;
    settings.data_directory = data_directory_of_node(given);
    settings.history = history_of(given);
    settings.probes = probes_of(given);
    return settings;
}

std::vector<GivenOption> options_of_node(const BootstrapArguments& given) {
    auto options = given.options;
    std::erase_if(options, [](const GivenOption& option) {
        const bool is_of_target =
            std::find(of_the_target.begin(), of_the_target.end(), option.name) != of_the_target.end();
        return is_of_target || is_of_the_node(option.name) || option.name == "probe" || option.name == "datadir";
    });
    if (const auto directory = data_directory_of_node(given)) {
        options.push_back({"datadir", directory->string()});
    }
    return options;
}

std::optional<Problem> place_outside(const Request& request, const std::vector<pgbackrest::BackupTarget>& targets) {
    const auto scratch = request.scratch.value_or(std::filesystem::path());
    for (const auto& target : pgbackrest::restored_targets(targets, request.restore_options, request.data_directory)) {
        if (!system::lies_in(target.place, scratch / "tablespaces") || target.place.filename().empty() ||
            target.place == scratch / "tablespaces") {
            return Problem{fmt::format("{} would be restored to {}, and a rehearsal writes in {}", target.files,
                                       target.place.string(), scratch.string()),
                           "a tablespace's name leads out of there: rename it, and make a backup"};
        }
    }
    return std::nullopt;
}

Request for_latest(Request request) {
    request.target = RecoveryTarget{Latest{}};
    request.backup_set.reset();
    request.timeline.reset();
    request.nearest = false;
    return request;
}

bool is_for_latest(const Request& request) {
    return request.target.is_latest() && !request.backup_set && !request.timeline;
}

Request in_scratch(Request request, const std::filesystem::path& scratch, const std::filesystem::path& data_directory,
                   const std::filesystem::path& tablespaces) {
    request.scratch = scratch;
    request.data_directory = data_directory;
    auto& options = request.restore_options;
    std::erase_if(options, [](const pgbackrest::Option& option) { return is_place_option(option.name); });
    options.push_back({"tablespace-map-all", tablespaces.string()});
    return request;
}

std::filesystem::path history_of(const BootstrapArguments& given) {
    return rehearsals_path(given.options, given.patroni).value_or(usual_rehearsals_file());
}

}  // namespace patroni_pgbackrest::commands
