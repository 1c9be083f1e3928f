#include "patroni/review_dynamic.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <regex>
#include <string_view>

namespace patroni_pgbackrest::patroni {

namespace {

using yaml::Entry;
using yaml::Node;

/// Every Patroni from 2.0 to 4.1 calls int() for them while it reads bootstrap.dcs, and takes nothing of it if that
/// fails (config.py set_dynamic_configuration).
constexpr std::array<std::string_view, 3> numbers = {"ttl", "loop_wait", "retry_timeout"};
/// So do 2.0 to 3.0 for these; later ones take the default (global_config.py get_int).
constexpr std::array<std::string_view, 7> later_numbers = {
    "maximum_lag_on_failover", "maximum_lag_on_syncnode", "master_start_timeout",  "primary_start_timeout",
    "master_stop_timeout",     "primary_stop_timeout",    "synchronous_node_count"};
/// And 2.0 to 3.0.2 for these below postgresql.parameters, in any case (CMDLINE_OPTIONS in postgresql/config.py, where
/// wal_keep_size has to be a size and wal_level a text).
constexpr std::array<std::string_view, 7> parameters = {
    "max_connections",           "max_wal_senders",       "wal_keep_segments",   "max_prepared_transactions",
    "max_locks_per_transaction", "max_replication_slots", "max_worker_processes"};

/// Whether Python's int() takes what PyYAML makes of it.
bool is_number(const Node& node) {
    static const std::regex whole(R"(\s*[-+]?[0-9]+(_[0-9]+)*\s*)");
    static const std::regex rounded(R"([-+]?[0-9][0-9_]*\.[0-9_]*|(true|True|TRUE|on|On|ON|yes|Yes|YES))"
                                    R"(|(false|False|FALSE|off|Off|OFF|no|No|NO))");
    static const std::regex endless(R"([-+]?\.(inf|Inf|INF|nan|NaN|NAN))");
    if (!node.is_scalar()) {
        return false;
    }
    const bool is_rewritten = !yaml::rewritten_number(node).empty() && !std::regex_match(node.text, endless);
    return std::regex_match(node.text, whole) || (node.plain && (is_rewritten || std::regex_match(node.text, rounded)));
}

/// Whether Patroni's parse_int (utils.py, 2.0 to 4.1) makes a number of megabytes of it.
bool is_size(const Node& node) {
    static const std::regex size(R"(\s*[-+]?([0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+)\s*(B|kB|MB|GB|TB)?\s*)");
    return node.is_scalar() && (std::regex_match(node.text, size) || !yaml::rewritten_number(node).empty());
}

std::string is_not(const Entry& entry, std::string_view wanted) {
    return yaml::blank(*entry.value) ? entry.key + " has no value"
           : !entry.value->is_scalar()
               ? fmt::format("{} is not a {}", entry.key, wanted)
               : fmt::format("{} is {}, which is not a {}", entry.key, entry.value->text, wanted);
}

std::string not_a_number(const Entry& entry) {
    return is_not(entry, "number");
}

Finding ignored_value(const Entry& entry, const std::string& why, const std::string& hint,
                      std::string_view first_with_default) {
    return {"dcs-value-ignored",
            {fmt::format("{}: Patroni takes its default, and before {} ignores all of bootstrap.dcs", why,
                         first_with_default),
             hint + ", or remove it", entry.place}};
}

Finding ignored_number(const Entry& entry, std::string_view first_with_default) {
    return ignored_value(entry, not_a_number(entry), "write it as a number, without a unit", first_with_default);
}

template <typename Keys>
bool has(const Keys& keys, const std::string& key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

/// Whether Patroni ignores all of them.
bool review_numbers(const Node& dcs, std::vector<Finding>& findings) {
    bool is_ignored = false;
    for (const Entry& entry : dcs.entries) {
        if (is_number(*entry.value)) {
            continue;
        }
        if (has(numbers, entry.key)) {
            is_ignored = true;
            findings.push_back({"dcs-ignored",
                                {not_a_number(entry) + ": Patroni ignores all of bootstrap.dcs",
                                 "write it as a number of seconds, without a unit, or remove it", entry.place}});
        } else if (has(later_numbers, entry.key)) {
            findings.push_back(ignored_number(entry, "3.1"));
        }
    }
    return is_ignored;
}

/// Patroni calls items() for them (config.py _safe_copy_dynamic_configuration, 2.0 to 4.1).
bool review_maps(const Node& dcs, std::vector<Finding>& findings) {
    bool is_ignored = false;
    const auto review = [&](const Node& map, const std::string& key) {
        const Entry* entry = map.find(key);
        if (entry != nullptr && yaml::truthy(*entry->value) && !entry->value->is_map()) {
            is_ignored = true;
            findings.push_back({"dcs-ignored",
                                {key + " is not a map: Patroni ignores all of bootstrap.dcs",
                                 "write keys and values below it, or remove it", entry->place}});
        }
    };
    review(dcs, "postgresql");
    review(dcs, "standby_cluster");
    review(dcs.map_at("postgresql"), "parameters");
    return is_ignored;
}

void review_parameters(const Node& dcs, std::vector<Finding>& findings) {
    for (const Entry& entry : dcs.map_at("postgresql").map_at("parameters").entries) {
        constexpr std::string_view since = "3.0.3";
        const auto name = system::lower(entry.key);
        if (has(parameters, name) && !is_number(*entry.value)) {
            findings.push_back(ignored_number(entry, since));
        } else if (name == "wal_keep_size" && !is_size(*entry.value)) {
            findings.push_back(ignored_value(entry, is_not(entry, "size"),
                                             "write it as a number of megabytes, or with the unit kB, MB, GB or TB",
                                             since));
        } else if (name == "wal_level" && !yaml::is_text(*entry.value)) {
            findings.push_back(ignored_value(entry, is_not(entry, "level"), "write replica or logical", since));
        }
    }
}

/// What Patroni takes instead from 3.2 on (config.py, _validate_and_adjust_timeouts); for a ttl that is too small.
std::string adjusted(std::uint64_t ttl, std::uint64_t loop_wait, std::uint64_t retry_timeout) {
    const auto lock = std::max<std::uint64_t>(ttl, 20);
    auto retry = std::max<std::uint64_t>(retry_timeout, 3);
    auto wait = std::max<std::uint64_t>(loop_wait, 1);
    if (1 + 2 * retry > lock) {
        wait = 1;
        retry = (lock - 1) / 2;
    } else {
        wait = std::min(wait, lock - 2 * retry);
    }
    return fmt::format("ttl {}, loop_wait {} and retry_timeout {}", lock, wait, retry);
}

/// The defaults are config.py's, 2.0 to 4.1.
void review_timeouts(const Node& dcs, std::vector<Finding>& findings) {
    const auto seconds = [&](const char* key, std::uint64_t otherwise) {
        const Entry* entry = dcs.find(key);
        return entry == nullptr ? otherwise : system::number(entry->value->text).value_or(otherwise);
    };
    const auto ttl = seconds("ttl", 30);
    const auto loop_wait = seconds("loop_wait", 10);
    const auto retry_timeout = seconds("retry_timeout", 10);
    const auto least = loop_wait + 2 * retry_timeout;
    if (ttl < least) {
        const Entry* entry = dcs.find("ttl");
        findings.push_back(
            {"leader-loses-lock",
             {fmt::format("ttl is {}, less than loop_wait + 2 * retry_timeout, which is {}: Patroni 3.2 and "
                          "later take {} instead",
                          ttl, least, adjusted(ttl, loop_wait, retry_timeout)),
              fmt::format("set ttl to {} or more in bootstrap.dcs", least),
              entry == nullptr ? std::string() : entry->place}});
    }
}

/// A node that was started again lags by 0 bytes at the least, which is more (ha.py is_lagging, 2.0 to 4.1).
void review_lag(const Node& dcs, std::vector<Finding>& findings) {
    const Entry* entry = dcs.find("maximum_lag_on_failover");
    if (entry != nullptr && is_number(*entry->value) && system::trim(entry->value->text).starts_with('-') &&
        yaml::truthy(*entry->value)) {
        findings.push_back(
            {"leader-never-again",
             {fmt::format(
                  "maximum_lag_on_failover is {}: once PostgreSQL was stopped on all nodes, none of them becomes "
                  "leader again",
                  entry->value->text),
              "set it to 0 or more, or remove it for Patroni's default of 1048576", entry->place}});
    }
}

}  // namespace

void review_dynamic(const Node& dcs, std::vector<Finding>& findings) {
    const bool has_maps = !review_maps(dcs, findings);
    if (!review_numbers(dcs, findings) && has_maps) {
        review_parameters(dcs, findings);
        review_timeouts(dcs, findings);
        review_lag(dcs, findings);
    }
}

}  // namespace patroni_pgbackrest::patroni
