#include "patroni/roles.hpp"

#include "patroni/configuration_files.hpp"

#include <algorithm>
#include <array>
#include <cctype>

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

/// The sections of postgresql.authentication; files of Patroni 1 have them in postgresql itself.
class Authentication {
  public:
    explicit Authentication(const ConfigurationSource& source) : source_(source), tree_(load_tree(source)) {}

    bool is_there() const { return tree_ != nullptr; }
    const yaml::Node& postgresql() const { return tree_->map_at("postgresql"); }

    std::optional<std::string> value(const Section& section, const std::string& key) const {
        const auto given = source_.environment.find(section.variables + upper(key));
        if (variables_count(source_) && given != source_.environment.end() && !given->second.empty()) {
            return given->second;
        }
        const bool is_old = postgresql().find("authentication") == nullptr;
        return scalar_text((is_old ? postgresql() : postgresql().map_at("authentication")).map_at(section.key), key);
    }

  private:
    const ConfigurationSource& source_;
    yaml::NodePtr tree_;
};

/// What Patroni passes on of a section besides username (_AUTH_ALLOWED_PARAMETERS in config.py, 2.0 to 4.1).
constexpr std::array passed_on = {"password",    "sslmode",         "sslcert",       "sslkey",
                                  "sslpassword", "sslrootcert",     "sslcrl",        "sslcrldir",
                                  "gssencmode",  "channel_binding", "sslnegotiation"};

}  // namespace

std::vector<Role> read_roles(const ConfigurationSource& source) {
    std::vector<Role> roles;
    const Authentication authentication(source);
    for (const auto& section : sections) {
        if (!authentication.is_there()) {
            break;
        }
        const auto name = authentication.value(section, "username");
        const auto password = authentication.value(section, "password");
        if (name) {
            roles.push_back({section.kind, *name, password});
        }
    }
    return roles;
}

SuperuserAccess read_superuser_access(const ConfigurationSource& source) {
    SuperuserAccess access;
    const Authentication authentication(source);
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
