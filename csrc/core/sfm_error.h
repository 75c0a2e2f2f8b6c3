/* Error codes of the core, their names and their meaning for a person.
 *
 * Every function that can fail returns an int: 0 or a positive count when it did its work, one of these negative
 * codes when it did not. A call that fails changes nothing. Codes -1 to -63 belong to the core, -64 and below to
 * whoever builds on it. */
#ifndef SFM_ERROR_H
#define SFM_ERROR_H

/* cffi:begin */
enum sfm_error {
    SFM_OK = 0,
    SFM_ERROR_ARGUMENT = -1,       /* a parameter is outside its documented range: a bug of the caller */
    SFM_ERROR_MEMORY = -2,         /* the one allocation of a create function failed */
    SFM_ERROR_TRUNCATED = -3,      /* the data ends before what its own header announces */
    SFM_ERROR_VERSION = -4,        /* not version 2 of RTP or RTCP */
    SFM_ERROR_PADDING = -5,        /* the padding count is zero or larger than the packet */
    SFM_ERROR_PACKET_TYPE = -6,    /* not the kind of packet that this function reads */
    SFM_ERROR_LENGTH = -7,         /* a length is not a whole number of words, frames or events */
    SFM_ERROR_SPACE = -8,          /* the output buffer is too small */
    SFM_ERROR_DIGIT = -9,          /* a character that is not a DTMF digit */
    SFM_ERROR_BUSY = -10,          /* what was started before is not done yet */
    SFM_ERROR_PAYLOAD_TYPE = -11,  /* no codec was registered for this payload type */
};

/* A sentence for a person; never NULL, any other code gives "unknown error". Static storage. */
const char *sfm_strerror(int code);

/* The enumerator's name, such as "SFM_ERROR_SPACE"; never NULL, any other code gives "SFM_ERROR_UNKNOWN". */
const char *sfm_error_name(int code);
/* cffi:end */

#endif
