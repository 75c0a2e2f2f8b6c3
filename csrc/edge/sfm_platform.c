#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#if defined(__APPLE__) && !defined(_DARWIN_C_SOURCE)
#define _DARWIN_C_SOURCE
#endif
#include "sfm_platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

enum { NANOSECONDS_PER_SECOND = 1000000000 };

/* --- clocks ------------------------------------------------------------------------------------------------------ */

static int64_t clock_read(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * NANOSECONDS_PER_SECOND + time.tv_nsec;
}

int64_t sfm_clock_ns(void) { return clock_read(CLOCK_MONOTONIC); }

int64_t sfm_wallclock_ns(void) { return clock_read(CLOCK_REALTIME); }

/* Whoever is put aside between the two clocks reads them anew: all arrivals would be wrong by that long. */
sfm_clocks sfm_clocks_read(void) {
    enum { TRIES = 4, TOGETHER_NS = 20000 };
    sfm_clocks clocks;
    int64_t after_ns = sfm_clock_ns();
    for (int i = 0; i < TRIES; i++) {
        clocks = (sfm_clocks){.monotonic_ns = after_ns, .wallclock_ns = sfm_wallclock_ns()};
        after_ns = sfm_clock_ns();
        if (after_ns - clocks.monotonic_ns < TOGETHER_NS) {
            break;
        }
    }
    return clocks;
}

static struct timespec timespec_of(int64_t ns) {
    return (struct timespec){.tv_sec = (time_t)(ns / NANOSECONDS_PER_SECOND),
                             .tv_nsec = (long)(ns % NANOSECONDS_PER_SECOND)};
}

/* --- sleeping and waking ----------------------------------------------------------------------------------------- */

#ifdef __linux__

/* A futex takes an absolute deadline and a wake in one call, with neither lock nor descriptor. */
struct sfm_waiter {
    _Atomic uint32_t woken;
};

sfm_waiter *sfm_waiter_create(void) { return calloc(1, sizeof(sfm_waiter)); }

void sfm_waiter_destroy(sfm_waiter *waiter) { free(waiter); }

void sfm_waiter_sleep(sfm_waiter *waiter, int64_t deadline_ns) {
    struct timespec deadline = timespec_of(deadline_ns > 0 ? deadline_ns : 0);
    const struct timespec *until = deadline_ns == INT64_MAX ? NULL : &deadline;
    while (atomic_exchange(&waiter->woken, 0) == 0) {
        long result =
            syscall(SYS_futex, &waiter->woken, FUTEX_WAIT_BITSET_PRIVATE, 0, until, NULL, FUTEX_BITSET_MATCH_ANY);
        if (result == -1 && errno == ETIMEDOUT) {
            return;
        }
    }
}

