/* A pacing and receiving thread and what is mailed to and from it. Private to the engine. */
#ifndef SFM_WORKER_H
#define SFM_WORKER_H

#include <stdbool.h>

#include "sfm_engine.h"
#include "sfm_inbox.h"
#include "sfm_mail.h"
#include "sfm_platform.h"
#include "sfm_ports.h"
#include "sfm_schedule.h"

/* What comes out: an event in memory that was there before. */
typedef struct sfm_notice {
    sfm_mail mail;
    sfm_event event;        /* kind 0: only the memory comes home */
    void *block;            /* freed once the event is drained; NULL when the notice is part of something larger */
    void (*discard)(void *block); /* lets go of what the block holds before it is freed, or NULL */
    _Atomic bool in_flight; /* a notice without block is used again when this is false */
} sfm_notice;

enum sfm_command {
    SFM_COMMAND_OPEN,
    SFM_COMMAND_START,
    SFM_COMMAND_PLAY,
    SFM_COMMAND_STOP_PLAY,
    SFM_COMMAND_SWAP_PROMPT,
    SFM_COMMAND_RECORD,
    SFM_COMMAND_STOP_RECORD,
    SFM_COMMAND_PAUSE_RECORD,
    SFM_COMMAND_SEND_DTMF,
    SFM_COMMAND_MUTE,
    SFM_COMMAND_IMPAIR,
    SFM_COMMAND_SECURE,
    SFM_COMMAND_WATCH,
    SFM_COMMAND_END_WATCH,
    SFM_COMMAND_SEND,
    SFM_COMMAND_CLOSE,
    SFM_COMMAND_READ_LEG,
    SFM_COMMAND_READ_HEARD,
    SFM_COMMAND_READ_KEPT,
    SFM_COMMAND_READ_WORKER,
};

typedef struct sfm_start_command {
    sfm_leg_params params;
    sfm_leg_states *states; /* the leg's once it is started; then those that it had before, if any */
    sfm_address remote;
    sfm_address remote_rtcp; /* length 0: no RTCP */
} sfm_start_command;

typedef struct sfm_play_command {
    sfm_prompt *prompt; /* a reference of its own */
    uint32_t times;
    uint64_t limit_ms;
    uint64_t job; /* whose prompt is swapped */
} sfm_play_command;

typedef struct sfm_dtmf_command {
    sfm_dtmf_sequence sequence;
    char digits[SFM_DTMF_MAX_DIGITS + 1];
} sfm_dtmf_command;

typedef struct sfm_watch_command {
    sfm_watch *watch; /* the letter's */
    uint64_t job;     /* of END_WATCH */
    uint64_t topic;
    int look_back;
} sfm_watch_command;

/* The asker's memory. */
typedef struct sfm_heard_request {
    sfm_ear_frame *frames;
    size_t capacity;
    size_t count; /* the answer */
} sfm_heard_request;

/* The asker's memory. */
typedef struct sfm_kept_request {
    int16_t *frames;
    size_t capacity;
    size_t count; /* the answer */
    uint32_t sample_rate;
} sfm_kept_request;

typedef struct sfm_send_command {
    uint8_t *data; /* its own */
    size_t length;
} sfm_send_command;

/* What goes in. Its memory comes back as `completion`, when what it began is over. */
typedef struct sfm_letter {
    sfm_notice completion;  /* first: a mail is its letter */
    sfm_notice progress;
    enum sfm_command command;
    sfm_engine_leg *leg;
    struct sfm_letter *next; /* in the leg's list */
    union {
        sfm_start_command start;
        sfm_play_command play;
        sfm_tape *tape; /* the recording's */
        sfm_dtmf_command dtmf;
        int on;
        sfm_impair_config impair; /* all zero: none */
        sfm_watch_command watch;
        sfm_heard_request *heard;
        sfm_kept_request *kept;
        sfm_send_command datagram;
        sfm_srtp *srtp; /* keys on their way to the leg; NULL: plain RTP */
        sfm_engine_leg_statistics *leg_statistics;
        sfm_engine_statistics *engine_statistics;
    } body;
} sfm_letter;

enum { SFM_DUE_CAPACITY = 64, SFM_DIGIT_NOTICES = 64, SFM_RECEIVE_CAPACITY = 128 };

