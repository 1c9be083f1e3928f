#include "staging/fate.hpp"

#include "patroni/data_directory.hpp"
#include "postgres/control_data.hpp"

#include <algorithm>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

bool is_patronis_name(const std::string& entry, const std::string& name) {
    constexpr std::size_t time_length = 19;  // 2026-11-22-10-00-00
    if (entry == name + ".failed") {
        return true;
    }
    const auto time = entry.starts_with(name + "_") ? entry.substr(name.size() + 1) : std::string();
    return time.size() == time_length && time.find_first_not_of("0123456789-") == std::string::npos;
}

bool is_named_given_up(const std::string& entry, const std::string& name) {
    return entry == name + ".given-up" || entry == ".given-up";
}

Fate decide_fate(const Life& life) {
    constexpr std::int64_t an_hour = 3600;
    constexpr std::int64_t a_day = 24 * an_hour;  // longer than any post_bootstrap takes
    if (life.never_started || life.is_named_given_up || (life.is_in_bootstrap && life.used_for < an_hour)) {
        return Fate::given_up;
    }
    return life.is_patronis_name && life.used_for < a_day ? Fate::unknown : Fate::led;
}

namespace {

/// In patroni mode the replay comes after the hand-over, and may take hours: nobody uses it before its end.
std::int64_t used_for(const Journal& journal, const fs::path& directory, const postgres::ControlFile& control) {
    auto since = std::optional(journal.handed_over->at);
    if (!journal.reached && journal.goal) {
        const auto begun = BegunTimeline::in(directory, journal.goal->timeline);
        since = begun ? std::optional(begun->written_at) : std::nullopt;
    }
    // post_bootstrap may work for hours before verify rejects.
    const auto rejected_at = journal.rejected ? journal.rejected->at : journal.handed_over->at;
    return since ? control.written_at - std::max({*since, journal.handed_over->at, rejected_at}) : 0;
}

}  // namespace

Fate fate_of(const Journal& journal, const fs::path& directory, const std::string& name,
             const std::optional<patroni::Configuration>& patroni) {
    const auto control = postgres::read_control_file(directory);
    if (!control || !journal.handed_over) {
        return Fate::led;
    }
    const auto entry = directory.filename().string();
    return decide_fate({.never_started = journal.has_never_started(*control),
                        .is_in_bootstrap = patroni::is_in_bootstrap(directory, patroni),
                        .is_patronis_name = is_patronis_name(entry, name),
                        .is_named_given_up = is_named_given_up(entry, name),
                        .used_for = used_for(journal, directory, *control)});
}

}  // namespace patroni_pgbackrest
