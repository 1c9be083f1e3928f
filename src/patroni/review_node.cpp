#include "patroni/effective.hpp"
#include "patroni/review.hpp"
#include "patroni/roles.hpp"
#include "patroni/secrets.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest::patroni {

namespace {

namespace fs = std::filesystem;
using yaml::Entry;
using yaml::Node;

/// From 3.2 on a priority of 0 or less counts as nofailover, unless that says something itself (tags.py nofailover).
void review_tags(const Node& tags, std::vector<Finding>& findings) {
    const Entry* tag = tags.find("nofailover");
    const bool is_set = tag != nullptr && !tag->value->is_null();
    const Entry* priority = tags.find("failover_priority");
    const auto is_zero_or_less = [](const std::string& number) {
        return number.starts_with("-") || system::number(number) == 0;
    };
    std::string reason;
    if (is_set && yaml::truthy(*tag->value)) {
        reason = "tags.nofailover is set";
    } else if (!is_set && priority != nullptr && is_zero_or_less(priority->value->text)) {
        tag = priority;
        reason = fmt::format("tags.failover_priority is {}", priority->value->text);
    }
    if (!reason.empty()) {
        findings.push_back({"node-never-bootstraps",
                            {reason + ": Patroni never calls the bootstrap method on this node",
                             "remove it on the node to be restored", tag->place}});
    }
}

bool is_ipv6(const std::string& address) {
    in6_addr parsed{};
    return ::inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}

/// Patroni takes what stands behind the last colon for the port (utils.py split_host_port, 2.0 to 4.1).
void review_listen(const Node& local, std::vector<Finding>& findings) {
    const Entry* entry = local.find("listen");
    const auto text = entry == nullptr ? std::string() : std::string(system::trim(entry->value->text));
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) {
        return;
    }
    const auto last = std::string(system::trim(system::split(text, ',').back()));
    const auto host = last.substr(0, last.rfind(':'));
    const auto port = text.substr(colon + 1);
    const bool is_number = system::number(std::string(system::trim(port))).has_value();
    if (!is_number || (is_ipv6(last) && !is_ipv6(host))) {
        const auto address = last.starts_with("[") ? last.substr(0, last.rfind(']') + 1)
                             : is_ipv6(last)       ? "[" + last + "]"
                                                   : host;
        // A part of a secret does not look like one.
        const auto shown = text_to_show(text) == text ? port : "****";
        findings.push_back({"listen-misread",
                            {fmt::format("postgresql.listen is '{}': Patroni takes '{}' for the port", text, shown),
                             fmt::format("put the port behind the last address: '{}:5432'", address), entry->place}});
    }
}

void review_watchdog(const Node& tree, const Intent& intent, std::vector<Finding>& findings) {
    const Node& watchdog = tree.map_at("watchdog");
    const Entry* mode = watchdog.find("mode");
    if (mode == nullptr || system::lower(mode->value->text) != "required") {
        return;
    }
    const Entry* given = watchdog.find("device");
    const fs::path device = given == nullptr ? "/dev/watchdog" : given->value->text;
    const auto path = intent.root / device.relative_path();
    if (::access(path.c_str(), W_OK) != 0) {
        findings.push_back(
            {"watchdog-missing",
             {fmt::format("watchdog is required, but {} cannot be written: this node never becomes leader",
                          device.string()),
              "load its kernel module and give it to the user of Patroni, or set watchdog.mode: automatic",
              mode->place}});
    }
}

/// These units and their drop-ins.
std::vector<fs::path> unit_files(const fs::path& root, const std::vector<std::string>& units) {
    std::vector<fs::path> files;
    for (const char* directory : {"etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system",
                                  "usr/lib/systemd/system", "lib/systemd/system"}) {
        for (const auto& name : units) {
            std::error_code error;
            const auto unit = root / directory / name;
            if (fs::is_regular_file(unit, error) && ::access(unit.c_str(), R_OK) == 0) {
                files.push_back(unit);
            }
            for (const auto& entry : fs::directory_iterator(unit.string() + ".d", error)) {
                if (entry.path().extension() == ".conf" && ::access(entry.path().c_str(), R_OK) == 0) {
                    files.push_back(entry.path());
                }
            }
        }
    }
    return files;
}

void review_resume(const ConfigurationSource& source, const Intent& intent, std::vector<Finding>& findings) {
    std::error_code error;
    const bool systemd_runs = fs::is_directory(intent.root / "run/systemd/system", error);
    const auto files = unit_files(intent.root, units_of(source.path));
    const auto resumes = [](const fs::path& file) {
        return system::read_file(file).find("patroni_pgbackrest resume") != std::string::npos;
    };
    if (systemd_runs && !files.empty() && std::none_of(files.begin(), files.end(), resumes)) {
        findings.push_back({"resume-missing",
                            {"patroni_pgbackrest resume does not run before Patroni: after a reboot in the middle of a "
                             "restore Patroni would wait forever",
                             "install the drop-in patroni.service.d.conf of the examples", files.front().string()}});
    }
}

}  // namespace

std::vector<std::string> units_of(const std::optional<fs::path>& file) {
    const auto name = file && file->parent_path() == "/etc/patroni" ? file->stem().string() : std::string();
    const auto end_of_version = name.find_first_not_of("0123456789.");
    if (end_of_version != 0 && end_of_version != std::string::npos && name[end_of_version] == '-') {
        return {"patroni@" + name + ".service", "patroni@.service"};
    }
    return {"patroni.service"};
}

void review_node(const Node& tree, const ConfigurationSource& source, const Intent& intent,
                 std::vector<Finding>& findings) {
    review_tags(tree.map_at("tags"), findings);
    review_listen(tree.map_at("postgresql"), findings);
    review_roles(tree, source, findings);
    review_watchdog(tree, intent, findings);
    review_passwords(source, findings);
    review_resume(source, intent, findings);
}

}  // namespace patroni_pgbackrest::patroni
