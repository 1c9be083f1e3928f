#include "commands/check_configuration.hpp"

#include "checks/checks.hpp"
#include "checks/review_options.hpp"
#include "patroni/command_words.hpp"
#include "patroni/review.hpp"
#include "patroni/review_method.hpp"
#include "request/options.hpp"
#include "request/settings.hpp"
#include "system/text.hpp"

#include <set>

namespace patroni_pgbackrest::commands {

namespace {

/// Without a request that can be made: what is known of it all the same.
patroni::Intent intent_of(const BootstrapArguments& arguments, const std::optional<Request>& request,
                          const std::filesystem::path& root) {
    patroni::Intent intent;
    intent.root = root;
    if (request) {
        intent.stanza = request->pgbackrest.stanza;
        intent.pgbackrest_configuration = request->pgbackrest.configuration;
        for (const auto& option : request->pgbackrest.common) {
            if (option.name == "config-path") {
                intent.pgbackrest_directory = option.value;
            }
        }
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
    if (const auto directory = settings.value("config-path")) {
        intent.pgbackrest_directory = directory->text;
    }
    return intent;
}

/// What its block says is not for us, if it is not a script that calls us with it.
bool runs_another_program(const BootstrapArguments& arguments) {
    if (!arguments.patroni || !arguments.patroni->method) {
        return false;
    }
    std::vector<std::string> words;
    for (const auto& word : arguments.patroni->method->command) {
        words.push_back(system::shell_word(word));
    }
    return !patroni::calls_us(system::join(words, " "), "bootstrap");
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
        append(findings, "request-invalid", failure.problems());
        return std::nullopt;
    }
}

}  // namespace

std::vector<Finding> review_patroni_yml(const BootstrapArguments& arguments, const std::optional<Request>& request,
                                        const std::filesystem::path& root) {
    std::set<std::string> flags;
    for (const auto& option : bootstrap_options()) {
        if (option.kind == OptionKind::flag) {
            flags.emplace(option.name);
        }
    }
    auto findings = patroni::review(arguments.source, intent_of(arguments, request, root));
    append(findings, patroni::review_values(arguments.source, flags));
    return findings;
}

std::optional<Request> review_configuration(const BootstrapArguments& arguments, Overview& overview,
                                            std::vector<Finding>& findings, const std::filesystem::path& root) {
    std::vector<Finding> of_request;
    auto request = review_request(arguments, overview, of_request);
    if (!request && runs_another_program(arguments)) {
        overview.settings.clear();
    } else {
        append(findings, std::move(of_request));
    }
    if (arguments.patroni) {
        append(findings, review_patroni_yml(arguments, request, root));
    }
    return request;
}

}  // namespace patroni_pgbackrest::commands