void sfm_waiter_wake(sfm_waiter *waiter) {
    if (atomic_exchange(&waiter->woken, 1) == 0) {
        syscall(SYS_futex, &waiter->woken, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

#else

struct sfm_waiter {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    bool woken;
};

sfm_waiter *sfm_waiter_create(void) {
    sfm_waiter *waiter = calloc(1, sizeof *waiter);
    if (waiter != NULL) {
        pthread_mutex_init(&waiter->mutex, NULL);
        pthread_cond_init(&waiter->condition, NULL);
    }
    return waiter;
}

void sfm_waiter_destroy(sfm_waiter *waiter) {
    if (waiter != NULL) {
        pthread_cond_destroy(&waiter->condition);
        pthread_mutex_destroy(&waiter->mutex);
        free(waiter);
    }
}

/* Waits for what is left until the deadline; whether there was anything left. */
static bool waiter_wait(sfm_waiter *waiter, int64_t deadline_ns) {
    if (deadline_ns == INT64_MAX) {
        return pthread_cond_wait(&waiter->condition, &waiter->mutex) == 0;
    }
    int64_t left_ns = deadline_ns - sfm_clock_ns();
    if (left_ns <= 0) {
        return false;
    }
#ifdef __APPLE__
    struct timespec left = timespec_of(left_ns);
    pthread_cond_timedwait_relative_np(&waiter->condition, &waiter->mutex, &left);
#else
    struct timespec until = timespec_of(sfm_wallclock_ns() + left_ns);
    pthread_cond_timedwait(&waiter->condition, &waiter->mutex, &until);
#endif
    return true;
}

void sfm_waiter_sleep(sfm_waiter *waiter, int64_t deadline_ns) {
    pthread_mutex_lock(&waiter->mutex);
    while (!waiter->woken && waiter_wait(waiter, deadline_ns)) {
    }
    waiter->woken = false;
    pthread_mutex_unlock(&waiter->mutex);
}

void sfm_waiter_wake(sfm_waiter *waiter) {
    pthread_mutex_lock(&waiter->mutex);
    waiter->woken = true;
    pthread_cond_signal(&waiter->condition);
    pthread_mutex_unlock(&waiter->mutex);
}

#endif

/* --- a readable descriptor --------------------------------------------------------------------------------------- */

#ifndef __linux__
static int make_quiet(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags == -1 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == -1) {
        return -errno;
    }
    return fcntl(descriptor, F_SETFD, FD_CLOEXEC) == -1 ? -errno : 0;
}
#endif

int sfm_notifier_open(sfm_notifier *notifier) {
#ifdef __linux__
    int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptor == -1) {
        return -errno;
    }
    *notifier = (sfm_notifier){.readable = descriptor, .writable = descriptor};
    return 0;
#else
    int ends[2];
    if (pipe(ends) == -1) {
        return -errno;
    }
    *notifier = (sfm_notifier){.readable = ends[0], .writable = ends[1]};
    int error = make_quiet(ends[0]);
    return error != 0 ? error : make_quiet(ends[1]);
#endif
}

/* Eight bytes are what an eventfd takes; a full pipe is raised already, so a failure to write says nothing new. */
void sfm_notifier_raise(const sfm_notifier *notifier) {
    const uint64_t one = 1;
    ssize_t written = write(notifier->writable, &one, sizeof one);
    (void)written;
}

void sfm_notifier_clear(const sfm_notifier *notifier) {
    uint64_t counts[64];
    while (read(notifier->readable, counts, sizeof counts) == (ssize_t)sizeof counts) {
    }
}

void sfm_notifier_close(sfm_notifier *notifier) {
    close(notifier->readable);
    if (notifier->writable != notifier->readable) {
        close(notifier->writable);
    }
    *notifier = (sfm_notifier){.readable = -1, .writable = -1};
}

/* --- threads ----------------------------------------------------------------------------------------------------- */

int sfm_processor_count(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
}

/* A processor that the system keeps from us is no reason not to run. */
static void stay_on(int processor) {
#ifdef __linux__
    cpu_set_t set;
    CPU_ZERO(&set);
    if (processor > 0 && processor <= CPU_SETSIZE) {
        CPU_SET((size_t)(processor - 1), &set);
        (void)sched_setaffinity(0, sizeof set, &set);
    }
#endif
    (void)processor;
}

static void *thread_main(void *argument) {
    sfm_thread *thread = argument;
#ifdef __APPLE__
    pthread_setname_np(thread->name);
#else
    pthread_setname_np(pthread_self(), thread->name);
#endif
#ifdef __linux__
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
#endif
    stay_on(thread->processor);
    thread->run(thread->context);
    return NULL;
}

static int start_with_policy(sfm_thread *thread, int policy, int priority) {
    struct sched_param parameters = {.sched_priority = priority};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (policy != SCHED_OTHER) {
        pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
        pthread_attr_setschedpolicy(&attributes, policy);
        pthread_attr_setschedparam(&attributes, &parameters);
    }
    int error = pthread_create(&thread->id, &attributes, thread_main, thread);
    pthread_attr_destroy(&attributes);
    return -error;
}

static int start_best(sfm_thread *thread, int realtime_priority) {
    if (realtime_priority > 0) {
        thread->realtime = true;
        if (start_with_policy(thread, SCHED_FIFO, sched_get_priority_min(SCHED_FIFO) + realtime_priority) == 0) {
            return 0;
        }
    }
    thread->realtime = false;
    return start_with_policy(thread, SCHED_OTHER, 0);
}

int sfm_thread_start(sfm_thread *thread, const sfm_thread_options *options, void (*run)(void *), void *context) {
    *thread = (sfm_thread){.name = options->name, .run = run, .context = context, .processor = options->processor};
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited: an interrupt belongs to the main thread */
    int error = start_best(thread, options->realtime_priority);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

void sfm_thread_join(sfm_thread *thread) { pthread_join(thread->id, NULL); }

/* --- addresses --------------------------------------------------------------------------------------------------- */

int sfm_address_parse(sfm_address *address, const char *text, uint16_t port) {
    sfm_address parsed;
    memset(&parsed, 0, sizeof parsed);
    if (inet_pton(AF_INET, text, &parsed.as.v4.sin_addr) == 1) {
        parsed.as.v4.sin_family = AF_INET;
        parsed.length = sizeof parsed.as.v4;
    } else if (inet_pton(AF_INET6, text, &parsed.as.v6.sin6_addr) == 1) {
        parsed.as.v6.sin6_family = AF_INET6;
        parsed.length = sizeof parsed.as.v6;
    } else {
        return -EINVAL;
    }
    sfm_address_set_port(&parsed, port);
    *address = parsed;
    return 0;
}

uint16_t sfm_address_port(const sfm_address *address) {
    return ntohs(address->as.any.sa_family == AF_INET6 ? address->as.v6.sin6_port : address->as.v4.sin_port);
}

void sfm_address_set_port(sfm_address *address, uint16_t port) {
    if (address->as.any.sa_family == AF_INET6) {
        address->as.v6.sin6_port = htons(port);
    } else {
        address->as.v4.sin_port = htons(port);
    }
}

void sfm_address_format(const sfm_address *address, char *text, size_t size) {
    char host[INET6_ADDRSTRLEN] = "";
    bool v6 = address->as.any.sa_family == AF_INET6;
    if (address->length == 0) {
        snprintf(text, size, "%s", "");
        return;
    }
    inet_ntop(v6 ? AF_INET6 : AF_INET, v6 ? (const void *)&address->as.v6.sin6_addr : &address->as.v4.sin_addr, host,
              sizeof host);
    snprintf(text, size, v6 ? "[%s]:%u" : "%s:%u", host, (unsigned)sfm_address_port(address));
}

bool sfm_address_equal(const sfm_address *left, const sfm_address *right) {
    if (left->as.any.sa_family != right->as.any.sa_family || left->length == 0 || right->length == 0) {
        return false;
    }
    if (sfm_address_port(left) != sfm_address_port(right)) {
        return false;
    }
    if (left->as.any.sa_family == AF_INET6) {
        return memcmp(&left->as.v6.sin6_addr, &right->as.v6.sin6_addr, sizeof left->as.v6.sin6_addr) == 0;
    }
    return left->as.v4.sin_addr.s_addr == right->as.v4.sin_addr.s_addr;
}

/* --- datagrams --------------------------------------------------------------------------------------------------- */

static void set_option(int socket, int level, int option, int value) {
    /* Each of these is an improvement, none a condition: a kernel that refuses one still carries the media. */
    (void)setsockopt(socket, level, option, &value, sizeof value);
}

/* IP_RECVERR has Linux report what ICMP says ("nobody listens there") although the socket is not connected. It stays
 * unconnected so that datagrams from strangers can be counted instead of vanishing in the kernel. */
static void set_options(int socket, int family) {
    enum { EXPEDITED_FORWARDING = 46 << 2 };
#ifdef __linux__
    set_option(socket, family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP, family == AF_INET6 ? IPV6_RECVERR : IP_RECVERR,
               1);
#endif
#ifdef SO_TIMESTAMPNS
    set_option(socket, SOL_SOCKET, SO_TIMESTAMPNS, 1);
#else
    set_option(socket, SOL_SOCKET, SO_TIMESTAMP, 1);
#endif
    if (family == AF_INET6) {
        set_option(socket, IPPROTO_IPV6, IPV6_TCLASS, EXPEDITED_FORWARDING);
        set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    } else {
        set_option(socket, IPPROTO_IP, IP_TOS, EXPEDITED_FORWARDING);
    }
}

/* A socket without address, or -errno. */
static int open_socket(int family) {
#ifdef __linux__
    int descriptor = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
#else
    int descriptor = socket(family, SOCK_DGRAM, 0);
    if (descriptor != -1 && make_quiet(descriptor) != 0) {
        close(descriptor);
        return -EINVAL;
    }
#endif
    if (descriptor == -1) {
        return -errno;
    }
    set_options(descriptor, family);
    return descriptor;
}

static int bind_or_close(int descriptor, const sfm_address *local) {
    if (bind(descriptor, &local->as.any, local->length) == 0) {
        return descriptor;
    }
    int error = -errno;
    close(descriptor);
    return error;
}

int sfm_udp_open(const sfm_address *local) {
    int descriptor = open_socket(local->as.any.sa_family);
    return descriptor < 0 ? descriptor : bind_or_close(descriptor, local);
}

#ifdef __linux__

/* Both sockets allow the port to be shared for as long as it takes to bind the second one, and no longer: a port that
 * is in use stays in use for everybody else. */
static int bind_beside(int bound, int family) {
    sfm_address local;
    memset(&local, 0, sizeof local);
    local.length = sizeof local.as;
    if (getsockname(bound, &local.as.any, &local.length) == -1) {
        return -errno;
    }
    int descriptor = open_socket(family);
    if (descriptor < 0) {
        return descriptor;
    }
    set_option(bound, SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
    int result = bind_or_close(descriptor, &local);
    set_option(bound, SOL_SOCKET, SO_REUSEADDR, 0);
    return result;
}

int sfm_udp_open_connected(int bound, const sfm_address *peer) {
    int descriptor = bind_beside(bound, peer->as.any.sa_family);
    if (descriptor < 0) {
        return descriptor;
    }
    int connected = connect(descriptor, &peer->as.any, peer->length);
    int error = -errno;
    set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 0);
    if (connected == -1) {
        close(descriptor);
        return error;
    }
    return descriptor;
}

#else

int sfm_udp_open_connected(int bound, const sfm_address *peer) {
    (void)bound;
    (void)peer;
    return -ENOTSUP;
}

#endif

typedef union control_space {
    struct cmsghdr header; /* for its alignment */
    char bytes[128];
} control_space;

static struct msghdr message_into(sfm_datagram *datagram, struct iovec *vector, control_space *control) {
    struct msghdr message;
    memset(&message, 0, sizeof message);
    *vector = (struct iovec){.iov_base = datagram->data, .iov_len = sizeof datagram->data};
    message.msg_name = &datagram->source.as;
    message.msg_namelen = sizeof datagram->source.as;
    message.msg_iov = vector;
    message.msg_iovlen = 1;
    message.msg_control = control->bytes;
    message.msg_controllen = sizeof control->bytes;
    return message;
}

/* Wallclock of the kernel's timestamp, or 0 when there is none. */
static int64_t kernel_wallclock_ns(struct msghdr *message) {
    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item != NULL; item = CMSG_NXTHDR(message, item)) {
        if (item->cmsg_level != SOL_SOCKET) {
            continue;
        }
#ifdef SCM_TIMESTAMPNS
        if (item->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec time;
            memcpy(&time, CMSG_DATA(item), sizeof time);
            return (int64_t)time.tv_sec * NANOSECONDS_PER_SECOND + time.tv_nsec;
        }
#else
        if (item->cmsg_type == SCM_TIMESTAMP) {
            struct timeval time;
            memcpy(&time, CMSG_DATA(item), sizeof time);
            return (int64_t)time.tv_sec * NANOSECONDS_PER_SECOND + (int64_t)time.tv_usec * 1000;
        }
#endif
    }
    return 0;
}

/* A wallclock that was set in between would put the arrival into the future or far into the past: then it is now. What
 * came after the clocks were read looks as if it were from the future, too: they are read again. */
static int64_t arrival_of(int64_t stamped_ns, const sfm_clocks *clocks) {
    enum { BELIEVABLE_SECONDS = 60 };
    sfm_clocks fresh = *clocks;
    if (stamped_ns > fresh.wallclock_ns) {
        fresh = sfm_clocks_read();
    }
    int64_t age_ns = fresh.wallclock_ns - stamped_ns;
    bool believable = stamped_ns != 0 && age_ns >= 0 && age_ns < (int64_t)BELIEVABLE_SECONDS * NANOSECONDS_PER_SECOND;
    return believable ? fresh.monotonic_ns - age_ns : sfm_clock_ns();
}

static void finish_datagram(sfm_datagram *datagram, struct msghdr *message, size_t length, const sfm_clocks *clocks) {
    datagram->source.length = message->msg_namelen;
    datagram->length = length;
    datagram->arrival_ns = arrival_of(kernel_wallclock_ns(message), clocks);
}

/* What IP_RECVERR queues would fill the socket's memory if nobody took it out. */
static void discard_error_queue(int socket) {
#ifdef MSG_ERRQUEUE
    char bytes[64];
    while (recv(socket, bytes, sizeof bytes, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
    }
#endif
    (void)socket;
}

static int receive_error(int socket) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        return 0;
    }
    int error = -errno;
    discard_error_queue(socket);
    return error;
}

