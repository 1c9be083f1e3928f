#include "pgbackrest/error_meaning.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

namespace {

/// A code whose meaning depends on its text: the first line that matches decides.
struct Refinement {
    int code;
    std::string_view with;  ///< what the text contains
    std::string_view also;  ///< and this as well
    bool may_pass;
    ExitCode exit_code;
    std::string_view hint;
};

constexpr std::string_view credentials = "the repository's service refuses the request; correct bucket, container, key "
                                         "or token in pgBackRest's configuration";
constexpr std::string_view ssh_trust =
    "make ssh to the repository host work without questions for the user that runs Patroni: its key there, the "
    "host's key here";
constexpr std::string_view file_system_away = "bring the repository's file system back; the next run continues";
constexpr std::string_view host_identity =
    "correct the repository host's fingerprint, known hosts or keys in pgBackRest's configuration";
constexpr std::string_view same_version = "install the same version of pgBackRest here and on the repository host";
constexpr std::string_view reconnect = "bring the repository back; the next run continues where this one stopped";
constexpr std::string_view more_processes =
    "raise the limit of processes (ulimit -u, TasksMax= of the service, pids.max of the container); the next run "
    "continues";
constexpr std::string_view failing_disk =
    "look at the kernel's log (dmesg) and at the disk of what is named; the next run continues";
constexpr std::string_view may_read = "let the user that runs Patroni read what is named, in the repository all of it";

constexpr ExitCode failed = ExitCode::pgbackrest_failed;
constexpr ExitCode unreachable = ExitCode::repository_unreachable;

constexpr std::array refinements = {
    // cfgLoad, from 2.59 on: root may run restore alone.
    Refinement{31, "must not be run as the root user", "", false, ExitCode::preflight_refused,
               "run it as the user that runs Patroni"},
    // protocolClientNew: both ends must have the same version.
    Refinement{39, "greeting key 'version'", "", false, failed, same_version},
    // httpRequestError: errors that pgBackRest does not retry itself. 408 and 429 may pass, other 4xx are refusals.
    Refinement{39, "HTTP request failed with 408", "", true, unreachable, ""},
    Refinement{39, "HTTP request failed with 429", "", true, unreachable, ""},
    Refinement{39, "HTTP request failed with 4", "", false, failed, credentials},
    // lockAcquire throws the same error for a held lock and for a missing permission.
    Refinement{50, "Permission denied", "", false, failed, "correct owner and permissions of the lock path"},
    Refinement{50, "Read-only file system", "", false, failed,
               "let lock-path in pgBackRest's configuration name a directory that can be written to"},
    // infoLoadFile: the plan was made from both copies a moment ago.
    Refinement{55, "unable to load info file", "", true, unreachable, file_system_away},
    // ioFdWrite: to a socket or another process. A file has its name in quotes there, but for a lock's (lockWrite).
    Refinement{64, "write to /", "Input/output error", false, ExitCode::system_refused, failing_disk},
    Refinement{64, "write to ", "", true, unreachable, reconnect},
    // forkSafe.
    Refinement{100, "Resource temporarily unavailable", "", false, ExitCode::system_refused, more_processes},
    // storageSftpNew and tlsSessionResultProcess: a refused identity is permanent.
    Refinement{101, "fingerprint", "", false, failed, host_identity},
    Refinement{101, "known hosts failure", "", false, failed, host_identity},
    Refinement{101, "public key authentication failed", "", false, failed, host_identity},
    Refinement{101, "certificate", "", false, failed, host_identity},
    // execOpen: the program is missing, or the kernel starts no other process of this user.
    Refinement{102, "unable to execute", "Resource temporarily unavailable", false, ExitCode::system_refused,
               more_processes},
    Refinement{102, "unable to execute", "", false, failed,
               "install the program that is named, or correct repo-host-cmd"},
    // execCheckStatusError: a remote command's code that is not one of pgBackRest's becomes 125; ssh ends with 255.
    Refinement{125, "[255]", "Permission denied", false, failed, ssh_trust},
    Refinement{125, "[255]", "Host key verification failed", false, failed, ssh_trust},
    Refinement{125, "[255]", "", true, unreachable,
               "bring the repository host back, ssh to it failed; the next run continues where this one stopped"},
};

/// Codes of file operations on a repository, where the text holds the system's error.
constexpr std::array file_codes = {41, 42, 53, 55, 73, 98};

constexpr std::array file_system_refinements = {
    Refinement{0, "Permission denied", "", false, failed, may_read},
    Refinement{0, "Stale file handle", "", true, unreachable, file_system_away},
    Refinement{0, "Transport endpoint is not connected", "", true, unreachable, file_system_away},
    Refinement{0, "Host is down", "", true, unreachable, file_system_away},
    Refinement{0, "No route to host", "", true, unreachable, file_system_away},
    Refinement{0, "imed out", "", true, unreachable, file_system_away},
    Refinement{0, "timeout", "", true, unreachable, file_system_away},
    // A disk that fails, or the server of an NFS mount that is soft and does not answer.
    Refinement{0, "Input/output error", "", true, unreachable, failing_disk},
};

/// Codes of what is written and removed, which `restore` does on this machine: what the file system answers then may
/// pass, as a system call's of our own (system::is_passing_fault).
constexpr std::array place_codes = {47, 52, 54, 60, 61, 64, 74, 79, 83, 88, 97};

constexpr std::string_view place_away = "bring the file system of what is named back; the next run continues";
constexpr std::array place_refinements = {
    Refinement{0, "Input/output error", "", false, ExitCode::system_refused, failing_disk},
    Refinement{0, "Stale file handle", "", false, ExitCode::system_refused, place_away},
    Refinement{0, "Transport endpoint is not connected", "", false, ExitCode::system_refused, place_away},
    Refinement{0, "Host is down", "", false, ExitCode::system_refused, place_away},
    Refinement{0, "No route to host", "", false, ExitCode::system_refused, place_away},
    Refinement{0, "imed out", "", false, ExitCode::system_refused, place_away},
};

/// A machine that is short of something, whatever pgBackRest was about: not worth another try at once, and no refusal
/// that lasts (see failure_of).
constexpr std::array shortages = {
    Refinement{0, "No space left on device", "", false, ExitCode::system_refused,
               "make room on the file system that is named; the next run continues"},
    Refinement{0, "Disk quota exceeded", "", false, ExitCode::system_refused,
               "raise the quota on the file system that is named; the next run continues"},
    Refinement{0, "Too many open files in system", "", false, ExitCode::system_refused,
               "raise the host's limit of open files (sysctl fs.file-max); the next run continues"},
    Refinement{0, "Too many open files", "", false, ExitCode::system_refused,
               "raise the limit of open files (ulimit -n, LimitNOFILE= of the service); the next run continues"},
    Refinement{0, "Cannot allocate memory", "", false, ExitCode::system_refused,
               "free memory, or raise the limit of the service or container (MemoryMax=, memory.max); the next run "
               "continues"},
};

constexpr std::string_view damaged_file =
    "the file is damaged: bring an intact copy of it back, or restore to a point before it with type lsn";

/// What the decompressors and the decryption throw for a file that is cut short or holds something else, since 2.33.
/// An HTTP answer that cannot be understood is a FormatError as well, and a certificate that is not trusted a
/// CryptoError.
constexpr std::array damage = {
    Refinement{29, "unexpected eof in compressed data", "", false, failed, damaged_file},
    Refinement{29, "zlib threw error", "", false, failed, damaged_file},
    Refinement{29, "bz2 error", "", false, failed, damaged_file},
    Refinement{29, "lz4 error", "", false, failed, damaged_file},
    Refinement{29, "zst error", "", false, failed, damaged_file},
    Refinement{95, "cipher header", "", false, failed, damaged_file},
    Refinement{95, "unable to flush", "", false, failed, damaged_file},
};

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// Whether an error ends with these words of the system: `[28] No space left on device`, and of a lock without the
/// number.
bool has_words_of_system(std::string_view text, std::string_view words) {
    for (auto at = text.find(words); at != std::string_view::npos; at = text.find(words, at + 1)) {
        const auto before = text.substr(0, at);
        if (before.ends_with("] ") || before.ends_with(": ")) {
            return true;
        }
    }
    return false;
}

ErrorMeaning apply(const ErrorMeaning& meaning, const Refinement& refinement) {
    return {meaning.code, meaning.name, refinement.may_pass, refinement.exit_code,
            refinement.hint.empty() ? meaning.hint : refinement.hint};
}

template <typename Refinements>
ErrorMeaning refined_by(const Refinements& refinements_of_code, const ErrorMeaning& meaning, std::string_view text) {
    for (const Refinement& refinement : refinements_of_code) {
        if (contains(text, refinement.with)) {
            return apply(meaning, refinement);
        }
    }
    return meaning;
}

ErrorMeaning refined(const ErrorMeaning& meaning, std::string_view text) {
    for (const Refinement& shortage : shortages) {
        if (has_words_of_system(text, shortage.with)) {
            return apply(meaning, shortage);
        }
    }
    for (const Refinement& refinement : refinements) {
        if (refinement.code == meaning.code && contains(text, refinement.with) && contains(text, refinement.also)) {
            return apply(meaning, refinement);
        }
    }
    if (std::find(file_codes.begin(), file_codes.end(), meaning.code) != file_codes.end()) {
        return refined_by(file_system_refinements, meaning, text);
    }
    if (std::find(place_codes.begin(), place_codes.end(), meaning.code) != place_codes.end()) {
        return refined_by(place_refinements, meaning, text);
    }
    return meaning;
}

/// `HostConnect` for host-connect.
bool same_name(std::string_view type, std::string_view name) {
    std::string hyphened;
    for (const char character : type) {
        const auto byte = static_cast<unsigned char>(character);
        if (std::isupper(byte) != 0 && !hyphened.empty()) {
            hyphened += '-';
        }
        hyphened += static_cast<char>(std::tolower(byte));
    }
    return hyphened == name;
}

struct TypeInText {
    const ErrorMeaning* meaning;
    std::size_t end;
};

/// The next `[HostConnectError]` from `start` on.
std::optional<TypeInText> next_type(std::string_view text, std::size_t start) {
    constexpr std::string_view suffix = "Error]";
    for (std::size_t open = text.find('[', start); open != std::string_view::npos; open = text.find('[', open + 1)) {
        const auto close = text.find(']', open);
        if (close == std::string_view::npos) {
            return std::nullopt;
        }
        const auto word = text.substr(open + 1, close - open);
        if (word.size() <= suffix.size() || word.substr(word.size() - suffix.size()) != suffix) {
            continue;
        }
        for (const ErrorMeaning& meaning : error_table()) {
            if (same_name(word.substr(0, word.size() - suffix.size()), meaning.name)) {
                return TypeInText{&meaning, close};
            }
        }
    }
    return std::nullopt;
}

struct TypedError {
    const ErrorMeaning* meaning;
    std::string_view text;
};

/// Each type in the text, with the text that belongs to it.
std::vector<TypedError> typed_errors(std::string_view text) {
    std::vector<TypedError> result;
    for (auto type = next_type(text, 0); type;) {
        const auto following = next_type(text, type->end);
        const std::size_t length = following ? following->end - type->end - 1 : std::string_view::npos;
        result.push_back({type->meaning, text.substr(type->end + 1, length)});
        type = following;
    }
    return result;
}

/// What went wrong with each repository.
std::vector<ErrorMeaning> repository_errors(std::string_view text) {
    std::vector<ErrorMeaning> result;
    for (const auto& [meaning, own_text] : typed_errors(text)) {
        result.push_back(refined(*meaning, own_text));
    }
    return result;
}

/// What archiveGetFile says of a WAL file in each repository that has it: `repo1: FILE [FormatError] …`. A local
/// process adds how its own retry ended, `[FileReadError] on retry after 0ms`.
std::vector<ErrorMeaning> file_errors(std::string_view text) {
    std::vector<ErrorMeaning> result;
    for (const auto& error : typed_errors(text)) {
        const auto* const meaning = error.meaning;
        const auto& own_text = error.text;
        if (meaning->code == 42 && own_text.starts_with(" on ")) {
            continue;
        }
        const auto found = std::find_if(damage.begin(), damage.end(), [&](const Refinement& one) {
            return one.code == meaning->code && contains(own_text, one.with);
        });
        if (found != damage.end()) {
            result.push_back(apply(*meaning, *found));
        } else {
            result.push_back(meaning->code == 29 ? meaning_of_error(42) : refined(*meaning, own_text));
        }
    }
    return result;
}

/// "There is no such thing" explains nothing if another repository could not be reached.
bool is_absence(const ErrorMeaning& meaning) {
    return meaning.exit_code == ExitCode::target_not_reachable;
}

/// What several reasons come to: one that needs a person before one that may pass, and that before an absence.
ErrorMeaning decisive(const ErrorMeaning& summary, const std::vector<ErrorMeaning>& reasons) {
    std::optional<ErrorMeaning> permanent;
    std::optional<ErrorMeaning> passing;
    std::optional<ErrorMeaning> absence;
    for (const ErrorMeaning& one : reasons) {
        auto& place = one.may_pass ? passing : is_absence(one) ? absence : permanent;
        if (!place) {
            place = one;
        }
    }
    ErrorMeaning result = permanent                       ? *permanent
                          : passing                       ? *passing
                          : absence && summary.code != 75 ? *absence
                                                          : summary;
    result.may_pass = passing.has_value() || (!permanent && !absence && summary.may_pass);
    return result;
}

}  // namespace

ErrorMeaning meaning_of_error(int code, std::string_view errors) {
    const auto& meaning = meaning_of_error(code);
    // restoreBackupSet (75) and archiveGetCheck (103) only warn of what went wrong with each repository.
    std::vector<ErrorMeaning> reasons;
    if (code == 75 || code == 103) {
        reasons = repository_errors(errors);
    } else if (code == 42 && contains(errors, "unable to get ")) {
        reasons = file_errors(errors);
    }
    if (reasons.empty() && code != 75 && code != 103) {
        return refined(meaning, errors);
    }
    return decisive(meaning, reasons);
}

std::optional<ErrorMeaning> meaning_of_absence(std::string_view errors) {
    constexpr int archive_mismatch = 44;
    auto reasons = repository_errors(errors);
    std::erase_if(reasons, [](const ErrorMeaning& one) { return one.code == archive_mismatch; });
    constexpr int no_repository = 103;
    return reasons.empty() ? std::nullopt : std::optional(decisive(meaning_of_error(no_repository), reasons));
}

ErrorMeaning meaning_of_status(std::string_view message) {
    const auto found = repository_errors(message);
    return found.empty() ? meaning_of_error(125) : found.front();
}

}  // namespace patroni_pgbackrest::pgbackrest
