#include "commands/status.hpp"

#include "commands/arguments.hpp"
#include "commands/print.hpp"
#include "patroni/configuration.hpp"
#include "show/metrics.hpp"
#include "show/status.hpp"
#include "staging/journal.hpp"
#include "staging/kept_base.hpp"
#include "staging/layout.hpp"
#include "staging/memory.hpp"
#include "system/interruption.hpp"
#include "system/lock.hpp"
#include "system/process_facts.hpp"
#include "system/refusal.hpp"

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace patroni_pgbackrest::commands {

namespace {

namespace fs = std::filesystem;

fs::path named_directory(const StatusArguments& arguments) {
    if (arguments.data_directory) {
        return fs::absolute(*arguments.data_directory);
    }
    patroni::ConfigurationSource source;
    source.environment = own_patroni_environment();
    if (arguments.patroni_config) {
        source.path = fs::absolute(*arguments.patroni_config);
    }
    const auto configuration = patroni::read_configuration(source);
    if (!configuration || !configuration->data_directory) {
        throw Failure(ExitCode::usage, "neither a data directory nor a patroni.yml with postgresql.data_dir is given",
                      "name one: patroni_pgbackrest status --patroni-config=/etc/patroni/patroni.yml");
    }
    return configuration->data_directory->text;
}

/// What cannot be looked at must not look like what is not there.
fs::path data_directory_of(const StatusArguments& arguments) {
    const auto named = named_directory(arguments);
    std::error_code error;
    auto resolved = fs::weakly_canonical(named, error);
    if (error) {
        throw system::refused("resolve", named, error.value());
    }
    return resolved;
}

/// It tells more, and is not worth an error.
std::optional<Journal> journal_beside(const fs::path& file) {
    try {
        auto journal = Journal::read(file);
        return journal && !journal->is_copy ? journal : std::nullopt;
    } catch (const Failure&) {
        return std::nullopt;
    }
}

void show(const RunStatus& status, const StatusArguments& arguments) {
    if (arguments.json) {
        return print(status.to_json(arguments.watch));
    }
    const bool is_screen = arguments.watch && ::isatty(STDOUT_FILENO) != 0;
    const auto* before = is_screen ? "\033[H\033[J" : arguments.watch ? "\n" : "";
    print(before + status_text(status, std::time(nullptr)));
}

}  // namespace

/// The restore lies beside the data directory or in it; what was written last counts.
RunStatus status_of(const fs::path& data_directory) {
    std::optional<RunStatus> written;
    std::optional<fs::path> damaged;
    StatusSurroundings seen{.journal = {}, .here = ProcessMark::of_this_process(), .now = std::time(nullptr)};
    Layout layout;
    for (const auto& journal : journals_of(data_directory)) {
        const auto file = journal.parent_path() / "status.json";
        std::error_code error;
        const bool was_there = fs::exists(file, error);
        auto found = read_status(file);
        if (was_there && !found && fs::exists(file, error)) {  // neither made nor removed meanwhile
            damaged = file;
        }
        if (found && (!written || found->updated > written->updated)) {
            written = std::move(found);
            seen.journal = journal_beside(journal);
            seen.is_locked = system::is_locked(journal.parent_path());
            layout.workspace = journal.parent_path();
        } else if (!written && !seen.journal) {
            seen.journal = journal_beside(journal);
            layout.workspace = journal.parent_path();
        }
    }
    if (written) {
        const auto& process = written->process;
        seen.process_is_alive = process.start_time != 0 && system::may_be_running(process.pid, process.start_time);
    }
    auto status = judge_status(std::move(written), seen);
    if (damaged && status.state == RunStatus::State::none) {
        throw Failure(
            ExitCode::unsafe,
            fmt::format("the status file {} is damaged: what runs or ran last is not known", damaged->string()),
            "read the log of that restore; whichever runs, or runs next, writes the file anew");
    }
    status.left_behind = seen.journal ? forgotten_base(layout, *seen.journal) : std::nullopt;
    if (status.data_directory.empty()) {
        status.data_directory = data_directory.string();
    }
    return status;
}

ExitCode status(const StatusArguments& arguments) {
    const auto directory = data_directory_of(arguments);
    auto now = status_of(directory);
    show(now, arguments);
    bool was_silent = is_silent(now, std::time(nullptr));
    try {
        while (arguments.watch && now.is_under_way()) {
            interruption::sleep(std::chrono::seconds(1));
            auto next = status_of(directory);
            const bool silent = is_silent(next, std::time(nullptr));
            if (next.updated != now.updated || next.state != now.state || silent != was_silent) {
                show(next, arguments);
            }
            now = std::move(next);
            was_silent = silent;
        }
    } catch (const Failure& failure) {
        if (is_interruption(failure.code())) {
            return failure.code();  // nothing went wrong: nobody watches any longer
        }
        throw;
    }
    // What the journal alone tells is less than what the restore itself has written.
    if (arguments.metrics_file && !now.is_under_way() && now.process.pid != 0) {
        write_metrics(fs::absolute(*arguments.metrics_file), restore_metrics, now, Teller::finder);
    }
    return exit_code_of(now);
}

}  // namespace patroni_pgbackrest::commands
