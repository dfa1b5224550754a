/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec explain`: the page of a diagnostic's code, or of a node class, from the tables they are made of. */
#include "config.h"
#include "check/diag.h"
#include "check/node_class.h"
#include "cmd/cmd.h"
#include <string.h>
#include "front/doc.h"

enum { OPT_NODES, OPT_MARKDOWN };

static const struct cmd_option options[] = {
    [OPT_NODES] = { "nodes", .help = "list the node classes" },
    [OPT_MARKDOWN] = { "markdown", .help = "all codes as one Markdown page" },
};

#define WIDTH 90

/* Words of a paragraph in lines of at most WIDTH, all but the first indented. */
static void
put_wrapped(const char *text, int indent)
{
    int col = indent;
    for (const char *p = text; *p;) {
        int n = (int)strcspn(p, " \n");
        if (col > indent && col + 1 + n > WIDTH) {
            printf("\n%*s", indent, "");
            col = indent;
        } else if (col > indent) {
            putchar(' ');
            col++;
        }
        printf("%.*s", n, p);
        col += n;
        p += n;
        p += *p != '\0';
    }
    putchar('\n');
}

static void
explain_code(enum diag_code code)
{
    const struct diag_info *c = diag_info(code);
    printf("%s: %s\n%s", c->name, c->summary, diag_severity_name(c->severity));
    if (c->severity == DIAG_ERROR && c->scope == DIAG_NODE) {
        printf("; in a build a warning: the node fails every message, the rest of the chain runs");
    }
    puts("\n");
    put_wrapped(c->page, 0);
    if (c->hint) {
        printf("\nHint: %s\n", c->hint);
    }
}

static const char *
kind_name(const struct node_key *k)
{
    static const char *const names[] = {
        [KEY_STRING] = "string", [KEY_BOOL] = "boolean", [KEY_INT] = "integer", [KEY_NUMBER] = "number",
        [KEY_ENUM] = "one of", [KEY_STRINGS] = "list of strings", [KEY_MAP] = "object of strings",
        [KEY_OBJECT] = "object", [KEY_JSON] = "any value", [KEY_ENUMS] = "list of", [KEY_OBJECTS] = "list of objects",
    };
    return names[k->kind];
}

static void
put_type(const struct node_key *k)
{
    fputs(kind_name(k), stdout);
    for (uint32_t i = 0; i < k->n_values && k->n_values <= 12; i++) {
        printf("%s%s", i ? ", " : " ", k->values[i]);
    }
    if (k->n_values > 12) {
        printf(" %s, %s ... %s (%u)", k->values[0], k->values[1], k->values[k->n_values - 1], k->n_values);
    }
    if (k->nullable && k->kind != KEY_STRING && k->def && strcmp(k->def, "null") == 0) {
        fputs(" or null", stdout);
    }
    if (k->kind == KEY_INT && (k->min > INT32_MIN || k->max < INT32_MAX)) {
        printf(" from %lld to %lld", (long long)k->min, (long long)k->max);
    }
}

static void
put_keys(const struct node_key *keys, uint32_t n, const struct doc *def, int indent)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct node_key *k = &keys[i];
        const struct doc *d = doc_get(def, k->key);
        printf("%*s%s: ", indent, "", k->key);
        put_type(k);
        if (d && d->t != DOC_MAP && !k->script) {
            struct tbe_buf b = { 0 };
            doc_json(&b, d);
            printf("; default %.*s", (int)b.n, b.p);
            tbe_buf_free(&b);
        }
        if (k->def && !(d && d->t == DOC_NULL)) {
            printf("; absent counts as %s", k->def);
        } else if (k->null_error) {
            fputs("; required", stdout);
        }
        puts(k->template_ ? "; takes ${metadata} and $[data]" : "");
        if (k->description) {
            printf("%*s", indent + 4, "");
            put_wrapped(k->description, indent + 4);
        }
        if (k->n_keys) {
            put_keys(k->keys, k->n_keys, d, indent + 4);
        }
    }
}

static void
explain_node(const struct node_class *c)
{
    struct tbe_arena a;
    cmd_arena(&a);
    printf("%s (%s)\n%s%s\n%s, configuration version %d%s\n\n", c->title, c->name, NODE_CLASS_PREFIX, c->cls,
           c->component, c->version, c->built ? "" : "; checked, but not built yet: its nodes fail every message");
    put_wrapped(c->description, 0);
    fputs("\nRelations: ", stdout);
    for (uint32_t i = 0; i < c->n_relations && c->out; i++) {
        printf("%s%s", i ? ", " : "", c->relations[i]);
    }
    puts(!c->out ? "none: the way goes on at the node that called the chain"
         : c->custom_relations ? ", and any other" : "");
    if (!c->in) {
        puts("Takes no messages.");
    }
    if (c->ignored) {
        puts("\nThe configuration is not read.");
    } else {
        puts("\nConfiguration:");
        put_keys(c->keys, c->n_keys, doc_parse_own(&a, c->default_config), 2);
    }
    for (uint32_t i = 0, below = 0; i < c->n_upgrades; i++) {
        if (c->upgrades[i].below != (int)below) {
            below = (uint32_t)c->upgrades[i].below;
            printf("%s  version %u:", i ? "\n" : "\nUpgraded from older versions:\n", below);
        }
        printf(" %s%s%s", c->upgrades[i].key ? c->upgrades[i].key : "older keys go",
               c->upgrades[i].into ? " -> " : "", c->upgrades[i].into ? c->upgrades[i].into : "");
        putchar(i + 1 == c->n_upgrades ? '\n' : ',');
    }
    tbe_arena_free(&a);
}

/* By class, short name, or title in any case; several classes may share a title. */
static int
explain_nodes(const char *name)
{
    const struct node_class *c = node_class_find(tbe_strz(name));
    int n = 0;
    if (c) {
        explain_node(c);
        return 1;
    }
    for (uint32_t i = 0; i < n_node_classes; i++) {
        const char *last = strrchr(node_classes[i].cls, '.') + 1;
        if (tbe_str_ieq(tbe_strz(name), tbe_strz(node_classes[i].title)) ||
            tbe_str_ieq(tbe_strz(name), tbe_strz(last))) {
            fputs(n++ ? "\n" : "", stdout);
            explain_node(&node_classes[i]);
        }
    }
    const struct known_class *k = n ? NULL : known_class_find(tbe_strz(name));
    if (k) {
        printf("%s\n%s%s\nonly %s\n", k->title, NODE_CLASS_PREFIX, k->cls,
               k->cloud_only ? "on the cloud" : "in ThingsBoard Professional Edition");
    }
    return n + (k != NULL);
}

static void
list_nodes(void)
{
    for (uint32_t i = 0; i < n_known_classes; i++) {
        const struct known_class *k = &known_classes[i];
        const struct node_class *c = node_class_find(tbe_strz(k->cls));
        printf("%-28s%-36s%s%s\n", c ? c->name : "-", k->title, k->cls,
               k->cloud_only ? " (cloud only)" : k->commercial ? " (Professional Edition only)"
                                               : c && !c->built ? " (not built yet)" : "");
    }
}

static void
put_markdown(void)
{
    puts("# Checks\n\n"
         "<!-- Made by `tbedgec explain --markdown` from compiler/check/codes.def. -->\n\n"
         "Every diagnostic of `tbedgec check` and `tbedgec build`. Codes are stable. An error ends with status 1, a\n"
         "warning only with `--strict`, a note never. What spoils one node only is an error of `check` and a warning of\n"
         "`build`: there the node fails every message with the reason, and the rest of the chain runs.");
    for (int i = 0; i < DIAG_N_CODES; i++) {
        const struct diag_info *c = diag_info((enum diag_code)i);
        printf("\n## %s: %s\n\n*%s%s*\n\n", c->name, c->summary, diag_severity_name(c->severity),
               c->scope == DIAG_NODE ? ", one node" : "");
        put_wrapped(c->page, 0);
        if (c->hint) {
            printf("\nHint: %s\n", c->hint);
        }
    }
}

static int
run(const struct cmd_args *x)
{
    if (x->v[OPT_MARKDOWN]) {
        put_markdown();
    } else if (x->v[OPT_NODES]) {
        list_nodes();
    } else if (x->n_operands == 0) {
        for (int i = 0; i < DIAG_N_CODES; i++) {
            const struct diag_info *c = diag_info((enum diag_code)i);
            printf("%s  %-8s%s\n", c->name, diag_severity_name(c->severity), c->summary);
        }
    }
    for (int i = 0; i < x->n_operands; i++) {
        int code = diag_code_find(x->operands[i]);
        fputs(i ? "\n" : "", stdout);
        if (code >= 0) {
            explain_code((enum diag_code)code);
        } else if (explain_nodes(x->operands[i]) == 0) {
            return cmd_usage(x->cmd, "no code and no node class is called \"%s\"", x->operands[i]);
        }
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_CLEAN : cmd_fail("cannot write");
}

const struct command cmd_explain = {
    .name = "explain",
    .summary = "tell more of a problem's code or of a node class",
    .operands = "[CODE|NODE]...",
    .min_operands = 0,
    .about = "Prints the page of each code (C2203) or node class. A node is named by its class, whole or\n"
             "below org.thingsboard.rule.engine, by its short name (save_timeseries) or its title.\n"
             "Without an operand all codes are listed.",
    .examples = "# what does this code mean\n"
                "tbedgec explain C2203\n"
                "# keys, defaults and relations of a node\n"
                "tbedgec explain \"save attributes\"\n",
    .exits = "0 told, 2 no such code or node",
    CMD_OPTIONS(options),
    .run = run,
};
