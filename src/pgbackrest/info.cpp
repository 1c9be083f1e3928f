#include "pgbackrest/info.hpp"

#include "pgbackrest/archive_names.hpp"
#include "pgbackrest/error_meaning.hpp"
#include "pgbackrest/option_in_force.hpp"
#include "pgbackrest/printable.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest::pgbackrest {

namespace {

constexpr int no_backups = 2;
constexpr int missing_stanza_data = 3;
constexpr int other_error = 99;

std::string first_line(const std::string& message) {
    return redacted(system::trim(std::string_view(message).substr(0, message.find('\n'))));
}

/// pgBackRest recognises a wrong passphrase only by chance. Just as often, it takes the decrypted garbage for a file
/// with a wrong format (seen with 2.33, 2.45 and 2.60).
bool is_cipher_error(const RepositoryStatus& repository, const ErrorMeaning& meaning) {
    const bool encrypted = repository.cipher != "none" && !repository.cipher.empty();
    const bool format = meaning.name == "format" || meaning.name == "checksum" || meaning.name == "json-format";
    return meaning.name == "crypto" || (encrypted && format) ||
           repository.message.find("Salted__") != std::string::npos;
}

Failure failure_of_status(const Stanza& stanza, const RepositoryStatus& repository) {
    const auto meaning = meaning_of_status(repository.message);
    const auto where = fmt::format("stanza {} in repo{}", stanza.name, repository.key);
    if (is_cipher_error(repository, meaning)) {
        return Failure(ExitCode::pgbackrest_failed, fmt::format("{} cannot be decrypted", where),
                       fmt::format("correct repo{0}-cipher-type and repo{0}-cipher-pass in pgBackRest's configuration",
                                   repository.key));
    }
    return Failure(meaning.exit_code, fmt::format("{} cannot be read: {}", where, first_line(repository.message)),
                   std::string(meaning.hint));
}

/// The repository in error to name: one that needs a person, or else one that may pass.
const RepositoryStatus* worst(const Stanza& stanza) {
    const RepositoryStatus* result = nullptr;
    for (const RepositoryStatus& repository : stanza.repositories) {
        if (repository.code == other_error &&
            (result == nullptr ||
             (meaning_of_status(result->message).may_pass && !meaning_of_status(repository.message).may_pass))) {
            result = &repository;
        }
    }
    return result;
}

/// Whether waiting may help although no backup can be seen now.
bool may_pass(const Stanza& stanza) {
    for (const RepositoryStatus& repository : stanza.repositories) {
        if (repository.code == other_error && meaning_of_status(repository.message).may_pass) {
            return true;
        }
    }
    return false;
}

bool has_status(const Stanza& stanza, int code) {
    for (const RepositoryStatus& repository : stanza.repositories) {
        if (repository.code == code) {
            return true;
        }
    }
    return false;
}

void warn_of_broken_repositories(const Stanza& stanza) {
    for (const RepositoryStatus& repository : stanza.repositories) {
        if (repository.code == other_error) {
            log::warning("{}; another repository holds backups", failure_of_status(stanza, repository).what());
        } else if (repository.code != 0) {
            log::info("stanza {} in repo{}: {}", stanza.name, repository.key, repository.message);
        }
    }
    if (stanza.status_code == 5) {
        log::warning("stanza {}: the repositories hold backups of different clusters or versions", stanza.name);
    }
}

/// One run. Throws if it fails permanently; empty if another try is worthwhile.
std::optional<Stanza> ask(const Pgbackrest& pgbackrest, const process::Command& command, Retries& retries) {
    const std::string what = "info of stanza " + pgbackrest.stanza;
    const auto captured = process::capture(command);
    if (!process::succeeded(captured.outcome)) {
        const auto errors = errors_of(captured);
        if (pgbackrest::may_pass(captured.outcome, errors) && retries.another(what_happened(captured.outcome))) {
            return std::nullopt;
        }
        throw with_place_of_option(pgbackrest, "info", failure_of(what, captured.outcome, errors));
    }
    auto stanza = parse_info(captured.output, pgbackrest.stanza);
    if (const auto failure = why_not_restorable(stanza)) {
        if (may_pass(stanza) && retries.another(failure->what())) {
            return std::nullopt;
        }
        throw Failure(*failure);
    }
    return stanza;
}

/// pgBackRest before 2.36 has the positions in the manifest alone.
void read_positions(const Pgbackrest& pgbackrest, const Stanza& stanza, Backup& backup) {
    const auto path = fmt::format("backup/{}/{}/backup.manifest", stanza.name, backup.label);
    const auto manifest = process::capture_while_it_works(
        pgbackrest.data_command("repo-get", {{"repo", std::to_string(backup.repository)}}, {path}));
    process::require_resources(pgbackrest.program, manifest.outcome);
    if (process::succeeded(manifest.outcome)) {
        take_positions(manifest.output, backup);
    }
}

/// Without an LSN the segment size is unknown, and so is which segments a restore needs. A backup that begins at a
/// multiple of 4 GiB leaves several sizes possible: the one before it tells, and before a restore its own first
/// segment.
void learn_segment_size(const Pgbackrest& pgbackrest, Stanza& stanza) {
    const Backup* newest = nullptr;
    for (auto backup = stanza.backups.rbegin(); backup != stanza.backups.rend(); ++backup) {
        if (backup->archive_start.empty()) {
            continue;  // offline
        }
        newest = newest == nullptr ? &*backup : newest;
        if (backup->repository != newest->repository || backup->database_id != newest->database_id) {
            continue;
        }
        if (!backup->lsn_start) {
            read_positions(pgbackrest, stanza, *backup);
        }
        const auto possible = possible_segment_sizes(*backup);
        if (possible.size() == 1) {
            stanza.segment_size = possible.front();
            return;
        }
        if (possible.empty()) {
            log::warning("the size of WAL segments is not known: assuming {} MB", stanza.segment_size.bytes >> 20);
            return;
        }
    }
}

/// A segment's name, without its timeline, is the one that an LSN lies in; at a segment's end pg_walfile_name() names
/// the one before it, up to PostgreSQL 15.
bool fits(const std::string& name, postgres::Lsn lsn, postgres::SegmentSize size) {
    const auto is_in = [&](std::uint64_t position) {
        const auto segment = postgres::Segment::containing(postgres::Timeline{1}, postgres::Lsn{position}, size);
        return segment.name(size).substr(timeline_digits) == name.substr(timeline_digits);
    };
    return is_in(lsn.value) || (lsn.value > 0 && is_in(lsn.value - 1));
}

void leave_what_fits(const std::string& name, std::optional<postgres::Lsn> lsn,
                     std::vector<postgres::SegmentSize>& sizes) {
    if (lsn && postgres::is_segment_name(name)) {
        std::erase_if(sizes, [&](const auto& size) { return !fits(name, *lsn, size); });
    }
}

}  // namespace

