#include "commands/recovery.hpp"

#include "commands/copy.hpp"
#include "process/child.hpp"

#include <chrono>
#include <fmt/format.h>

namespace patroni_pgbackrest::commands {

namespace {

void tell_version(int version, Report& report) {
    report.version("pgbackrest", fmt::format("{}.{}", version / 1000, version % 1000));
}

}  // namespace

int observe_version(const Request& request, Report& report) {
    require_pgbackrest(request);
    const auto told = process::capture(pgbackrest::version_command(request.pgbackrest));
    const auto version = pgbackrest::version_in(request.pgbackrest, told);
    tell_version(version, report);
    return version;
}

/// pgBackRest tells its version while it reads the repository.
RepositoryState observe(const Request& request, const RejectedRuns& rejected, Report& report) {
    require_pgbackrest(request);
    process::Capturing version(pgbackrest::version_command(request.pgbackrest), std::chrono::seconds(30));
    const auto number = [&] { return pgbackrest::version_in(request.pgbackrest, version.result()); };
    try {
        auto repository = read_repository(request, rejected);
        tell_version(number(), report);
        return repository;
    } catch (const Failure&) {
        number();  // a version that is too old explains the rest
        throw;
    }
}

Reached replay_copy(const Request& request, const Plan& plan, StagingDirectory& staging,
                    const std::filesystem::path& bin_directory, const FirstSession& session, Start start,
                    RunView& view) {
    const auto copy_again = [&] {
        view.display.phase("copy");
        copy(request, plan, staging, view.display);
        view.display.phase("replay");
    };
    auto reached = replay(request, plan, staging, bin_directory, session, start, copy_again,
                          [&](const ReplayPosition& position) { view.display.replayed_to(position); });
    view.about(reached);
    return reached;
}

}  // namespace patroni_pgbackrest::commands
