/* Codecs that nobody here encodes or decodes: their frames are sent as somebody else made them, and what comes is counted
 * and kept. What is known of each is how long a packet is (sfm_codec.duration_ts) and what frames it holds. */
#ifndef SFM_PASSED_H
#define SFM_PASSED_H

#include "sfm_codec.h"

/* cffi:begin */
/* The codecs one after another from index 0; NULL after the last. Of one name the first is what a format without
 * parameters means. They are part of sfm_codec_at, too. */
const sfm_codec *sfm_passed_at(size_t index);

#define SFM_PASSED_STORED_BYTES 4096 /* the most that sfm_passed_store gives for a packet of a datagram */

/* The frames of a packet as a file of the codec has them: returns bytes, or SFM_ERROR_LENGTH, _SPACE, _ARGUMENT. AMR
 * (RFC 4867 section 5.3): each frame behind a byte with its type. G.729: without comfort noise, which such files cannot
 * hold. Others: as they are. */
int sfm_passed_store(const sfm_codec *codec, const uint8_t *payload, size_t length, uint8_t *out, size_t capacity);

/* A packet of `frames` frames (at most SFM_PASSED_FRAMES) that say that nothing came: returns its bytes; 0 for codecs
 * that have no such; AMR and AMR-WB have (NO_DATA). `out` has room for one byte more than frames. */
size_t sfm_passed_no_data(const sfm_codec *codec, size_t frames, uint8_t *out);
#define SFM_PASSED_FRAMES 64

/* What a file of the codec begins with; "" for nothing. `length` is that of a packet: it tells the mode of iLBC. */
const char *sfm_passed_magic(const sfm_codec *codec, size_t length);

/* Bytes of each frame of the packets of one file; 0 where they differ. */
uint32_t sfm_passed_frame_bytes(const sfm_codec *codec, size_t length);
/* cffi:end */

#endif
