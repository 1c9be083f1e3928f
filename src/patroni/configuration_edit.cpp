#include "patroni/configuration_edit.hpp"

#include "patroni/merge.hpp"
#include "patroni/secrets.hpp"
#include "system/failure.hpp"
#include "system/line_diff.hpp"
#include "system/rewrite.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>
#include <utility>

namespace patroni_pgbackrest::patroni {

namespace {

/// How many keys of the path the file has.
std::size_t depth_of(const yaml::Node& tree, const yaml::Path& path) {
    std::size_t depth = 0;
    const yaml::Node* node = &tree;
    for (const std::string& key : path) {
        const yaml::Entry* entry = node->find(key);
        if (entry == nullptr) {
            break;
        }
        ++depth;
        node = entry->value.get();
    }
    return depth;
}

/// The lines' numbers after a change in one place: what is equal before it and behind it keeps its own.
std::vector<std::size_t> numbers_after(const std::vector<std::size_t>& numbers, const std::string& before,
                                       const std::string& after) {
    const auto old_lines = system::lines_with_ends(before);
    const auto new_lines = system::lines_with_ends(after);
    const auto shorter = static_cast<std::ptrdiff_t>(std::min(old_lines.size(), new_lines.size()));
    const auto head =
        std::mismatch(old_lines.begin(), old_lines.begin() + shorter, new_lines.begin()).first - old_lines.begin();
    const auto tail = std::mismatch(old_lines.rbegin(), old_lines.rbegin() + shorter - head, new_lines.rbegin()).first -
                      old_lines.rbegin();
    // A value that was replaced is still in its line.
    const bool is_replaced = old_lines.size() == new_lines.size();
    std::vector<std::size_t> result(new_lines.size(), 0);
    std::copy_n(numbers.begin(), is_replaced ? shorter : head, result.begin());
    std::copy_n(numbers.rbegin(), tail, result.rbegin());
    return result;
}

system::DiffSide side(char letter, const std::filesystem::path& file, const yaml::Document& document) {
    const std::string path = file.string();
    return {fmt::format("{}{}{}", letter, path.starts_with('/') ? "" : "/", path),
            system::lines_with_ends(document.text), lines_to_show(document)};
}

}  // namespace

ConfigurationEdit::ConfigurationEdit(const std::filesystem::path& path, std::map<std::string, std::string> environment)
    : path_(path), environment_(std::move(environment)) {
    std::vector<yaml::NodePtr> trees;
    for (const auto& file : read_files(path)) {
        const auto document = read_map(file.text, file.name());
        trees.push_back(document.tree);
        std::vector<std::size_t> lines(system::lines_with_ends(file.text).size());
        std::iota(lines.begin(), lines.end(), 1);
        files_.push_back({file.path, document, document, std::move(lines)});
    }
    tree_ = merged(trees, environment_);
}

Configuration ConfigurationEdit::configuration() const {
    return configuration_in(*tree_, path_.string());
}

ConfigurationEdit::File& ConfigurationEdit::file_for(const yaml::Path& path) {
    File* best = &files_.back();
    std::size_t most = 0;
    for (File& file : files_) {
        const std::size_t depth = depth_of(*file.now.tree, path);
        if (depth > 0 && depth >= most) {
            best = &file;
            most = depth;
        }
    }
    return *best;
}

std::vector<Problem> ConfigurationEdit::on_disk(std::vector<Problem> problems) const {
    for (auto& problem : problems) {
        const auto colon = problem.place.rfind(':');
        const auto line = colon == std::string::npos ? std::nullopt : system::number(problem.place.substr(colon + 1));
        const auto file = std::find_if(files_.begin(), files_.end(),
                                       [&](const File& one) { return one.now.name == problem.place.substr(0, colon); });
        if (line && *line > 0 && file != files_.end() && *line <= file->lines.size()) {
            const auto number = file->lines[*line - 1];
            problem.place = number == 0 ? std::string() : fmt::format("{}:{}", file->now.name, number);
        }
    }
    return problems;
}

template <typename Change>
void ConfigurationEdit::change(File& file, const yaml::Path& path, Change make) {
    try {
        auto changed = make(file.now);
        if (changed.text == file.now.text) {
            return;
        }
        file.lines = numbers_after(file.lines, file.now.text, changed.text);
        file.now = std::move(changed);
    } catch (const Failure& failure) {
        throw Failure(failure.code(), on_disk(failure.problems()));
    }
    std::vector<yaml::NodePtr> trees;
    for (const File& one : files_) {
        trees.push_back(one.now.tree);
    }
    const auto tree = merged(trees, environment_);
    if (files_.size() > 1 || !environment_.empty()) {
        yaml::require_same_but(*tree_, *tree, path, path_.string());
    }
    tree_ = tree;
}

void ConfigurationEdit::set(const yaml::Path& path, const yaml::NewNode& wanted) {
    const yaml::Node* now = find(path);
    if (now != nullptr && yaml::says(*now, wanted)) {
        return;
    }
    if (now != nullptr && now->is_map() && wanted.kind == yaml::NewNode::Kind::map) {
        for (const auto& [key, value] : wanted.entries) {
            yaml::Path below = path;
            below.push_back(key);
            set(below, value);
        }
        return;
    }
    File& file = file_for(path);
    change(file, path, [&](const yaml::Document& document) { return yaml::set(document, path, wanted); });
    const yaml::Node* made = find(path);
    if (made == nullptr || !yaml::says(*made, wanted)) {
        throw Failure(ExitCode::internal_error,
                      fmt::format("{} cannot be set in {}: another file overrides it", yaml::text(path), file.now.name),
                      "write it by hand:\n" + yaml::written_path(path, wanted));
    }
}

void ConfigurationEdit::prepend(const yaml::Path& path, const yaml::NewNode& item, const yaml::NewNode& otherwise) {
    const yaml::Node* now = find(path);
    if (now == nullptr || now->is_null()) {
        return set(path, otherwise);
    }
    change(file_for(path), path,
           [&](const yaml::Document& document) { return yaml::prepend(document, path, item, otherwise); });
}

void ConfigurationEdit::remove(const yaml::Path& path) {
    for (File& file : files_) {
        change(file, path, [&](const yaml::Document& document) { return yaml::remove(document, path); });
    }
}

bool ConfigurationEdit::is_changed() const {
    return std::any_of(files_.begin(), files_.end(),
                       [](const File& file) { return file.now.text != file.before.text; });
}

std::string ConfigurationEdit::diff() const {
    std::string text;
    for (const File& file : files_) {
        if (file.now.text != file.before.text) {
            text += system::unified_diff(side('a', file.path, file.before), side('b', file.path, file.now));
        }
    }
    return text;
}

std::vector<std::filesystem::path> ConfigurationEdit::write() const {
    std::vector<std::filesystem::path> written;
    std::vector<system::NewText> texts;
    for (const File& file : files_) {
        if (file.now.text != file.before.text) {
            texts.push_back({file.path, file.before.text, file.now.text, system::way_to_write(file.path)});
            written.push_back(file.path);
        }
    }
    system::rewrite(texts);
    return written;
}

}  // namespace patroni_pgbackrest::patroni
