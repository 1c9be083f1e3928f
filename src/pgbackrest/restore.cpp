#include "pgbackrest/restore.hpp"

#include "pgbackrest/error_meaning.hpp"
#include "pgbackrest/log_line.hpp"
#include "pgbackrest/option_in_force.hpp"
#include "pgbackrest/printable.hpp"
#include "pgbackrest/restore_options.hpp"
#include "pgbackrest/working_places.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/no_flush.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"
#include "system/write_errors.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <iterator>
#include <system_error>

namespace patroni_pgbackrest::pgbackrest {

namespace {

namespace fs = std::filesystem;

void refuse_what_was_not_passed(std::string_view line, const std::string& program,
                                const std::vector<std::string>& arguments) {
    if (const auto name = option_not_passed(line, arguments); !name.empty()) {
        throw Failure(ExitCode::usage,
                      fmt::format("{} restores with {}, which comes from nowhere that is known here: neither the "
                                  "method's block nor pgBackRest's configuration says it",
                                  program, name),
                      "take it out of what that program tells pgbackrest by itself: its own options and variables, or "
                      "the configuration that it names, which belongs into pgbackrest-config");
    }
}

/// pgBackRest's lines on their way into our log; keeps its warnings and errors for the failure.
class Output {
  public:
    Output(const RestoreJob& job, const std::vector<std::string>& arguments)
        : detail_(job.detail), on_progress_(job.on_progress), program_(job.pgbackrest.program), arguments_(arguments) {}

    /// Throws Failure(usage) before anything is copied.
    void operator()(std::string_view line) {
        refuse_what_was_not_passed(line, program_, arguments_);
        if (on_progress_) {
            if (const auto percent = percent_of_restored_file(line)) {
                on_progress_(*percent);
                if (!detail_) {
                    return;
                }
            }
        }
        const auto clean = redacted(printable(line));
        const auto parsed = parse_log_line(clean);
        if (!parsed.continued) {
            level_ = parsed.level;
        }
        log::write(level_, "pgbackrest: " + parsed.text);
        if ((level_ == log::Level::warning || level_ == log::Level::error) && errors_.size() < most_kept) {
            errors_ += clean + "\n";
        }
    }
    const std::string& errors() const { return errors_; }

  private:
    static constexpr std::size_t most_kept = 64UL * 1024;

