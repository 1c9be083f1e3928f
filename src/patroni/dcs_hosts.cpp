#include "patroni/dcs_hosts.hpp"

#include "patroni/configuration_files.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <iterator>
#include <optional>

namespace patroni_pgbackrest::patroni {

namespace {

using system::Endpoint;

/// A server that wants TLS answers it as well, or closes the connection; it needs neither a leader nor a role.
constexpr std::string_view http_question = "GET /version HTTP/1.0\r\n\r\n";

struct Kind {
    std::string_view section;
    std::string_view port;               ///< Patroni's default
    std::vector<std::string_view> keys;  ///< that name servers: the first that is there counts
    std::string_view question;           ///< that a server answers at once
};

const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all = {{"etcd", "2379", {"proxy", "url", "hosts", "host"}, http_question},
                                          {"etcd3", "2379", {"proxy", "url", "hosts", "host"}, http_question},
                                          {"consul", "8500", {"url", "host"}, http_question},
                                          {"zookeeper", "2181", {"hosts"}, "ruok"}};
    return all;
}

/// Of a DCS that is asked in another way, or found through the DNS.
constexpr auto others = std::to_array<std::string_view>({"exhibitor", "kubernetes", "raft"});
constexpr auto records = std::to_array<std::string_view>({"srv", "srv_suffix", "discovery_srv", "srv_domain"});

std::optional<std::string> variable(const std::map<std::string, std::string>& environment, std::string_view section,
                                    std::string_view key) {
    auto name = fmt::format("PATRONI_{}_{}", section, key);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) { return std::toupper(letter); });
    const auto found = environment.find(name);
    return found == environment.end() || found->second.empty() ? std::nullopt : std::optional(found->second);
}

bool has_section(const yaml::Node& tree, const std::map<std::string, std::string>& environment,
                 std::string_view section) {
    return tree.find(section) != nullptr || std::any_of(environment.begin(), environment.end(), [&](const auto& entry) {
               return system::lower(entry.first).starts_with(fmt::format("patroni_{}_", section));
           });
}

/// Null if it is none of these, or one among others.
const Kind* kind_of(const yaml::Node& tree, const std::map<std::string, std::string>& environment) {
    const Kind* kind = nullptr;
    for (const auto& one : kinds()) {
        if (has_section(tree, environment, one.section)) {
            if (kind != nullptr) {
                return nullptr;
            }
            kind = &one;
        }
    }
    const bool has_other = std::any_of(others.begin(), others.end(),
                                       [&](std::string_view other) { return has_section(tree, environment, other); });
    return has_other ? nullptr : kind;
}

std::string question_of(const yaml::Node& tree, const std::map<std::string, std::string>& environment) {
    const auto* kind = kind_of(tree, environment);
    return std::string(kind == nullptr ? std::string_view() : kind->question);
}

/// `host`, `host:2379`, `[::1]:2379`, `https://user:secret@host:2379/path`.
std::optional<Endpoint> endpoint_in(std::string_view text, std::string_view usual_port) {
    if (const auto scheme = text.find("://"); scheme != std::string_view::npos) {
        text.remove_prefix(scheme + 3);
        text = text.substr(0, text.find('/'));
        text.remove_prefix(text.rfind('@') + 1);
    }
    const bool is_bracketed = text.starts_with('[');
    const auto end = is_bracketed ? text.find(']') : text.rfind(':');
    std::string_view host = text.substr(is_bracketed ? 1 : 0, end == std::string_view::npos ? end : end - is_bracketed);
    std::string_view rest = end == std::string_view::npos ? std::string_view() : text.substr(end + is_bracketed);
    if (!rest.empty()) {
        rest.remove_prefix(1);
    }
    const auto letters = is_bracketed ? "0123456789abcdefABCDEF:.%"
                                      : "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_";
    if (host.empty() || host.find_first_not_of(letters) != std::string_view::npos ||
        rest.find_first_not_of("0123456789") != std::string_view::npos || (is_bracketed && end == std::string::npos)) {
        return std::nullopt;
    }
    return Endpoint{std::string(host), std::string(rest.empty() ? usual_port : rest)};
}

