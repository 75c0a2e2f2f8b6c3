/* Error codes of the edge; those of the core (-1 to -63) pass through it unchanged. */
#ifndef SFM_EDGE_ERROR_H
#define SFM_EDGE_ERROR_H

/* cffi:begin */
enum sfm_edge_error {
    SFM_ERROR_NO_PORTS = -64,  /* every port pair of the range is taken */
    SFM_ERROR_ADDRESS = -65,   /* not a numeric IPv4 or IPv6 address */
    SFM_ERROR_SYSTEM = -1000,  /* SFM_ERROR_SYSTEM - errno: what the operating system answered */
};
/* cffi:end */

/* From the -errno of the platform's functions; 0 and counts pass. */
static inline int sfm_system_error(int result) { return result < 0 ? SFM_ERROR_SYSTEM + result : result; }

#endif
