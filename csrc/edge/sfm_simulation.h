/* A clock that stands still until it is moved, and a network inside the process: what a simulated engine has in the
 * place of the machine's. Datagrams go from one of its sockets to another, and some are lost, late, doubled or
 * overtaken. The same seed and the same datagrams have the same fate; each socket has random numbers of its own, so that
 * one call's packets decide nothing about another's. One thread. */
#ifndef SFM_SIMULATION_H
#define SFM_SIMULATION_H

#include <stddef.h>
#include <stdint.h>

#include "../core/sfm_random.h"
#include "sfm_platform.h"

/* cffi:begin */
typedef struct sfm_simulation_config {
    uint64_t seed;
    int64_t wallclock_ns;           /* since 1970, UTC, at time 0 */
    int64_t delay_ns;               /* of every datagram */
    int64_t jitter_ns;              /* more, evenly from 0 to this; what a socket sends keeps its order */
    int64_t reorder_ns;             /* more for those that are overtaken */
    uint32_t loss_per_million;
    uint32_t duplicate_per_million; /* of those that are not lost */
    uint32_t reorder_per_million;   /* of those that are not lost */
    uint32_t reserved;              /* 0 */
} sfm_simulation_config;

/* What became of the datagrams that one socket sent. */
typedef struct sfm_path_counts {
    uint64_t sent;
    uint64_t lost;         /* on purpose */
    uint64_t duplicated;
    uint64_t reordered;    /* held back, so that others could pass */
    uint64_t undelivered;  /* nobody had the address, or too much waited there */
    int64_t delay_sum_ns;  /* of those neither lost nor undelivered */
    int64_t delay_max_ns;
} sfm_path_counts;
/* cffi:end */

enum { SFM_SIMULATED_QUEUE = 1024 }; /* datagrams that may wait at a socket; the kernel's buffer is bounded, too */

typedef struct sfm_simulation sfm_simulation;

/* 0, SFM_ERROR_MEMORY, or SFM_ERROR_ARGUMENT: a share above a million, a time below 0 or above a minute. */
int sfm_simulation_create(const sfm_simulation_config *config, sfm_simulation **out);
void sfm_simulation_destroy(sfm_simulation *simulation);

int64_t sfm_simulation_now_ns(const sfm_simulation *simulation);       /* 0 at first */
void sfm_simulation_move(sfm_simulation *simulation, int64_t now_ns); /* never back */
int64_t sfm_simulation_wallclock_ns(const sfm_simulation *simulation);

/* As the machine's, with a number in the place of the descriptor: 0 or more, -EADDRINUSE, -ENOMEM. */
int sfm_simulation_open(sfm_simulation *simulation, const sfm_address *local);
void sfm_simulation_close(sfm_simulation *simulation, int socket); /* what is on its way there is lost */
int sfm_simulation_send(sfm_simulation *simulation, int socket, const sfm_address *destination, const uint8_t *data,
                        size_t length); /* 0 or -ENOMEM */
/* Datagrams that have arrived by now, oldest first. */
int sfm_simulation_receive(sfm_simulation *simulation, int socket, sfm_datagram *batch, int capacity);
size_t sfm_simulation_open_sockets(const sfm_simulation *simulation);
void sfm_simulation_read_path(const sfm_simulation *simulation, int socket, sfm_path_counts *counts);

#endif
