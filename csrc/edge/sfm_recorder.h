/* The disk thread: takes audio off the tapes and writes WAV files, so that no file ever delays a packet. */
#ifndef SFM_RECORDER_H
#define SFM_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "sfm_frame_file.h"
#include "sfm_mail.h"
#include "sfm_tape.h"
#include "sfm_wav.h"

/* Both sides, each in as many channels as the tape has of it (STEREO: of a call of one channel left and right), both mixed to
 * one channel, or one side. */
enum sfm_channels { SFM_CHANNELS_STEREO = 0, SFM_CHANNELS_MONO = 1, SFM_CHANNELS_SENT = 2, SFM_CHANNELS_RECEIVED = 3 };

typedef struct sfm_recorder sfm_recorder;

/* One recording. Belongs to the recorder from start until it is handed to `finished`. */
typedef struct sfm_recording {
    sfm_mail mail;
    sfm_tape *tape; /* owned */
    sfm_wav wav;
    const char *codec; /* of a file of encoded frames: its encoding name; NULL: WAV */
    sfm_frame_file frame_file;
    int32_t channels; /* enum sfm_channels */
    int error;        /* 0, -errno of the disk, -EOVERFLOW when it was too slow, -ENOTSUP when a WAV file has silence where
                         nobody decoded what was sent or heard, -EPROTOTYPE for frames of another codec than the file's */
    uint64_t frames;  /* of samples, on disk */
    void *context;    /* the caller's */
    struct sfm_recording *next;
} sfm_recording;

/* `finished` is called on the disk thread, with the file closed. NULL without memory or thread. Without a thread
 * (`threaded` false) the disk is written in sfm_recorder_step and sfm_recorder_hurry, by their caller. */
sfm_recorder *sfm_recorder_create(void (*finished)(void *engine, sfm_recording *recording), void *engine,
                                  bool threaded);
void sfm_recorder_step(sfm_recorder *recorder); /* writes what the tapes hold; without a thread only */
/* Opens the file and takes the recording. `limit_bytes` of samples end it with -EFBIG; 0: what the format holds.
 * 0, or -errno and the recording stays the caller's. */
int sfm_recorder_start(sfm_recorder *recorder, sfm_recording *recording, const char *path, uint32_t limit_bytes);
void sfm_recorder_hurry(sfm_recorder *recorder); /* a tape has ended: close its file now */
/* Waits until all recordings, whose tapes must have ended, are closed. */
void sfm_recorder_destroy(sfm_recorder *recorder);

#endif
