#include "sfm_recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfm_outgoing.h"
#include "sfm_platform.h"

enum { FLUSH_MS = 150, CHUNK_SAMPLES = 8192 };

struct sfm_recorder {
    sfm_thread thread;
    bool threaded;
    sfm_waiter *waiter;
    sfm_mailbox started;
    _Atomic bool stopping;
    sfm_recording *active; /* the thread's own from here on */
    void (*finished)(void *, sfm_recording *);
    void *engine;
    int16_t frames[CHUNK_SAMPLES];
};

/* --- from the tape's channels to the file's ---------------------------------------------------------------------- */

static int16_t mix(int left, int right) {
    int sum = left + right;
    return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

/* One side of a frame in one channel. */
static int mixed_side(const int16_t *side, uint32_t channels) {
    return channels == 1 ? side[0] : (side[0] + side[1]) / 2;
}

/* In place: the file's frames are no longer than the tape's. `channels` of each side. */
static void choose_channels(int16_t *frames, size_t count, uint32_t channels, int32_t chosen) {
    size_t first = chosen == SFM_CHANNELS_RECEIVED ? channels : 0;
    for (size_t i = 0; chosen != SFM_CHANNELS_STEREO && i < count; i++) {
        const int16_t *frame = frames + i * 2 * channels;
        if (chosen == SFM_CHANNELS_MONO) {
            frames[i] = mix(mixed_side(frame, channels), mixed_side(frame + channels, channels));
        } else {
            memmove(frames + i * channels, frame + first, channels * sizeof frames[0]);
        }
    }
}

static uint16_t file_channels(const sfm_recording *recording) {
    uint32_t side = sfm_tape_channels(recording->tape);
    return (uint16_t)(recording->channels == SFM_CHANNELS_STEREO ? 2 * side
                      : recording->channels == SFM_CHANNELS_MONO ? 1
                                                                 : side);
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

static size_t write_chunk(sfm_recorder *recorder, sfm_recording *recording) {
    uint32_t side = sfm_tape_channels(recording->tape);
    size_t count = sfm_tape_read(recording->tape, recorder->frames, CHUNK_SAMPLES / (2 * side));
    if (count == 0 || recording->error != 0) {
        return count;
    }
    choose_channels(recorder->frames, count, side, recording->channels);
    recording->error = sfm_wav_append(&recording->wav, recorder->frames, count);
    if (recording->error != 0) {
        sfm_tape_refuse(recording->tape);
    } else {
        recording->frames += count;
    }
    return count;
}

static bool write_payload(sfm_recording *recording) {
    uint8_t payload[SFM_MAX_PAYLOAD_BYTES];
    const sfm_codec *codec = NULL;
    size_t length = sfm_tape_read_payload(recording->tape, &codec, payload, sizeof payload);
    if (length > 0 && recording->error == 0) {
        recording->error = sfm_frame_file_append(&recording->frame_file, codec, payload, length);
        if (recording->error != 0) {
            sfm_tape_refuse(recording->tape);
        }
    }
    return length > 0;
}

/* The samples beside the payloads are the time line of who records, and go nowhere. */
static size_t write_frames(sfm_recorder *recorder, sfm_recording *recording) {
    while (write_payload(recording)) {
    }
    return sfm_tape_read(recording->tape, recorder->frames, CHUNK_SAMPLES / (2 * sfm_tape_channels(recording->tape)));
}

/* Whether the recording is over: asked before the last read, or its last samples could be missed. */
static bool pump(sfm_recorder *recorder, sfm_recording *recording) {
    bool ended = sfm_tape_ended(recording->tape);
    while ((recording->codec != NULL ? write_frames(recorder, recording) : write_chunk(recorder, recording)) > 0) {
    }
    return ended;
}

static void finish(sfm_recorder *recorder, sfm_recording *recording) {
    int error = recording->codec != NULL ? sfm_frame_file_close(&recording->frame_file) : sfm_wav_close(&recording->wav);
    recording->error = recording->error != 0 ? recording->error : error;
    if (recording->error == 0 && recording->codec == NULL && sfm_tape_has_unknown(recording->tape)) {
        recording->error = -ENOTSUP;
    }
    if (recording->error == 0 && sfm_tape_overflowed(recording->tape)) {
        recording->error = -EOVERFLOW;
    }
    recorder->finished(recorder->engine, recording);
}

static void take_started(sfm_recorder *recorder) {
    sfm_mail *mail = sfm_mailbox_take(&recorder->started);
    while (mail != NULL) {
        sfm_recording *recording = (sfm_recording *)mail;
        mail = mail->next;
        recording->next = recorder->active;
        recorder->active = recording;
    }
}

static void pump_all(sfm_recorder *recorder) {
    sfm_recording **link = &recorder->active;
    while (*link != NULL) {
        sfm_recording *recording = *link;
        if (pump(recorder, recording)) {
            *link = recording->next;
            finish(recorder, recording);
        } else {
            link = &recording->next;
        }
    }
}

void sfm_recorder_step(sfm_recorder *recorder) {
    take_started(recorder);
    pump_all(recorder);
}

static void run(void *context) {
    sfm_recorder *recorder = context;
    bool stopping = false;
    while (!stopping || recorder->active != NULL) {
        int64_t next_ns = recorder->active != NULL ? sfm_clock_ns() + (int64_t)FLUSH_MS * 1000000 : INT64_MAX;
        sfm_waiter_sleep(recorder->waiter, next_ns);
        stopping = atomic_load(&recorder->stopping);
        sfm_recorder_step(recorder);
    }
}

/* --- the other threads ------------------------------------------------------------------------------------------- */

sfm_recorder *sfm_recorder_create(void (*finished)(void *, sfm_recording *), void *engine, bool threaded) {
    static const sfm_thread_options options = {.name = "sipflow-disk"};
    sfm_recorder *recorder = calloc(1, sizeof *recorder);
    if (recorder == NULL) {
        return NULL;
    }
    recorder->finished = finished;
    recorder->engine = engine;
    recorder->threaded = threaded;
    recorder->waiter = sfm_waiter_create();
    if (recorder->waiter == NULL || (threaded && sfm_thread_start(&recorder->thread, &options, run, recorder) != 0)) {
        sfm_waiter_destroy(recorder->waiter);
        free(recorder);
        return NULL;
    }
    return recorder;
}

static int create_file(sfm_recording *recording, const char *path) {
    if (recording->codec != NULL) {
        return sfm_frame_file_create(&recording->frame_file, path, recording->codec);
    }
    return sfm_wav_create(&recording->wav, path, sfm_tape_sample_rate(recording->tape), file_channels(recording));
}

int sfm_recorder_start(sfm_recorder *recorder, sfm_recording *recording, const char *path, uint32_t limit_bytes) {
    int error = create_file(recording, path);
    if (error != 0) {
        return error;
    }
    if (limit_bytes != 0 && limit_bytes < recording->wav.data_bytes_limit) {
        recording->wav.data_bytes_limit = limit_bytes;
    }
    sfm_mailbox_put(&recorder->started, &recording->mail);
    sfm_waiter_wake(recorder->waiter);
    return 0;
}

void sfm_recorder_hurry(sfm_recorder *recorder) {
    if (recorder->threaded) {
        sfm_waiter_wake(recorder->waiter);
    } else {
        sfm_recorder_step(recorder);
    }
}

void sfm_recorder_destroy(sfm_recorder *recorder) {
    atomic_store(&recorder->stopping, true);
    sfm_recorder_hurry(recorder);
    if (recorder->threaded) {
        sfm_thread_join(&recorder->thread);
    }
    sfm_waiter_destroy(recorder->waiter);
    free(recorder);
}
