#include "sfm_srtp.h"

#include <stdlib.h>
#include <string.h>

#include "../core/sfm_error.h"
#include "../core/sfm_warm.h"

/* Of srtp_err_status_t, which is part of libsrtp's interface and has not changed since its first version. */
enum { STATUS_OK = 0, STATUS_REPLAYED = 9, STATUS_TOO_OLD = 10, STATUS_INDEX_OLD = 26, STATUS_NO_CONTEXT = 13 };

enum {
    RTCP_TRAILER_BYTES = SFM_SRTP_TRAILER_BYTES + 4, /* the SRTCP index (RFC 3711 section 3.4) */
    USELESS_PACKETS = 25,                            /* half a second: longer than any answer is under way */
};

static const int64_t FORMER_NS = 1000000000; /* packets under former keys are late by less than that */
static const int64_t USELESS_NS = 500000000; /* with nothing opened: longer than a burst of what was damaged or forged */

typedef int (*packet_function)(void *context, void *packet, int *length);
typedef int (*dealloc_function)(void *context);

typedef struct early_packet {
    int64_t arrival_ns;
    bool counted; /* as a failure */
    size_t length;
    uint32_t data[SFM_SRTP_PACKET_BYTES / 4]; /* libsrtp reads words */
} early_packet;

struct sfm_srtp {
    packet_function protect[2]; /* RTP, RTCP */
    packet_function unprotect[2];
    dealloc_function dealloc;
    void *send;
    void *receive;
    uint64_t opened;
    int64_t last_opened_ns; /* under these keys, or under those before while they were good */
    uint32_t refused;       /* since then */
    bool told;              /* that nothing fits */
    uint32_t early_count;
    uint32_t early_next; /* of those that have been tried again */
    early_packet early[SFM_SRTP_EARLY_PACKETS]; /* the newest that were refused, for keys that are yet to come */
};

/* --- life -------------------------------------------------------------------------------------------------------- */

static void *pointer_of(uintptr_t address) { return (void *)address; }

static packet_function function_at(uintptr_t address) {
    packet_function function;
    memcpy(&function, &address, sizeof function); /* ISO C has no cast from data to code */
    return function;
}

static dealloc_function dealloc_at(uintptr_t address) {
    dealloc_function function;
    memcpy(&function, &address, sizeof function);
    return function;
}

static void release(dealloc_function dealloc, void *context) {
    if (context != NULL) {
        (void)dealloc(context);
    }
}

static bool is_whole(const sfm_srtp_library *library) {
    return library->protect != 0 && library->unprotect != 0 && library->protect_rtcp != 0 &&
           library->unprotect_rtcp != 0 && library->dealloc != 0;
}

static void bind(sfm_srtp *srtp, const sfm_srtp_library *library) {
    srtp->protect[0] = function_at(library->protect);
    srtp->protect[1] = function_at(library->protect_rtcp);
    srtp->unprotect[0] = function_at(library->unprotect);
    srtp->unprotect[1] = function_at(library->unprotect_rtcp);
    srtp->dealloc = dealloc_at(library->dealloc);
}

int sfm_srtp_create(const sfm_srtp_library *library, uintptr_t send, uintptr_t receive, sfm_srtp **out) {
    if (!is_whole(library)) {
        return SFM_ERROR_ARGUMENT; /* nothing to release them with */
    }
    sfm_srtp *srtp = calloc(1, sizeof *srtp);
    if (srtp == NULL) {
        release(dealloc_at(library->dealloc), pointer_of(send));
        release(dealloc_at(library->dealloc), pointer_of(receive));
        return SFM_ERROR_MEMORY;
    }
    bind(srtp, library);
    srtp->send = pointer_of(send);
    srtp->receive = pointer_of(receive);
    *out = srtp;
    return SFM_OK;
}

void sfm_srtp_destroy(sfm_srtp *srtp) {
    if (srtp != NULL) {
        release(srtp->dealloc, srtp->send);
        release(srtp->dealloc, srtp->receive);
        free(srtp);
    }
}

/* --- one packet -------------------------------------------------------------------------------------------------- */

static int apply(packet_function function, void *context, void *packet, int32_t length) {
    int changed = length;
    int status = function(context, packet, &changed);
    return status == STATUS_OK ? changed : -status;
}

