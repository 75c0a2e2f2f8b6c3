/* An independent witness of how evenly RTP leaves: inter-arrival times by the kernel's timestamps.
 *
 *     rtp_watch PORT STREAMS SECONDS PTIME_MS
 *
 * Receives on a UDP port of loopback whatever is sent to it, tells streams apart by source address and SSRC, waits until
 * STREAMS of them have come, and from then on notes for SECONDS, for every packet that follows its predecessor in
 * sequence, |time since the predecessor - PTIME|. The times are SO_TIMESTAMPNS: when the packet came to the receiving
 * side of the kernel, not when this program got round to it. Prints one line of JSON: counts, lost packets (holes in
 * the sequence), what the socket dropped, and percentiles in microseconds, exact, of all samples. */
#include <arpa/inet.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, TABLE = 1 << 16, DATAGRAM_BYTES = 2048, RECEIVE_BUFFER = 64 << 20, GIVE_UP_SECONDS = 120 };

typedef struct stream {
    uint32_t address;
    uint32_t ssrc;
    uint16_t port;
    uint16_t sequence_number;
    bool used;
    int64_t arrival_ns;
} stream;

static stream streams[TABLE];
static int stream_count;
static uint32_t *samples;
static size_t sample_count, sample_capacity;
static uint64_t received, lost;
static uint32_t dropped;

static int64_t ns_of(struct timespec time) { return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec; }

static int64_t wallclock_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return ns_of(time);
}

static stream *find(const struct sockaddr_in *source, uint32_t ssrc) {
    uint32_t hash = (source->sin_addr.s_addr ^ ssrc) * 2654435761u + source->sin_port * 40503u;
    for (uint32_t at = hash % TABLE;; at = (at + 1) % TABLE) {
        stream *found = &streams[at];
        if (!found->used) {
            *found = (stream){source->sin_addr.s_addr, ssrc, source->sin_port, 0, true, -1};
            stream_count++;
        }
        if (found->address == source->sin_addr.s_addr && found->port == source->sin_port && found->ssrc == ssrc) {
            return found;
        }
    }
}

static void add_sample(int64_t ns) {
    if (sample_count == sample_capacity) {
        sample_capacity = sample_capacity ? 2 * sample_capacity : 1 << 20;
        samples = realloc(samples, sample_capacity * sizeof *samples);
        if (samples == NULL) {
            exit(1);
        }
    }
    samples[sample_count++] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

static void take(const uint8_t *data, size_t length, const struct sockaddr_in *source, int64_t arrival_ns, bool measuring,
                 int64_t ptime_ns) {
    if (length < 12 || data[0] >> 6 != 2 || (data[1] >= 200 && data[1] <= 207)) {
        return; /* no RTP, or RTCP */
    }
    uint32_t ssrc;
    memcpy(&ssrc, data + 8, sizeof ssrc);
    uint16_t sequence_number = (uint16_t)(data[2] << 8 | data[3]);
    stream *from = find(source, ssrc);
    uint16_t step = (uint16_t)(sequence_number - from->sequence_number);
    if (measuring && from->arrival_ns >= 0) {
        received++;
        lost += step > 1 && step < 1000 ? step - 1u : 0;
        if (step == 1) {
            add_sample(llabs(arrival_ns - from->arrival_ns - ptime_ns));
        }
    }
    from->sequence_number = sequence_number;
    from->arrival_ns = arrival_ns;
}

static int64_t arrival_of(struct msghdr *message) {
    int64_t arrival_ns = 0;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item != NULL; item = CMSG_NXTHDR(message, item)) {
        if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec time;
            memcpy(&time, CMSG_DATA(item), sizeof time);
            arrival_ns = ns_of(time);
        } else if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&dropped, CMSG_DATA(item), sizeof dropped);
        }
    }
    return arrival_ns;
}

static void receive(int sock, bool measuring, int64_t ptime_ns) {
    static uint8_t data[BATCH][DATAGRAM_BYTES];
    static struct sockaddr_in sources[BATCH];
    static char controls[BATCH][128];
    struct iovec vectors[BATCH];
    struct mmsghdr messages[BATCH];
    for (int i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){data[i], DATAGRAM_BYTES};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &sources[i], .msg_namelen = sizeof sources[i],
                                              .msg_iov = &vectors[i], .msg_iovlen = 1,
                                              .msg_control = controls[i], .msg_controllen = sizeof controls[i]};
    }
    int count = recvmmsg(sock, messages, BATCH, MSG_WAITFORONE, NULL);
    for (int i = 0; i < count; i++) {
        take(data[i], messages[i].msg_len, &sources[i], arrival_of(&messages[i].msg_hdr), measuring, ptime_ns);
    }
}

static int open_socket(int port) {
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_usec = 100000};
    int one = 1, bytes = RECEIVE_BUFFER, sock = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(sock, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    setsockopt(sock, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) {
        setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
    if (sock < 0 || bind(sock, (struct sockaddr *)&local, sizeof local) != 0) {
        perror("rtp_watch");
        exit(1);
    }
    return sock;
}

/* Who is kept from receiving for a second has a full socket, and nothing to say about the sender. */
static void be_first(void) {
    struct sched_param priority = {.sched_priority = 1};
    (void)sched_setscheduler(0, SCHED_FIFO, &priority); /* without the right to it: as good as it gets */
}

static int ascending(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static double percentile_us(double share) {
    size_t rank = (size_t)(share * (double)sample_count);
    return sample_count == 0 ? -1 : samples[rank < sample_count ? rank : sample_count - 1] / 1000.0;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: rtp_watch PORT STREAMS SECONDS PTIME_MS\n");
        return 2;
    }
    be_first();
    int sock = open_socket(atoi(argv[1])), wanted = atoi(argv[2]);
    int64_t length_ns = (int64_t)(atof(argv[3]) * 1e9), ptime_ns = (int64_t)(atof(argv[4]) * 1e6);
    printf("ready\n");
    fflush(stdout);
    int64_t give_up_ns = wallclock_ns() + (int64_t)GIVE_UP_SECONDS * 1000000000;
    while (stream_count < wanted && wallclock_ns() < give_up_ns) {
        receive(sock, false, ptime_ns);
    }
    int64_t settled_ns = wallclock_ns() + 1000000000, end_ns = settled_ns + length_ns, now_ns = 0;
    while ((now_ns = wallclock_ns()) < end_ns) {
        receive(sock, now_ns >= settled_ns, ptime_ns);
    }
    qsort(samples, sample_count, sizeof *samples, ascending);
    printf("{\"streams\": %d, \"received\": %llu, \"lost\": %llu, \"dropped\": %u, \"p50_us\": %.1f, \"p99_us\": %.1f, "
           "\"p999_us\": %.1f, \"max_us\": %.1f}\n",
           stream_count, (unsigned long long)received, (unsigned long long)lost, dropped, percentile_us(0.5),
           percentile_us(0.99), percentile_us(0.999), percentile_us(1));
    return 0;
}
