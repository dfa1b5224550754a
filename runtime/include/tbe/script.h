/* SPDX-License-Identifier: Apache-2.0 */
/* What compiled scripts call. A script is compiled to C functions over tbe_val; errors are thrown with
 * longjmp to the innermost catch frame, which is safe because everything a script makes is in an arena.
 *
 * Naming rule of the operators and built-ins, for the emitter: tbe_t_* has TBEL semantics, tbe_j_* has
 * JavaScript semantics. They are declared in tbe/tbel.h and tbe/js.h. */
#ifndef TBE_SCRIPT_H
#define TBE_SCRIPT_H

#include <setjmp.h>
#include "tbe/value.h"

#define TBE_SCRIPT_FUEL 50000000 /* loop turns and calls of one execution: about the reference's 500 ms */
#define TBE_SCRIPT_DEPTH 256     /* nested calls */
#define TBE_SCRIPT_ARENA (8u << 20) /* bytes: tbel.max_memory_limit_mb (facts/tbel.md 14.2) */

struct tbe_catch {
    jmp_buf env;
    struct tbe_catch *up;
    int depth;
};

struct tbe_x { /* one execution of one script */
    struct tbe_arena *a;
    struct tbe_catch *catch_; /* innermost; never NULL while script code runs */
    int64_t fuel;
    int depth;
    int line, col;       /* of the running statement where the emitter keeps it; for error text */
    tbe_val thrown;      /* JavaScript: the thrown value; TBEL: the text as string */
    bool uncatchable;    /* fuel, arena or depth: try/catch must not stop it */
    void *host;          /* reserved for embedding code */
};

typedef tbe_val tbe_fn(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv);
struct tbe_func { /* closure: captured variables are cells (pointers to values in the arena) */
    tbe_fn *native;                         /* built-in, or NULL */
    tbe_val (*fn)(struct tbe_x *x, struct tbe_func *f, tbe_val self, int argc, const tbe_val *argv);
    tbe_val **cells;
    const char *name;
    int nparams;
};

void tbe_throw_val(struct tbe_x *x, tbe_val v) TBE_NORETURN;
void tbe_throw(struct tbe_x *x, const char *fmt, ...) TBE_PRINTF(2, 3) TBE_NORETURN; /* engine error text */
void tbe_throw_fuel(struct tbe_x *x) TBE_NORETURN;  /* "Script timeout!" */
void tbe_throw_depth(struct tbe_x *x) TBE_NORETURN; /* recursion too deep */
void tbe_throw_full(void *x, size_t wanted);        /* arena on_full hook: "Script memory overflow!" */

static inline void
tbe_burn(struct tbe_x *x) /* on every loop back edge and call */
{
    if (TBE_UNLIKELY(--x->fuel < 0)) {
        tbe_throw_fuel(x);
    }
}
static inline void
tbe_call_enter(struct tbe_x *x)
{
    tbe_burn(x);
    if (TBE_UNLIKELY(++x->depth > TBE_SCRIPT_DEPTH)) {
        tbe_throw_depth(x);
    }
}
static inline void
tbe_call_leave(struct tbe_x *x)
{
    x->depth--;
}

/* A compiled script as the nodes see it. `args` are in the order of its parameters (msg, metadata,
 * msgType). Emitted as `static const struct tbe_script`. */
struct tbe_script {
    tbe_val (*run)(struct tbe_x *x, tbe_val a0, tbe_val a1, tbe_val a2);
    uint8_t dialect;       /* TBE_DIALECT_* */
    uint8_t mutates_msg;   /* writes to or leaks its first argument: it needs a private copy */
    uint8_t mutates_metadata;
    uint8_t uses;          /* TBE_USES_* bits: arguments that need not be built when unset */
    const char *refused;   /* not NULL: could not be compiled; every run fails with this text */
};
enum { TBE_DIALECT_TBEL, TBE_DIALECT_JS };
enum { TBE_USES_MSG = 1, TBE_USES_METADATA = 2, TBE_USES_MSGTYPE = 4 };

/* Runs s with limits; 0 and *out, or -1 and *err (text in the arena a, as the engine words it:
 * facts/tbel.md 14.3). The caller's arena takes everything the script allocates; at most
 * TBE_SCRIPT_ARENA bytes of it. */
int tbe_script_run(const struct tbe_script *s, struct tbe_arena *a, const tbe_val args[3], tbe_val *out,
                   struct tbe_str *err) TBE_MUST_USE;

#endif