static int receive_one(int socket, sfm_datagram *datagram, const sfm_clocks *clocks) {
    struct iovec vector;
    control_space control;
    struct msghdr message = message_into(datagram, &vector, &control);
    ssize_t length = recvmsg(socket, &message, 0);
    if (length < 0) {
        return receive_error(socket);
    }
    finish_datagram(datagram, &message, (size_t)length, clocks);
    return 1;
}

#ifdef __linux__

static int receive_batch(int socket, sfm_datagram *batch, int wanted, const sfm_clocks *clocks) {
    struct mmsghdr messages[SFM_DATAGRAM_BATCH];
    struct iovec vectors[SFM_DATAGRAM_BATCH];
    control_space controls[SFM_DATAGRAM_BATCH];
    for (int i = 0; i < wanted; i++) {
        messages[i].msg_hdr = message_into(&batch[i], &vectors[i], &controls[i]);
    }
    int count = recvmmsg(socket, messages, (unsigned)wanted, MSG_DONTWAIT, NULL);
    if (count <= 0) {
        return count == 0 ? 0 : receive_error(socket);
    }
    for (int i = 0; i < count; i++) {
        finish_datagram(&batch[i], &messages[i].msg_hdr, messages[i].msg_len, clocks);
    }
    return count;
}

#else

