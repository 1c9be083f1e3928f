#include "patroni/configuration_edit.hpp"

#include "patroni/secrets.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/line_diff.hpp"

#include <fmt/format.h>
#include <utility>

namespace patroni_pgbackrest::patroni {

namespace {

/// How many keys of the path the file has.
std::size_t depth_of(const ConfigurationFile& file, const yaml::Path& path) {
    const yaml::NodePtr tree = yaml::parse(file.text, file.name());
    std::size_t depth = 0;
    const yaml::Node* node = tree.get();
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

system::DiffSide side(char letter, const ConfigurationFile& file) {
    const std::string path = file.path.string();
    return {fmt::format("{}{}{}", letter, path.starts_with('/') ? "" : "/", path), system::lines_with_ends(file.text),
            lines_to_show(file.text, file.name())};
}

}  // namespace

ConfigurationEdit::ConfigurationEdit(const std::filesystem::path& path, std::map<std::string, std::string> environment)
    : path_(path), environment_(std::move(environment)), before_(read_files(path)), files_(before_),
      tree_(tree_of(files_, environment_)) {}

Configuration ConfigurationEdit::configuration() const {
    return configuration_in(*tree_, path_.string());
}

ConfigurationFile& ConfigurationEdit::file_for(const yaml::Path& path) {
    ConfigurationFile* best = &files_.back();
    std::size_t most = 0;
    for (ConfigurationFile& file : files_) {
        const std::size_t depth = depth_of(file, path);
        if (depth > 0 && depth >= most) {
            best = &file;
            most = depth;
        }
    }
    return *best;
}

void ConfigurationEdit::take_over(const yaml::Path& path) {
    const yaml::NodePtr tree = tree_of(files_, environment_);
    yaml::require_same_but(*tree_, *tree, path, path_.string());
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
    ConfigurationFile& file = file_for(path);
    file.text = yaml::set(file.text, file.name(), path, wanted);
    take_over(path);
    const yaml::Node* made = find(path);
    if (made == nullptr || !yaml::says(*made, wanted)) {
        throw Failure(ExitCode::internal_error,
                      fmt::format("{} cannot be set in {}: another file overrides it", yaml::text(path), file.name()),
                      "write it by hand:\n" + yaml::written_path(path, wanted));
    }
}

void ConfigurationEdit::prepend(const yaml::Path& path, const yaml::NewNode& item, const yaml::NewNode& otherwise) {
    const yaml::Node* now = find(path);
    if (now == nullptr || now->is_null()) {
        return set(path, otherwise);
    }
    ConfigurationFile& file = file_for(path);
    file.text = yaml::prepend(file.text, file.name(), path, item, otherwise);
    take_over(path);
}

void ConfigurationEdit::remove(const yaml::Path& path) {
    for (ConfigurationFile& file : files_) {
        file.text = yaml::remove(file.text, file.name(), path);
    }
    take_over(path);
}

std::string ConfigurationEdit::diff() const {
    std::string text;
    for (std::size_t i = 0; i < files_.size(); ++i) {
        if (files_[i].text != before_[i].text) {
            text += system::unified_diff(side('a', before_[i]), side('b', files_[i]));
        }
    }
    return text;
}

std::vector<std::filesystem::path> ConfigurationEdit::write() const {
    std::vector<std::filesystem::path> written;
    for (std::size_t i = 0; i < files_.size(); ++i) {
        if (files_[i].text != before_[i].text) {
            system::replace_file(files_[i].path, files_[i].text);
            written.push_back(files_[i].path);
        }
    }
    return written;
}

}  // namespace patroni_pgbackrest::patroni
