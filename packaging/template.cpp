#include "packaging/template.hpp"

#include <fmt/format.h>
#include <set>
#include <stdexcept>

namespace patroni_pgbackrest::packaging {

std::string fill(std::string_view text, const std::map<std::string, std::string>& values) {
    std::string filled;
    std::set<std::string> used;
    while (true) {
        const auto begin = text.find("{{");
        filled += text.substr(0, begin);
        if (begin == std::string_view::npos) {
            break;
        }
        text.remove_prefix(begin + 2);
        const auto end = text.find("}}");
        if (end == std::string_view::npos) {
            throw std::runtime_error(fmt::format("a placeholder has no end: {{{{{}", text.substr(0, text.find('\n'))));
        }
        const std::string name(text.substr(0, end));
        const auto value = values.find(name);
        if (value == values.end()) {
            throw std::runtime_error(fmt::format("unknown placeholder {{{{{}}}}}", name));
        }
        filled += value->second;
        used.insert(name);
        text.remove_prefix(end + 2);
    }
    for (const auto& [name, value] : values) {
        if (!used.contains(name)) {
            throw std::runtime_error(fmt::format("no placeholder {{{{{}}}}}", name));
        }
    }
    return filled;
}

}  // namespace patroni_pgbackrest::packaging
