/* One call's media: everything between a socket and a recording, without the socket, the clock and the thread.
 *
 *   send_tick    prompt, silence or digits -> RTP -> impairment -> take()
 *   receive      RTP -> statistics, digits, jitter buffer
 *   playout_tick jitter buffer, decoder, concealment -> what the leg hears
 *   a tape gets both, on one time line
 *
 * The owner calls send_tick and playout_tick once per packet time, each with the time at which that tick was due, in
 * this order: all sends that are due, then all that arrived, then as many playouts as there were sends. It drains
 * take() after send_tick and next_event() after everything. No call allocates after create; none is thread-safe. */
#ifndef SFM_LEG_H
#define SFM_LEG_H

#include "../core/sfm_codec.h"
#include "../core/sfm_dtmf_event.h"
#include "../core/sfm_jitter.h"
#include "sfm_keepsake.h"
#include "sfm_listener.h"
#include "../core/sfm_loss_pattern.h"
#include "sfm_outgoing.h"
#include "sfm_prompt.h"
#include "sfm_reporter.h"
#include "sfm_srtp.h"
#include "sfm_tape.h"

/* cffi:begin */
typedef struct sfm_leg sfm_leg;

typedef struct sfm_leg_config {
    uint32_t sample_rate;         /* until it is started, Hz; from then on that of the codec it sends */
    sfm_jitter_config jitter;     /* its clock_rate is that of the RTP clock until it is started */
    uint64_t seed;                /* of the impairment: same seed, same packets lost */
    uint64_t stream_seed; /* of SSRC, first sequence number and timestamp, RTCP intervals: has to differ from the
                                     peer's even when both run with the same seed (RFC 3550 section 8.2) */
    int64_t wallclock_offset_ns; /* wallclock minus the clock that ticks are told in */
    char cname[SFM_CNAME_BYTES];
    sfm_listener_config listener; /* all zero: nothing will be listened for */
    uint32_t kept_frames; /* of the newest audio of both directions that is kept in memory; 0: none */
} sfm_leg_config;

int sfm_leg_create(const sfm_leg_config *config, sfm_leg **out);
void sfm_leg_destroy(sfm_leg *leg);

#define SFM_LEG_MAX_FORMATS 8
#define SFM_LEG_SILENCE_DBOV 50 /* -dBov: what is quieter, packet time by packet time, is silence */

typedef struct sfm_leg_format {
    const sfm_codec *codec;
    uint8_t payload_type;
} sfm_leg_format;

/* What offer and answer came to. */
typedef struct sfm_leg_params {
    sfm_leg_format send_format;
    sfm_leg_format receive_formats[SFM_LEG_MAX_FORMATS];
    uint32_t receive_format_count;
    int32_t dtmf_send_payload_type; /* -1: the peer takes no telephone-events */
    int32_t dtmf_receive_payload_type; /* -1: none were offered */
    uint32_t dtmf_send_clock_rate; /* of its durations, Hz; 0: that of the codec, as it should be (RFC 4733 section 2.1) */
    uint32_t dtmf_receive_clock_rate;
    uint8_t noise_send_payload_type; /* of comfort noise, which takes the place of silence (RFC 3389); 0: it does not */
    uint8_t noise_receive_payload_type; /* 0: none was offered */
    uint32_t ptime_ms; /* 5 to SFM_MAX_PTIME_MS */
    uint8_t sends;
    uint8_t receives;
    uint8_t rtcp_xr;      /* the peer takes VoIP metrics (RFC 3611) */
    uint8_t rtcp_reduced; /* the peer takes RTCP of reduced size (RFC 5506) */
    uint8_t latches; /* the peer is whoever sends first, if not from where it said (for who owns the socket) */
    uint8_t moved; /* the peer's address is another than before: what it sends is a new stream */
} sfm_leg_params;

/* The states of the codecs of one call, as they are too large for every leg to have room for them and a leg does not
 * allocate: who starts it brings them along. *out is NULL when its codecs have none. 0, or SFM_ERROR_MEMORY,
 * _ARGUMENT (too many formats). */
typedef struct sfm_leg_states sfm_leg_states;

int sfm_leg_states_create(const sfm_leg_params *params, sfm_leg_states **out);
void sfm_leg_states_destroy(sfm_leg_states *states); /* NULL is fine */

