#include "sfm_frame_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../core/sfm_passed.h"
#include "sfm_disk.h"

enum { MAGIC_ROOM = 16 };

int sfm_frame_file_create(sfm_frame_file *file, const char *path, const char *codec) {
    const sfm_codec *found = sfm_codec_find(codec);
    if (found == NULL || found->decode != NULL) {
        return -EINVAL;
    }
    int opened = sfm_disk_create(path);
    if (opened < 0) {
        return opened;
    }
    *file = (sfm_frame_file){.file = opened, .codec = found->name, .clock_rate = found->clock_rate};
    return 0;
}

int sfm_frame_file_append(sfm_frame_file *file, const sfm_codec *codec, const uint8_t *payload, size_t length) {
    uint8_t stored[MAGIC_ROOM + SFM_PASSED_STORED_BYTES];
    int duration_ts = sfm_codec_duration_ts(codec, payload, length);
    uint32_t frame_bytes = sfm_passed_frame_bytes(codec, length);
    if (strcmp(codec->name, file->codec) != 0 || duration_ts < 0 || (file->begun && frame_bytes != file->frame_bytes)) {
        return -EPROTOTYPE;
    }
    const char *magic = file->begun ? "" : sfm_passed_magic(codec, length);
    size_t head = strlen(magic);
    memcpy(stored, magic, head);
    int count = sfm_passed_store(codec, payload, length, stored + head, sizeof stored - head);
    if (count < 0) {
        return -EPROTOTYPE;
    }
    size_t length_stored = head + (size_t)count;
    int error = sfm_disk_write(file->file, stored, length_stored, (off_t)file->bytes);
    if (error == 0) {
        file->begun = 1;
        file->bytes += length_stored;
        file->frame_bytes = frame_bytes;
        file->duration_ts += (uint64_t)duration_ts;
    }
    return error;
}

int sfm_frame_file_close(sfm_frame_file *file) { return close(file->file) == -1 ? -errno : 0; }
