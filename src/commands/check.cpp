#include "commands/check.hpp"

#include "checks/checks.hpp"
#include "checks/review_machine.hpp"
#include "checks/review_options.hpp"
#include "checks/review_places.hpp"
#include "commands/arguments.hpp"
#include "commands/check_scope.hpp"
#include "patroni/command_words.hpp"
#include "patroni/review.hpp"
#include "patroni/review_method.hpp"
#include "patroni/secrets.hpp"
#include "patroni/startup_files.hpp"
#include "pgbackrest/backup_files.hpp"
#include "pgbackrest/backup_targets.hpp"
#include "plan/window.hpp"
#include "postgres/binaries.hpp"
#include "postgres/control_data.hpp"
#include "request/options.hpp"
#include "request/settings.hpp"
#include "staging/set_aside.hpp"
#include "staging/unarchived_wal.hpp"
#include "system/log.hpp"
#include "system/text.hpp"
#include "system/write_wall.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <unistd.h>

namespace patroni_pgbackrest::commands {

namespace {

/// What the command prints besides the findings.
struct Overview {
    std::vector<std::pair<std::string, std::string>> facts;  ///< in words
    nlohmann::ordered_json settings = nlohmann::ordered_json::array();

    void add(const std::string& name, const std::string& value) { facts.emplace_back(name, value); }
    void add_setting(const std::string& name, const std::string& value, const std::string& place) {
        settings.push_back({{"name", name}, {"value", patroni::text_to_show(value)}, {"place", place}});
    }
};

void add(std::vector<Finding>& findings, const char* id, const std::vector<Problem>& problems) {
    for (const auto& problem : problems) {
        findings.push_back({id, problem});
    }
}

void add(std::vector<Finding>& findings, const char* id, const Failure& failure) {
    add(findings, id, failure.problems());
}

void append(std::vector<Finding>& findings, const std::vector<Finding>& more) {
    findings.insert(findings.end(), more.begin(), more.end());
}

/// Without a request that can be made: what is known of it all the same.
patroni::Intent intent_of(const BootstrapArguments& arguments, const std::optional<Request>& request) {
    patroni::Intent intent;
    if (request) {
        intent.stanza = request->pgbackrest.stanza;
        intent.pgbackrest_configuration = request->pgbackrest.configuration;
        intent.has_target = !request->target.is_latest();
        return intent;
    }
    const Settings settings(arguments.options, arguments.patroni);
    if (const auto stanza = settings.value("stanza")) {
        intent.stanza = stanza->text;
    }
    if (const auto file = settings.value("pgbackrest-config")) {
        intent.pgbackrest_configuration = file->text;
    }
    return intent;
}

/// What patroni.yml alone shows.
std::vector<Finding> review_configuration(const BootstrapArguments& arguments, const std::optional<Request>& request) {
    std::set<std::string> flags;
    for (const auto& option : bootstrap_options()) {
        if (option.kind == OptionKind::flag) {
            flags.emplace(option.name);
        }
    }
    auto findings = patroni::review(arguments.source, intent_of(arguments, request));
    append(findings, patroni::review_values(arguments.source, flags));
    return findings;
}

/// What its block says is not for us, if it is not a script that calls us with it.
bool runs_another_program(const BootstrapArguments& arguments) {
    return arguments.patroni && arguments.patroni->method &&
           !patroni::calls_us(system::join(arguments.patroni->method->command, " "), "bootstrap");
}

std::optional<Request> review_request(const BootstrapArguments& arguments, Overview& overview,
                                      std::vector<Finding>& findings) {
    const Settings settings(arguments.options, arguments.patroni);
    for (const auto& [name, values] : settings.all()) {
        for (const auto& value : values) {
            overview.add_setting(name, value.text, value.place);
        }
    }
    try {
        auto request = make_request(arguments.options, arguments.patroni);
        for (const auto& option : request.configured) {
            if (pgbackrest::treatment_of(option.name) == pgbackrest::Treatment::requested &&
                !settings.all().contains(option.name)) {
                for (const auto& value : option.values) {
                    overview.add_setting(option.name, value, option.place);
                }
            }
        }
        append(findings, review_options(request));
        append(findings, review_pg_path(request));
        return request;
    } catch (const Failure& failure) {
        add(findings, "request-invalid", failure);
        return std::nullopt;
    }
}

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

/// The request against the repository; empty when it cannot be served.
std::optional<Plan> review_repository(const Request& request, const patroni::ScopeState& scope, Overview& overview,
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
            add(findings, "wal-not-archived", find_unarchived_wal(request, repository));
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
        return plan;
    } catch (const Failure& failure) {
        // read_repository() chooses the backup set, too.
        add(findings, id_of(failure.code(), id, undecided), failure);
        return std::nullopt;
    }
}

void review_members(const BootstrapArguments& bootstrap, const std::vector<std::string>& members,
                    std::vector<Finding>& findings) {
    for (const auto& member : members) {
        try {
            append(findings, patroni::review_members(bootstrap.source, {member}));
        } catch (const Failure& failure) {
            add(findings, "configuration-broken", failure);
        }
    }
}

/// The manifest of the backup is read only where this node lacks a file that it may bring.
std::vector<Finding> review_startup_files(const Request& request, const Plan& plan) {
    if (!request.patroni) {
        return {};
    }
    const bool writes_block = request.recovery == Recovery::patroni;
    auto seen = patroni::look_before_copy(*request.patroni);
    if (patroni::needs_backup(*request.patroni, seen)) {
        seen.backups = pgbackrest::top_files_of(request.pgbackrest, plan.backup);
    }
    return patroni::review_startup_files(*request.patroni, seen, writes_block);
}

std::vector<pgbackrest::RestoredTarget> targets_of(const Request& request, const Plan& plan, const Layout& layout) {
    return pgbackrest::restored_targets(plan.targets, request.restore_options, layout.staging);
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

/// What the DCS holds for a scope that is not initialised counts at the next bootstrap, too; `patronictl remove` takes
/// the configuration of another away.
std::string configuration_left(const patroni::ScopeState& scope) {
    return scope.initialize == patroni::InitializeKey::absent ? scope.configuration : std::string();
}

void review_machine(const BootstrapArguments& arguments, const Request& request, const patroni::ScopeState& scope,
                    const std::optional<Plan>& plan, Overview& overview, std::vector<Finding>& findings) {
    std::optional<Layout> layout;
    try {
        layout = choose_layout(request.data_directory);
        overview.add("staging directory", layout->staging.string());
        refuse_others_staging(*layout);
        review_machine(request, *layout, findings);
        append(findings, review_place(*layout, look_at_place(*layout)));
        append(findings, review_temporary_directory());
        if (plan) {
            append(findings, review_targets(*layout, targets_of(request, *plan, *layout)));
            review_disk(request, *plan, *layout, findings);
            append(findings, review_startup_files(request, *plan));
        }
    } catch (const Failure& failure) {
        add(findings, failure.code() == ExitCode::unsafe ? "data-directory-in-use" : "staging-unusable", failure);
    }
    if (!plan) {
        return;
    }
    try {
        const bool configured = request.patroni && request.patroni->bin_directory;
        const auto directory = postgres::find_binaries(
            plan->major_version,
            configured ? std::optional<std::filesystem::path>(request.patroni->bin_directory->text) : std::nullopt);
        overview.add("PostgreSQL", fmt::format("{} in {}", plan->major_version, directory.string()));
        if (layout) {
            review_limits({arguments.source, request.scope, configuration_left(scope)}, *layout, directory, findings);
        }
    } catch (const Failure& failure) {
        add(findings, "binaries", failure);
    }
}

std::string text(const Overview& overview, const std::vector<Finding>& findings) {
    std::string text;
    for (const auto& setting : overview.settings) {
        text += fmt::format("{} = {} ({})\n", setting["name"].get<std::string>(), setting["value"].get<std::string>(),
                            setting["place"].get<std::string>());
    }
    for (const auto& [name, value] : overview.facts) {
        text += fmt::format("{}: {}\n", name, value);
    }
    return text + findings_text(findings);
}

std::string json(const Overview& overview, const std::vector<Finding>& findings) {
    nlohmann::ordered_json facts = nlohmann::ordered_json::object();
    for (const auto& [name, value] : overview.facts) {
        facts[name] = value;
    }
    const nlohmann::ordered_json all{{"schema", 1},
                                     {"settings", overview.settings},
                                     {"facts", facts},
                                     {"findings", nlohmann::ordered_json::parse(findings_json(findings))}};
    return all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

/// Empty when patroni.yml cannot be read.
std::optional<BootstrapArguments> read_configuration(const CheckArguments& arguments, std::vector<Finding>& findings) {
    try {
        return read_bootstrap_arguments(arguments.words);
    } catch (const Failure& failure) {
        add(findings, "configuration-broken", failure);
        return std::nullopt;
    }
}

void review(const BootstrapArguments& bootstrap, bool search, Overview& overview, std::vector<Finding>& findings) {
    std::vector<Finding> of_request;
    auto request = review_request(bootstrap, overview, of_request);
    if (!request && runs_another_program(bootstrap)) {
        overview.settings.clear();
    } else {
        append(findings, of_request);
    }
    if (bootstrap.patroni) {
        append(findings, review_configuration(bootstrap, request));
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
    const auto asked = ask_scope(bootstrap.source, *request);
    const auto scope = asked.value_or(patroni::ScopeState());
    const auto plan = review_repository(*request, scope, overview, findings);
    review_machine(bootstrap, *request, scope, plan, overview, findings);
    if (asked) {
        append(findings, review_scope(request->scope, scope));
    }
}

/// A fault in how replicas will be made does not stop the restore of the first node.
bool refuses(const Finding& finding) {
    return is_error(finding) && !finding.id.starts_with("replica-method-");
}

void refuse_errors(std::vector<Finding> findings) {
    const auto errors = std::stable_partition(findings.begin(), findings.end(), std::not_fn(refuses));
    std::for_each(findings.begin(), errors,
                  [](const Finding& finding) { log::write(finding.problem, log::Level::warning); });
    if (errors != findings.end()) {
        throw Failure(ExitCode::preflight_refused, errors_in({errors, findings.end()}));
    }
}

void explain(const std::string& id) {
    const auto* definition = find_check(id);
    if (definition == nullptr) {
        throw Failure(ExitCode::usage, fmt::format("no check is called '{}'", id),
                      "docs/checks.md lists them; a finding's id follows ERROR or WARNING");
    }
    std::fputs(explanation(*definition).c_str(), stdout);
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
        review(*bootstrap, arguments.search, overview, findings);
        review_members(*bootstrap, arguments.members, findings);
    }
    for (auto& finding : findings) {
        finding.problem.message = patroni::text_to_show(finding.problem.message);
        finding.problem.hint = patroni::text_to_show(finding.problem.hint);
    }
    std::fputs((arguments.json ? json(overview, findings) : text(overview, findings)).c_str(), stdout);
    return has_error(findings) ? ExitCode::preflight_refused : ExitCode::done;
}

void refuse_root(const std::string& command) {
    if (const auto root = review_user(::geteuid(), command)) {
        throw Failure(ExitCode::preflight_refused, {root->problem});
    }
}

void refuse_configuration(const BootstrapArguments& arguments, const Request& request) {
    auto options = review_options(request);
    append(options, review_pg_path(request));
    refuse_errors(options);
    // No variable tells any of what is reviewed.
    if (!arguments.patroni || arguments.patroni->only_variables) {
        return;
    }
    auto findings = review_configuration(arguments, request);
    // These keep Patroni from calling bootstrap. It is being called: by Patroni all the same, or by a person. The last
    // three do not concern this restore: replicas come later, and options are read from the file.
    std::erase_if(findings, [](const Finding& finding) {
        return finding.id == "method-missing" || finding.id == "standby-cluster" ||
               finding.id == "node-never-bootstraps" || finding.id == "replica-method-list" ||
               finding.id == "option-boolean" || finding.id == "option-without-value";
    });
    refuse_errors(findings);
}

void refuse_unfit_places(const Layout& layout) {
    auto findings = review_place(layout, look_at_place(layout));
    append(findings, review_temporary_directory());
    refuse_errors(findings);
}

void refuse_unfit_node(const Request& request, const Plan& plan, const Layout& layout) {
    auto findings = review_targets(layout, targets_of(request, plan, layout));
    review_disk(request, plan, layout, findings);
    append(findings, review_startup_files(request, plan));
    refuse_errors(findings);
}

void refuse_incomplete_copy(const Request& request, const std::filesystem::path& data_directory) {
    if (!request.patroni) {
        return;
    }
    const auto findings =
        patroni::review_startup_files(*request.patroni, patroni::look_into_copy(*request.patroni, data_directory),
                                      request.recovery == Recovery::patroni);
    if (has_error(findings)) {
        throw Failure(ExitCode::verification_failed, errors_in(findings));
    }
}

}  // namespace patroni_pgbackrest::commands
