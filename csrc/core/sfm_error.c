#include "sfm_error.h"

const char *sfm_strerror(int code)
{
    switch (code) {
    case SFM_OK: return "no error";
    case SFM_ERROR_ARGUMENT: return "an argument is outside its range";
    case SFM_ERROR_MEMORY: return "not enough memory";
    case SFM_ERROR_TRUNCATED: return "the data ends too early";
    case SFM_ERROR_VERSION: return "not version 2 of RTP or RTCP";
    case SFM_ERROR_PADDING: return "the padding is longer than the packet, or empty";
    case SFM_ERROR_PACKET_TYPE: return "another kind of packet than expected";
    case SFM_ERROR_LENGTH: return "the length is not a whole number of units";
    case SFM_ERROR_SPACE: return "the output buffer is too small";
    case SFM_ERROR_DIGIT: return "not a DTMF digit";
    case SFM_ERROR_BUSY: return "what was started before is not done yet";
    case SFM_ERROR_PAYLOAD_TYPE: return "no codec for this payload type";
    default: return "unknown error";
    }
}

const char *sfm_error_name(int code)
{
    switch (code) {
    case SFM_OK: return "SFM_OK";
    case SFM_ERROR_ARGUMENT: return "SFM_ERROR_ARGUMENT";
    case SFM_ERROR_MEMORY: return "SFM_ERROR_MEMORY";
    case SFM_ERROR_TRUNCATED: return "SFM_ERROR_TRUNCATED";
    case SFM_ERROR_VERSION: return "SFM_ERROR_VERSION";
    case SFM_ERROR_PADDING: return "SFM_ERROR_PADDING";
    case SFM_ERROR_PACKET_TYPE: return "SFM_ERROR_PACKET_TYPE";
    case SFM_ERROR_LENGTH: return "SFM_ERROR_LENGTH";
    case SFM_ERROR_SPACE: return "SFM_ERROR_SPACE";
    case SFM_ERROR_DIGIT: return "SFM_ERROR_DIGIT";
    case SFM_ERROR_BUSY: return "SFM_ERROR_BUSY";
    case SFM_ERROR_PAYLOAD_TYPE: return "SFM_ERROR_PAYLOAD_TYPE";
    default: return "SFM_ERROR_UNKNOWN";
    }
}