int sfm_srtp_protect_packet(sfm_srtp *srtp, uint8_t *packet, int32_t length, int32_t rtcp) {
    return apply(srtp->protect[rtcp != 0], srtp->send, packet, length);
}

int sfm_srtp_unprotect_packet(sfm_srtp *srtp, uint8_t *packet, int32_t length, int32_t rtcp) {
    return apply(srtp->unprotect[rtcp != 0], srtp->receive, packet, length);
}

static bool is_replay(int status) {
    return status == STATUS_REPLAYED || status == STATUS_TOO_OLD || status == STATUS_INDEX_OLD;
}

/* Of a copy: a cipher that authenticates last (GCM) may have spoilt the packet before it refuses it. */
static int open_packet(sfm_srtp *srtp, const void *data, size_t length, bool rtcp, sfm_srtp_opened *opened) {
    if (srtp->receive == NULL || length > sizeof opened->as) {
        return -STATUS_NO_CONTEXT;
    }
    memcpy(opened->as.data, data, length);
    int result = apply(srtp->unprotect[rtcp], srtp->receive, opened->as.words, (int32_t)length);
    opened->length = result < 0 ? 0 : (size_t)result;
    return result;
}

/* --- packets before their keys ----------------------------------------------------------------------------------- */

/* The answer with the new key and the first packet under it travel on different ways: the packet may be first. */
static void keep_early(sfm_srtp *srtp, const uint8_t *data, size_t length, int64_t arrival_ns, bool counted) {
    if (length > sizeof srtp->early[0].data) {
        return;
    }
    early_packet *packet = &srtp->early[srtp->early_count++ % SFM_SRTP_EARLY_PACKETS];
    packet->arrival_ns = arrival_ns;
    packet->counted = counted;
    packet->length = length;
    memcpy(packet->data, data, length);
}

static uint32_t first_kept(const sfm_srtp *srtp) {
    return srtp->early_count > SFM_SRTP_EARLY_PACKETS ? srtp->early_count - SFM_SRTP_EARLY_PACKETS : 0;
}

/* --- a leg's keys ------------------------------------------------------------------------------------------------ */

void sfm_secure_close(sfm_secure *secure) {
    sfm_srtp_destroy(secure->current);
    sfm_srtp_destroy(secure->former);
    secure->current = secure->former = NULL;
}

static bool is_pending(const sfm_srtp *srtp) { return srtp->send == NULL && srtp->receive == NULL; }

static void inherit(sfm_srtp *srtp, sfm_srtp *former) {
    if (srtp->send == NULL) {
        srtp->send = former->send;
        former->send = NULL;
    }
    if (srtp->receive == NULL) {
        srtp->receive = former->receive;
        srtp->opened = former->opened;
        srtp->last_opened_ns = former->last_opened_ns;
        srtp->refused = former->refused;
        srtp->told = former->told;
        former->receive = NULL;
    }
}

void sfm_secure_set(sfm_secure *secure, sfm_srtp *srtp) {
    if (srtp != NULL && secure->current != NULL && !is_pending(srtp)) {
        inherit(srtp, secure->current);
    }
    sfm_srtp_destroy(secure->former);
    secure->former = secure->current;
    secure->current = srtp;
    secure->former_over_ns = INT64_MAX;
    if (secure->former != NULL) {
        secure->former->early_next = first_kept(secure->former);
    }
}

uint32_t sfm_secure_useless(const sfm_secure *secure) {
    const sfm_srtp *srtp = secure->current;
    return srtp != NULL && srtp->opened == 0 && !srtp->told ? srtp->refused : 0;
}

bool sfm_secure_waits(const sfm_secure *secure) { return secure->current != NULL && secure->current->send == NULL; }

bool sfm_secure_protect(sfm_secure *secure, uint8_t *packet, size_t *length, size_t capacity, bool rtcp) {
    sfm_srtp *srtp = secure->current;
    if (srtp == NULL) {
        return true;
    }
    size_t trailer = rtcp ? RTCP_TRAILER_BYTES : SFM_SRTP_TRAILER_BYTES;
    bool fits = srtp->send != NULL && *length + trailer <= capacity;
    int result = fits ? apply(srtp->protect[rtcp], srtp->send, packet, (int32_t)*length) : -1;
    secure->counts.unsent += result < 0;
    *length = result < 0 ? *length : (size_t)result;
    return result >= 0;
}

