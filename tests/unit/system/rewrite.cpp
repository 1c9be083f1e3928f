#include "system/rewrite.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/forked.hpp"

#include <csignal>
#include <functional>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace {

namespace fs = std::filesystem;

/// `code: message; HINT: hint` of each problem.
Strings refusal_of(const std::function<void()>& work) {
    Strings refusal;
    try {
        work();
    } catch (const Failure& failure) {
        for (const auto& problem : failure.problems()) {
            refusal.push_back(std::to_string(static_cast<int>(failure.code())) + ": " + problem.message +
                              "; HINT: " + problem.hint);
        }
    }
    return refusal;
}

std::string attribute(const fs::path& file, const char* name) {
    std::string value(256, '\0');
    const auto length = ::getxattr(file.c_str(), name, value.data(), value.size());
    return length < 0 ? "none" : value.substr(0, static_cast<std::size_t>(length));
}

/// The access list `user::rw-, user:NUMBER:r--, group::---, mask::r--, other::---` as the kernel has it.
std::string access_list_for(unsigned char number) {
    const auto entry = [](char tag, char permission, std::string id) {
        return std::string{tag, '\0', permission, '\0'} + std::move(id);
    };
    const std::string nobody(4, '\xff');
    return std::string("\2\0\0\0", 4) + entry(1, 6, nobody) +
           entry(2, 4, {static_cast<char>(number), '\0', '\0', '\0'}) + entry(4, 0, nobody) + entry(16, 4, nobody) +
           entry(32, 0, nobody);
}

}  // namespace

TEST_CASE("a rewritten file keeps its mode, its access list and what people have noted on it") {
    const Files files;
    const auto file = files.write("patroni.yml", "old");
    REQUIRE(::chmod(file.c_str(), 0640) == 0);
    const auto list = access_list_for(77);
    const bool has_lists = ::setxattr(file.c_str(), "system.posix_acl_access", list.data(), list.size(), 0) == 0;
    const bool has_notes = ::setxattr(file.c_str(), "user.note", "mine", 4, 0) == 0;
    rewrite({{file, "old", "new", Way::replace}});
    CHECK(files.read("patroni.yml") == "new");
    CHECK(fs::status(file).permissions() == fs::perms(0640));
    CHECK(attribute(file, "system.posix_acl_access") == (has_lists ? list : "none"));
    CHECK(attribute(file, "user.note") == (has_notes ? "mine" : "none"));
    CHECK(entries(files.path()) == Strings{"patroni.yml"});
}

TEST_CASE("a directory's default access list is not given to a rewritten file that had none") {
    const Files files;
    const auto file = files.write("conf/patroni.yml", "old");
    REQUIRE(::chmod(file.c_str(), 0640) == 0);
    const auto list = access_list_for(77);
    ::setxattr(files.path("conf").c_str(), "system.posix_acl_default", list.data(), list.size(), 0);
    rewrite({{file, "old", "new", Way::replace}});
    CHECK(attribute(file, "system.posix_acl_access") == "none");
    CHECK(fs::status(file).permissions() == fs::perms(0640));
}

TEST_CASE("a text is written in place through links, and neither longer nor shorter than it is") {
    const Files files;
    const auto file = files.write("real/patroni.yml", "one: 1\n");
    fs::create_symlink("real/patroni.yml", files.path("link.yml"));
    CHECK(way_to_write(files.path("link.yml")) == Way::replace);
    struct stat before {
    }, after{};
    REQUIRE(::stat(file.c_str(), &before) == 0);
    const Strings texts{"one: 1\n", "one: 1\ntwo: " + std::string(10000, '2') + "\n", "one\n", ""};
    for (std::size_t i = 1; i < texts.size(); ++i) {
        rewrite({{files.path("link.yml"), texts[i - 1], texts[i], Way::in_place}});
        CHECK(files.read("real/patroni.yml") == texts[i]);
    }
    REQUIRE(::stat(file.c_str(), &after) == 0);
    CHECK(before.st_ino == after.st_ino);
    CHECK(fs::is_symlink(files.path("link.yml")));
}

TEST_CASE("a write in place that fails in the middle leaves the old text") {
    const Files files;
    const auto file = files.write("patroni.yml", "one: 1\ntwo: 2\n");
    Forked process([&] {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{1000, 1000};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) {
            return 99;
        }
        rewrite({{file, "one: 1\ntwo: 2\n", "one: " + std::string(2000, '1') + "\ntwo: 2\n", Way::in_place}});
        return 0;
    });
    CHECK(process.wait() == 11);
    CHECK(process.errors() == "cannot write " + file.string() + ": File too large\n");
    CHECK(files.read("patroni.yml") == "one: 1\ntwo: 2\n");
}

TEST_CASE("of several files none has its new text when one cannot have it") {
    const Files files;
    const auto first = files.write("1.yml", "old");
    const auto second = files.write("2.yml", "old");
    const auto text = "old: " + std::string(2000, 'x');
    for (const auto way : {Way::replace, Way::in_place}) {
        Forked process([&] {
            ::signal(SIGXFSZ, SIG_IGN);
            const rlimit limit{1000, 1000};
            if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) {
                return 99;
            }
            rewrite({{first, "old", "new", Way::replace}, {second, "old", text, way}});
            return 0;
        });
        CHECK(process.wait() == 11);
        CHECK(files.read("1.yml") == "old");
        CHECK(files.read("2.yml") == "old");
        CHECK(entries(files.path()) == Strings{"1.yml", "2.yml"});
    }
}

TEST_CASE("a file that somebody else has changed meanwhile is not overwritten") {
    const Files files;
    const auto file = files.write("patroni.yml", "theirs");
    CHECK(refusal_of([&] {
              rewrite({{file, "old", "new", Way::replace}});
          }) == Strings{"9: " + file.string() + " was changed by somebody else meanwhile; HINT: run it again"});
    CHECK(files.read("patroni.yml") == "theirs");
}

TEST_CASE("a file that Kubernetes makes is not written, for it would be made again") {
    const Files files;
    files.write("..2026_11_27/patroni.yml", "old");
    fs::create_directory_symlink("..2026_11_27", files.path("..data"));
    fs::create_symlink("..data/patroni.yml", files.path("patroni.yml"));
    fs::create_symlink(files.path("patroni.yml"), files.path("link.yml"));
    for (const auto* name : {"patroni.yml", "link.yml"}) {
        const auto file = files.path(name);
        CHECK(refusal_of([&] {
                  rewrite({{file, "old", "new", Way::replace}});
              }) ==
              Strings{"2: " + file.string() +
                      " is made by Kubernetes from a ConfigMap or a Secret, which would soon take the place of what is "
                      "written there; HINT: make the difference above in the ConfigMap or Secret: kubectl edit"});
        CHECK(fs::is_symlink(file));
        CHECK(files.read(name) == "old");
    }
    const auto file = files.write("..data.yml", "old");
    rewrite({{file, "old", "new", Way::replace}});
    CHECK(files.read("..data.yml") == "new");
}

}  // namespace patroni_pgbackrest::system
