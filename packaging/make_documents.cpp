// Fills the templates beside this file from the program's tables, CHANGELOG.md and LICENSE.
//   make_documents --build SOURCES DIRECTORY MAINTAINER   what is installed: man page, bash completion, Debian's
//                                                         changelog and copyright
//   make_documents DOCS                                   exit-codes.md and checks.md, which the repository keeps
//   make_documents --check DOCS                           fails when one of them is not what the tables say
#include "packaging/debian.hpp"
#include "packaging/tables.hpp"
#include "packaging/template.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace patroni_pgbackrest::packaging;

std::string content_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
        throw std::runtime_error(fmt::format("{} cannot be read", file.string()));
    }
    return std::string(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
}

void write(const fs::path& file, const std::string& text) {
    std::ofstream stream(file, std::ios::binary | std::ios::trunc);
    stream << text;
    stream.close();
    if (!stream) {
        throw std::runtime_error(fmt::format("{} cannot be written", file.string()));
    }
}

/// The template packaging/NAME.in of the sources.
std::string filled(const fs::path& sources, const std::string& name, const Values& values) {
    const auto file = sources / "packaging" / (name + ".in");
    try {
        return fill(content_of(file), values);
    } catch (const std::exception& error) {
        throw std::runtime_error(fmt::format("{}: {}", file.string(), error.what()));
    }
}

/// SOURCE_DATE_EPOCH, where it is given, makes each build the same.
std::string today() {
    const char* const epoch = std::getenv("SOURCE_DATE_EPOCH");
    const auto seconds = epoch == nullptr ? std::time(nullptr) : static_cast<std::time_t>(std::stoll(epoch));
    return fmt::format("{:%Y-%m-%d}", fmt::gmtime(seconds));
}

void build(const fs::path& sources, const fs::path& directory, const std::string& maintainer) {
    const auto changelog = content_of(sources / "CHANGELOG.md");
    const auto day = today();
    const auto newest = newest_release(changelog, day);
    if (newest.version != PATRONI_PGBACKREST_VERSION) {
        throw std::runtime_error(fmt::format("CHANGELOG.md begins with version {}, but the program is {}",
                                             newest.version, PATRONI_PGBACKREST_VERSION));
    }
    const DebianPackage package{.name = "patroni-pgbackrest", .maintainer = maintainer};
    write(directory / "patroni_pgbackrest.1", filled(sources, "patroni_pgbackrest.1", manual_page_values(newest.day)));
    write(directory / "patroni_pgbackrest.bash", filled(sources, "patroni_pgbackrest.bash", completion_values()));
    write(directory / "changelog", debian_changelog(changelog, package, day));
    write(directory / "copyright", filled(sources, "copyright", copyright_values(content_of(sources / "LICENSE"))));
}

std::vector<std::pair<fs::path, std::string>> kept_documents(const fs::path& docs) {
    const auto sources = docs / "..";
    return {{docs / "exit-codes.md", filled(sources, "exit-codes.md", exit_code_values())},
            {docs / "checks.md", filled(sources, "checks.md", check_values())}};
}

int check(const fs::path& docs) {
    int result = 0;
    for (const auto& [file, text] : kept_documents(docs)) {
        if (content_of(file) != text) {
            std::fprintf(stderr, "%s differs from the program's table; run: make_documents %s\n", file.c_str(),
                         docs.c_str());
            result = 1;
        }
    }
    return result;
}

int run(const std::vector<std::string>& words) {
    if (words.size() == 4 && words[0] == "--build") {
        build(words[1], words[2], words[3]);
        return 0;
    }
    if (words.size() == 2 && words[0] == "--check") {
        return check(words[1]);
    }
    if (words.size() == 1 && !words[0].starts_with("-")) {
        for (const auto& [file, text] : kept_documents(words[0])) {
            write(file, text);
        }
        return 0;
    }
    std::fputs("usage: make_documents --build SOURCES DIRECTORY MAINTAINER | [--check] DOCS\n", stderr);
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "make_documents: %s\n", error.what());
        return 1;
    }
}
