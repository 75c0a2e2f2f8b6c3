/* What one core can send and receive at most: `send` and `recv` over as many sockets, one after the other, unpaced.
 *
 *     rtp_ceiling SOCKETS SECONDS PROCESSOR
 *
 * Each socket is connected to another on loopback. All of them send a packet of PCMU (12 + 160 bytes), then all of them
 * receive one, and again. No pacing, no measuring, no timestamps, no audio: nothing but the two calls. Prints the
 * number of packets that were sent and received a second of the thread's processor time, so that what else runs on the
 * machine takes nothing off it.
 *
 *     rtp_ceiling SOCKETS SECONDS PROCESSOR paced|stamped
 *
 * The same two calls when they are due: a packet each 20 ms, the sockets at 64 places of that time, the thread asleep
 * until the next place, at the engine's priority; `stamped` asks for the kernel's time of arrival as well. There is no
 * engine. Prints, as JSON and in the words of density.py, what was sent and lost, the lateness of sending at p99, that
 * of a timer that does nothing else, and the share of the core. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PACKET_BYTES = 172,
    PTIME_NS = 20000000,
    PLACES = 64, /* as csrc/edge/sfm_worker.c has them */
    PRIORITY = 11,
    FLOOR_PRIORITY = 12,
    FLOOR_PERIOD_NS = 1000000,
    MOST_FLOORS = 16,
    START_IN_NS = 50000000,
};

static double processor_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void require(int held, const char *what) {
    if (!held) {
        perror(what);
        exit(1);
    }
}

static void stay_on(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    require(sched_setaffinity(0, sizeof set, &set) == 0, "sched_setaffinity");
}