/* Starts the leg or changes it; the stream that is sent goes on in sequence number and timestamp, unless its clock
 * changes: then it begins anew under another SSRC (RFC 7160 section 4.1). What is heard has the sample rate of the codec
 * that is sent. `states` of the same params: the leg keeps them while it needs them and leaves in *states what the
 * caller has to destroy (these, or those of before); codecs that stay the same go on where they are. 0, or
 * SFM_ERROR_ARGUMENT and nothing changed. */
int sfm_leg_start(sfm_leg *leg, const sfm_leg_params *params, sfm_leg_states **states);
/* Whether start would take them. */
int sfm_leg_accepts(const sfm_leg_params *params);
uint32_t sfm_leg_ptime_ms(const sfm_leg *leg); /* 20 until started */
/* Time from one tick to the next: a packet time on the leg's own clock, which an impairment lets run fast or slow. */
int64_t sfm_leg_tick_ns(const sfm_leg *leg);
int sfm_leg_started(const sfm_leg *leg);
uint32_t sfm_leg_sample_rate(const sfm_leg *leg); /* of what is sent and heard */

/* Takes over keys, by which all is protected from now on and what comes has to be; NULL for plain RTP. While keys without
 * contexts are set, nothing is sent, and the time of prompts waits as it does before start. */
void sfm_leg_secure(sfm_leg *leg, sfm_srtp *srtp);
/* The peer takes part in the handshake that gives keys: from now on what comes may be protected by them already. */
void sfm_leg_note_handshake(sfm_leg *leg);

/* Plays a prompt: `times` 0 is for ever, `limit_ms` 0 is no limit. Replaces what plays, which ends uncompleted. The
 * prompt must live until PLAY_FINISHED. See sfm_play_next for one that was not encoded for the codec that is sent. */
void sfm_leg_play(sfm_leg *leg, const sfm_prompt *prompt, uint64_t job, uint32_t times, uint64_t limit_ms);
void sfm_leg_stop_play(sfm_leg *leg);
/* What plays under this job number goes on with the same audio, encoded for another codec: after start has changed it.
 * 1, or 0 when nothing plays under it. */
int sfm_leg_swap_prompt(sfm_leg *leg, const sfm_prompt *prompt, uint64_t job);
/* Records onto a tape, from the next tick on, at the tape's sample rate. Replaces the tape before, which ends. */
void sfm_leg_record(sfm_leg *leg, sfm_tape *tape, uint64_t job);
void sfm_leg_stop_record(sfm_leg *leg);
/* The newest audio that the leg keeps: left what was sent, right what was heard, oldest frame first. Returns how many, at
 * most `capacity`; their sample rate goes to `*sample_rate`, 0 when there is none. */
size_t sfm_leg_read_kept(const sfm_leg *leg, int16_t *frames, size_t capacity, uint32_t *sample_rate);
/* From the next tick on nothing comes onto the tape; off: it goes on where it was. A new tape is not paused. */
void sfm_leg_pause_record(sfm_leg *leg, int on);
/* 0; SFM_ERROR_BUSY while digits are being sent; SFM_ERROR_PAYLOAD_TYPE when the peer takes none or the leg has not
 * started; or an error of sfm_dtmf_sender_start. */
int sfm_leg_send_dtmf(sfm_leg *leg, const sfm_dtmf_sequence *sequence, uint64_t job);
void sfm_leg_stop_dtmf(sfm_leg *leg);
void sfm_leg_end_digit(sfm_leg *leg); /* reports the digit that still sounds, if one does */
void sfm_leg_mute(sfm_leg *leg, int on); /* the time of a prompt goes on, silence is sent */
int sfm_leg_impair(sfm_leg *leg, const sfm_impair_config *config); /* NULL ends it */
/* Listens: HEARING_PROGRESS follows whenever something came nearer, HEARING_FINISHED once. With `look_back` what was
 * heard before counts, too, unless another watch of the same `topic` (not 0) has found it; else only what comes. The
 * watch must live until it is finished. 0; SFM_ERROR_ARGUMENT: the leg has no ear; SFM_ERROR_SPACE: 16 watch
 * already. */
