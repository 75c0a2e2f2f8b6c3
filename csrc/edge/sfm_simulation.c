#include "sfm_simulation.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../core/sfm_error.h"

typedef struct packet {
    struct packet *next;
    int64_t arrival_ns;
    sfm_address source;
    size_t length;
    uint8_t data[];
} packet;

typedef struct simulated_socket {
    sfm_address local;
    bool open;
    int last_peer;             /* whom it sent to last: most send to one only */
    int64_t last_arrival_ns;   /* of what it sent in order: what follows comes no earlier */
    sfm_random random;
    sfm_path_counts counts;
    packet *first;             /* what comes to it, by arrival */
    packet *last;
    size_t waiting;
} simulated_socket;

struct sfm_simulation {
    sfm_simulation_config config;
    int64_t now_ns;
    simulated_socket *sockets;
    size_t count;
    size_t capacity;
    size_t open_count;
    uint64_t opened; /* ever: seeds the next socket */
};

static const int64_t LONGEST_NS = 60000000000;
enum { MILLION = 1000000, FIRST_CAPACITY = 16 };

/* --- life --------------------------------------------------------------------------------------------------------- */

static bool is_time(int64_t value_ns) { return value_ns >= 0 && value_ns <= LONGEST_NS; }

static bool is_valid(const sfm_simulation_config *config) {
    return config->loss_per_million <= MILLION && config->duplicate_per_million <= MILLION &&
           config->reorder_per_million <= MILLION && is_time(config->delay_ns) && is_time(config->jitter_ns) &&
           is_time(config->reorder_ns);
}

int sfm_simulation_create(const sfm_simulation_config *config, sfm_simulation **out) {
    if (!is_valid(config)) {
        return SFM_ERROR_ARGUMENT;
    }
    sfm_simulation *simulation = calloc(1, sizeof *simulation);
    if (simulation == NULL) {
        return SFM_ERROR_MEMORY;
    }
    simulation->config = *config;
    *out = simulation;
    return SFM_OK;
}

void sfm_simulation_destroy(sfm_simulation *simulation) {
    if (simulation == NULL) {
        return;
    }
    for (size_t i = 0; i < simulation->count; i++) {
        if (simulation->sockets[i].open) {
            sfm_simulation_close(simulation, (int)i);
        }
    }
    free(simulation->sockets);
    free(simulation);
}

int64_t sfm_simulation_now_ns(const sfm_simulation *simulation) { return simulation->now_ns; }

void sfm_simulation_move(sfm_simulation *simulation, int64_t now_ns) {
    simulation->now_ns = now_ns > simulation->now_ns ? now_ns : simulation->now_ns;
}