static void allow_descriptors(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void open_sockets(int *sockets, int count) {
    struct sockaddr_in *addresses = calloc((size_t)count, sizeof *addresses);
    socklen_t length = sizeof *addresses;
    require(addresses != NULL, "memory");
    for (int i = 0; i < count; i++) {
        addresses[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        sockets[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        require(sockets[i] >= 0, "socket");
        require(bind(sockets[i], (struct sockaddr *)&addresses[i], length) == 0, "bind");
        getsockname(sockets[i], (struct sockaddr *)&addresses[i], &length);
    }
    for (int i = 0; i < count; i++) {
        require(connect(sockets[i], (struct sockaddr *)&addresses[i ^ 1], length) == 0, "connect");
    }
    free(addresses);
}

static void exchange(const int *sockets, int count) {
    char packet[PACKET_BYTES] = {(char)0x80};
    char received[2048];
    for (int i = 0; i < count; i++) {
        require(send(sockets[i], packet, sizeof packet, 0) == PACKET_BYTES, "send");
    }
    for (int i = 0; i < count; i++) {
        require(recv(sockets[i], received, sizeof received, 0) == PACKET_BYTES, "recv");
    }
}

/* --- paced --------------------------------------------------------------------------------------------------------- */

/* Times in ns; the oldest are written over once it is full. */
typedef struct times {
    int64_t *at;
    size_t capacity;
    size_t count;
} times;

typedef struct floor_timer {
    pthread_t thread;
    int processor;
    times late;
    volatile int stopping;
} floor_timer;

static int64_t clock_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void sleep_until(int64_t due_ns) {
    struct timespec due = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR) {
    }
}

static times make_times(size_t capacity) {
    times made = {.at = calloc(capacity, sizeof(int64_t)), .capacity = capacity};
    require(made.at != NULL, "memory");
    return made;
}

static void note(times *noted, int64_t due_ns) {
    int64_t late_ns = clock_ns() - due_ns;
    noted->at[noted->count++ % noted->capacity] = late_ns > 0 ? late_ns : 0;
}

static int ascending(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static double p99_ms(times *noted) {
    size_t count = noted->count < noted->capacity ? noted->count : noted->capacity;
    qsort(noted->at, count, sizeof(int64_t), ascending);
    return count > 0 ? (double)noted->at[count - 1 - count / 100] / 1e6 : 0;
}

/* Whether the system granted it. */
static int be_punctual(int priority) {
    struct sched_param parameters = {.sched_priority = priority};
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    return pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) == 0;
}

static void *run_floor(void *context) {
    floor_timer *timer = context;
    stay_on(timer->processor);
    (void)be_punctual(FLOOR_PRIORITY);
    for (int64_t due_ns = clock_ns() + FLOOR_PERIOD_NS; !timer->stopping; due_ns += FLOOR_PERIOD_NS) {
        sleep_until(due_ns);
        note(&timer->late, due_ns);
    }
    return NULL;
}

static int start_floors(floor_timer *timers, double seconds) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int count = processors > MOST_FLOORS ? MOST_FLOORS : (int)processors;
    for (int i = 0; i < count; i++) {
        timers[i] = (floor_timer){.processor = i, .late = make_times((size_t)(seconds * 1000) + 1000)};
        require(pthread_create(&timers[i].thread, NULL, run_floor, &timers[i]) == 0, "pthread_create");
    }
    return count;
}

static double end_floors(floor_timer *timers, int count) {
    times all = make_times(1);
    for (int i = 0; i < count; i++) {
        timers[i].stopping = 1;
        pthread_join(timers[i].thread, NULL);
        size_t noted = timers[i].late.count < timers[i].late.capacity ? timers[i].late.count : timers[i].late.capacity;
        all.at = realloc(all.at, (all.count + noted) * sizeof(int64_t));
        require(all.at != NULL, "memory");
        memcpy(all.at + all.count, timers[i].late.at, noted * sizeof(int64_t));
        all.capacity = all.count += noted;
    }
    return p99_ms(&all);
}

static int take_one(int socket, int stamped) {
    char received[2048];
    char control[128];
    if (!stamped) {
        return recv(socket, received, sizeof received, 0) == PACKET_BYTES;
    }
    struct sockaddr_storage source;
    struct iovec vector = {.iov_base = received, .iov_len = sizeof received};
    struct msghdr message = {.msg_name = &source, .msg_namelen = sizeof source, .msg_iov = &vector, .msg_iovlen = 1,
                             .msg_control = control, .msg_controllen = sizeof control};
    return recvmsg(socket, &message, 0) == PACKET_BYTES;
}

/* Sockets that follow each other lie apart: 0, 1/2, 1/4, 3/4, 1/8, 5/8, ... of the packet time. */
static int socket_at(int place, int turn) {
    int reversed = 0;
    for (int bit = 1; bit < PLACES; bit *= 2) {
        reversed = 2 * reversed + ((place & bit) != 0);
    }
    return reversed + turn * PLACES;
}

static long long send_at(const int *sockets, int count, int place, int64_t due_ns, times *late) {
    char packet[PACKET_BYTES] = {(char)0x80};
    long long sent = 0;
    for (int turn = 0; socket_at(place, turn) < count; turn++) {
        require(send(sockets[socket_at(place, turn)], packet, sizeof packet, 0) == PACKET_BYTES, "send");
        note(late, due_ns);
        sent++;
    }
    return sent;
}

/* One packet each; who found none the last time takes another one. */
static long long receive_at(const int *sockets, int count, int place, int stamped, char *behind) {
    long long got = 0;
    for (int turn = 0; socket_at(place, turn) < count; turn++) {
        int which = socket_at(place, turn);
        int found = take_one(sockets[which], stamped);
        if (found && behind[which]) {
            behind[which] = (char)!take_one(sockets[which], stamped);
            found += !behind[which];
        } else {
            behind[which] = (char)!found;
        }
        got += found;
    }
    return got;
}

static long long receive_rest(const int *sockets, int count, int stamped) {
    long long got = 0;
    for (int i = 0; i < count; i++) {
        while (take_one(sockets[i], stamped)) {
            got++;
        }
    }
    return got;
}

static void stamp(const int *sockets, int count) {
    int on = 1;
    for (int i = 0; i < count; i++) {
        require(setsockopt(sockets[i], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) == 0, "SO_TIMESTAMPNS");
    }
}

static void run_paced(const int *sockets, int count, double seconds, int stamped) {
    floor_timer timers[MOST_FLOORS];
    times late = make_times((size_t)((double)count * (seconds + 1) * 1e9 / PTIME_NS));
    char *behind = calloc((size_t)count, 1);
    long long sent = 0;
    long long got = 0;
    require(behind != NULL, "memory");
    if (stamped) {
        stamp(sockets, count);
    }
    int floors = start_floors(timers, seconds);
    int realtime = be_punctual(PRIORITY);
    int64_t first_ns = clock_ns() + START_IN_NS;
    double used = processor_seconds();
    long long places = (long long)(seconds * 1e9 / PTIME_NS) * PLACES;
    for (long long i = 0; i < places; i++) {
        int64_t due_ns = first_ns + i * (PTIME_NS / PLACES);
        if (due_ns > clock_ns()) {
            sleep_until(due_ns);
        }
        sent += send_at(sockets, count, (int)(i % PLACES), due_ns, &late);
        got += receive_at(sockets, count, (int)(i % PLACES), stamped, behind);
    }
    double took = (double)(clock_ns() - first_ns) / 1e9;
    used = processor_seconds() - used;
    got += receive_rest(sockets, count, stamped);
    printf("{\"legs\": %d, \"sent\": %lld, \"lost\": %lld, \"missed\": 0, \"p99_ms\": %.6f, \"floor_p99_ms\": %.6f, "
           "\"busy\": %.6f, \"realtime\": %s, \"resident_kb\": 0}\n",
           count, sent, sent - got, p99_ms(&late), end_floors(timers, floors), used / took, realtime ? "true" : "false");
}

/* --- either -------------------------------------------------------------------------------------------------------- */

static void run_unpaced(const int *sockets, int count, double seconds) {
    exchange(sockets, count); /* the first time everything is new */
    double packets = 0;
    double start = processor_seconds();
    while (processor_seconds() - start < seconds) {
        exchange(sockets, count);
        packets += count;
    }
    printf("%.0f\n", packets / (processor_seconds() - start));
}

int main(int argc, char **argv) {
    int stamped = argc == 5 && strcmp(argv[4], "stamped") == 0;
    int paced = stamped || (argc == 5 && strcmp(argv[4], "paced") == 0);
    if (argc != 4 && !paced) {
        fprintf(stderr, "usage: rtp_ceiling SOCKETS SECONDS PROCESSOR [paced|stamped]\n");
        return 2;
    }
    int count = atoi(argv[1]) / 2 * 2;
    double seconds = atof(argv[2]);
    int *sockets = calloc((size_t)count, sizeof *sockets);
    stay_on(atoi(argv[3]));
    allow_descriptors();
    open_sockets(sockets, count);
    if (paced) {
        run_paced(sockets, count, seconds, stamped);
    } else {
        run_unpaced(sockets, count, seconds);
    }
    return 0;
}
