/* Junk to a UDP port on loopback, many datagrams to a system call.
 *
 *     junk_sender PORT RATE SECONDS < DATAGRAMS
 *
 * Standard input holds the datagrams, each behind its length (two bytes, the high one first); they go out one after the
 * other, again and again. Where one says NNNNNNNNNN it gets its own number, so that no two are alike. Paced to RATE
 * datagrams a second, or as fast as this machine can. Prints how many were sent. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, MOST_DATAGRAMS = 4096, MOST_BYTES = 1024, DIGITS = 10, MOST_NUMBERS = 4 };

struct junk {
    unsigned char text[MOST_BYTES];
    size_t length;
    size_t numbers[MOST_NUMBERS];
    int number_count;
};

static struct junk datagrams[MOST_DATAGRAMS];
static struct junk copies[BATCH];

static double seconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void find_numbers(struct junk *junk) {
    for (size_t at = 0; at + DIGITS <= junk->length && junk->number_count < MOST_NUMBERS; at++) {
        if (memcmp(junk->text + at, "NNNNNNNNNN", DIGITS) == 0) {
            junk->numbers[junk->number_count++] = at;
        }
    }
}

static int read_junk(void) {
    int count = 0;
    unsigned char length[2];
    while (count < MOST_DATAGRAMS && fread(length, 1, 2, stdin) == 2) {
        struct junk *junk = &datagrams[count];
        junk->length = (size_t)length[0] << 8 | length[1];
        if (junk->length > MOST_BYTES || fread(junk->text, 1, junk->length, stdin) != junk->length) {
            fprintf(stderr, "junk_sender: datagram %d is cut or longer than %d bytes\n", count, MOST_BYTES);
            exit(2);
        }
        find_numbers(junk);
        count++;
    }
    return count;
}

static void write_number(unsigned char *into, uint64_t number) {
    for (int digit = DIGITS - 1; digit >= 0; digit--) {
        into[digit] = (unsigned char)('0' + number % 10);
        number /= 10;
    }
}

static void fill(struct mmsghdr *messages, struct iovec *parts, int count, uint64_t first) {
    for (int index = 0; index < BATCH; index++) {
        uint64_t number = first + (uint64_t)index;
        struct junk *copy = &copies[index];
        *copy = datagrams[number % (uint64_t)count];
        for (int which = 0; which < copy->number_count; which++) {
            write_number(copy->text + copy->numbers[which], number);
        }
        parts[index] = (struct iovec){.iov_base = copy->text, .iov_len = copy->length};
        messages[index] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[index], .msg_iovlen = 1}};
    }
}

static uint64_t send_all(int fd, int count, double rate, double seconds) {
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    uint64_t sent = 0;
    double started = seconds_now(), elapsed;
    while ((elapsed = seconds_now() - started) < seconds) {
        if ((double)sent > elapsed * rate) {
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
            continue;
        }
        fill(messages, parts, count, sent);
        int done = sendmmsg(fd, messages, BATCH, 0);
        if (done > 0) {
            sent += (uint64_t)done;
        } else if (errno != ECONNREFUSED && errno != EINTR && errno != ENOBUFS) {
            perror("junk_sender: sendmmsg");
            exit(1);
        }
    }
    return sent;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: junk_sender PORT RATE SECONDS < DATAGRAMS\n");
        return 2;
    }
    int count = read_junk();
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (count == 0 || fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        fprintf(stderr, "junk_sender: nothing to send, or no socket to send it by\n");
        return 1;
    }
    printf("%llu\n", (unsigned long long)send_all(fd, count, atof(argv[2]), atof(argv[3])));
    return 0;
}