static void end_former(sfm_secure *secure, int64_t now_ns) {
    if (secure->former != NULL && now_ns > secure->former_over_ns) {
        sfm_srtp_destroy(secure->former);
        secure->former = NULL;
    }
}

/* Somebody is understood, by whichever keys. */
static void note_understood(sfm_srtp *srtp, int64_t now_ns) {
    srtp->last_opened_ns = now_ns;
    srtp->refused = 0;
    srtp->told = false;
}

static void note_opened(sfm_secure *secure, int64_t now_ns) {
    note_understood(secure->current, now_ns);
    if (secure->current->opened++ == 0 && secure->former != NULL) {
        secure->counts.rekeys += secure->former->opened > 0;
        secure->former_over_ns = now_ns + FORMER_NS;
    }
}

/* Damaged and forged packets come among good ones; a peer whose keys do not fit is heard no more at all. */
static bool is_useless(const sfm_srtp *srtp, int64_t now_ns) {
    bool long_since = srtp->opened == 0 || now_ns - srtp->last_opened_ns >= USELESS_NS;
    return !srtp->told && srtp->refused >= USELESS_PACKETS && long_since;
}

static int refuse(sfm_secure *secure, int status, const uint8_t *data, size_t length, int64_t arrival_ns, bool rtcp) {
    sfm_srtp *srtp = secure->current;
    if (is_replay(-status)) {
        secure->counts.replays++;
        return SFM_SECURE_REFUSED;
    }
    /* Who shakes hands may have keys before us, and nothing fails that waits for them; who did not begin cannot have any. */
    bool fails = srtp->receive != NULL || !secure->peer_shakes;
    secure->counts.failures += fails && !rtcp;
    secure->counts.rtcp_failures += fails && rtcp;
    if (!rtcp) {
        keep_early(srtp, data, length, arrival_ns, fails);
        srtp->refused += fails;
    }
    if (rtcp || srtp->receive == NULL || !is_useless(srtp, arrival_ns)) {
        return SFM_SECURE_REFUSED; /* of a handshake that does not come to its end its owner tells */
    }
    srtp->told = true;
    return SFM_SECURE_USELESS;
}

int sfm_secure_unprotect(sfm_secure *secure, const uint8_t *data, size_t length, int64_t arrival_ns, bool rtcp,
                         sfm_srtp_opened *opened) {
    end_former(secure, arrival_ns);
    opened->arrival_ns = arrival_ns;
    int result = open_packet(secure->current, data, length, rtcp, opened);
    if (result >= 0) {
        if (!rtcp) {
            note_opened(secure, arrival_ns);
        }
        return SFM_SECURE_OPENED;
    }
    bool by_former = secure->former != NULL && !is_replay(-result);
    int former = by_former ? open_packet(secure->former, data, length, rtcp, opened) : -1;
    if (former >= 0) {
        if (!rtcp) {
            note_understood(secure->current, arrival_ns);
        }
        return SFM_SECURE_OPENED;
    }
    return refuse(secure, is_replay(-former) ? former : result, data, length, arrival_ns, rtcp);
}

bool sfm_secure_next_early(sfm_secure *secure, sfm_srtp_opened *opened) {
    sfm_srtp *former = secure->former;
    while (secure->current != NULL && former != NULL && former->early_next < former->early_count) {
        const early_packet *packet = &former->early[former->early_next++ % SFM_SRTP_EARLY_PACKETS];
        int result = open_packet(secure->current, packet->data, packet->length, false, opened);
        if (result >= 0) {
            secure->counts.failures -= packet->counted;
            note_opened(secure, packet->arrival_ns);
            opened->arrival_ns = packet->arrival_ns;
            return true;
        }
    }
    return false;
}

/* --- memory that is wanted soon ---------------------------------------------------------------------------------- */

void sfm_secure_warm_sending(const sfm_secure *secure, int step) {
    if (secure->current == NULL) {
        return;
    }
    if (step == 0) {
        sfm_warm(secure->current, offsetof(sfm_srtp, early));
    } else {
        sfm_warm(secure->current->send, SFM_CACHE_LINE_BYTES);
    }
}

void sfm_secure_warm_hearing(const sfm_secure *secure) {
    if (secure->current != NULL) {
        sfm_warm(secure->current->receive, SFM_CACHE_LINE_BYTES);
    }
}
