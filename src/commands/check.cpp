#include "commands/check.hpp"

#include "checks/checks.hpp"
#include "checks/review_machine.hpp"
#include "checks/review_options.hpp"
#include "checks/review_places.hpp"
#include "checks/review_replay.hpp"
#include "commands/arguments.hpp"
#include "commands/check_configuration.hpp"
#include "commands/check_overview.hpp"
#include "commands/check_scope.hpp"
#include "commands/dcs_in_force.hpp"
#include "commands/preflight.hpp"
#include "commands/print.hpp"
#include "patroni/read_by_patroni.hpp"
#include "patroni/review.hpp"
#include "patroni/review_left.hpp"
#include "patroni/review_server_start.hpp"
#include "patroni/secrets.hpp"
#include "plan/window.hpp"
#include "postgres/binaries.hpp"
#include "postgres/control_data.hpp"
#include "show/estimate.hpp"
#include "show/rehearsal.hpp"
#include "staging/reused_data.hpp"
#include "staging/set_aside.hpp"
#include "staging/unarchived_wal.hpp"
#include "system/log.hpp"
#include "system/text.hpp"
#include "system/write_wall.hpp"

#include <chrono>
#include <ctime>
#include <fmt/format.h>
#include <string_view>
#include <unistd.h>

namespace patroni_pgbackrest::commands {

namespace {

/// `id` is what was looked at when it failed, `undecided` what only a person can decide there.
const char* id_of(ExitCode code, const char* id, const char* undecided) {
    switch (code) {
    case ExitCode::target_not_reachable:
        return "target";
    case ExitCode::usage:
        return undecided;
    case ExitCode::pgbackrest_failed:
    case ExitCode::repository_unreachable:
        return std::string_view(id) == "target" ? "repository" : id;
    default:
        return id;
    }
}

/// What `reuse-data: auto` would take as things are: the disk has that much less to hold.
void add_reused_data(Request& request, const Plan& plan, const RepositoryState& repository, Overview& overview) {
    const auto layout = choose_layout(request.data_directory);
    const auto reused = find_reused_data(request, plan, repository.archive.segments, layout);
    overview.add("reuse-data", system::join(reused.lines, "; "));
    request.reuse_data = reused.directory;
}

/// The request against the repository; empty when it cannot be served. Settles what reuse-data is.
std::optional<Plan> review_repository(Request& request, const patroni::ScopeState& scope, Overview& overview,
                                      std::vector<Finding>& findings) {
    const char* id = "repository";
    const char* undecided = "request-invalid";
    try {
        require_pgbackrest(request);
        const auto stanza = read_stanza(request);
        undecided = "several-clusters";
        const auto settled = settle_cluster(request, stanza, scope);
        append(findings, review_cluster(request, settled, scope));
        undecided = "backup-set-unknown";
        const auto rejected = rejected_runs(request, choose_layout(request.data_directory));
        const auto repository = read_repository(request, stanza, settled, rejected);
        if (!scope.leadership.leader) {
            append(findings, "wal-not-archived", find_unarchived_wal(request, repository));
        }
        id = "target";
        auto plan = make_plan(request, repository);
        overview.add("backup set", plan.backup.label);
        overview.add("timeline", fmt::format("{} ({})", plan.timeline().text(), plan.reason_for_timeline));
        overview.add("WAL segments", fmt::format("{}, {} to {}", plan.wal.segments, plan.wal.first(), plan.wal.last()));
        overview.add("restorable from", window_text(plan, repository));
        if (plan.target.text() != request.target.text()) {
            overview.add("nearest point", plan.target.text());
        }
        if (plan.backup.in_error) {
            findings.push_back({"backup-in-error",
                                {fmt::format("backup set {} has pages with bad checksums", plan.backup.label),
                                 "name another one with set, or run pg_amcheck afterwards"}});
        }
        if (!plan.wal.ranges.empty()) {
            id = "first-segment";
            repository.wal->facts(plan.wal.first());
        }
        if (request.reuses_set_aside) {
            add_reused_data(request, plan, repository, overview);
        }
        return plan;
    } catch (const Failure& failure) {
        // read_repository() chooses the backup set, too.
        append(findings, id_of(failure.code(), id, undecided), failure.problems());
        return std::nullopt;
    }
}

void review_members(const BootstrapArguments& bootstrap, const std::vector<std::string>& members,
                    std::vector<Finding>& findings) {
    for (const auto& member : members) {
        try {
            append(findings, patroni::review_members(bootstrap.source, {member}));
        } catch (const Failure& failure) {
            append(findings, "configuration-broken", failure.problems());
        }
    }
}

/// Patroni's limits against pg_control of what is there: the running cluster, or the copy of an earlier try.
void review_limits(const patroni::DynamicLimits& limits, const Layout& layout,
                   const std::filesystem::path& bin_directory, std::vector<Finding>& findings) {
    for (const auto& directory : {layout.data_directory, layout.staging}) {
        std::error_code error;
        if (std::filesystem::exists(directory / "global" / "pg_control", error)) {
            const auto control = postgres::read_control_data(bin_directory, directory);
            append(findings, limits.review(control.limits()));
            return;
        }
    }
}

/// By what restores took on this node.
void add_estimate(const Plan& plan, const Layout& layout, Overview& overview) {
    RestoreWork work{.bytes = plan.backup.size,
                     .segments = plan.wal.segments,
                     .segment_size = plan.segment_size.bytes,
                     .since_backup = std::chrono::seconds(std::time(nullptr) - plan.backup.started)};
    const auto& target = plan.target;
    work.may_end_earlier = !target.is_latest() && !target.is_immediate();
    const auto expected = estimate(work, read_history(layout.history()));
    overview.add("time to a leader", estimate_text(work, expected));
    if (const auto shorter = expected ? more_backups(work, *expected) : std::nullopt) {
        overview.add("shorter with", shorter_text(work, *shorter));
    }
}

void review_machine(const BootstrapArguments& arguments, const Request& request, const std::optional<Plan>& plan,
                    Overview& overview, std::vector<Finding>& findings) {
    std::optional<Layout> layout;
    try {
        layout = choose_layout(request.data_directory);
        overview.add("staging directory", layout->staging.string());
        refuse_others_staging(*layout);
        review_machine(request, *layout, findings);
        append(findings, review_place(*layout, look_at_place(*layout)));
        append(findings, review_temporary_directory());
        if (plan) {
            add_estimate(*plan, *layout, overview);
            review_node(request, *plan, *layout, findings);
        }
    } catch (const Failure& failure) {
        append(findings, failure.code() == ExitCode::unsafe ? "data-directory-in-use" : "staging-unusable",
               failure.problems());
    }
    if (!plan) {
        return;
    }
    std::filesystem::path directory;
    try {
        directory = postgres::find_binaries(plan->major_version, configured_binaries(request));
        overview.add("PostgreSQL", fmt::format("{} in {}", plan->major_version, directory.string()));
        append(findings, review_replay_settings(request, directory));
        append(findings, review_server_file_outside(request, *plan, directory));
        if (layout) {
            review_limits(patroni::DynamicLimits(arguments.source), *layout, directory, findings);
        }
    } catch (const Failure& failure) {
        append(findings, "binaries", failure.problems());
    }
    if (layout && request.patroni) {
        append(findings, patroni::review_server_start(*request.patroni, directory, false));
    }
}

/// What counts instead of bootstrap.dcs.
std::vector<Finding> review_left(const BootstrapArguments& arguments, const std::string& scope,
                                 const patroni::ScopeState& state) {
    if (arguments.source.dcs.json.empty()) {
        return {};
    }
    const auto own = patroni::load_tree({arguments.source.path, arguments.source.environment});
    const auto in_force = patroni::load_tree(arguments.source);
    return patroni::review_left(own->map_at("bootstrap").map_at("dcs"), in_force->map_at("bootstrap").map_at("dcs"),
                                scope, {state.how_to_remove(scope), state.how_to_edit(scope)});
}

/// Where the parameters of the cluster come from that are not of this node alone.
void add_dynamic_configuration(const BootstrapArguments& arguments, const patroni::ScopeState& state,
                               Overview& overview) {
    const std::string name = "dynamic configuration";
    if (!arguments.source.dcs.json.empty()) {
        overview.add(name, "/config in the DCS, and not bootstrap.dcs");
    } else if (state.initialize == patroni::InitializeKey::unknown) {
        overview.add(name, "bootstrap.dcs; whether the DCS holds another is not known");
    }
}

/// Empty when patroni.yml cannot be read.
std::optional<BootstrapArguments> read_configuration(const CheckArguments& arguments, std::vector<Finding>& findings) {
    const auto said_by_patroni = [](const std::optional<std::filesystem::path>& path) {
        return path ? patroni::problems_of_patroni_reading(*path) : std::nullopt;
    };
    try {
        auto read = read_bootstrap_arguments(arguments.words);
        if (const auto problems = said_by_patroni(read.source.path); problems && !problems->empty()) {
            append(findings, "configuration-broken", *problems);
            return std::nullopt;
        }
        return read;
    } catch (const Failure& failure) {
        const auto problems = said_by_patroni(value_in(arguments.words, "patroni-config"));
        const bool is_read = problems && problems->empty();
        append(findings, "configuration-broken",
               is_read ? patroni::problems_of_ours(failure.problems()) : failure.problems());
        return std::nullopt;
    }
}

std::vector<Finding> review_history(const Request& request) {
    try {
        const auto rehearsals = read_rehearsals(request.rehearsals.value_or(usual_rehearsals_file()));
        return review_rehearsals(rehearsals, request.pgbackrest.stanza, std::time(nullptr));
    } catch (const Failure& failure) {
        return {{"no-rehearsal", failure.problems().front()}};
    }
}

/// As Patroni will take it. Empty when what the DCS holds cannot be read.
std::optional<BootstrapArguments> read_what_counts(const BootstrapArguments& arguments,
                                                   const patroni::ScopeState& state, std::vector<Finding>& findings) {
    try {
        return with_dcs(arguments, at_bootstrap(state));
    } catch (const Failure& failure) {
        append(findings, "configuration-broken", failure.problems());
        return std::nullopt;
    }
}

void review(const BootstrapArguments& given, bool search, Overview& overview, std::vector<Finding>& findings) {
    const auto asked = ask_scope(given, patroni::Silence::is_away);
    const auto scope = asked.value_or(patroni::ScopeState());
    const auto bootstrap = read_what_counts(given, scope, findings);
    if (!bootstrap) {
        return;
    }
    auto request = review_configuration(*bootstrap, overview, findings);
    append(findings, review_left(*bootstrap, scope_of(given), scope));
    if (asked) {
        append(findings, review_remainders(scope_of(given), bootstrap->patroni->member(), scope,
                                           patroni::modes_in_force(bootstrap->source)));
    }
    if (!request) {
        return;
    }
    request->search = search;
    overview.add("target", request->target.text());
    overview.add("replayed by", text(request->recovery));
    const int landlock = system::landlock_version();
    overview.add("writing confined", landlock == 0 ? "no, the kernel has no Landlock"
                                                   : fmt::format("to the restore's places, by Landlock {}", landlock));
    append(findings, review_restore_options(*request));
    if (asked) {
        add_dynamic_configuration(*bootstrap, scope, overview);
    }
    const auto plan = review_repository(*request, scope, overview, findings);
    review_machine(*bootstrap, *request, plan, overview, findings);
    if (asked) {
        append(findings, review_scope(request->scope, scope));
    }
    append(findings, review_history(*request));
}

void explain(const std::string& id) {
    const auto* definition = find_check(id);
    if (definition == nullptr) {
        throw Failure(ExitCode::usage, fmt::format("no check is called '{}'", id),
                      "docs/checks.md lists them; a finding's id follows ERROR or WARNING");
    }
    print(explanation(*definition));
}

}  // namespace

ExitCode check(const CheckArguments& arguments) {
    if (!arguments.explain.empty()) {
        explain(arguments.explain);
        return ExitCode::done;
    }
    Overview overview;
    std::vector<Finding> findings;
    log::set_level(arguments.search ? log::Level::info : log::Level::warning);
    if (const auto root = review_user(::geteuid(), "check")) {
        findings.push_back(*root);
    }
    if (const auto bootstrap = read_configuration(arguments, findings)) {
        if (bootstrap->patroni) {
            take_variables(*bootstrap->patroni);
        }
        choose_log_format(*bootstrap);
        review(*bootstrap, arguments.search, overview, findings);
        review_members(*bootstrap, arguments.members, findings);
    }
    for (auto& finding : findings) {
        finding.problem.message = patroni::text_to_show(finding.problem.message);
        finding.problem.hint = patroni::text_to_show(finding.problem.hint);
    }
    print(arguments.json ? overview_json(overview, findings) : overview_text(overview, findings));
    return has_error(findings) ? ExitCode::preflight_refused : ExitCode::done;
}

}  // namespace patroni_pgbackrest::commands
