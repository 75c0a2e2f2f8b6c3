/* The engine: legs with sockets, threads that pace them, a disk thread, and the way in and out for another language.
 *
 * All functions here are called by one thread at a time (the caller holds a lock); none waits for the network. Commands
 * go to the leg's thread by mail and answer with events; every command that owes an event carries the memory for it, so
 * no event that somebody waits for can be lost (sfm_mail.h). Notices that nobody asked for are bounded per leg: first
 * packet and progress are merged while unread, and of digits received and sent 64 may be unread (more are counted as
 * dropped). */
#ifndef SFM_ENGINE_H
#define SFM_ENGINE_H

#include "../core/sfm_histogram.h"
#include "../core/sfm_impair.h"
#include "sfm_leg.h"
#include "sfm_simulation.h"

/* cffi:begin */
typedef struct sfm_engine sfm_engine;
typedef struct sfm_engine_leg sfm_engine_leg;

#define SFM_ENGINE_MAX_THREADS 64
#define SFM_WORKER_MAX_LEGS 16384

typedef struct sfm_engine_config {
    uint32_t threads;      /* 1 to SFM_ENGINE_MAX_THREADS */
    uint32_t realtime;     /* 1: ask the system for real-time priority */
    uint32_t measure_floor;
    uint64_t seed;         /* of all impairments */
    const sfm_simulation_config *simulation; /* NULL: the machine's clock and network; else one thread's worth, and no thread */
} sfm_engine_config;

int sfm_engine_create(const sfm_engine_config *config, sfm_engine **out);
/* Closes what is open, ends all recordings and joins the threads. Events can still be drained. */
void sfm_engine_stop(sfm_engine *engine);
void sfm_engine_destroy(sfm_engine *engine); /* stops it; all legs are freed with it */
int sfm_engine_fileno(const sfm_engine *engine); /* readable while events wait */
/* Number of events, at most `capacity`. */
int sfm_engine_drain(sfm_engine *engine, sfm_event *events, size_t capacity);

/* Of a simulated engine: lets its time pass until `until_ns`, or until there is an event to drain, and gives the time that
 * it is then. It is 0 at the beginning. */
int64_t sfm_engine_advance(sfm_engine *engine, int64_t until_ns);
/* Of a simulation: its time passes and the engine does nothing, as if the machine had stood still. */
void sfm_engine_stall(sfm_engine *engine, int64_t until_ns);
/* Sockets of a simulated engine that are open: two a leg. */
uint32_t sfm_engine_open_sockets(const sfm_engine *engine);

typedef struct sfm_engine_statistics {
    sfm_histogram lateness; /* ns between the moment a packet was due and the moment the kernel had taken it */
    sfm_histogram floor;    /* ns that an idle timer thread woke up late; empty unless measured */
    uint64_t missed_ticks;  /* packet times given up after stalls of more than a second */
    uint32_t threads;
    uint32_t realtime_threads;
} sfm_engine_statistics;

/* Waits until the threads have copied their numbers: well under a millisecond, some with the floor. */
void sfm_engine_read_statistics(sfm_engine *engine, sfm_engine_statistics *statistics);

typedef struct sfm_leg_options {
    const char *address; /* numeric, of this machine */
    uint16_t first_port;
    uint16_t last_port;
    uint32_t sample_rate; /* of recordings that begin before the leg is started */
    sfm_jitter_config jitter;
    sfm_listener_config listener;
    uint32_t kept_frames; /* see sfm_leg_config */
} sfm_leg_options;

/* Binds a port pair; what arrives waits in the sockets until the leg is started. 0, SFM_ERROR_ADDRESS, _NO_PORTS,
 * _MEMORY, _ARGUMENT, _SPACE (too many legs) or SFM_ERROR_SYSTEM. */
int sfm_engine_open_leg(sfm_engine *engine, const sfm_leg_options *options, sfm_engine_leg **out);
uint32_t sfm_engine_leg_number(const sfm_engine_leg *leg);
uint16_t sfm_engine_leg_port(const sfm_engine_leg *leg);

/* Commands: 0, or what is wrong with the arguments and nothing happened. */
typedef struct sfm_leg_remote {
    const char *address; /* numeric; the only source that is listened to */
    uint16_t port;
    uint16_t rtcp_port;  /* 0: no RTCP; that of RTP: both are sent from one port (RFC 5761) */
} sfm_leg_remote;