/* In front what every tick touches, in three cache lines; nobody but the worker writes to them once the leg is open. */
struct sfm_engine_leg {
    sfm_scheduled scheduled; /* first: an item is its leg */
    sfm_leg *leg;
    struct sfm_worker *worker;
    int64_t tick_ns;       /* when the next tick is due */
    uint64_t ticks;
    int64_t looked_ns;     /* when the RTP socket was last looked at */
    int64_t owed_since_ns; /* when the first tick was due that has been sent but not played out */

    sfm_port_pair sockets;
    sfm_inbox *_Atomic inbox; /* NULL while nobody does handshakes; shared with who reads it */
    uint64_t lateness_sum_ns;
    uint64_t lateness_count;
    int64_t lateness_max_ns;

    sfm_address remote;
    uint32_t owed_playouts;
    uint32_t number;
    bool open;
    bool latching; /* until the first packet of media has come, from wherever */
    bool unlooked; /* the peer's packets may still lie in the socket that is not connected to it */
    bool steady;   /* what came at the last look was one packet, on time: the next look takes one, too */
    uint64_t rtcp_looks; /* turns of the RTCP socket so far */

    /* the rest of what is the worker's */
    sfm_address remote_rtcp;
    sfm_address signalled;       /* where the peer said that it is; remote is another place once that was learned */
    sfm_letter *jobs;            /* plays, recordings, digits under way */
    sfm_letter *waiting_digits;  /* in the order in which they were commanded */
    sfm_engine_leg_statistics counted; /* the engine's own part */
    sfm_notice first_packet;
    sfm_notice useless;
    sfm_notice handshake;

    /* the engine's */
    sfm_engine *engine;
    void *block;          /* the memory of this leg */
    sfm_engine_leg *next; /* in the engine's list */
    uint32_t phase;       /* its place among the worker's legs */
    uint16_t port;
    uint32_t sample_rate; /* as it was last commanded */
    bool given_back;      /* LEG_CLOSED was drained: the worker touches it no more */

    uint32_t digits_used;                 /* the worker's: notices that were ever needed at the same time */
    sfm_notice digits[SFM_DIGIT_NOTICES]; /* those behind were never written to */
};

typedef struct sfm_worker {
    sfm_engine *engine;
    sfm_simulation *simulation; /* the engine's; NULL: the machine's clock and network, and a thread */
    sfm_thread thread;
    sfm_waiter *waiter;
    sfm_mailbox inbox;
    _Atomic bool stopping;
    uint32_t leg_count; /* the engine's: legs given to this worker */
    uint32_t phases;    /* the engine's: number of legs ever given */
    bool stopped;       /* the engine's: joined */
    /* the thread's from here on */
    sfm_schedule schedule;
    sfm_engine_leg *due[SFM_DUE_CAPACITY]; /* legs whose time has come, in order */
    sfm_engine_leg **ticked; /* legs with playouts owed */
    size_t ticked_count;
    bool announce;           /* an event was posted in this round */
    uint64_t missed_ticks;
    sfm_clocks clocks;       /* of this round */
    sfm_histogram lateness;
    sfm_outgoing_packet room; /* what one leg sends */
    sfm_datagram batch[SFM_RECEIVE_CAPACITY]; /* what one leg received */
} sfm_worker;

/* With a simulation there is no thread: letters are handled when they are posted, and time passes in steps. */
int sfm_worker_start(sfm_worker *worker, sfm_engine *engine, sfm_simulation *simulation, int realtime_priority);
/* Lets the simulated time jump to what is due next and does it; false when nothing is due until then. */
bool sfm_worker_step(sfm_worker *worker, int64_t until_ns);
void sfm_worker_post(sfm_worker *worker, sfm_letter *letter);
/* What the thread would do with this letter, by the caller: after the thread was joined. */
void sfm_worker_handle(sfm_worker *worker, sfm_letter *letter);
/* What was counted of a leg that nobody else touches. */
void sfm_worker_read_leg(const sfm_engine_leg *leg, sfm_engine_leg_statistics *statistics);
void sfm_worker_stop(sfm_worker *worker);
void sfm_worker_free(sfm_worker *worker);

/* Of the engine, called by its threads. */
void sfm_engine_post(sfm_engine *engine, sfm_notice *notice);
void sfm_engine_announce(sfm_engine *engine);
void sfm_engine_tape_ended(sfm_engine *engine);
void sfm_engine_answered(sfm_engine *engine); /* a READ command is done */

#endif
