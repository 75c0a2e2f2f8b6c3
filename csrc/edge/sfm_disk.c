#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sfm_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int sfm_disk_create(const char *path) {
    struct stat status;
    if (lstat(path, &status) == 0 && S_ISREG(status.st_mode)) {
        unlink(path);
    }
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return file == -1 ? -errno : file;
}

int sfm_disk_write(int file, const void *bytes, size_t length, off_t offset) {
    const uint8_t *left = bytes;
    while (length > 0) {
        ssize_t written = pwrite(file, left, length, offset);
        if (written < 0 && errno != EINTR) {
            return -errno;
        }
        if (written > 0) {
            left += written;
            offset += written;
            length -= (size_t)written;
        }
    }
    return 0;
}
