#include "sfm_wav.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sfm_disk.h"

enum { BYTES_PER_SAMPLE = 2, RIFF_OVERHEAD_BYTES = SFM_WAV_HEADER_BYTES - 8 };

static void put_u16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value & 0xff);
    at[1] = (uint8_t)(value >> 8);
}

static void put_u32(uint8_t *at, uint32_t value) {
    put_u16(at, (uint16_t)(value & 0xffff));
    put_u16(at + 2, (uint16_t)(value >> 16));
}

/*  0 "RIFF" size "WAVE" | 12 "fmt " 16 | 20 format=1 channels rate byte_rate block bits=16 | 36 "data" size */
static void format_header(const sfm_wav *wav, uint8_t header[SFM_WAV_HEADER_BYTES]) {
    uint16_t block = (uint16_t)(wav->channels * BYTES_PER_SAMPLE);
    memcpy(header, "RIFF", 4);
    put_u32(header + 4, wav->data_bytes + RIFF_OVERHEAD_BYTES);
    memcpy(header + 8, "WAVEfmt ", 8);
    put_u32(header + 16, 16);
    put_u16(header + 20, 1);
    put_u16(header + 22, wav->channels);
    put_u32(header + 24, wav->sample_rate);
    put_u32(header + 28, wav->sample_rate * block);
    put_u16(header + 32, block);
    put_u16(header + 34, 8 * BYTES_PER_SAMPLE);
    memcpy(header + 36, "data", 4);
    put_u32(header + 40, wav->data_bytes);
}

static int write_header(const sfm_wav *wav) {
    uint8_t header[SFM_WAV_HEADER_BYTES];
    format_header(wav, header);
    return sfm_disk_write(wav->file, header, sizeof header, 0);
}

int sfm_wav_create(sfm_wav *wav, const char *path, uint32_t sample_rate, uint16_t channels) {
    uint32_t block = (uint32_t)channels * BYTES_PER_SAMPLE;
    sfm_wav created = {.sample_rate = sample_rate, .channels = channels};
    created.data_bytes_limit = (UINT32_MAX - RIFF_OVERHEAD_BYTES) / block * block;
    created.file = sfm_disk_create(path);
    if (created.file < 0) {
        return created.file;
    }
    int error = write_header(&created);
    if (error != 0) {
        close(created.file);
        return error;
    }
    *wav = created;
    return 0;
}

/* The host's byte order is WAV's on every machine that the wheels are built for. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "samples are written as they lie in memory");

int sfm_wav_append(sfm_wav *wav, const int16_t *samples, size_t frames) {
    size_t length = frames * wav->channels * BYTES_PER_SAMPLE;
    if (length > wav->data_bytes_limit - wav->data_bytes) {
        return -EFBIG;
    }
    int error = sfm_disk_write(wav->file, samples, length, (off_t)SFM_WAV_HEADER_BYTES + (off_t)wav->data_bytes);
    if (error != 0) {
        return error;
    }
    wav->data_bytes += (uint32_t)length;
    return write_header(wav);
}

int sfm_wav_close(sfm_wav *wav) { return close(wav->file) == -1 ? -errno : 0; }
