#include "recovery/checks.hpp"

namespace patroni_pgbackrest::recovery {

const std::vector<CheckDefinition>& check_table() {
    using enum Severity;
    static const std::vector<CheckDefinition> table = {
        {"configuration-broken", error, "patroni.yml cannot be read",
         "Patroni would not start with it, or would start with something else than what stands there.",
         "correct the line that is named; `patroni --validate-config FILE` says what Patroni thinks of it"},
        {"request-invalid", error, "a setting of the restore is wrong",
         "The restore would be refused as soon as Patroni calls it, with exit code 2.",
         "correct the option or the line that is named"},
        {"method-missing", error, "bootstrap.method is not set",
         "When the cluster is lost, Patroni runs initdb: an empty cluster comes up under the old name, and replicas "
         "follow it.",
         "set bootstrap.method, for example with `patroni_pgbackrest configure`"},
        {"method-block-missing", error, "bootstrap.method names a block that is not there",
         "Patroni falls back to initdb without a word when the block of the method, or its command, is missing "
         "(bootstrap.py): an empty cluster comes up under the old name.",
         "add the block with a command below `bootstrap`, spelt exactly as the method"},
        {"method-other-program", error, "the method's command is not patroni_pgbackrest bootstrap",
         "None of what is checked here holds for another program.",
         "let the command begin with `patroni_pgbackrest bootstrap`"},
        {"method-key-misplaced", error, "a key of the method's block stands at the wrong level",
         "Patroni reads recovery_conf, keep_existing_recovery_conf, no_params and command inside of the method's block "
         "only; beside it they are ignored without a word, and the recovery settings are removed.",
         "indent it, so that it belongs to the block of the method"},
    };
    return table;
}

}  // namespace patroni_pgbackrest::recovery
