/* Network byte order, for the core's own use. Callers have checked that the bytes are there. */
#ifndef SFM_BYTES_H
#define SFM_BYTES_H

#include <stdint.h>

static inline uint16_t sfm_get16(const uint8_t *p)
{
    return (uint16_t)((p[0] << 8) | p[1]);
}

static inline uint32_t sfm_get32(const uint8_t *p)
{
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

static inline uint64_t sfm_get64(const uint8_t *p)
{
    return ((uint64_t)sfm_get32(p) << 32) | sfm_get32(p + 4);
}

static inline void sfm_put16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline void sfm_put32(uint8_t *p, uint32_t value)
{
    sfm_put16(p, (uint16_t)(value >> 16));
    sfm_put16(p + 2, (uint16_t)value);
}

static inline void sfm_put64(uint8_t *p, uint64_t value)
{
    sfm_put32(p, (uint32_t)(value >> 32));
    sfm_put32(p + 4, (uint32_t)value);
}

#endif
