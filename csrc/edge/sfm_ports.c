#include "sfm_ports.h"

#include <errno.h>
#include <unistd.h>

#include "sfm_edge_error.h"

static int open_at(sfm_simulation *simulation, sfm_address *address, uint16_t port) {
    sfm_address_set_port(address, port);
    return simulation != NULL ? sfm_simulation_open(simulation, address) : sfm_udp_open(address);
}

static void close_one(sfm_simulation *simulation, int socket) {
    if (simulation != NULL) {
        sfm_simulation_close(simulation, socket);
    } else {
        close(socket);
    }
}

/* 0 or -errno. */
static int open_pair(sfm_simulation *simulation, sfm_address *address, uint16_t port, sfm_port_pair *pair) {
    int rtp = open_at(simulation, address, port);
    if (rtp < 0) {
        return rtp;
    }
    int rtcp = open_at(simulation, address, (uint16_t)(port + 1));
    if (rtcp < 0) {
        close_one(simulation, rtp);
        return rtcp;
    }
    *pair = (sfm_port_pair){.simulation = simulation, .rtp = rtp, .rtcp = rtcp, .peer = -1, .port = port};
    return 0;
}

int sfm_ports_open(sfm_simulation *simulation, const char *address, uint16_t first_port, uint16_t last_port,
                   uint16_t *cursor, sfm_port_pair *pair) {
    sfm_address local;
    uint16_t first = (uint16_t)(first_port + first_port % 2);
    int pairs = (last_port - first + 1) / 2;
    if (sfm_address_parse(&local, address, 0) != 0) {
        return SFM_ERROR_ADDRESS;
    }
    int start = *cursor >= first ? (*cursor - first) / 2 : 0;
    for (int i = 0; i < pairs; i++) {
        uint16_t port = (uint16_t)(first + 2 * ((start + i) % pairs));
        int error = open_pair(simulation, &local, port, pair);
        if (error == 0) {
            *cursor = (uint16_t)(port + 2);
        }
        if (error != -EADDRINUSE && error != -EACCES) {
            return sfm_system_error(error);
        }
    }
    return SFM_ERROR_NO_PORTS;
}

uint64_t sfm_ports_dropped(const sfm_port_pair *pair) {
    if (pair->simulation != NULL || pair->rtp < 0) {
        return pair->dropped;
    }
    return pair->dropped + sfm_udp_dropped(pair->peer >= 0 ? pair->peer : pair->rtp);
}

static void disconnect(sfm_port_pair *pair) {
    if (pair->peer >= 0) {
        pair->dropped += sfm_udp_dropped(pair->peer) - sfm_udp_dropped(pair->rtp);
        close(pair->peer);
    }
    pair->peer = -1;
}

void sfm_ports_connect(sfm_port_pair *pair, const sfm_address *peer) {
    disconnect(pair);
    int connected = pair->simulation != NULL ? -1 : sfm_udp_open_connected(pair->rtp, peer);
    pair->peer = connected < 0 ? -1 : connected;
    if (pair->peer >= 0) {
        pair->dropped += sfm_udp_dropped(pair->rtp); /* a new socket has dropped nothing */
    }
}

void sfm_ports_close(sfm_port_pair *pair) {
    disconnect(pair);
    close_one(pair->simulation, pair->rtp);
    close_one(pair->simulation, pair->rtcp);
    *pair = (sfm_port_pair){.rtp = -1, .rtcp = -1, .peer = -1};
}