int sfm_leg_watch(sfm_leg *leg, sfm_watch *watch, uint64_t job, uint64_t topic, int look_back);
/* Before the leg closes: the watches get what the jitter buffer still holds, from the tick at `due_ns` on. */
void sfm_leg_hear_out(sfm_leg *leg, int64_t due_ns);
void sfm_leg_end_watch(sfm_leg *leg, uint64_t job); /* 0: all of them */
/* Copies what is remembered of what was heard, oldest first, at most `capacity` frames. */
size_t sfm_leg_read_heard(const sfm_leg *leg, sfm_ear_frame *frames, size_t capacity);

/* Packets of audio are made in `room` from now on and taken out of it, so that what a packet passes through on its way to
 * the kernel is one piece of memory for all legs of a thread, and hot. Whoever lends it takes all that is due after each
 * send_tick, before another leg of that room ticks. NULL: each leg has memory of its own. */
void sfm_leg_use_room(sfm_leg *leg, sfm_outgoing_packet *room);
/* Asks for the memory of the next tick's sending, or hearing (sfm_warm.h), in SFM_WARM_STEPS steps. */
#define SFM_WARM_STEPS 4
void sfm_leg_warm_sending(const sfm_leg *leg, int step);
void sfm_leg_warm_hearing(const sfm_leg *leg, int step);
void sfm_leg_send_tick(sfm_leg *leg, int64_t due_ns);
/* The next packet whose time has come, NULL when there is none; valid until the next call with this leg. */
const sfm_outgoing_packet *sfm_leg_take(sfm_leg *leg, int64_t now_ns);
/* Keeps RTCP back as long as the impairment delays packets: it comes out of sfm_leg_take. False: it is to go at once. */
bool sfm_leg_delay_rtcp(sfm_leg *leg, const uint8_t *data, size_t length, int64_t now_ns);
int64_t sfm_leg_next_due_ns(const sfm_leg *leg); /* of a delayed packet; INT64_MAX when none waits */
/* Takes any bytes that came from the peer. 0, or the error of what was wrong with them (counted). */
int sfm_leg_receive(sfm_leg *leg, const uint8_t *data, size_t length, int64_t arrival_ns);
/* The same of somebody who may be the peer behind a NAT: whether it was media as agreed on, under its keys where there are
 * some. What is not counts like any packet that is wrong. */
int sfm_leg_adopt(sfm_leg *leg, const uint8_t *data, size_t length, int64_t arrival_ns);
void sfm_leg_playout_tick(sfm_leg *leg, int64_t due_ns);
/* Lets `ticks` packet times pass in which nothing is sent or heard, up to the tick that is due at `until_ns`: after a stall
 * that is too long to make good. What came meanwhile is counted and was in time, but it is not played out. */
void sfm_leg_skip(sfm_leg *leg, uint32_t ticks, int64_t until_ns);

/* The RTCP packet that is due: its bytes, or 0. `bye`: the last one, due at once; 0 when nothing was ever sent. */
int sfm_leg_write_rtcp(sfm_leg *leg, int64_t now_ns, int bye, uint8_t *out, size_t capacity);
int sfm_leg_receive_rtcp(sfm_leg *leg, const uint8_t *data, size_t length, int64_t arrival_ns);

enum sfm_event_kind {
    SFM_EVENT_FIRST_PACKET = 1,
    SFM_EVENT_DIGIT_RECEIVED = 2, /* digit, elapsed_ms: how long it had lasted, inband: whether it was in the audio */
    SFM_EVENT_DTMF_SENT = 3, /* job, completed */
    SFM_EVENT_PLAY_PROGRESS = 4, /* job, elapsed_ms, total_ms */
    SFM_EVENT_PLAY_FINISHED = 5, /* job, elapsed_ms, completed; total_ms: of it silence, not encoded in time */
    SFM_EVENT_RECORD_PROGRESS = 6, /* job, elapsed_ms, total_ms */
    SFM_EVENT_TAPE_ENDED = 7, /* job: the leg is done with the tape */
    SFM_EVENT_RECORDING_FINISHED = 8, /* job, elapsed_ms, began_ns, error: the file is closed (from the recorder) */
    SFM_EVENT_LEG_CLOSED = 9, /* nothing follows for this leg (from the engine) */
    SFM_EVENT_SRTP_USELESS = 10, /* nothing that came could be authenticated by the keys in force */
    SFM_EVENT_HEARING_PROGRESS = 11, /* job, hearing: what came nearest so far */
    SFM_EVENT_HEARING_FINISHED = 12, /* job, hearing, completed: whether it was heard; error: why nobody listened */
    SFM_EVENT_HANDSHAKE = 13, /* datagrams wait in the leg's inbox (from the engine) */
    SFM_EVENT_DIGIT_SENT = 14, /* digit, elapsed_ms, volume_dbm0: its first end packet is on its way */
};

