#include "patroni/remainders.hpp"

#include "postgres/wal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace patroni_pgbackrest::patroni {

namespace {

/// Patroni 4 compares them without regard to case.
bool is_named_in(const std::vector<std::string>& names, const std::string& member) {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& name) { return system::lower(name) == system::lower(member); });
}

bool are_names(const nlohmann::json& value) {
    return value.is_array() &&
           std::all_of(value.begin(), value.end(), [](const nlohmann::json& name) { return name.is_string(); });
}

}  // namespace

std::optional<Remainders> remainders_in(std::string_view json) {
    const auto told = nlohmann::json::parse(json, nullptr, false);
    const auto at = [&](const char* key) { return told.contains(key) ? told.at(key) : nlohmann::json(); };
    if (!told.is_object() || !at("last_lsn").is_number_unsigned() || !are_names(at("sync")) ||
        !are_names(at("failsafe")) || !at("failover").is_boolean() || !at("renewed").is_string() ||
        !at("leader").is_string() || !are_names(at("ended"))) {
        return std::nullopt;
    }
    Remainders left;
    left.last_lsn = told.at("last_lsn").get<std::uint64_t>();
    left.sync = told.at("sync").get<std::vector<std::string>>();
    left.failsafe = told.at("failsafe").get<std::vector<std::string>>();
    left.failover = told.at("failover").get<bool>();
    left.renewed = told.at("renewed").get<std::string>();
    left.leader = told.at("leader").get<std::string>();
    left.ended = told.at("ended").get<std::vector<std::string>>();
    return left;
}

std::vector<std::string> remainders_in_the_way(const Remainders& left, const DynamicModes& modes,
                                               const std::string& member, std::optional<std::uint64_t> end) {
    std::vector<std::string> found;
    const std::uint64_t lag = end && left.last_lsn > *end ? left.last_lsn - *end : 0;
    if (left.last_lsn > 0 && !left.failover && (!end || lag > modes.maximum_lag)) {
        found.push_back(fmt::format("/status with LSN {}", postgres::Lsn{left.last_lsn}.text()));
    }
    if (modes.synchronous && !left.sync.empty() && !is_named_in(left.sync, member)) {
        found.push_back(fmt::format("/sync with {}", system::join(left.sync, ", ")));
    }
    if (modes.failsafe && !left.failover && !left.failsafe.empty() && !is_named_in(left.failsafe, member)) {
        found.push_back(fmt::format("/failsafe with {}", system::join(left.failsafe, ", ")));
    }
    return found;
}

}  // namespace patroni_pgbackrest::patroni
