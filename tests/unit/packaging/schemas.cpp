// The schemas in docs describe every field, and have a number.
#include "support/catch.hpp"
#include "support/files.hpp"
#include "system/file.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

using namespace patroni_pgbackrest;
using Json = nlohmann::json;

namespace {

/// The fields that nothing is said of, by their paths.
void add_undescribed(const Json& schema, const std::string& path, Strings& found) {
    const auto properties = schema.value("properties", Json::object());
    for (const auto& [name, field] : properties.items()) {
        if (field.value("description", "").empty()) {
            found.push_back(path + name);
        }
        add_undescribed(field, path + name + ".", found);
    }
    for (const char* below : {"items", "additionalProperties"}) {
        if (schema.contains(below) && schema[below].is_object()) {
            add_undescribed(schema[below], path, found);
        }
    }
}

}  // namespace

TEST_CASE("every field of every JSON output is described in its schema, and the first one is the schema's number") {
    const auto docs = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path().parent_path() / "docs";
    for (const std::string name : {"check", "log", "report", "status"}) {
        CAPTURE(name);
        const auto schema = Json::parse(system::read_file(docs / (name + ".schema.json")));
        Strings undescribed;
        add_undescribed(schema, "", undescribed);
        CHECK(undescribed == Strings{});
        CHECK(schema["required"][0] == "schema");
        CHECK(schema["properties"]["schema"]["const"].is_number_integer());
    }
}
