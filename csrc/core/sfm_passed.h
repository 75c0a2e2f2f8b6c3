/* Codecs that nobody here encodes or decodes: their frames are sent as somebody else made them, and what comes is counted
 * and kept. What is known of each is how long a packet is (sfm_codec.duration_ts) and what frames it holds. */
#ifndef SFM_PASSED_H
#define SFM_PASSED_H

#include "sfm_codec.h"

/* The codecs one after another from index 0; NULL after the last. Of one name the first is what a format without
 * parameters means. They are part of sfm_codec_at, too. */
const sfm_codec *sfm_passed_at(size_t index);

#endif
