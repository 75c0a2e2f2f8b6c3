/* Mail between threads: intrusive, lock-free, never full.
 *
 * What is sent is allocated by the sender before anything depends on it, so putting it into a box can neither fail
 * nor wait. A command carries the memory of its own completion: that is why a completion cannot be lost, however many
 * there are and however late they are read. Any number of threads may put, one takes.
 */
#ifndef SFM_MAIL_H
#define SFM_MAIL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct sfm_mail {
    struct sfm_mail *next;
} sfm_mail;

typedef struct sfm_mailbox {
    _Atomic(sfm_mail *) newest;
} sfm_mailbox;

/* Whether the box was empty before: then its owner may have to be woken. */
static inline bool sfm_mailbox_put(sfm_mailbox *box, sfm_mail *mail) {
    sfm_mail *before = atomic_load_explicit(&box->newest, memory_order_relaxed);
    do {
        mail->next = before;
    } while (!atomic_compare_exchange_weak_explicit(&box->newest, &before, mail, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return before == NULL;
}

/* All mail, oldest first, as a list ended by NULL. Taking everything at once leaves no room for the ABA problem. */
static inline sfm_mail *sfm_mailbox_take(sfm_mailbox *box) {
    sfm_mail *newest_first = atomic_exchange_explicit(&box->newest, NULL, memory_order_acq_rel);
    sfm_mail *oldest_first = NULL;
    while (newest_first != NULL) {
        sfm_mail *next = newest_first->next;
        newest_first->next = oldest_first;
        oldest_first = newest_first;
        newest_first = next;
    }
    return oldest_first;
}

#endif
