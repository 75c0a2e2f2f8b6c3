/* All of the core, each header after those it builds on; whoever reads the contracts by machine (cffi) takes this
 * order. */
#ifndef SFM_CORE_H
#define SFM_CORE_H

#include "sfm_error.h"
#include "sfm_sequence.h"
#include "sfm_rtcp_xr.h"
#include "sfm_rtp.h"
#include "sfm_g711.h"
#include "sfm_g722.h"
#include "sfm_codec.h"
#include "sfm_opus.h"
#include "sfm_passed.h"
#include "sfm_jitter.h"
#include "sfm_plc.h"
#include "sfm_resampler.h"
#include "sfm_playout.h"
#include "sfm_dtmf_event.h"
#include "sfm_loss_pattern.h"
#include "sfm_skew.h"
#include "sfm_stream_statistics.h"
#include "sfm_histogram.h"
#include "sfm_random.h"
#include "sfm_impair.h"
#include "sfm_level.h"
#include "sfm_spectrum.h"
#include "sfm_inband_dtmf.h"
#include "sfm_ear.h"
#include "sfm_heard.h"
#include "sfm_watch.h"

#endif
