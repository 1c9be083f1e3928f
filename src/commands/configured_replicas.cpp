#include "commands/configured_replicas.hpp"

#include "commands/configured_commands.hpp"
#include "patroni/command_words.hpp"
#include "patroni/dcs_configuration.hpp"
#include "patroni/effective.hpp"

#include <string>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::commands {

using patroni::ConfigurationEdit;
using yaml::NewNode;
using yaml::Node;
using yaml::Path;

namespace {

/// The method pgbackrest, local or of bootstrap.dcs; a local one counts more than that of the DCS.
Path replica_block(const ConfigurationEdit& patroni_yml, const patroni::DcsConfiguration& dcs) {
    const Path local{"postgresql", "pgbackrest"};
    const Path dynamic{"bootstrap", "dcs", "postgresql", "pgbackrest"};
    const bool is_dynamic = patroni_yml.find(local) == nullptr && patroni_yml.find(dynamic) != nullptr;
    return is_dynamic && dcs.json.empty() ? dynamic : local;
}

}  // namespace

void write_replica_method(ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments,
                          const NamedRepository& repository, const patroni::DcsConfiguration& dcs) {
    const Path block = replica_block(patroni_yml, dcs);
    const Path path = below(block, "command");
    const auto current = text_at(patroni_yml, path);
    const bool restores = patroni::calls_pgbackrest(current, "restore");
    if (!restores && !current.empty() && !arguments.replace) {
        leave_alone(path);
        return;
    }
    std::vector<std::pair<std::string, NewNode>> entries;
    if (!restores) {
        require_stanza(patroni_yml, path, arguments, repository.stanza);
        refuse_loss_of_repository(patroni_yml, arguments, repository);
        std::string call = pgbackrest_call(repository);
        // Patroni splits it as a shell does, but knows nothing of %f.
        for (auto at = call.find("%%"); at != std::string::npos; at = call.find("%%", at + 1)) {
            call.erase(at, 1);
        }
        entries.emplace_back("command", NewNode::of_text(call + " --delta restore"));
    } else {
        set_stanza(patroni_yml, path, arguments, repository.stanza);
    }
    for (const std::string key : {"keep_data", "no_params"}) {
        const Node* flag = patroni_yml.find(below(block, key));
        if (flag == nullptr || !yaml::truthy(*flag)) {
            entries.emplace_back(key, NewNode::of_word("true"));
        }
    }
    patroni_yml.set(block, NewNode::of_map(std::move(entries)));
    const auto tree = patroni::with_dcs_configuration(patroni_yml.tree(), dcs.json);
    const Path in_force = patroni::path_of_replica_methods(*tree);
    const bool is_local = in_force.front() == "postgresql";
    std::vector<NewNode> new_list{NewNode::of_text("pgbackrest")};
    if (is_local) {
        new_list.push_back(NewNode::of_text("basebackup"));
    } else {
        for (const auto& item : yaml::find(*tree, in_force)->items) {
            if (item->is_scalar() && item->text != "pgbackrest") {
                new_list.push_back(NewNode::of_text(item->text));
            }
        }
    }
    patroni_yml.prepend(is_local ? in_force : Path{"postgresql", "create_replica_methods"},
                        NewNode::of_text("pgbackrest"), NewNode::of_list(std::move(new_list)));
}

}  // namespace patroni_pgbackrest::commands
