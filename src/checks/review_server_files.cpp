#include "checks/review_server_files.hpp"

#include "patroni/startup_files.hpp"
#include "postgres/configuration.hpp"
#include "postgres/parameters.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <string>
#include <system_error>

namespace patroni_pgbackrest {

namespace {

namespace fs = std::filesystem;

bool names_place_in(const fs::path& directory, const std::string& objection) {
    return objection.find(directory.string() + '/') != std::string::npos;
}

/// Of an include beside `NAME.backup`, which Patroni puts into config_dir: from there it is another place.
bool is_of_another_place(const fs::path& file, const std::string& objection) {
    return file.extension() == ".backup" && objection.starts_with("could not open configuration ") &&
           names_place_in(file.parent_path(), objection);
}

/// Without the names in the directory of `file` where that is staging in PGDATA: nothing else will come there.
std::string outside_of_staging(const Request& request, const fs::path& file, std::string objection) {
    const auto staging = file.parent_path().string() + '/';
    if (system::lies_in(file, request.data_directory)) {
        for (auto at = objection.find(staging); at != std::string::npos; at = objection.find(staging)) {
            objection.erase(at, staging.size());
        }
    }
    return objection;
}

/// Of a place in PGDATA, or of a parameter that Patroni writes behind the file.
bool is_settled_later(const Request& request, const fs::path& file, const std::string& objection) {
    const auto& written = request.patroni ? request.patroni->written_parameters : std::set<std::string>();
    return is_of_another_place(file, objection) ||
           names_place_in(request.data_directory, outside_of_staging(request, file, objection)) ||
           std::any_of(written.begin(), written.end(), [&](const std::string& name) {
               return system::lower(objection).find(fmt::format("parameter \"{}\"", name)) != std::string::npos;
           });
}

Finding serves_another(const std::string& where, const fs::path& directory, const Request& request,
                       const std::string& hint, const std::string& place = {}) {
    return {"data-directory-setting",
            {fmt::format("data_directory is '{}' in {}: PostgreSQL would serve what is there, and not {}",
                         directory.string(), where, request.data_directory.string()),
             hint, place}};
}

}  // namespace

std::optional<fs::path> server_file(const Request& request, const fs::path& data_directory) {
    if (request.patroni) {
        return patroni::included_file(*request.patroni, data_directory);
    }
    const auto file = data_directory / "postgresql.conf";
    std::error_code error;
    return fs::is_regular_file(file, error) ? std::optional(file) : std::nullopt;
}

std::optional<fs::path> server_file_outside(const Request& request) {
    auto file = server_file(request, request.data_directory);
    return file && !system::lies_in(*file, request.data_directory) ? file : std::nullopt;
}

std::vector<Finding> review_server_file(const Request& request, const fs::path& bin_directory,
                                        const std::optional<fs::path>& file) {
    const auto in_force = file ? postgres::read_in_force(bin_directory, *file) : postgres::FileInForce();
    const auto set_by_patroni = request.patroni ? request.patroni->parameter_data_directory : std::nullopt;
    std::vector<Finding> findings;
    if (set_by_patroni && !system::is_same_place(set_by_patroni->text, request.data_directory)) {
        findings.push_back(serves_another("postgresql.parameters", set_by_patroni->text, request,
                                          "take data_directory out: Patroni starts the server on data_dir",
                                          set_by_patroni->place));
    } else if (!set_by_patroni && in_force.data_directory &&
               !system::is_same_place(*in_force.data_directory, request.data_directory)) {
        findings.push_back(serves_another(
            file->string(), *in_force.data_directory, request,
            "take data_directory out of it, or of the file that it includes" +
                (request.patroni ? fmt::format("; or set data_directory: {} in postgresql.parameters of patroni.yml, "
                                               "which comes behind it",
                                               request.data_directory.string())
                                 : std::string())));
    }
    auto objections = in_force.objections;
    std::erase_if(objections, [&](const auto& objection) { return is_settled_later(request, *file, objection); });
    if (!objections.empty() && request.patroni) {
        findings.push_back(
            {"configuration-refused",
             {fmt::format("PostgreSQL would not start with {}: {}", file->string(), system::join(objections, "; ")),
              "put right what it names, in this file or on this machine; the next run goes on with "
              "the copy"}});
    }
    return findings;
}

void take_out_data_directory(const Request& request, const fs::path& copy) {
    const auto file = server_file(request, copy);
    if (!file || !system::lies_in(*file, copy)) {
        return;
    }
    const auto text = system::read_file(*file);
    for (const auto& setting : postgres::settings_of(text)) {
        if (setting.name == "data_directory" && !system::is_same_place(setting.value, request.data_directory)) {
            system::replace_file(*file, postgres::without_settings(text, {setting.name}));
            log::warning("data_directory = '{}' taken out of the restored {}: PostgreSQL would have served what is "
                         "there, and not {}",
                         setting.value, file->filename().string(), request.data_directory.string());
        }
    }
}

}  // namespace patroni_pgbackrest