int sfm_engine_leg_start(sfm_engine_leg *leg, const sfm_leg_params *params, const sfm_leg_remote *remote);
int sfm_engine_leg_play(sfm_engine_leg *leg, sfm_prompt *prompt, uint64_t job, uint32_t times, uint64_t limit_ms);
/* The play of this job number, if it still plays, goes on with the same audio encoded for another codec. */
int sfm_engine_leg_swap_prompt(sfm_engine_leg *leg, sfm_prompt *prompt, uint64_t job);
int sfm_engine_leg_stop_play(sfm_engine_leg *leg);

typedef struct sfm_record_options {
    const char *path;      /* replaced when it exists; at the sample rate that the leg has now */
    int32_t channels;      /* 0 both sides (sent, received), 1 mixed, 2 sent, 3 received */
    uint64_t limit_ms;     /* 0: none */
    uint32_t limit_bytes;  /* of samples; 0: what the format holds, 4 GiB */
    uint32_t side_channels; /* 2: each side in two channels, left and right; else in one */
    const char *codec;      /* NULL: WAV; else a file of this codec's frames as they come (channels 2: as they are sent) */
} sfm_record_options;

int sfm_engine_leg_record(sfm_engine_leg *leg, uint64_t job, const sfm_record_options *options);
int sfm_engine_leg_stop_record(sfm_engine_leg *leg);
int sfm_engine_leg_pause_record(sfm_engine_leg *leg, int on);
int sfm_engine_leg_send_dtmf(sfm_engine_leg *leg, uint64_t job, const sfm_dtmf_sequence *sequence);
int sfm_engine_leg_mute(sfm_engine_leg *leg, int on);
int sfm_engine_leg_impair(sfm_engine_leg *leg, const sfm_impair_config *config); /* NULL ends it */
/* Keys, before the start or change that they go with; NULL for plain RTP. Takes them over, also when it fails. */
int sfm_engine_leg_secure(sfm_engine_leg *leg, sfm_srtp *srtp);
/* See sfm_leg_watch; takes the watch over, also when it fails. */
int sfm_engine_leg_watch(sfm_engine_leg *leg, uint64_t job, sfm_watch *watch, uint64_t topic, int look_back);
int sfm_engine_leg_end_watch(sfm_engine_leg *leg, uint64_t job);
/* Copies what the leg remembers of what was heard: the number of frames, at most `capacity`. */
size_t sfm_engine_leg_read_heard(sfm_engine_leg *leg, sfm_ear_frame *frames, size_t capacity);
/* Copies the newest audio that the leg keeps (see sfm_leg_read_kept), also of a leg that was closed. */
size_t sfm_engine_leg_read_kept(sfm_engine_leg *leg, int16_t *frames, size_t capacity, uint32_t *sample_rate);
/* Keeps DTLS datagrams of the peer from now on (8 that are unread); HANDSHAKE tells that there are some. Again: nothing. */
int sfm_engine_leg_open_inbox(sfm_engine_leg *leg);
/* Length of the oldest one, 0 when there is none. */
int sfm_engine_leg_read_inbox(sfm_engine_leg *leg, uint8_t *data, size_t capacity);
/* Sends a datagram from the RTP socket to the peer, as soon as the thread comes to it. */
int sfm_engine_leg_send(sfm_engine_leg *leg, const uint8_t *data, size_t length);
int sfm_engine_leg_close(sfm_engine_leg *leg); /* once; LEG_CLOSED follows */

typedef struct sfm_engine_leg_statistics {
    sfm_leg_statistics media;
    uint64_t junk;           /* datagrams of strangers */
    char junk_source[56];    /* address and port of the last one */
    uint64_t send_errors;
    int32_t last_send_error; /* errno */
    uint64_t missed_ticks;
    uint64_t digits_dropped; /* received or sent while 64 were unread */
    uint64_t socket_drops;   /* datagrams that the kernel dropped because they were not read in time */
    int64_t lateness_max_ns; /* -1: nothing was sent */
    int64_t lateness_mean_ns;
    sfm_path_counts path;    /* of the RTP sent, in a simulation */
} sfm_engine_leg_statistics;

/* Asks the leg's thread, and waits for its answer; not once LEG_CLOSED was drained: then nobody else has the leg. */
void sfm_engine_leg_read_statistics(sfm_engine_leg *leg, sfm_engine_leg_statistics *statistics);
void sfm_engine_leg_free(sfm_engine_leg *leg); /* after LEG_CLOSED was drained */
/* cffi:end */

#endif
