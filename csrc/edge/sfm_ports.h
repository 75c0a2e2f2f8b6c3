/* RTP and RTCP port pairs: an even port and the odd one above it (RFC 3550 section 11). */
#ifndef SFM_PORTS_H
#define SFM_PORTS_H

#include <stdint.h>

#include "sfm_platform.h"
#include "sfm_simulation.h"

typedef struct sfm_port_pair {
    sfm_simulation *simulation; /* NULL: the machine's */
    int rtp;  /* descriptors, or numbers of a simulation's sockets */
    int rtcp;
    int peer; /* on RTP's port, connected to the peer; -1 while there is none: `rtp` serves for all then */
    uint16_t port; /* of RTP; RTCP's is the next */
    uint64_t dropped; /* what to add to the counter of the socket that the peer's packets come to, modulo 2^64 */
} sfm_port_pair;

/* Opens the first free pair of the range at or after `*cursor` (around to its beginning), and moves the cursor behind
 * it: a port that was just given back is the last to be used again, so stray packets of an ended call meet nobody.
 * 0, SFM_ERROR_ADDRESS, SFM_ERROR_NO_PORTS, or SFM_ERROR_SYSTEM. */
int sfm_ports_open(sfm_simulation *simulation, const char *address, uint16_t first_port, uint16_t last_port,
                   uint16_t *cursor, sfm_port_pair *pair);
/* Connects `peer`, anew when it was connected. Where that cannot be, nothing is connected and `rtp` serves for all. */
void sfm_ports_connect(sfm_port_pair *pair, const sfm_address *peer);
/* Datagrams that the kernel dropped because they were not read in time: RTP for anybody until there is a connected
 * socket, then the peer's alone, since what strangers send too much of is no packet of the call. */
uint64_t sfm_ports_dropped(const sfm_port_pair *pair);
void sfm_ports_close(sfm_port_pair *pair);

#endif
