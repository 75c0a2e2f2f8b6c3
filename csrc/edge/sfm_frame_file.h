/* A file of encoded frames, as they came: those of a packet are appended in one write, so that whoever opens the file after
 * a kill at any moment finds whole frames. What the packets had around them (mode requests and tables of contents of AMR)
 * is not in it; RFC 4867 section 5 and RFC 3952 section 4.3 have the formats of AMR and iLBC. */
#ifndef SFM_FRAME_FILE_H
#define SFM_FRAME_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "../core/sfm_codec.h"

typedef struct sfm_frame_file {
    int file;
    const char *codec; /* encoding name, in static memory */
    uint64_t duration_ts; /* of the frames in it */
    uint64_t bytes;
    uint32_t clock_rate;
    uint32_t frame_bytes; /* of all, 0 when they differ, or before the first */
    int begun; /* what such a file begins with is in it */
} sfm_frame_file;

/* Replaces the file at `path`; `codec` is the encoding name of one that passes through. 0, -EINVAL or -errno. */
int sfm_frame_file_create(sfm_frame_file *file, const char *path, const char *codec);
/* Appends the frames of a packet. 0, -EPROTOTYPE for another codec's (or another mode of iLBC) and nothing is written, or
 * -errno. */
int sfm_frame_file_append(sfm_frame_file *file, const sfm_codec *codec, const uint8_t *payload, size_t length);
int sfm_frame_file_close(sfm_frame_file *file); /* 0 or -errno */

#endif
