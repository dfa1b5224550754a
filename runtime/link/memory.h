/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC needs more to start and to connect than to go on. */
#ifndef TBE_LINK_MEMORY_H
#define TBE_LINK_MEMORY_H

/* Gives the system back what is free on the heap, and forgets the program text read so far: what is
 * still used comes back from the page cache. For moments when nothing goes on. */
void memory_give_back(void);

#endif
