/* Files that a recording goes to. */
#ifndef SFM_DISK_H
#define SFM_DISK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Replaces the file at `path`: a recording that is still being written under this name goes on in its own file, which has no
 * name any more. Its descriptor, or -errno. */
int sfm_disk_create(const char *path);
/* Writes all of it at `offset`. 0 or -errno. */
int sfm_disk_write(int file, const void *bytes, size_t length, off_t offset);

#endif
