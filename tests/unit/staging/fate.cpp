#include "staging/fate.hpp"

#include "support/catch.hpp"

#include <array>

using namespace patroni_pgbackrest;

namespace {

constexpr std::array<bool, 2> both{false, true};

/// Everything that can be seen, with each bound of the time.
template <typename Check>
void for_each_life(const Check& check) {
    for (const bool never_started : both) {
        for (const bool is_in_bootstrap : both) {
            for (const bool is_patronis_name : both) {
                for (const bool is_named_given_up : both) {
                    for (const std::int64_t used_for : {-20, 0, 3599, 3600, 86399, 86400, 8640000}) {
                        INFO(never_started << is_in_bootstrap << is_patronis_name << is_named_given_up << " "
                                           << used_for);
                        check(Life{never_started, is_in_bootstrap, is_patronis_name, is_named_given_up, used_for});
                    }
                }
            }
        }
    }
}

}  // namespace

TEST_CASE("what is proven, or said by a person, is believed, whatever else is seen") {
    for_each_life([](const Life& life) {
        if (life.never_started || life.is_named_given_up) {
            CHECK(decide_fate(life) == Fate::given_up);
        }
    });
}

TEST_CASE("a bootstrap's pg_hba.conf proves that Patroni gave it up, for an hour") {
    for_each_life([](const Life& life) {
        if (!life.never_started && !life.is_named_given_up && life.is_in_bootstrap) {
            CHECK((decide_fate(life) == Fate::given_up) == (life.used_for < 3600));
        }
    });
}

TEST_CASE("without proof it is unknown under Patroni's name for a day, and else it led") {
    for_each_life([](const Life& life) {
        const bool is_proven = life.is_in_bootstrap && life.used_for < 3600;
        if (!life.never_started && !life.is_named_given_up && !is_proven) {
            const bool may_be_a_bootstrap_s = life.is_patronis_name && life.used_for < 86400;
            CHECK(decide_fate(life) == (may_be_a_bootstrap_s ? Fate::unknown : Fate::led));
        }
    });
}

TEST_CASE("names that Patroni gives, and the one that says that it gave up") {
    CHECK(is_patronis_name("main.failed", "main"));
    CHECK(is_patronis_name("main_2026-11-22-10-00-00", "main"));
    for (const char* other : {"main", "main.failed.d", "main.given-up", "main.led", "main_old", "other.failed"}) {
        CHECK_FALSE(is_patronis_name(other, "main"));
    }
    CHECK(is_named_given_up("main.given-up", "main"));
    CHECK(is_named_given_up(".given-up", "main"));
    for (const char* other : {"main", "main.failed", "main.given-up.old", "other.given-up"}) {
        CHECK_FALSE(is_named_given_up(other, "main"));
    }
}
