#include "pgbackrest/archived_files.hpp"

#include "pgbackrest/archive_names.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <string_view>

namespace patroni_pgbackrest::pgbackrest {

namespace {

constexpr std::size_t sha1_digits = 40;

std::uint64_t hexadecimal(std::string_view digits) {
    return system::number(digits, 16).value_or(0);
}

}  // namespace

std::string ArchivedFile::checksum() const {
    return path.substr(path.find('-', path.rfind('/')) + 1, sha1_digits);
}

bool ArchivedFiles::add(const ArchivedFile& file) {
    const std::string_view path = file.path;
    const auto base = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
    const auto directory = path.substr(0, path.size() - base.size());
    const auto checksum = base.substr(segment_digits + 1, sha1_digits);
    const auto ending = base.substr(segment_digits + 1 + sha1_digits);
    const auto key = key_of(base);

    auto& [places, files] = directories_[key.directory];
    const auto position = std::lower_bound(files.begin(), files.end(), key.number, is_before);
    if (position != files.end() && position->number == key.number) {
        return false;
    }
    const auto place = std::find_if(places.begin(), places.end(), [&](const Place& one) {
        return one.repository == file.repository && one.directory == directory && one.ending == ending;
    });
    File added{key.number, static_cast<std::uint32_t>(place - places.begin()), {}};
    for (std::size_t byte = 0; byte < added.checksum.size(); ++byte) {
        added.checksum[byte] = static_cast<std::uint8_t>(hexadecimal(checksum.substr(2 * byte, 2)));
    }
    files.insert(position, added);
    if (place == places.end()) {
        places.push_back({file.repository, std::string(directory), std::string(ending)});
    }
    return true;
}

std::optional<ArchivedFile> ArchivedFiles::find(const std::string& name) const {
    const auto found = lookup(name);
    if (found.file == nullptr) {
        return std::nullopt;
    }
    const auto& place = found.directory->places[found.file->place];
    constexpr std::string_view digits = "0123456789abcdef";
    auto path = fmt::format("{}{}-", place.directory, name);
    for (const auto byte : found.file->checksum) {
        path += digits[byte >> 4];
        path += digits[byte & 0xF];
    }
    return ArchivedFile{place.repository, path + place.ending};
}

std::size_t ArchivedFiles::size() const {
    std::size_t files = 0;
    for (const auto& [key, directory] : directories_) {
        files += directory.files.size();
    }
    return files;
}

std::optional<std::string> ArchivedFiles::first_behind(const std::string& name) const {
    const auto key = key_of(name);
    auto directory = directories_.lower_bound(key.directory);
    if (directory != directories_.end() && directory->first == key.directory) {
        const auto& files = directory->second.files;
        const auto behind = std::upper_bound(files.begin(), files.end(), key.number,
                                             [](auto number, const File& one) { return number < one.number; });
        if (behind != files.end()) {
            return name_of(directory->first, *behind);
        }
        ++directory;
    }
    return directory == directories_.end() ? std::nullopt
                                           : std::optional(name_of(directory->first, directory->second.files.front()));
}

std::optional<std::string> ArchivedFiles::last_up_to(const std::string& name) const {
    return contains(name) ? std::optional(name) : last_before(name);
}

std::optional<std::string> ArchivedFiles::last_before(const std::string& name) const {
    const auto key = key_of(name);
    const auto directory = directories_.lower_bound(key.directory);
    if (directory != directories_.end() && directory->first == key.directory) {
        const auto& files = directory->second.files;
        const auto behind = std::lower_bound(files.begin(), files.end(), key.number, is_before);
        if (behind != files.begin()) {
            return name_of(directory->first, *std::prev(behind));
        }
    }
    if (directory == directories_.begin()) {
        return std::nullopt;
    }
    const auto before = std::prev(directory);
    return name_of(before->first, before->second.files.back());
}

ArchivedFiles::Key ArchivedFiles::key_of(std::string_view name) {
    return {hexadecimal(name.substr(0, directory_digits)),
            static_cast<std::uint32_t>(hexadecimal(name.substr(directory_digits, segment_digits - directory_digits)))};
}

bool ArchivedFiles::is_before(const File& file, std::uint32_t number) {
    return file.number < number;
}

std::string ArchivedFiles::name_of(std::uint64_t directory, const File& file) {
    return fmt::format("{:016X}{:08X}", directory, file.number);
}

ArchivedFiles::Found ArchivedFiles::lookup(const std::string& name) const {
    if (!postgres::is_segment_name(name)) {
        return {};
    }
    const auto key = key_of(name);
    const auto directory = directories_.find(key.directory);
    if (directory == directories_.end()) {
        return {};
    }
    const auto& files = directory->second.files;
    const auto file = std::lower_bound(files.begin(), files.end(), key.number, is_before);
    return {&directory->second, file != files.end() && file->number == key.number ? &*file : nullptr};
}

}  // namespace patroni_pgbackrest::pgbackrest
