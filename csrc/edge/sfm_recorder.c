#include "sfm_recorder.h"

#include <errno.h>
#include <stdlib.h>

#include "sfm_platform.h"

enum { FLUSH_MS = 150, CHUNK_FRAMES = 4096 };

struct sfm_recorder {
    sfm_thread thread;
    bool threaded;
    sfm_waiter *waiter;
    sfm_mailbox started;
    _Atomic bool stopping;
    sfm_recording *active; /* the thread's own from here on */
    void (*finished)(void *, sfm_recording *);
    void *engine;
    int16_t frames[2 * CHUNK_FRAMES];
};

/* --- from two channels to the file's ----------------------------------------------------------------------------- */

static int16_t mix(int16_t left, int16_t right) {
    int sum = left + right;
    return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

/* In place; one channel takes half of the room of two. */
static void choose_channels(int16_t *frames, size_t count, int32_t channels) {
    for (size_t i = 0; channels != SFM_CHANNELS_STEREO && i < count; i++) {
        int16_t sent = frames[2 * i];
        int16_t received = frames[2 * i + 1];
        frames[i] = channels == SFM_CHANNELS_SENT       ? sent
                    : channels == SFM_CHANNELS_RECEIVED ? received
                                                        : mix(sent, received);
    }
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

static size_t write_chunk(sfm_recorder *recorder, sfm_recording *recording) {
    size_t count = sfm_tape_read(recording->tape, recorder->frames, CHUNK_FRAMES);
    if (count == 0 || recording->error != 0) {
        return count;
    }
    choose_channels(recorder->frames, count, recording->channels);
    recording->error = sfm_wav_append(&recording->wav, recorder->frames, count);
    if (recording->error != 0) {
        sfm_tape_refuse(recording->tape);
    } else {
        recording->frames += count;
    }
    return count;
}

/* Whether the recording is over: asked before the last read, or its last samples could be missed. */
static bool pump(sfm_recorder *recorder, sfm_recording *recording) {
    bool ended = sfm_tape_ended(recording->tape);
    while (write_chunk(recorder, recording) > 0) {
    }
    return ended;
}

static void finish(sfm_recorder *recorder, sfm_recording *recording) {
    int error = sfm_wav_close(&recording->wav);
    recording->error = recording->error != 0 ? recording->error : error;
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

int sfm_recorder_start(sfm_recorder *recorder, sfm_recording *recording, const char *path, uint32_t limit_bytes) {
    uint16_t channels = recording->channels == SFM_CHANNELS_STEREO ? 2 : 1;
    int error = sfm_wav_create(&recording->wav, path, sfm_tape_sample_rate(recording->tape), channels);
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