std::vector<postgres::SegmentSize> possible_segment_sizes(const Backup& backup) {
    if (!backup.lsn_start || !postgres::is_segment_name(backup.archive_start)) {
        return {};
    }
    std::vector<postgres::SegmentSize> sizes;
    for (std::uint64_t bytes = 1ULL << 20; bytes <= (1ULL << 30); bytes *= 2) {
        sizes.push_back(postgres::SegmentSize{bytes});
    }
    leave_what_fits(backup.archive_start, backup.lsn_start, sizes);
    auto narrowed = sizes;
    leave_what_fits(backup.archive_stop, backup.lsn_stop, narrowed);
    return narrowed.empty() ? sizes : narrowed;
}

std::optional<postgres::SegmentSize> segment_size_of(const Backup& backup) {
    const auto sizes = possible_segment_sizes(backup);
    return sizes.size() == 1 ? std::optional(sizes.front()) : std::nullopt;
}

void take_positions(std::string_view manifest, Backup& backup) {
    const auto value_of = [&](std::string_view key) {
        const auto start = manifest.find(key);
        const auto text = start == std::string_view::npos ? "" : manifest.substr(start + key.size());
        return postgres::Lsn::parse(text.substr(0, text.find('"')));
    };
    backup.lsn_start = value_of("\nbackup-lsn-start=\"");
    backup.lsn_stop = value_of("\nbackup-lsn-stop=\"");
}

std::optional<Failure> why_not_restorable(const Stanza& stanza) {
    if (!stanza.backups.empty()) {
        return std::nullopt;
    }
    // A repository that could not be reached may have the backups that the others lack.
    if (const RepositoryStatus* repository = worst(stanza)) {
        return failure_of_status(stanza, *repository);
    }
    if (has_status(stanza, no_backups) || has_status(stanza, 0)) {
        return Failure(ExitCode::target_not_reachable, fmt::format("stanza {} has no valid backup", stanza.name),
                       "take a backup with pgbackrest backup, or name another stanza or repository");
    }
    if (has_status(stanza, missing_stanza_data)) {
        return Failure(ExitCode::target_not_reachable,
                       fmt::format("stanza {} has no backup.info in the repository", stanza.name),
                       "the stanza was never created completely, or its files are lost; see pgbackrest stanza-create");
    }
    return Failure(ExitCode::target_not_reachable, fmt::format("stanza {} is not in the repository", stanza.name),
                   "pgbackrest info lists the stanzas that are there; is the repository's path the right one, and "
                   "mounted?");
}

Stanza info(const Pgbackrest& pgbackrest, std::optional<unsigned> repository, const RetryPolicy& retry) {
    std::vector<Option> options{{"output", "json"}};
    if (repository) {
        options.push_back({"repo", std::to_string(*repository)});
    }
    const auto command = pgbackrest.data_command("info", options);
    Retries retries(retry);
    for (;;) {
        if (auto stanza = ask(pgbackrest, command, retries)) {
            warn_of_broken_repositories(*stanza);
            learn_segment_size(pgbackrest, *stanza);
            return *stanza;
        }
    }
}

}  // namespace patroni_pgbackrest::pgbackrest
