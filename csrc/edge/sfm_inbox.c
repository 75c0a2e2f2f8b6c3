#include "sfm_inbox.h"

#include <string.h>

bool sfm_is_dtls(const uint8_t *data, size_t length) { return length > 0 && data[0] >= 20 && data[0] <= 63; }

bool sfm_inbox_put(sfm_inbox *inbox, const uint8_t *data, size_t length) {
    uint32_t put = atomic_load_explicit(&inbox->put, memory_order_relaxed);
    uint32_t taken = atomic_load_explicit(&inbox->taken, memory_order_acquire);
    if (put - taken == SFM_INBOX_DATAGRAMS || length > SFM_INBOX_BYTES) {
        return false;
    }
    inbox->lengths[put % SFM_INBOX_DATAGRAMS] = length;
    memcpy(inbox->data[put % SFM_INBOX_DATAGRAMS], data, length);
    atomic_store_explicit(&inbox->put, put + 1, memory_order_release);
    return true;
}

size_t sfm_inbox_take(sfm_inbox *inbox, uint8_t *data, size_t capacity) {
    uint32_t taken = atomic_load_explicit(&inbox->taken, memory_order_relaxed);
    if (atomic_load_explicit(&inbox->put, memory_order_acquire) == taken) {
        return 0;
    }
    size_t length = inbox->lengths[taken % SFM_INBOX_DATAGRAMS];
    length = length < capacity ? length : capacity;
    memcpy(data, inbox->data[taken % SFM_INBOX_DATAGRAMS], length);
    atomic_store_explicit(&inbox->taken, taken + 1, memory_order_release);
    return length;
}
