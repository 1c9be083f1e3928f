#include "staging/bootstrap_call.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <variant>
#include <vector>

namespace patroni_pgbackrest {

namespace {

std::string fingerprint_of(const patroni::MethodBlock& block) {
    auto text = system::join(block.command, "\n") + (block.keep_existing_recovery_conf ? "\nkeep" : "");
    for (const auto& entry : block.entries) {
        for (const auto& value : entry.values) {
            text += fmt::format("\n{}: {}", entry.key, value.text);
        }
    }
    if (block.recovery_conf) {
        text += "\nrecovery_conf";
        for (const auto& [name, value] : *block.recovery_conf) {
            text += fmt::format("\n{}: {}", name, value.text);
        }
    }
    return system::fingerprint(text);
}

bool is_configured(const Request& request, const std::string& name) {
    return std::any_of(request.configured.begin(), request.configured.end(),
                       [&](const auto& option) { return option.counts && option.name == name; });
}

std::string identity_with(const Request& request, const std::vector<pgbackrest::Option>& restore_options) {
    std::string timeline = "unset";
    if (request.timeline) {
        const auto* number = std::get_if<postgres::Timeline>(&request.timeline->choice);
        timeline = number != nullptr                                          ? number->text()
                   : std::holds_alternative<Latest>(request.timeline->choice) ? "latest"
                                                                              : "current";
    }
    std::string identity =
        fmt::format("scope {} stanza {} repo {} set {} target {} timeline {} recovery {}", request.scope,
                    request.pgbackrest.stanza, request.repository.value_or(0), request.backup_set.value_or("newest"),
                    request.replaced_target.value_or(request.target).text(), timeline, text(request.recovery));
    if (request.system_identifier) {
        identity += " system-identifier " + *request.system_identifier;
    }
    if (request.nearest) {
        identity += " nearest";
    }
    for (const auto& option : restore_options) {
        identity += fmt::format(" {}={}", option.name, option.value);
    }
    return identity;
}

}  // namespace

PatronisCall patronis_call(const Request& request) {
    const bool has_block = request.patroni && request.patroni->method;
    auto given = request.restore_options;
    std::erase_if(given, [&](const auto& option) { return is_configured(request, option.name); });
    return {has_block ? fingerprint_of(*request.patroni->method) : "", pgbackrest::origin_of(request.pgbackrest),
            identity_with(request, given)};
}

std::string identity_of(const Request& request) {
    return identity_with(request, request.restore_options);
}

std::string member_of(const Request& request) {
    return request.patroni ? request.patroni->member() : "";
}

}  // namespace patroni_pgbackrest
