// Writes the documents that are made from the program's tables, or checks the one that is kept in the repository.
//   make_documents --build DIRECTORY   the man page and the bash completion
//   make_documents DOCS                exit-codes.md and checks.md
//   make_documents --check DOCS        fails when one of them is not what the tables say
#include "commands/documentation.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace patroni_pgbackrest;

int write(const fs::path& file, const std::string& text) {
    std::ofstream stream(file, std::ios::binary | std::ios::trunc);
    stream << text;
    stream.close();
    if (!stream) {
        std::fprintf(stderr, "%s cannot be written\n", file.c_str());
        return 1;
    }
    return 0;
}

int check(const fs::path& file, const std::string& text) {
    std::ifstream stream(file, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (content == text) {
        return 0;
    }
    std::fprintf(stderr, "%s differs from the program's table; run: make_documents %s\n", file.c_str(),
                 file.parent_path().c_str());
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    const std::vector<std::pair<const char*, std::string>> kept = {{"exit-codes.md", commands::exit_code_document()},
                                                                   {"checks.md", commands::checks_document()}};
    int result = 0;
    if (words.size() == 2 && words[0] == "--build") {
        const fs::path directory = words[1];
        return write(directory / "patroni_pgbackrest.1", commands::manual_page()) +
               write(directory / "patroni_pgbackrest.bash", commands::bash_completion());
    }
    if (words.size() == 2 && words[0] == "--check") {
        for (const auto& [name, text] : kept) {
            result += check(fs::path(words[1]) / name, text);
        }
        return result;
    }
    if (words.size() == 1 && !words[0].starts_with("-")) {
        for (const auto& [name, text] : kept) {
            result += write(fs::path(words[0]) / name, text);
        }
        return result;
    }
    std::fputs("usage: make_documents [--build | --check] DIRECTORY\n", stderr);
    return 2;
}