static int receive_batch(int socket, sfm_datagram *batch, int wanted, const sfm_clocks *clocks) {
    int count = 0;
    while (count < wanted) {
        int got = receive_one(socket, &batch[count], clocks);
        if (got <= 0) {
            return count > 0 ? count : got;
        }
        count++;
    }
    return count;
}

#endif

int sfm_udp_receive(int socket, sfm_datagram *batch, int capacity, const sfm_clocks *clocks) {
    int wanted = capacity < SFM_DATAGRAM_BATCH ? capacity : SFM_DATAGRAM_BATCH;
    return wanted == 1 ? receive_one(socket, batch, clocks) : receive_batch(socket, batch, wanted, clocks);
}

#if defined(__linux__) && defined(SO_MEMINFO)

uint64_t sfm_udp_dropped(int socket) {
    enum { DROPS = 8, COUNTERS = 9 }; /* linux/sock_diag.h: SK_MEMINFO_DROPS, SK_MEMINFO_VARS */
    uint32_t counters[COUNTERS] = {0};
    socklen_t length = sizeof counters;
    bool told = getsockopt(socket, SOL_SOCKET, SO_MEMINFO, counters, &length) == 0 && length == sizeof counters;
    return told ? counters[DROPS] : 0;
}

#else

uint64_t sfm_udp_dropped(int socket) {
    (void)socket;
    return 0;
}

#endif

static ssize_t send_once(int socket, const sfm_address *destination, const uint8_t *data, size_t length) {
    return destination != NULL ? sendto(socket, data, length, 0, &destination->as.any, destination->length)
                               : send(socket, data, length, 0);
}

int sfm_udp_send(int socket, const sfm_address *destination, const uint8_t *data, size_t length) {
    if (send_once(socket, destination, data, length) >= 0) {
        return 0;
    }
    /* The kernel may answer with the fate of an earlier datagram and not send this one: tell of it, but send. */
    int error = -errno;
    discard_error_queue(socket);
    if (error == -ECONNREFUSED || error == -EHOSTUNREACH || error == -ENETUNREACH) {
        (void)send_once(socket, destination, data, length);
    }
    return error;
}
