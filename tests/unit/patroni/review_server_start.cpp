#include "patroni/review_server_start.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"

#include <string>
#include <sys/stat.h>
#include <vector>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

using Strings = std::vector<std::string>;

/// `id: message` of what is found with these lines below `postgresql`.
Strings found(const std::string& lines, const std::filesystem::path& binaries = "/nowhere/bin",
              bool in_its_unit = false) {
    Strings result;
    for (const auto& finding :
         review_server_start(patroni_yml("postgresql:\n  data_dir: /data\n" + lines).value(), binaries, in_its_unit)) {
        CHECK(finding.problem.place == "patroni.yml:3");
        result.push_back(finding.id + ": " + finding.problem.message);
    }
    return result;
}

Strings with(const std::string& parameters, const std::filesystem::path& binaries = "/nowhere/bin",
             bool in_its_unit = false) {
    return found("  parameters: {" + parameters + "}\n", binaries, in_its_unit);
}

}  // namespace

TEST_CASE("addresses none of which this machine has are found, and one that it has is enough") {
    for (const auto* listen : {"*", "*:5432", "0.0.0.0:5432", "127.0.0.1", "127.0.0.1:5432", "localhost:5432",
                               "192.0.2.1,127.0.0.1:5432", "192.0.2.1,db.example:5432", "::1", "[::]:5432"}) {
        CAPTURE(listen);
        CHECK(found("  listen: '" + std::string(listen) + "'\n") == Strings{});
    }
    for (const std::string listen : {"192.0.2.1:5432", "192.0.2.1", "192.0.2.1, 198.51.100.7:5432"}) {
        CHECK(found("  listen: '" + listen + "'\n") ==
              Strings{"listen-foreign: postgresql.listen is '" + listen +
                      "', and this machine has no such address: PostgreSQL would not start"});
    }
    CHECK(found("  parameters: {}\n") == Strings{});
}

TEST_CASE("directories for sockets none of which can be used are found") {
    const Files files;
    const auto directory = files.path("sockets").string();
    const auto in = [](const std::string& directories) {
        return with("unix_socket_directories: '" + directories + "'");
    };
    const std::string file = files.write("file", "").string() + "/sockets";
    CHECK(in(file) == Strings{"socket-directory: unix_socket_directories is '" + file +
                              "', which this user cannot make: PostgreSQL would not start"});
    CHECK(in(file + ", " + file).size() == 1);
    CHECK(in(file + ", " + files.path().string()) == Strings{});
    CHECK(in(directory) == Strings{});  // Patroni makes it
    for (const auto* usable :
         {"", ".", "sockets", "@abstract", "/data", "/data/sockets", "/run/not-yet-there", "/var/run/not-yet-there"}) {
        CAPTURE(usable);
        CHECK(in(usable) == Strings{});
    }
    std::filesystem::create_directory(directory);
    CHECK(in(directory) == Strings{});
    if (::geteuid() != 0) {
        CHECK(with("unix_socket_directories: /run/not-yet-there", "/nowhere/bin", true).size() == 1);
        ::chmod(directory.c_str(), 0500);
        CHECK(in(directory) == Strings{"socket-directory: unix_socket_directories is '" + directory +
                                       "', which this user cannot write to: PostgreSQL would not start"});
    }
}

TEST_CASE("files of TLS outside of the backup are looked at as PostgreSQL does, when ssl is on") {
    const Files files;
    const auto key = files.path("server.key").string();
    const auto with_ssl = [&](const std::string& ssl, const std::string& name = "ssl_key_file") {
        return with("ssl: " + ssl + ", " + name + ": '" + key + "'");
    };
    const auto fault = [&](const std::string& what) {
        return Strings{"tls-file: ssl_key_file " + key + " " + what + ": PostgreSQL would not start"};
    };
    CHECK(with_ssl("'on'") == fault("does not exist"));
    CHECK(with_ssl("true") == fault("does not exist"));
    CHECK(with_ssl("'off'") == Strings{});
    CHECK(with("ssl_key_file: '" + key + "'") == Strings{});
    CHECK(with("ssl: 'on', ssl_key_file: server.key, ssl_cert_file: /data/server.crt") == Strings{});
    const auto* const of_the_unit = "ssl: 'on', ssl_key_file: /run/credentials/patroni.service/server.key";
    CHECK(with(of_the_unit) == Strings{});
    CHECK(with(of_the_unit, "/nowhere/bin", true).size() == 1);
    files.write("server.key", "key");
    ::chmod(key.c_str(), 0600);
    CHECK(with_ssl("'on'") == Strings{});
    ::chmod(key.c_str(), 0644);
    CHECK(with_ssl("'on'", "ssl_cert_file") == Strings{});
    CHECK(with_ssl("'on'") == fault("can be read by others than its owner"));
    if (::geteuid() != 0) {
        ::chmod(key.c_str(), 0);
        CHECK(with_ssl("'on'") == fault("cannot be read by this user"));
    }
}

TEST_CASE("a library that is not installed is found where it is known where libraries are") {
    const Files files;
    const auto binaries = files.path("15/bin");
    const std::string list = "shared_preload_libraries: 'pgaudit, \"$libdir/timescaledb\"'";
    CHECK(with(list, binaries) == Strings{});
    files.write("15/lib/libpqwalreceiver.so", "");
    files.write("15/lib/pgaudit.so", "");
    const auto directory = files.path("15/lib").string();
    CHECK(with(list, binaries) ==
          Strings{"library-missing: shared_preload_libraries has $libdir/timescaledb, which is not in " + directory});
    CHECK(with(list + ", dynamic_library_path: /opt", binaries) == Strings{});
    files.write("15/lib/timescaledb.so", "");
    CHECK(with(list, binaries) == Strings{});
}
