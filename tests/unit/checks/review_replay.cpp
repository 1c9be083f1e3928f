#include "checks/review_replay.hpp"

#include "checks/checks.hpp"
#include "support/catch.hpp"
#include "support/requests.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <filesystem>

using namespace patroni_pgbackrest;

TEST_CASE("each setting that PostgreSQL does not take is an error with its words, and is asked for alone") {
    const system::PrivateDirectory directory;
    system::replace_file(directory.path() / "postgres",
                         "#!/bin/sh\n"
                         "echo \"$*\" >>\"${0%/*}/asked\"\n"
                         "case \"$*\" in *bgwriter_delai*)\n"
                         "  echo 'FATAL:  unrecognized configuration parameter \"bgwriter_delai\"' >&2; exit 1\n"
                         "esac\n",
                         0700);
    CHECK(review_replay_settings(request_for(), directory.path()).empty());
    CHECK_FALSE(std::filesystem::exists(directory.path() / "asked"));
    const auto findings = review_replay_settings(request_for({{"replay-setting", "shared_buffers=1GB"},
                                                              {"replay-setting", "bgwriter_delai=10ms"},
                                                              {"replay-setting", "recovery_prefetch="}}),
                                                 directory.path());
    REQUIRE(findings.size() == 1);
    CHECK(findings.front().id == "replay-setting");
    CHECK(is_error(findings.front()));
    CHECK(findings.front().problem ==
          Problem{"the private server cannot have bgwriter_delai = '10ms': unrecognized configuration parameter "
                  "\"bgwriter_delai\"",
                  "correct it, or leave it out of replay-setting"});
    CHECK(system::lines(system::read_file(directory.path() / "asked")).size() == 3);
}
