#include "checks/checks.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

using namespace patroni_pgbackrest;

namespace {

const Finding an_error{"target", {"no backup set ends before it", "the nearest point is 1", ""}};
const Finding a_warning{"key-twice", {"scope stands twice", "take one out", "patroni.yml:7"}};

/// All tests but this one, as one text.
std::string all_tests() {
    const std::filesystem::path here = __FILE__;
    std::string texts;
    for (const auto& file :
         std::filesystem::recursive_directory_iterator(here.parent_path().parent_path().parent_path())) {
        const auto suffix = file.path().extension();
        if ((suffix == ".cpp" || suffix == ".py") && file.path() != here) {
            texts += system::read_file(file.path());
        }
    }
    return texts;
}

/// Tests name what was found at the beginning of a text, or as check prints it. A plain word has other meanings, too.
bool is_expected(const std::string& id, const std::string& tests) {
    const auto is_there = [&](const std::string& words) { return tests.find(words) != std::string::npos; };
    if (id.find('-') == std::string::npos) {
        return is_there("['" + id + "'") || is_there(", '" + id + "'");
    }
    for (const std::string before : {"\"", "'", "ERROR   ", "WARNING ", "ERROR +", "WARNING +"}) {
        for (const std::string behind : {"\"", "'", ":", " "}) {
            if (is_there(before + id + behind)) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace

TEST_CASE("every check is found by some test") {
    const auto tests = all_tests();
    for (const auto& definition : check_table()) {
        INFO(definition.id);
        CHECK(is_expected(std::string(definition.id), tests));
    }
    CHECK_FALSE(is_expected("no-such-check-anywhere", tests));
}

TEST_CASE("the hint of every finding is followed by a test, and the finding is gone") {
    const std::vector<std::pair<std::string, std::vector<std::string>>> followed = {
        {"a hint that is followed in patroni.yml leaves nothing to find",
         {"method-block-missing",
          "method-other-program",
          "option-without-value",
          "method-key-misplaced",
          "method-key-ignored",
          "method-key-twice",
          "key-twice",
          "key-misplaced",
          "recovery-parameter-unknown",
          "standby-cluster",
          "dcs-paused",
          "target-not-proven",
          "role-without-name",
          "node-never-bootstraps",
          "dcs-ignored",
          "dcs-value-ignored",
          "leader-loses-lock",
          "leader-never-again",
          "watchdog-missing",
          "archive-command-other",
          "archive-command-elsewhere",
          "role-parameter",
          "standby-restore-command-elsewhere",
          "standby-target-ignored",
          "replica-method-rejected",
          "replica-method-backup",
          "replica-method-target",
          "replica-method-no-master",
          "replica-method-leaderless"}},
        {"a hint that is followed leaves nothing to find",
         {"option-boolean", "archive-mode-off", "archive-command-missing", "archive-library",
          "standby-restore-command-missing", "replica-method-list"}},
        {"a hint about what Patroni cannot read leaves nothing to find when it is followed", {"configuration-broken"}},
        {"a hint that is followed on the command line leaves nothing to refuse", {"request-invalid"}},
        {"configure, which the hints name, takes its findings out of every shape and brings no other in",
         {"method-missing"}},
        {"another member must bootstrap the same way",
         {"member-other-scope", "member-other-method", "member-other-block"}},
        {"a limit below that of the cluster that was backed up is found", {"limit-below-control"}},
        {"an address whose end Patroni takes for the port is found, and the hint mends it", {"listen-misread"}},
        {"chmod as the hint has it makes passwords unreadable for others", {"passwords-readable"}},
        {"addresses none of which this machine has are found, and one that it has is enough", {"listen-foreign"}},
        {"directories for sockets none of which can be used are found", {"socket-directory"}},
        {"files of TLS outside of the backup are looked at as PostgreSQL does, when ssl is on", {"tls-file"}},
        {"a library that is not installed is found where it is known where libraries are", {"library-missing"}},
        {"test_a_parameter_that_postgresql_does_not_have_is_refused_before_the_copy", {"replay-setting"}},
        {"a unit of Patroni without resume is found, with it or in a drop-in it is not", {"resume-missing"}},
        {"a disk needs room for what goes there", {"disk-full", "disk-tight"}},
        {"what is restored to a place in the data directory, or in what is beside it, is found before the copy",
         {"place-inside"}},
        {"test_as_root_that_comes_first_and_the_rest_is_looked_at", {"runs-as-root"}},
        {"test_archive_mode_off_for_a_restore_by_hand_does_not_turn_archiving_off", {"option-not-used"}},
        {"test_a_variable_without_a_value_does_not_keep_the_cluster_from_coming_back", {"option-empty"}},
        {"test_a_value_that_only_restore_would_refuse_is_found_by_check", {"option-refused"}},
        {"test_an_option_that_nobody_knows_is_named", {"option-unknown"}},
        {"test_another_directory_in_pg1_path_is_named", {"pg-path-other"}},
        {"test_the_first_segment_cannot_be_read", {"first-segment", "repository"}},
        {"test_a_time_behind_the_last_commit_is_refused_with_a_point_that_works", {"target"}},
        {"test_check_says_which_of_two_clusters_the_dcs_knows", {"several-clusters"}},
        {"test_the_dcs_knows_another_cluster", {"cluster-other"}},
        {"test_a_target_that_several_backup_sets_may_lead_to", {"backup-set-unknown"}},
        {"test_a_backup_with_damaged_pages", {"backup-in-error"}},
        {"test_a_timeline_that_was_never_archived_comes_back_with_its_history", {"wal-not-archived"}},
        {"test_binaries_that_are_not_there", {"binaries"}},
        {"test_a_mount_point_of_somebody_else", {"data-directory-unusable"}},
        {"test_temporary_directories", {"temporary-directory"}},
        {"test_no_directory_and_each_hint_followed", {"config-directory", "config-file-missing"}},
        {"test_no_rules", {"hba-missing"}},
        {"test_what_another_user_left_is_named_with_what_to_do", {"staging-unusable"}},
        {"test_everything_at_once", {"leftover"}},
        {"a data directory that Patroni cannot set aside under its name is told, and named itself it is not",
         {"data-directory-name"}},
        {"test_a_directory_that_was_rejected_is_told_until_the_hint_is_followed", {"data-directory-rejected"}},
        {"test_it_is_passed_over_when_a_person_says_that_it_was_given_up", {"set-aside-unclear"}},
        {"test_the_dcs_does_not_answer", {"dcs-unknown"}},
        {"test_what_an_earlier_cluster_left_in_the_dcs_counts", {"dcs-left"}},
        {"test_what_an_earlier_leader_left_is_found_until_the_cluster_is_taken_out_of_the_dcs", {"dcs-left-status"}},
        {"test_a_living_cluster_is_told_as_warnings",
         {"port-taken", "data-directory-in-use", "cluster-lives", "scope-initialized"}},
        {"test_check_tells_of_the_interrupted_bootstrap", {"scope-bootstrapping"}},
        {"what a hint of verify says takes its finding away and brings no other",
         {"verify-other-cluster", "verify-timeline", "verify-target-missed", "verify-checksums",
          "verify-not-archived"}},
        {"a database that could not be looked at is told of, with PostgreSQL's words", {"verify-health-unknown"}},
        {"test_what_a_hint_says_takes_its_finding_away",
         {"verify-in-recovery", "verify-history-missing", "verify-no-journal", "verify-signal-file",
          "verify-recovery-setting", "verify-probe", "verify-probe-unanswered"}},
        {"test_an_archiver_that_fails_is_only_a_warning", {"verify-archiver-failing", "verify-archive-setting"}},
        {"test_the_latest_point_and_the_same_asked_again_by_hand", {"verify-no-patroni-yml"}},
        {"test_corruption_is_gone_after_the_restore_that_its_hint_asks_for",
         {"verify-corruption", "verify-amcheck-not-done"}},
        {"test_one_behind_the_target_is_named_and_after_the_hint_s_full_backup_a_replica_streams",
         {"verify-replica-backup"}},
        {"test_a_database_that_was_left_out_is_named", {"verify-database-unusable"}},
        {"test_indexes_that_another_library_built_are_named", {"verify-collation"}},
        {"test_a_subscription_that_goes_on_is_named", {"verify-subscription"}},
        {"test_patroni_yml_names_another", {"data-directory-setting"}},
        {"test_a_locale_that_this_machine_lacks", {"configuration-refused"}},
        {"the server that Patroni starts on its data_dir, and that serves another directory, is an error",
         {"verify-other-directory"}},
        {"test_check_misses_a_rehearsal_until_one_has_succeeded", {"no-rehearsal"}},
    };
    const auto tests = all_tests();
    std::set<std::string> ids;
    for (const auto& [test, of_test] : followed) {
        INFO(test);
        CHECK(tests.find(test) != std::string::npos);
        ids.insert(of_test.begin(), of_test.end());
    }
    for (const auto& definition : check_table()) {
        INFO(definition.id);
        CHECK((definition.id.starts_with("rehearse-") || ids.erase(std::string(definition.id)) == 1));
    }
    CHECK(ids.empty());
}

TEST_CASE("every check has an id of its own and says why and what to do") {
    std::set<std::string_view> ids;
    for (const auto& definition : check_table()) {
        INFO(definition.id);
        CHECK(ids.insert(definition.id).second);
        CHECK(definition.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos);
        CHECK_FALSE(definition.title.empty());
        CHECK(definition.why.ends_with("."));
        CHECK_FALSE(definition.remedy.empty());
        CHECK_FALSE(definition.remedy.ends_with("."));
        CHECK(find_check(definition.id) == &definition);
    }
    CHECK(find_check("no-such-check") == nullptr);
}

TEST_CASE("errors come first, each with its place and its hint, and a count ends the text") {
    CHECK(findings_text({a_warning, an_error}) == "ERROR   target: no backup set ends before it\n"
                                                  "        HINT: the nearest point is 1\n"
                                                  "WARNING key-twice: patroni.yml:7: scope stands twice\n"
                                                  "        HINT: take one out\n"
                                                  "1 errors, 1 warnings\n");
    CHECK(findings_text({}) == "0 errors, 0 warnings\n");
}

TEST_CASE("a program gets the same as JSON") {
    const auto json = nlohmann::json::parse(findings_json({a_warning, an_error}));
    REQUIRE(json.size() == 2);
    CHECK(json[0]["id"] == "key-twice");
    CHECK(json[0]["severity"] == "warning");
    CHECK(json[0]["place"] == "patroni.yml:7");
    CHECK(json[1]["severity"] == "error");
    CHECK(json[1]["hint"] == "the nearest point is 1");
    CHECK(nlohmann::json::accept(findings_json({{"target", {"bytes that are no UTF-8: \xff", "", ""}}})));
}

TEST_CASE("only errors refuse") {
    CHECK(has_error({a_warning, an_error}));
    CHECK_FALSE(has_error({a_warning}));
    CHECK(errors_in({a_warning, an_error}) == Problems{an_error.problem});
}
