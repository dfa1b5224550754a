/* SPDX-License-Identifier: Apache-2.0 */
/* What compiled scripts call. A script is compiled to C functions over tbe_val; errors are
 * thrown with longjmp to the innermost catch frame, which is safe because everything a script
 * makes is in an arena. Naming rule of the operators and built-ins, for the emitter: tbe_t_* has
 * TBEL semantics, tbe_j_* has JavaScript semantics. They are declared in tbe/tbel.h and
 * tbe/js.h. */
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
    /* JavaScript: end of the string built last, and of its block: it may grow in place */
    char *str_end, *str_cap;
    int64_t now;         /* JavaScript: fixed clock in ms for tests; 0 = the system's */
    const void *regexes; /* JavaScript: cache of compiled regular expressions of this execution */
    void *realm;         /* JavaScript: the classes of the language this execution has touched */
    /* JavaScript: levels of the JSON documents being written around the running call */
    int nested;
};

typedef tbe_val tbe_fn(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv);
struct tbe_func { /* closure: captured variables are cells (pointers to values in the arena) */
    tbe_fn *native;                         /* built-in, or NULL */
    tbe_val (*fn)(struct tbe_x *x, struct tbe_func *f, tbe_val self, int argc, const tbe_val *argv);
    tbe_val **cells;
    const char *name;
    int nparams;
    struct tbe_map *props; /* properties set on the function itself, or NULL */
    tbe_val bound;         /* of bind and method values: the object */
};

void tbe_throw_val(struct tbe_x *x, tbe_val v) TBE_NORETURN;
/* engine error text */
void tbe_throw(struct tbe_x *x, const char *fmt, ...) TBE_PRINTF(2, 3) TBE_NORETURN;
void tbe_throw_fuel(struct tbe_x *x) TBE_NORETURN;  /* "Script timeout!" */
void tbe_throw_depth(struct tbe_x *x) TBE_NORETURN; /* recursion too deep */
/* arena on_full hook: "Script memory overflow!" */
void tbe_throw_full(void *x, size_t wanted);

/* A try block, which the compiler made a function of its own: runs body and says how it ended.
 * What fuel, memory or depth stopped is thrown on. */
enum { TBE_TRY_THROWN = -1, TBE_TRY_DONE = 0, TBE_TRY_RETURN = 1,
    TBE_TRY_JUMP = 2 /* + number of the jump */ };
int tbe_try(struct tbe_x *x, int (*body)(struct tbe_x *x, void *frame), void *frame);

/* String constants of generated code. */
#define TBE_LIT(lit) ((tbe_val){ .t = TBE_STR_T, .ascii = 1, .n = sizeof(lit) - 1, .u = { .s = "" lit } })
#define TBE_LIT_WIDE(lit) ((tbe_val){ .t = TBE_STR_T, .n = sizeof(lit) - 1, .u = { .s = "" lit } })
/* An implicit global nothing was assigned to. */
#define TBE_ABSENT ((tbe_val){ .t = TBE_UNDEF, .sub = 1 })
#if defined(__TINYC__) || !defined(__GNUC__) || __GNUC__ < 4
#define TBE_FALLTHROUGH do { } while (0)
#elif defined(__clang__) || __GNUC__ >= 7
#define TBE_FALLTHROUGH __attribute__((fallthrough))
#else
#define TBE_FALLTHROUGH do { } while (0)
#endif

/* State of a loop over a value. */
#ifndef TBE_ITER
#define TBE_ITER
struct tbe_iter {
    tbe_val v;
    uint32_t i, n;
    int64_t k;
    void *p;
};
#endif

/* Closures. The cells array is copied; name must outlive the script. */
tbe_val tbe_closure(struct tbe_x *x,
                    tbe_val (*fn)(struct tbe_x *x, struct tbe_func *f, tbe_val self, int argc,
                    const tbe_val *argv),
                    const char *name, int nparams, int ncells, tbe_val *const *cells);
static inline tbe_val
tbe_func_val(struct tbe_func *f)
{
    return (tbe_val){ .t = TBE_FUNC, .u = { .p = f } };
}
static inline tbe_val *
tbe_cell(struct tbe_x *x, tbe_val v)
{
    tbe_val *c = tbe_arena_alloc(x->a, sizeof(*c));
    *c = v;
    return c;
}
static inline tbe_val
tbe_arg(int argc, const tbe_val *argv, int i, tbe_val missing)
{
    return i < argc ? argv[i] : missing;
}
static inline tbe_val
tbe_retag(tbe_val v, enum tbe_type t)
{
    v.t = (uint8_t)t;
    return v;
}

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

/* Call of a function of the script that needs no closure. */
static inline tbe_val
tbe_direct(struct tbe_x *x,
           tbe_val (*fn)(struct tbe_x *x, struct tbe_func *f, tbe_val self, int argc,
           const tbe_val *argv),
           int argc, const tbe_val *argv)
{
    tbe_call_enter(x);
    tbe_val r = fn(x, NULL, TBE_UNDEF_VAL, argc, argv);
    tbe_call_leave(x);
    return r;
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
/* JS_RAW: JavaScript whose result is not made JSON; for tests of the language. */
enum { TBE_DIALECT_TBEL, TBE_DIALECT_JS, TBE_DIALECT_JS_RAW };
enum { TBE_USES_MSG = 1, TBE_USES_METADATA = 2, TBE_USES_MSGTYPE = 4 };

/* Runs s with limits; 0 and *out, or -1 and *err (text in the arena a, as the engine words it:
 * facts/tbel.md 14.3). The caller's arena takes everything the script allocates; at most
 * TBE_SCRIPT_ARENA bytes of it. */
int tbe_script_run(const struct tbe_script *s, struct tbe_arena *a, const tbe_val args[3],
    tbe_val *out,
                   struct tbe_str *err) TBE_MUST_USE;

#endif
