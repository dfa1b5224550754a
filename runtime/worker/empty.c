/* SPDX-License-Identifier: Apache-2.0 */
/* tbedge-worker: a worker without rule chains. The commands use it when no daemon runs. */
#include "config.h"

#include "tbe/chain.h"

static const struct tbe_program program = { .abi = TBE_ABI, .digest = "", .version = PACKAGE_VERSION, .root = -1 };

int
main(int argc, char **argv)
{
    return tbe_worker_main(&program, argc, argv);
}
