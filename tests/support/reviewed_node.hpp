#pragma once

#include "patroni/review.hpp"
#include "patroni/review_method.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/patroni_yml.hpp"

#include <string>
#include <sys/stat.h>
#include <vector>

namespace patroni_pgbackrest::patroni {

inline const std::string clean =
    clean_patroni_yml + "  authentication:\n"
                        "    {superuser: {username: postgres, password: x}, replication: {username: replicator}}\n";

inline std::vector<Finding> all(const ConfigurationSource& source, const Intent& intent) {
    auto findings = review(source, intent);
    for (auto& finding : review_values(source, {"nearest"})) {
        findings.push_back(std::move(finding));
    }
    return findings;
}

/// One on which only patroni.yml is reviewed.
struct ReviewedNode {
    Files files;
    Intent intent;

    ReviewedNode() {
        intent.stanza = "demo";
        intent.root = files.path();
    }
    /// `id place` of every finding.
    Strings found(const std::string& text) const {
        const auto file = files.write("patroni.yml", text);
        ::chmod(file.c_str(), 0600);
        Strings result;
        for (const auto& finding : all({file, {}}, intent)) {
            result.push_back(finding.id + " " + finding.problem.place);
            CHECK_FALSE(finding.problem.hint.empty());
        }
        return result;
    }
};

inline std::string with(const std::string& text, const std::string& before, const std::string& after) {
    auto changed = text;
    REQUIRE(changed.find(before) != std::string::npos);
    return changed.replace(changed.find(before), before.size(), after);
}

}  // namespace patroni_pgbackrest::patroni
