#include "pgbackrest/info.hpp"
#include "pgbackrest/printable.hpp"
#include "system/whole_number.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace patroni_pgbackrest::pgbackrest {

namespace {

using nlohmann::json;
using system::whole_number;

/// A string that may be null or absent, such as the archive range of an offline backup.
std::string text_of(const json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? std::string() : found->get<std::string>();
}

const json& list_of(const json& object, const char* key) {
    static const json none = json::array();
    const auto found = object.find(key);
    return found == object.end() ? none : *found;
}

/// Always there since 2.33, which introduced several repositories.
unsigned repository_of(const json& object) {
    return whole_number<unsigned>(object.at("database").at("repo-key"));
}

Backup backup_of(const json& object) {
    Backup backup{};
    backup.label = object.at("label").get<std::string>();
    backup.type = text_of(object, "type");
    backup.repository = repository_of(object);
    backup.database_id = whole_number<unsigned>(object.at("database").at("id"));
    backup.started = whole_number<std::int64_t>(object.at("timestamp").at("start"));
    backup.stopped = whole_number<std::int64_t>(object.at("timestamp").at("stop"));
    if (const auto lsn = object.find("lsn"); lsn != object.end() && lsn->is_object()) {
        backup.lsn_start = postgres::Lsn::parse(text_of(*lsn, "start"));
        backup.lsn_stop = postgres::Lsn::parse(text_of(*lsn, "stop"));
    }
    if (const auto archive = object.find("archive"); archive != object.end() && archive->is_object()) {
        backup.archive_start = text_of(*archive, "start");
        backup.archive_stop = text_of(*archive, "stop");
    }
    if (const auto error = object.find("error"); error != object.end() && error->is_boolean()) {
        backup.in_error = error->get<bool>();
    }
    backup.size = whole_number<std::uint64_t>(object.at("info").at("size"));
    return backup;
}

Stanza stanza_of(const json& object, const std::string& name) {
    Stanza stanza;
    stanza.name = name;
    stanza.status_code = whole_number<int>(object.at("status").at("code"));
    stanza.status_message = text_of(object.at("status"), "message");
    for (const json& repository : list_of(object, "repo")) {
        stanza.repositories.push_back({whole_number<unsigned>(repository.at("key")),
                                       whole_number<int>(repository.at("status").at("code")),
                                       text_of(repository.at("status"), "message"), text_of(repository, "cipher")});
    }
    for (const json& database : list_of(object, "db")) {
        stanza.databases.push_back(
            {whole_number<unsigned>(database.at("id")), whole_number<unsigned>(database.at("repo-key")),
             std::to_string(whole_number<std::uint64_t>(database.at("system-id"))), text_of(database, "version")});
    }
    for (const json& archive : list_of(object, "archive")) {
        stanza.archives.push_back({archive.at("id").get<std::string>(), repository_of(archive),
                                   whole_number<unsigned>(archive.at("database").at("id")), text_of(archive, "max")});
    }
    for (const json& backup : list_of(object, "backup")) {
        stanza.backups.push_back(backup_of(backup));
    }
    std::stable_sort(stanza.backups.begin(), stanza.backups.end(),
                     [](const Backup& one, const Backup& other) { return one.stopped < other.stopped; });
    return stanza;
}

}  // namespace

Stanza parse_info(std::string_view text, const std::string& stanza) {
    try {
        const auto document = json::parse(printable(text));
        for (const json& object : document) {
            if (object.at("name").get<std::string>() == stanza) {
                return stanza_of(object, stanza);
            }
        }
    } catch (const json::exception& error) {
        throw Failure(ExitCode::repository_unreachable,
                      std::string("pgbackrest info did not print its JSON: ") + error.what(),
                      "run pgbackrest info --output=json as the user that runs Patroni and see what it prints");
    }
    Stanza missing;
    missing.name = stanza;
    missing.status_code = 1;
    missing.status_message = "missing stanza path";
    return missing;
}

}  // namespace patroni_pgbackrest::pgbackrest
