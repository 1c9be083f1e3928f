#include "patroni/roles.hpp"

#include "patroni/configuration_files.hpp"
#include "system/owner.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <fmt/format.h>

namespace patroni_pgbackrest::patroni {

namespace {

struct Section {
    Role::Kind kind;
    const char* key;
    const char* variables;
};
constexpr std::array sections = {Section{Role::Kind::superuser, "superuser", "PATRONI_SUPERUSER_"},
                                 Section{Role::Kind::replication, "replication", "PATRONI_REPLICATION_"},
                                 Section{Role::Kind::rewind, "rewind", "PATRONI_REWIND_"}};

std::optional<std::string> scalar_text(const yaml::Node& map, const std::string& key) {
    const auto* entry = map.find(key);
    const bool is_there = entry != nullptr && entry->value->is_scalar() && !entry->value->text.empty();
    return is_there ? std::optional(entry->value->text) : std::nullopt;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char letter) { return std::toupper(letter); });
    return text;
}

/// What Patroni passes on of a section besides username (_AUTH_ALLOWED_PARAMETERS in config.py, 2.0 to 4.1).
constexpr std::array passed_on = {"password",    "sslmode",         "sslcert",       "sslkey",
                                  "sslpassword", "sslrootcert",     "sslcrl",        "sslcrldir",
                                  "gssencmode",  "channel_binding", "sslnegotiation"};

/// The sections of postgresql.authentication. Files of Patroni 1 have two of them in postgresql itself, which count if
/// no variable gives any; and pg_rewind there is the superuser where nothing else says who is (config.py
/// _build_effective_configuration, 2.0 to 4.1).
class Authentication {
  public:
    /// `tree`: null without a patroni.yml.
    Authentication(const ConfigurationSource& source, const yaml::Node* tree) : source_(source), tree_(tree) {}

    bool is_there() const { return tree_ != nullptr; }
    const yaml::Node& postgresql() const { return tree_->map_at("postgresql"); }

    bool has(const Section& section) const {
        return has_variables(section) || postgresql().map_at("authentication").find(section.key) != nullptr;
    }

    /// Of the section, else of what it would stand in.
    std::string place(const Section& section) const {
        const auto* authentication = postgresql().find("authentication");
        const auto* entry =
            (authentication == nullptr ? postgresql() : postgresql().map_at("authentication")).find(section.key);
        if (entry == nullptr) {
            entry = authentication != nullptr ? authentication : tree_->find("postgresql");
        }
        return entry == nullptr ? std::string() : entry->place;
    }

    std::optional<std::string> value(const Section& section, const std::string& key) const {
        if (has_variable(section, key)) {
            return source_.environment.at(section.variables + upper(key));
        }
        return scalar_text(written(section), key);
    }

  private:
    bool has_variable(const Section& section, const std::string& key) const {
        const auto given = source_.environment.find(section.variables + upper(key));
        return variables_count(source_) && given != source_.environment.end() && !given->second.empty();
    }
    bool has_variables(const Section& section) const {
        return has_variable(section, "username") ||
               std::any_of(passed_on.begin(), passed_on.end(),
                           [&](const char* key) { return has_variable(section, key); });
    }
    const yaml::Node& written(const Section& section) const {
        const bool is_old =
            postgresql().find("authentication") == nullptr &&
            std::none_of(sections.begin(), sections.end(), [&](const Section& one) { return has_variables(one); });
        const auto& all = is_old ? postgresql() : postgresql().map_at("authentication");
        if (section.kind == Role::Kind::superuser && all.find(section.key) == nullptr && !has_variables(section)) {
            return postgresql().map_at("pg_rewind");
        }
        return all.map_at(is_old && section.kind == Role::Kind::rewind ? "" : section.key);
    }

    const ConfigurationSource& source_;
    const yaml::Node* tree_;
};

}  // namespace

std::vector<Role> read_roles(const ConfigurationSource& source, const std::optional<std::string>& login) {
    std::vector<Role> roles;
    const auto tree = load_tree(source);
    const Authentication authentication(source, tree.get());
    for (const auto& section : sections) {
        if (!authentication.is_there()) {
            break;
        }
        const auto name = authentication.value(section, "username");
        const auto password = authentication.value(section, "password");
        if (name) {
            roles.push_back({section.kind, *name, password});
        } else if (section.kind == Role::Kind::superuser && login) {
            roles.push_back({section.kind, *login, std::nullopt});
        }
    }
    return roles;
}

std::optional<std::string> login_of_libpq() {
    const char* user = std::getenv("PGUSER");
    const auto name = user != nullptr && *user != '\0' ? std::string(user) : system::own_user().user;
    return system::number(name) ? std::nullopt : std::optional(name);  // no passwd entry
}

void review_roles(const yaml::Node& tree, const ConfigurationSource& source, std::vector<Finding>& findings) {
    const Authentication authentication(source, &tree);
    if (authentication.postgresql().find("authentication") == nullptr &&
        std::none_of(sections.begin(), sections.end(),
                     [&](const Section& section) { return authentication.has(section); })) {
        return;  // all of it is in variables that only Patroni has
    }
    const bool has_superuser = authentication.value(sections.front(), "username").has_value();
    for (const auto& section : sections) {
        // Without a name on both sides, rewind may be the same as superuser, and Patroni makes no role of it.
        const bool is_needed = section.kind == Role::Kind::replication ||
                               (section.kind == Role::Kind::rewind && has_superuser && authentication.has(section));
        if (!is_needed || authentication.value(section, "username")) {
            continue;
        }
        const auto variable = variables_count(source)
                                  ? fmt::format("; where Patroni has it in {0}USERNAME, give that to this program, too",
                                                section.variables)
                                  : std::string();
        findings.push_back(
            {"role-without-name",
             {fmt::format("postgresql.authentication.{}.username is not set: Patroni ends each bootstrap with a "
                          "KeyError, after the restore",
                          section.key),
              fmt::format("set postgresql.authentication.{}.username{}", section.key, variable),
              authentication.place(section)}});
    }
}

SuperuserAccess read_superuser_access(const ConfigurationSource& source) {
    SuperuserAccess access;
    const auto tree = load_tree(source);
    const Authentication authentication(source, tree.get());
    if (!authentication.is_there()) {
        return access;
    }
    access.user = authentication.value(sections.front(), "username");
    for (const char* keyword : passed_on) {
        if (auto value = authentication.value(sections.front(), keyword)) {
            access.keywords.push_back({keyword, std::move(*value)});
        }
    }
    access.database = scalar_text(authentication.postgresql(), "database").value_or(access.database);
    return access;
}

}  // namespace patroni_pgbackrest::patroni
