#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace patroni_pgbackrest::system {

/// A number of JSON. nlohmann's get() makes a whole one of a fraction too, wraps what does not fit, and what it makes
/// of 1e58 is not defined: all of them throw nlohmann::json::exception here, as what is no number does.
template <typename Number>
Number whole_number(const nlohmann::json& value) {
    using nlohmann::json;
    const bool fits = value.is_number_unsigned()
                          ? std::in_range<Number>(value.get<json::number_unsigned_t>())
                          : value.is_number_integer() && std::in_range<Number>(value.get<json::number_integer_t>());
    if (!fits) {
        throw json::other_error::create(501,
                                        (value.is_number() ? value.dump() : value.type_name()) +
                                            std::string(" is no whole number of its range"),
                                        nullptr);
    }
    return value.get<Number>();
}

/// The same of a member that an object need not have.
template <typename Number>
Number whole_number(const nlohmann::json& object, const char* key, Number if_absent) {
    const auto found = object.find(key);
    return found == object.end() ? if_absent : whole_number<Number>(*found);
}

}  // namespace patroni_pgbackrest::system