std::vector<std::string> texts_of(const yaml::Node& node) {
    std::vector<std::string> texts;
    for (const auto& item : node.items) {
        texts.push_back(item->text);
    }
    return node.is_list() ? texts : system::split(node.text, ',');
}

std::vector<std::string> servers_of(const Kind& kind, const yaml::Node& section,
                                    const std::map<std::string, std::string>& environment) {
    for (const auto key : kind.keys) {
        if (const auto text = variable(environment, kind.section, key)) {
            // Patroni reads it as a YAML list, which may have quotes and brackets.
            return text->find_first_of("'\"[]{}") == std::string::npos ? system::split(*text, ',')
                                                                       : std::vector<std::string>();
        }
        if (const auto* entry = section.find(key); entry != nullptr && !yaml::blank(*entry->value)) {
            return texts_of(*entry->value);
        }
    }
    return {};
}

std::string text_of(const Endpoint& endpoint) {
    return endpoint.host.find(':') == std::string::npos ? fmt::format("{}:{}", endpoint.host, endpoint.port)
                                                        : fmt::format("[{}]:{}", endpoint.host, endpoint.port);
}

}  // namespace

std::vector<Endpoint> dcs_hosts(const yaml::Node& tree, const std::map<std::string, std::string>& environment) {
    const auto* kind = kind_of(tree, environment);
    if (kind == nullptr) {
        return {};
    }
    const auto& section = tree.map_at(kind->section);
    const auto* port = section.find("port");
    if (variable(environment, kind->section, "port") ||
        std::any_of(records.begin(), records.end(), [&](std::string_view record) {
            return section.find(record) != nullptr || variable(environment, kind->section, record);
        })) {
        return {};
    }
    std::vector<Endpoint> endpoints;
    for (const auto& server : servers_of(*kind, section, environment)) {
        const auto endpoint =
            endpoint_in(system::trim(server), port == nullptr ? kind->port : std::string_view(port->value->text));
        if (!endpoint) {
            return {};
        }
        endpoints.push_back(*endpoint);
    }
    return endpoints;
}

bool is_on_kubernetes(const yaml::Node& tree, const std::map<std::string, std::string>& environment) {
    static constexpr auto earlier = std::to_array<std::string_view>({"consul", "etcd", "etcd3", "exhibitor"});
    // Kubernetes gives a pod variables of each Service, PATRONI_ETCD_SERVICE_HOST and PATRONI_ETCD_PORT of one that is
    // called patroni-etcd, of which Patroni takes none.
    static constexpr auto naming = std::to_array<std::string_view>({"host", "hosts", "url", "proxy", "srv"});
    const auto is_configured = [&](std::string_view section) {
        return tree.find(section) != nullptr || std::any_of(naming.begin(), naming.end(), [&](std::string_view key) {
                   return variable(environment, section, key).has_value();
               });
    };
    return has_section(tree, environment, "kubernetes") && std::none_of(earlier.begin(), earlier.end(), is_configured);
}

DcsLook::DcsLook(const ConfigurationSource& source, const yaml::Node& tree, Silence silence) : silence_(silence) {
    const auto environment = variables_in_force(source);
    endpoints_ = dcs_hosts(tree, environment);
    if (!endpoints_.empty()) {
        reaching_.emplace(endpoints_, longest_look, question_of(tree, environment),
                          silence == Silence::may_end ? longest_answer : std::chrono::seconds(0));
    }
}

std::string DcsLook::why_away() const {
    if (!reaching_) {
        return {};
    }
    const auto reach = reaching_->result();
    if (reach == system::Reach::nothing || (reach == system::Reach::silent && silence_ == Silence::is_away)) {
        std::vector<std::string> names;
        std::transform(endpoints_.begin(), endpoints_.end(), std::back_inserter(names), text_of);
        return "nothing answers at " + system::join(names, ", ");
    }
    return {};
}

bool DcsLook::is_known() const {
    return !reaching_ || reaching_->is_known();
}

bool DcsLook::is_silent() const {
    return reaching_ && reaching_->result() == system::Reach::silent;
}

}  // namespace patroni_pgbackrest::patroni
