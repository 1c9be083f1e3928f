#include "staging/bootstrap_call.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"

using namespace patroni_pgbackrest;

namespace {

PatronisCall call_with(const std::string& block) {
    return patronis_call(make_request(enough(), patroni_yml("bootstrap:\n  method: m\n  m:\n" + block)));
}

}  // namespace

TEST_CASE("two calls of Patroni are told apart by anything that the method's block says") {
    const std::string command = "    command: patroni_pgbackrest bootstrap\n";
    const auto block = [](const std::string& text) { return call_with(text).block; };
    const auto first = block(command);
    CHECK(first == block("    # a comment\n    command: 'patroni_pgbackrest  bootstrap'\n"));
    CHECK(first != block("    command: nice patroni_pgbackrest bootstrap\n"));
    CHECK(first != block("    command: patroni_pgbackrest bootstrap --type=immediate\n"));
    CHECK(first != block(command + "    type: immediate\n"));
    CHECK(block(command + "    type: immediate\n") == block(command + "    type: immediate\n"));
}

TEST_CASE("without patroni.yml there is no block, and pgBackRest's part is known all the same") {
    const Files files;
    const auto configuration = files.write("a.conf", "[demo]\n").string();
    const auto call = patronis_call(request_for({{"pgbackrest-config", configuration}}));
    CHECK(call.block.empty());
    CHECK(call.origin.count("config") == 1);
}

TEST_CASE("what pgBackRest's files add to a request is part of its identity, and not of what the call gave") {
    const Files files;
    const auto with = [&](const std::string& map, const Given& more = {}) {
        Given given{{"pgbackrest-config", files.write("a.conf", "[demo]\ntablespace-map=" + map + "\n").string()}};
        given.insert(given.end(), more.begin(), more.end());
        return request_for(given);
    };
    const auto one = with("ts1=/srv/one"), other = with("ts1=/srv/other");
    CHECK(identity_of(one) != identity_of(other));
    CHECK(patronis_call(one).given == patronis_call(other).given);
    const Given own{{"tablespace-map", "ts1=/srv/own"}};
    CHECK(patronis_call(with("ts1=/srv/one", own)).given == identity_of(with("ts1=/srv/other", own)));
    CHECK(patronis_call(with("ts1=/srv/one", own)).given != patronis_call(one).given);
}
