/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec schema`: the JSON Schema of chain files, with the configuration of every node inside. */
#include "config.h"
#include "check/schema_text.h"
#include "cmd/cmd.h"

static int
run(const struct cmd_args *x)
{
    (void)x;
    for (uint32_t i = 0; i < n_schema_lines; i++) {
        puts(schema_lines[i]);
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_CLEAN : cmd_fail("cannot write the schema");
}

const struct command cmd_schema = {
    .name = "schema",
    .summary = "print the JSON Schema of rule chain files",
    .about = "Prints one self-contained schema (JSON Schema 2020-12) for rule chain files, with the\n"
             "configuration of every node class. Editors that take schemas complete and check chains\n"
             "with it: begin a YAML file with\n"
             "# yaml-language-server: $schema=chain.schema.json",
    .examples = "# for an editor\n"
                "tbedgec schema > chain.schema.json\n",
    .run = run,
};