int64_t sfm_simulation_wallclock_ns(const sfm_simulation *simulation) {
    return simulation->config.wallclock_ns + simulation->now_ns;
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

/* The open socket at an address, -1 when there is none. */
static int find(const sfm_simulation *simulation, const sfm_address *address) {
    for (size_t i = 0; i < simulation->count; i++) {
        if (simulation->sockets[i].open && sfm_address_equal(&simulation->sockets[i].local, address)) {
            return (int)i;
        }
    }
    return -1;
}

static bool grow(sfm_simulation *simulation) {
    size_t capacity = simulation->capacity == 0 ? FIRST_CAPACITY : 2 * simulation->capacity;
    simulated_socket *sockets = realloc(simulation->sockets, capacity * sizeof *sockets);
    if (sockets == NULL) {
        return false;
    }
    simulation->sockets = sockets;
    simulation->capacity = capacity;
    return true;
}

/* A closed one is used again; -1 without memory. */
static int free_place(sfm_simulation *simulation) {
    for (size_t i = 0; i < simulation->count; i++) {
        if (!simulation->sockets[i].open) {
            return (int)i;
        }
    }
    if (simulation->count == simulation->capacity && !grow(simulation)) {
        return -1;
    }
    return (int)simulation->count++;
}

int sfm_simulation_open(sfm_simulation *simulation, const sfm_address *local) {
    if (find(simulation, local) >= 0) {
        return -EADDRINUSE;
    }
    int number = free_place(simulation);
    if (number < 0) {
        return -ENOMEM;
    }
    simulated_socket *socket = &simulation->sockets[number];
    *socket = (simulated_socket){.local = *local, .open = true, .last_peer = -1};
    sfm_random_seed(&socket->random, simulation->config.seed + ++simulation->opened);
    simulation->open_count++;
    return number;
}

void sfm_simulation_close(sfm_simulation *simulation, int number) {
    simulated_socket *socket = &simulation->sockets[number];
    while (socket->first != NULL) {
        packet *gone = socket->first;
        socket->first = gone->next;
        free(gone);
    }
    socket->last = NULL;
    socket->open = false;
    simulation->open_count--;
}

size_t sfm_simulation_open_sockets(const sfm_simulation *simulation) { return simulation->open_count; }

void sfm_simulation_read_path(const sfm_simulation *simulation, int number, sfm_path_counts *counts) {
    *counts = simulation->sockets[number].counts;
}

/* --- on the way --------------------------------------------------------------------------------------------------- */

/* Behind all that arrive no later, so that order is kept among equals. */
static void enqueue(simulated_socket *to, packet *sent) {
    packet **link = &to->first;
    if (to->last != NULL && to->last->arrival_ns <= sent->arrival_ns) {
        link = &to->last->next;
    }
    while (*link != NULL && (*link)->arrival_ns <= sent->arrival_ns) {
        link = &(*link)->next;
    }
    sent->next = *link;
    *link = sent;
    if (sent->next == NULL) {
        to->last = sent;
    }
    to->waiting++;
}

static int deliver(simulated_socket *from, simulated_socket *to, const uint8_t *data, size_t length, int64_t now_ns,
                   int64_t arrival_ns) {
    if (to->waiting >= SFM_SIMULATED_QUEUE) {
        from->counts.undelivered++;
        return 0;
    }
    packet *sent = malloc(sizeof *sent + length);
    if (sent == NULL) {
        return -ENOMEM;
    }
    *sent = (packet){.arrival_ns = arrival_ns, .source = from->local, .length = length};
    memcpy(sent->data, data, length);
    enqueue(to, sent);
    int64_t delay_ns = arrival_ns - now_ns;
    from->counts.delay_sum_ns += delay_ns;
    from->counts.delay_max_ns = delay_ns > from->counts.delay_max_ns ? delay_ns : from->counts.delay_max_ns;
    return 0;
}

/* A path is a queue: what was sent later leaves it later, except what is held back. */
static int64_t arrival_of(simulated_socket *from, const sfm_simulation_config *config, int64_t now_ns) {
    int64_t more_ns = (int64_t)sfm_random_below(&from->random, (uint64_t)config->jitter_ns + 1);
    int64_t arrival_ns = now_ns + config->delay_ns + more_ns;
    bool held = sfm_random_chance(&from->random, config->reorder_per_million) != 0;
    arrival_ns = arrival_ns > from->last_arrival_ns ? arrival_ns : from->last_arrival_ns;
    if (held) {
        from->counts.reordered++;
        return arrival_ns + config->reorder_ns;
    }
    from->last_arrival_ns = arrival_ns;
    return arrival_ns;
}

static int peer_of(sfm_simulation *simulation, simulated_socket *from, const sfm_address *destination) {
    int peer = from->last_peer;
    bool known = peer >= 0 && simulation->sockets[peer].open &&
                 sfm_address_equal(&simulation->sockets[peer].local, destination);
    return known ? peer : (from->last_peer = find(simulation, destination));
}

int sfm_simulation_send(sfm_simulation *simulation, int number, const sfm_address *destination, const uint8_t *data,
                        size_t length) {
    simulated_socket *from = &simulation->sockets[number];
    const sfm_simulation_config *config = &simulation->config;
    int peer = peer_of(simulation, from, destination);
    from->counts.sent++;
    if (sfm_random_chance(&from->random, config->loss_per_million)) {
        from->counts.lost++;
        return 0;
    }
    if (peer < 0) {
        from->counts.undelivered++;
        return 0;
    }
    int copies = 1 + sfm_random_chance(&from->random, config->duplicate_per_million);
    from->counts.duplicated += (uint64_t)(copies - 1);
    int error = 0;
    for (int64_t arrival_ns = arrival_of(from, config, simulation->now_ns); copies > 0 && error == 0; copies--) {
        error = deliver(from, &simulation->sockets[peer], data, length, simulation->now_ns, arrival_ns);
    }
    return error;
}

static void take(simulated_socket *socket, sfm_datagram *datagram) {
    packet *came = socket->first;
    datagram->source = came->source;
    datagram->arrival_ns = came->arrival_ns;
    datagram->length = came->length < SFM_DATAGRAM_BYTES ? came->length : SFM_DATAGRAM_BYTES;
    memcpy(datagram->data, came->data, datagram->length);
    socket->first = came->next;
    socket->last = came->next == NULL ? NULL : socket->last;
    socket->waiting--;
    free(came);
}

int sfm_simulation_receive(sfm_simulation *simulation, int number, sfm_datagram *batch, int capacity) {
    simulated_socket *socket = &simulation->sockets[number];
    int count = 0;
    while (count < capacity && socket->first != NULL && socket->first->arrival_ns <= simulation->now_ns) {
        take(socket, &batch[count++]);
    }
    return count;
}
