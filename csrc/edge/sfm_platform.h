/* Everything that the edge asks of the operating system, and the only file that knows which one it is.
 *
 * Linux is first: eventfd, futex with absolute deadlines, recvmmsg. macOS (and any other POSIX) gets pipe, condition
 * variable and recvmsg behind the same functions. All times are nanoseconds of the monotonic clock unless a name
 * says wallclock.
 */
#ifndef SFM_PLATFORM_H
#define SFM_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

/* Clocks. */
int64_t sfm_clock_ns(void);     /* monotonic */
int64_t sfm_wallclock_ns(void); /* since 1970, UTC */

/* A place where one thread sleeps until a deadline or until another thread wakes it. A wake that comes while nobody
 * sleeps is kept for the next sleep. */
typedef struct sfm_waiter sfm_waiter;
sfm_waiter *sfm_waiter_create(void); /* NULL without memory */
void sfm_waiter_destroy(sfm_waiter *waiter);
void sfm_waiter_sleep(sfm_waiter *waiter, int64_t deadline_ns); /* INT64_MAX: until woken */
void sfm_waiter_wake(sfm_waiter *waiter);

/* A descriptor that is readable while raised, for the event loop of another language. */
typedef struct sfm_notifier {
    int readable;
    int writable; /* the same descriptor where there is eventfd */
} sfm_notifier;
int sfm_notifier_open(sfm_notifier *notifier); /* 0 or -errno */
void sfm_notifier_raise(const sfm_notifier *notifier);
void sfm_notifier_clear(const sfm_notifier *notifier);
void sfm_notifier_close(sfm_notifier *notifier);

/* A thread that handles no signals and whose timers have no slack. */
typedef struct sfm_thread_options {
    const char *name;         /* at most 15 characters */
    int realtime_priority;    /* 0: none; else that much above the lowest real-time priority */
    int processor; /* 0: any; else it stays on this one, counted from 1, where the system knows such a thing */
} sfm_thread_options;

int sfm_processor_count(void); /* at least 1 */

typedef struct sfm_thread {
    pthread_t id;
    const char *name;
    void (*run)(void *context);
    void *context;
    int processor;
    bool realtime; /* whether the system granted it */
} sfm_thread;

/* Runs `run(context)`; without real-time priority when the system refuses that. `thread` must stay where it is until
 * joined. 0 or -errno. */
int sfm_thread_start(sfm_thread *thread, const sfm_thread_options *options, void (*run)(void *), void *context);
void sfm_thread_join(sfm_thread *thread);

/* Datagrams. An address is an IPv4 or IPv6 socket address. */
typedef struct sfm_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } as;
    socklen_t length; /* 0: no address */
} sfm_address;

int sfm_address_parse(sfm_address *address, const char *text, uint16_t port); /* numeric only; 0 or -EINVAL */
void sfm_address_format(const sfm_address *address, char *text, size_t size); /* "192.0.2.1:4000", "[::1]:4000" */
bool sfm_address_equal(const sfm_address *left, const sfm_address *right); /* host and port */
uint16_t sfm_address_port(const sfm_address *address);
void sfm_address_set_port(sfm_address *address, uint16_t port);

enum { SFM_DATAGRAM_BYTES = 2048, SFM_DATAGRAM_BATCH = 16 };

typedef struct sfm_datagram {
    sfm_address source;
    int64_t arrival_ns; /* when the kernel got it, on the monotonic clock */
    size_t length;
    uint8_t data[SFM_DATAGRAM_BYTES];
} sfm_datagram;

/* Non-blocking, close-on-exec, with kernel receive timestamps and expedited-forwarding marking (RFC 3246). */
int sfm_udp_open(const sfm_address *local); /* descriptor or -errno */
/* A second socket on the port of `bound`, connected to `peer`: the kernel gives it what the peer sends, leaves what
 * strangers send to `bound`, and finds the way to the peer once instead of for every datagram. Descriptor or -errno
 * (-ENOTSUP where the kernel does not prefer the connected of two sockets). */
int sfm_udp_open_connected(int bound, const sfm_address *peer);
/* The two clocks at one moment: what turns the kernel's wallclock stamps into monotonic times. */
typedef struct sfm_clocks {
    int64_t monotonic_ns;
    int64_t wallclock_ns;
} sfm_clocks;
sfm_clocks sfm_clocks_read(void);

/* Number of datagrams taken into `batch` (0: none waits), or -errno of an error that the peer's host reported. A
 * capacity of 1 costs half a call less: the kernel does not look whether a second one waits. `clocks` were read not
 * long ago. */
int sfm_udp_receive(int socket, sfm_datagram *batch, int capacity, const sfm_clocks *clocks);
/* Datagrams that the kernel dropped because nobody took those before them out of the socket in time: the number of
 * SO_RXQ_OVFL, without a message for each datagram. 0 where the system does not tell. */
uint64_t sfm_udp_dropped(int socket);
/* 0 or -errno. No destination: the peer of a connected socket. */
int sfm_udp_send(int socket, const sfm_address *destination, const uint8_t *data, size_t length);

#endif