    bool detail_;
    const std::function<void(double)>& on_progress_;
    const std::string& program_;
    const std::vector<std::string>& arguments_;
    log::Level level_ = log::Level::info;
    std::string errors_;
};

void make_directory(const fs::path& directory, fs::perms permissions) {
    std::error_code error;
    if (fs::create_directories(directory, error)) {
        fs::permissions(directory, permissions, error);
    }
    if (error) {
        throw system::refused("make directory", directory, error.value());
    }
}

/// restorePathValidate in validate.c.inc: without either file, --delta is disabled with only a warning. Throws where
/// nobody can look: what is not resumable is removed.
bool is_resumable(const fs::path& directory) {
    return fs::exists(directory / "backup.manifest") || fs::exists(directory / "PG_VERSION");
}

/// What an interruption leaves behind before pgBackRest has written its manifest.
void empty(const fs::path& directory) {
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
        fs::remove_all(entry->path(), error);
        if (error) {
            break;
        }
    }
    if (error) {
        throw system::refused("empty directory", directory, error.value());
    }
}

/// pgBackRest makes tablespaces and links before its manifest, and afterwards takes their content for somebody's data
/// (error 40). With --delta it only checks whether the manifest file is there (restorePathValidate), and removes what
/// does not belong.
bool take_places_outside(const RestoreJob& job) {
    const auto is_empty = [](const fs::path& place) { return system::is_empty_or_absent(place); };
    if (std::all_of(job.outside.begin(), job.outside.end(), is_empty)) {
        return false;
    }
    system::replace_file(job.data_directory / "backup.manifest", "");
    return true;
}

process::Command restore_command(const RestoreJob& job, bool resume) {
    std::vector<Option> options{{"set", job.backup_set},
                                {"pg1-path", job.data_directory.string()},
                                // A shared configuration may name the old primary's host, but restore must be local.
                                {"reset-pg1-host"},
                                // The plan knows the timeline. pgBackRest 2.55 would take the archive's newest one, and
                                // refuses to restore (error 58) if that one forked before the backup.
                                {"target-timeline", "current"},
                                {"lock-path", job.lock_path.string()},
                                {"log-level-console", job.detail || job.on_progress ? "detail" : "info"},
                                {"log-level-stderr", "off"},
                                {"no-log-timestamp"}};
    options.push_back({resume ? "delta" : "no-delta"});
    for (const auto& option : fixed_restore_options(job.options)) {
        options.push_back(option);
    }
    const auto ours = options;
    for (const Option& option : job.options) {
        const auto same_name = [&option](const Option& own) { return own.name == option.name; };
        if (option.name != "delta" && option.name != "spool-path" &&
            std::none_of(ours.begin(), ours.end(), same_name)) {
            options.push_back(option);
        }
    }
    auto command = job.pgbackrest.command("restore", options);
    // 2.33 has no --spool-path for restore (and leaves the spool alone). A variable that it does not need is not an
    // error.
    command.environment["PGBACKREST_SPOOL_PATH"] = job.spool_path.string();
    return command;
}

/// A link's target that is not there may be a file, which pgBackRest makes: then it writes in the directory around it.
std::vector<fs::path> writable_places(const RestoreJob& job) {
    auto places = working_places(job.pgbackrest);
    places.insert(places.end(), {job.data_directory, job.lock_path, job.spool_path});
    for (const auto& place : job.outside) {
        std::error_code error;
        places.push_back(fs::is_directory(place, error) ? place : place.parent_path());
    }
    return places;
}

/// The one that is read, where the job says which.
std::optional<unsigned> repository_of(const RestoreJob& job) {
    const auto option =
        std::find_if(job.options.begin(), job.options.end(), [](const Option& one) { return one.name == "repo"; });
    const auto number = option == job.options.end() ? std::nullopt : system::number(option->value);
    return number ? std::optional(static_cast<unsigned>(*number)) : std::nullopt;
}

/// The plan was made from it. A file system that is no longer mounted looks like one that is empty.
bool stanza_has_gone(const RestoreJob& job) {
    std::vector<Option> of_repository;
    std::copy_if(job.options.begin(), job.options.end(), std::back_inserter(of_repository),
                 [](const Option& option) { return option.name == "repo"; });
    const std::array names = {"backup.info", "backup.info.copy"};
    return std::none_of(names.begin(), names.end(), [&](const char* name) {
        const auto path = fmt::format("backup/{}/{}", job.pgbackrest.stanza, name);
        return process::succeeded(
            process::capture(job.pgbackrest.data_command("repo-get", of_repository, {path})).outcome);
    });
}

/// file-missing, path-missing, backup-set-invalid
bool is_about_something_missing(const process::Outcome& outcome) {
    const auto* exited = std::get_if<process::Exited>(&outcome);
    return exited != nullptr && (exited->code == 55 || exited->code == 73 || exited->code == 75);
}

Failure without_repository(const Failure& failure) {
    return {ExitCode::repository_unreachable,
            fmt::format("{}; the stanza's backup.info is not in the repository any more either", failure.what()),
            "bring the repository back, see whether it is mounted; the next run continues where this one stopped"};
}

/// path-create, path-sync, file-sync, file-write, file-move, file-close
bool could_not_write(const process::Outcome& outcome) {
    constexpr std::array codes = {47, 52, 54, 64, 74, 79};
    const auto* exited = std::get_if<process::Exited>(&outcome);
    return exited != nullptr && std::find(codes.begin(), codes.end(), exited->code) != codes.end();
}

/// A write that was cut short has no error number, and pgBackRest only says then that it failed.
Failure with_full_disk(const RestoreJob& job, const process::Outcome& outcome, const Failure& failure) {
    constexpr unsigned long long too_little = 32ULL << 20;
    auto fullest = job.data_directory;
    for (const auto& place : job.outside) {
        if (system::free_bytes(place) < system::free_bytes(fullest)) {
            fullest = place;
        }
    }
    const bool is_short = failure.code() == ExitCode::system_refused || could_not_write(outcome);
    if (!is_short || system::free_bytes(fullest) >= too_little) {
        return failure;
    }
    return {ExitCode::system_refused,
            fmt::format("{}: No space left on the disk of {}", failure.what(), fullest.string()),
            "make room; the next run continues the copy"};
}

/// The kernel tells of a page that could not be written once, here to pgBackRest, and keeps it as if it was: --delta
/// would find it good, and the flush before the hand-over no error. On the disk both see what is there.
void forget_what_was_not_written(const RestoreJob& job) {
    auto roots = job.outside;
    roots.push_back(job.data_directory);
    system::forget_cached(roots);
}

/// An earlier try's replay may have left segments of another cluster in it. 2.33 leaves the spool alone.
void empty_spool(const RestoreJob& job) {
    std::error_code ignored;
    fs::remove_all(job.spool_path, ignored);
}

/// As pgBackRest would have made them: a cluster's group may be allowed to read it.
void give_permissions(const std::vector<fs::path>& places, const fs::path& data_directory) {
    for (const auto& place : places) {
        std::error_code ignored;
        fs::permissions(place, fs::status(data_directory, ignored).permissions(), ignored);
    }
}

/// All that the copy is written into. Returns the tablespaces that were not there.
std::vector<fs::path> make_places(const RestoreJob& job) {
    make_directory(job.data_directory, fs::perms::owner_all);
    empty_spool(job);
    make_directory(job.lock_path, fs::perms::owner_all);
    make_directory(job.spool_path, fs::perms::owner_all);
    std::vector<fs::path> made;
    for (const auto& place : job.tablespaces) {
        std::error_code error;
        if (!fs::exists(place, error)) {
            make_directory(place, fs::perms::owner_all);
            made.push_back(place);
        }
    }
    for (const auto& place : job.outside) {
        make_directory(place.parent_path(), fs::perms::owner_all);
    }
    // Empty directories are taken without --delta, and get their modes (restoreCleanBuild in restore.c, 2.33 to 2.59).
    for (const auto& place : job.linked_directories) {
        make_directory(place, fs::perms::owner_all);
    }
    return made;
}

Failure failure_of_copy(const RestoreJob& job, const process::Outcome& outcome, const std::string& errors,
                        bool stanza_is_gone) {
    const auto failure = failure_of("restore of backup set " + job.backup_set, outcome, errors);
    return stanza_is_gone ? without_repository(failure)
                          : with_full_disk(job, outcome, with_place_of_option(job.pgbackrest, "restore", failure));
}

}  // namespace

