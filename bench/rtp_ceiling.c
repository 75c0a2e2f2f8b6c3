/* What one core can send and receive at most: `send` and `recv` over as many sockets, one after the other, unpaced.
 *
 *     rtp_ceiling SOCKETS SECONDS PROCESSOR
 *
 * Each socket is connected to another on loopback. All of them send a packet of PCMU (12 + 160 bytes), then all of them
 * receive one, and again. No pacing, no measuring, no timestamps, no audio: nothing but the two calls. Prints the
 * number of packets that were sent and received a second of the thread's processor time, so that what else runs on the
 * machine takes nothing off it. */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { PACKET_BYTES = 172 };

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

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: rtp_ceiling SOCKETS SECONDS PROCESSOR\n");
        return 2;
    }
    int count = atoi(argv[1]) / 2 * 2;
    double seconds = atof(argv[2]);
    int *sockets = calloc((size_t)count, sizeof *sockets);
    stay_on(atoi(argv[3]));
    allow_descriptors();
    open_sockets(sockets, count);
    exchange(sockets, count); /* the first time everything is new */
    double packets = 0;
    double start = processor_seconds();
    while (processor_seconds() - start < seconds) {
        exchange(sockets, count);
        packets += count;
    }
    printf("%.0f\n", packets / (processor_seconds() - start));
    return 0;
}
