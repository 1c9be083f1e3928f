#include "support/catch.hpp"
#include "support/reviewed_node.hpp"

#include <cstdlib>
#include <sys/stat.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

TEST_CASE("what Patroni takes from the block for PostgreSQL 11 is known, and another program's block is its own") {
    const ReviewedNode node;
    const auto block = [](const std::string& conf) {
        return with(clean, "    stanza: demo\n",
                    "    stanza: demo\n    recovery_conf: {" + conf +
                        "}\n  post_bootstrap: patroni_pgbackrest verify\n");
    };
    CHECK(node.found(block("standby_mode: 'off', Pause_At_Recovery_Target: 'false', trigger_file: /x")) == Strings{});
    CHECK(node.found(block("recovery_target_tim: x")) == Strings{"recovery-parameter-unknown patroni.yml:7"});
    CHECK(node.found(with(block("recovery_target_tim: x"), "/usr/bin/patroni_pgbackrest bootstrap", "/opt/restore")) ==
          Strings{"method-other-program patroni.yml:5"});
}

TEST_CASE("a method that is known to make an empty cluster is called by its name") {
    const ReviewedNode node;
    for (const std::string program : {"/usr/share/patroni/pg_createcluster_patroni", "/usr/bin/pg_createcluster",
                                      "pg_ctl initdb", "/usr/lib/postgresql/15/bin/initdb",
                                      "bash -c 'pg_createcluster 15 demo'", "sudo postgresql-15-setup initdb"}) {
        const auto text = with(clean, "/usr/bin/patroni_pgbackrest bootstrap", program);
        CAPTURE(program);
        CHECK(node.found(text) == Strings{"method-missing patroni.yml:5"});
    }
    node.files.write("patroni.yml", with(clean, "/usr/bin/patroni_pgbackrest bootstrap", "pg_createcluster_patroni"));
    CHECK(review({node.files.path("patroni.yml"), {}}, node.intent).front().problem.message ==
          "bootstrap.pgbackrest.command runs pg_createcluster_patroni: Patroni would make an empty cluster");
}

TEST_CASE("a standby cluster's first node is made by replica methods, whatever bootstrap.method says") {
    const ReviewedNode node;
    const auto said = [&](const std::string& bootstrap, const std::string& standby) {
        Strings messages;
        const auto file = node.files.write("patroni.yml", "scope: demo\nbootstrap:\n" + bootstrap +
                                                              "  dcs:\n    standby_cluster: {" + standby + "}\n");
        std::vector<Finding> findings;
        review_method(*load_tree({file, {}}), findings);
        for (const auto& finding : findings) {
            messages.push_back(finding.id + ": " + finding.problem.message);
        }
        return messages;
    };
    const auto made = [](const std::string& how) {
        return "standby-cluster: standby_cluster is configured: Patroni makes the first node " + how +
               ", and never calls a bootstrap method";
    };
    const std::string ours = "  method: m\n  m: {command: patroni_pgbackrest bootstrap}\n";
    CHECK(said(ours, "host: a") == Strings{made("as a replica of that cluster with basebackup")});
    CHECK(said(ours, "port: 5433, create_replica_methods: [x, basebackup]") ==
          Strings{made("as a replica of that cluster with x, basebackup")});
    CHECK(said(ours, "restore_command: get, create_replica_methods: [x]") ==
          Strings{made("with x if it has no_leader")});
    CHECK(said(ours, "restore_command: get") == Strings{made("with nothing, since basebackup needs a host")});
    CHECK(said(ours, "host: '', restore_command: ~, create_replica_methods: [x]").empty());
    CHECK(said("", "host: a") == Strings{"method-missing: bootstrap.method is not set: without standby_cluster Patroni "
                                         "would run initdb",
                                         made("as a replica of that cluster with basebackup")});
    CHECK(said("  method: initdb\n", "host: a").front() ==
          "method-missing: bootstrap.method is initdb: without standby_cluster Patroni would make an empty cluster");
}

TEST_CASE("in patroni mode a script is looked into for verify, and only the first of the two keys counts") {
    const ReviewedNode node;
    const auto found = [&](const std::string& lines) {
        return node.found(with(clean, "    stanza: demo\n",
                               "    stanza: demo\n    recovery_conf: {recovery_target_action: promote}\n" + lines));
    };
    const Strings wanted{"target-not-proven patroni.yml:8"};
    CHECK(found("  post_init: env A=b /usr/bin/patroni_pgbackrest verify --probe=x\n") == Strings{});
    CHECK(found("  post_bootstrap: ''\n  post_init: patroni_pgbackrest verify\n") == Strings{});
    CHECK(found("  post_bootstrap: /bin/true\n  post_init: patroni_pgbackrest verify\n") == wanted);
    const std::string script = "  post_bootstrap: /bin/sh /etc/patroni/after.sh\n";
    CHECK(found(script) == wanted);
    node.files.write("etc/patroni/after.sh", "psql \"$1\" -f users.sql\n");
    CHECK(found(script) == wanted);
    node.files.write("etc/patroni/after.sh", "psql \"$1\" -f users.sql && patroni_pgbackrest verify \"$1\"\n");
    CHECK(found(script) == Strings{});
    const auto by_name = node.files.write("bin/after-the-bootstrap", "patroni_pgbackrest verify \"$1\"\n");
    ::chmod(by_name.c_str(), 0755);
    CHECK(found("  post_bootstrap: env A=b after-the-bootstrap\n") == wanted);
    const std::string in_path = "give its path, since it was looked for in the PATH of who runs this";
    CHECK(all({node.files.path("patroni.yml"), {}}, node.intent).front().problem.hint.find(in_path) !=
          std::string::npos);
    CHECK(found(script) == Strings{});
    CHECK(found("  post_bootstrap: /bin/true\n") == wanted);
    CHECK(all({node.files.path("patroni.yml"), {}}, node.intent).front().problem.hint.find(in_path) ==
          std::string::npos);
    const std::string path = std::getenv("PATH");
    ::setenv("PATH", (path + ":" + by_name.parent_path().string()).c_str(), 1);
    CHECK(found("  post_bootstrap: env A=b after-the-bootstrap\n") == Strings{});
    ::setenv("PATH", path.c_str(), 1);
    CHECK(node.found(with(clean, "    stanza: demo\n", "    stanza: demo\n  post_bootstrap: /bin/true\n")) ==
          Strings{});
}
