#include "replay/in_vain.hpp"

#include "postgres/configuration.hpp"
#include "replay/ticket.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <array>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// As PostgreSQL's log_directory says; Patroni writes the settings of patroni.yml into postgresql.conf.
fs::path log_directory_in(const fs::path& data_directory) {
    fs::path directory = "log";
    const auto content = system::read_file_if_present(data_directory / "postgresql.conf");
    for (const auto& setting : postgres::settings_of(content.value_or(""))) {
        if (system::lower(setting.name) == "log_directory" && !setting.value.empty()) {
            directory = setting.value;
        }
    }
    return data_directory / directory;
}

/// When it was written to last, in seconds since 1970; 0 when there is no such file.
std::int64_t written_at(const fs::path& file) {
    struct stat facts {};
    return ::stat(file.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) ? facts.st_mtime : 0;
}

/// Of those written to since then.
std::optional<fs::path> newest_file_in(const fs::path& directory, std::int64_t since) {
    std::optional<fs::path> newest;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
        const auto at = written_at(entry.path());
        if (at >= since && (!newest || at > written_at(*newest))) {
            newest = entry.path();
        }
    }
    return newest;
}

std::string last_words_since(std::int64_t since, const fs::path& data_directory,
                             const std::optional<patroni::Configuration>& patroni) {
    auto file = newest_file_in(log_directory_in(data_directory), since);
    auto words = file ? last_error_in(*file) : std::string();
    if (words.empty() && patroni && patroni->log_directory) {
        file = fs::path(patroni->log_directory->text) / "patroni.log";
        words = written_at(*file) >= since ? last_error_in(*file) : std::string();
    }
    return words.empty() ? words : fmt::format("{} ({})", words, file->string());
}

std::optional<Failure> ended_by_guard(const fs::path& data_directory) {
    const auto notes = ReplayNotes::in(data_directory);
    if (!notes || !notes->aborted_with) {
        return std::nullopt;
    }
    Failure failure(static_cast<ExitCode>(*notes->aborted_with),
                    "Patroni's recovery of what it was handed over was aborted: " + notes->abort_message,
                    notes->abort_hint);
    return notes->abort_lasts ? failure.lasting() : failure;
}

}  // namespace

InVain look_at_set_aside(const Request& request, const Journal& journal, const fs::path& directory,
                         const std::string& circumstances) {
    InVain earlier;
    earlier.directory = directory;
    earlier.at = journal.handed_over->at;
    const auto control = postgres::read_control_file(directory);
    earlier.came_up = control && !journal.has_never_started(*control);
    earlier.guard = ended_by_guard(directory);
    earlier.last_words = last_words_since(earlier.at, directory, request.patroni);
    earlier.same_circumstances = journal.circumstances == circumstances;
    earlier.hand_overs = journal.hand_overs;
    return earlier;
}

std::optional<Failure> refuse_to_repeat(const InVain& earlier, const fs::path& memory) {
    if (!earlier.same_circumstances || earlier.hand_overs == 0) {
        return std::nullopt;
    }
    if (earlier.guard) {
        return earlier.guard->is_lasting() ? earlier.guard : std::nullopt;
    }
    if (earlier.hand_overs < 2) {
        return std::nullopt;
    }
    const auto at = fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(earlier.at)));
    return Failure(ExitCode::preflight_refused,
                   fmt::format("Patroni has set aside what it was handed over {} times, and nothing has changed since: "
                               "{}{}",
                               earlier.hand_overs,
                               earlier.came_up ? "PostgreSQL came up, and Patroni or its post_bootstrap gave it up"
                                               : "PostgreSQL did not come up",
                               earlier.last_words.empty() ? "" : ": " + earlier.last_words),
                   fmt::format("look at what Patroni logged from {} UTC on, and change in patroni.yml or on this "
                               "machine what it says; if that is no file, library or port that is named here, remove "
                               "{}",
                               at, memory.string()))
        .lasting();
}

std::string last_error_in(const fs::path& file) {
    constexpr std::streamoff most = 64 * 1024;
    constexpr std::size_t longest = 500;
    std::ifstream stream(file, std::ios::binary | std::ios::ate);
    const auto size = stream ? static_cast<std::streamoff>(stream.tellg()) : 0;
    std::string end(static_cast<std::size_t>(std::min(size, most)), '\0');
    stream.seekg(size - static_cast<std::streamoff>(end.size()));
    stream.read(end.data(), static_cast<std::streamsize>(end.size()));
    std::string last;
    for (const auto& line : system::lines(end)) {
        for (const std::string_view word : {"FATAL:", "PANIC:", " ERROR: ", " CRITICAL: "}) {
            if (line.find(word) != std::string::npos) {
                last = line.substr(0, longest);
            }
        }
    }
    return last;
}

}  // namespace patroni_pgbackrest
