#pragma once

#include "system/failure.hpp"
#include "system/file.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// A directory for one test, gone at its end.
class Files {
  public:
    std::filesystem::path path(const std::string& name = {}) const {
        return name.empty() ? directory_.path() : directory_.path() / name;
    }
    std::filesystem::path write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories(path(name).parent_path());
        std::ofstream(path(name), std::ios::binary) << text;
        return path(name);
    }
    std::string read(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(path(name), std::ios::binary).rdbuf();
        return text.str();
    }

  private:
    system::PrivateDirectory directory_;
};

/// `place: message` of every problem of the Failure(usage) that `action` ends in; its code otherwise.
template <typename Action>
std::vector<std::string> problems_of(Action action) {
    std::vector<std::string> result;
    try {
        action();
    } catch (const Failure& failure) {
        if (failure.code() != ExitCode::usage) {
            return {"exit code " + std::to_string(static_cast<int>(failure.code()))};
        }
        for (const Problem& problem : failure.problems()) {
            result.push_back(problem.place.empty() ? problem.message : problem.place + ": " + problem.message);
        }
    }
    return result;
}

using Strings = std::vector<std::string>;

}  // namespace patroni_pgbackrest