typedef struct sfm_event {
    int32_t kind;
    uint32_t leg; /* number of the leg, by the engine */
    uint64_t job; /* number that the command had */
    int64_t elapsed_ms;
    int64_t total_ms; /* -1: no end of its own */
    int64_t began_ns; /* when the first frame of a recording was due, on the clock of the ticks; -1: it has none */
    int32_t completed;
    int32_t error;
    char digit;
    uint8_t inband;
    uint8_t volume_dbm0; /* of a digit, without its minus sign */
    sfm_hearing hearing;
} sfm_event;

/* 1 and the oldest event, or 0. */
int sfm_leg_next_event(sfm_leg *leg, sfm_event *event);

/* Durations in ns; -1 where nothing was measured. */
typedef struct sfm_leg_statistics {
    uint64_t packets_sent; /* RTP packets handed over, duplicates of an impairment included */
    uint64_t bytes_sent; /* their payload */
    uint64_t packets_received;
    uint64_t bytes_received;
    uint64_t packets_expected;
    uint64_t packets_lost;
    uint64_t duplicates;
    uint64_t reordered;
    uint64_t late; /* came after their turn to be heard, or overflowed the buffer */
    uint64_t restarts;
    uint64_t malformed; /* datagrams of the peer that are no RTP or RTCP */
    uint64_t unknown_payload; /* packets of a payload type that was not negotiated */
    uint64_t unplayable; /* packets that are longer than 120 ms, or no whole frames of their codec */
    uint64_t noise_sent; /* descriptions of comfort noise */
    uint64_t noise_received;
    uint64_t unwanted; /* packets that came while the direction forbids them */
    uint64_t impairment_lost;
    int64_t jitter_ns;
    int64_t jitter_mean_ns;
    int64_t jitter_max_ns;
    int64_t max_gap_ns;
    uint64_t max_loss_burst;
    int64_t concealed_ns;
    int64_t playout_delay_ns;
    int64_t playout_delay_mean_ns;
    int64_t packet_ns;     /* length of the packet heard last; -1 before the first */
    int64_t first_packet_ns; /* on the clock of the ticks */
    int32_t level_tenths; /* of the audio received, tenths of -dBov; -1 */
    int32_t level_left_tenths; /* of each channel, as long as two were heard; -1 */
    int32_t level_right_tenths;
    int32_t peak; /* 0-32768; -1 */
    uint64_t clipped_samples;
    uint64_t heard_samples;
    uint64_t srtp_failures; /* packets of the peer whose authentication failed */
    uint64_t srtcp_failures; /* the same of RTCP */
    uint64_t srtp_replays; /* packets that had come before, or are older than the window */
    uint64_t srtp_rekeys; /* how often packets came under keys that replaced others */
    uint64_t srtp_unsent; /* packets that could not be protected */
    uint64_t srtp_useless; /* refused under the keys in force, or while waiting for them, none opened, nobody told; else 0 */
    int32_t payload_type; /* of the audio packet received last; -1 */
    sfm_loss_summary pattern; /* of losses and discards; as an RFC 3611 report would tell */
    int64_t skew_ppb; /* billionths by which the peer's RTP clock is fast */
    uint8_t skew_known; /* 0: skew_ppb means nothing */
    int64_t listened_ns; /* from the first packet on, while the direction receives */
    int64_t silent_ns; /* of it, quieter than SFM_LEG_SILENCE_DBOV */
    int64_t silence_max_ns; /* the longest silence in a row */
    int64_t unknown_ns; /* time of which nobody here knows how it sounded: the codec only passes through */
    int64_t both_ways_ns; /* how long both directions were open */
    int64_t unanswered_ns; /* of it, since the last packet that came, or since ever */
    sfm_remote_report remote;
    uint32_t ssrc;
    uint32_t remote_ssrc;
} sfm_leg_statistics;

void sfm_leg_read_statistics(const sfm_leg *leg, sfm_leg_statistics *statistics);
/* cffi:end */

#endif