void read_options(RestoreJob job) {
    const system::PrivateDirectory directory;
    job.data_directory = directory.path() / "missing";
    job.lock_path = job.spool_path = directory.path();
    auto command = restore_command(job, false);
    command.arguments.emplace_back("--log-level-file=off");
    const auto result = process::capture(command);
    for (const auto& line : system::lines(result.output)) {
        refuse_what_was_not_passed(line, command.program, command.arguments);
    }
    const auto failure = failure_of("restore", result.outcome, errors_of(result));
    if (failure.code() == ExitCode::usage) {
        throw with_place_of_option(job.pgbackrest, "restore", failure);
    }
}

std::optional<std::string> why_it_flushes(const RestoreJob& job) {
    auto places = job.outside;
    places.push_back(job.data_directory);
    const auto place = std::find_if(places.begin(), places.end(),
                                    [](const fs::path& one) { return system::file_system_instance(one).empty(); });
    if (place != places.end()) {
        // What was not flushed would be believed after it.
        return fmt::format("another mount of the file system of {} would not be noticed", place->string());
    }
    if (!system::WriteErrors::are_kept()) {
        return "this kernel (before 5.8) may forget a file whose write failed, and the error with it";
    }
    if (const int refusal = system::refusal_to_flush_nothing()) {
        return fmt::format("the kernel takes no seccomp filter from this process: {}", std::strerror(refusal));
    }
    if (may_need_privileges_left(job.pgbackrest, "restore", repository_of(job))) {
        return "it may start a setuid program, which a process with a seccomp filter cannot";
    }
    return std::nullopt;
}

void restore(const RestoreJob& job) {
    const auto made = make_places(job);
    if (job.when_places_are_made) {
        job.when_places_are_made();
    }
    const auto writable = writable_places(job);
    Retries retries(job.retry);
    for (;;) {
        auto resume = is_resumable(job.data_directory);
        if (!resume) {
            empty(job.data_directory);
            resume = take_places_outside(job);
        }
        auto command = restore_command(job, resume);
        Output output(job, command.arguments);
        const auto write = [&output](std::string_view line) { output(line); };
        command.writable = writable;
        command.flushes = job.flushes;
        const auto outcome = process::run(command, write, write);
        if (process::succeeded(outcome)) {
            give_permissions(made, job.data_directory);
            return;
        }
        if (could_not_write(outcome)) {
            forget_what_was_not_written(job);
        }
        const bool passes = may_pass(outcome, output.errors());
        const bool has_gone = !passes && is_about_something_missing(outcome) && stanza_has_gone(job);
        if (!(passes || has_gone) || !retries.another(what_happened(outcome))) {
            throw failure_of_copy(job, outcome, output.errors(), has_gone);
        }
    }
}

}  // namespace patroni_pgbackrest::pgbackrest
