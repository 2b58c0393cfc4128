// SPDX-License-Identifier: Apache-2.0
#include "route/letters.h"

#include <errno.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/limits.h"
#include "route/gather.h"
#include "route/pieces.h"

struct addressee {
    struct container *container; /* owned */
    struct sink_target *target;  /* owned */
};

struct letters {
    struct letters_options options;
    uint64_t bytes_max;             /* of a body */
    uint64_t after_key, newest_key; /* what is to be read still */

    struct request request;
    uint64_t keys[LETTERS_LINES_MAX]; /* of its entries */
    struct addressee addressees[LETTERS_LINES_MAX];
    size_t addressee_count;
    struct buf text; /* a message in the sink's form */

    struct pieces pieces; /* of the request: what is to be sent; the next of them is in flight */
    bool in_flight;
    unsigned slot; /* in flight: where */

    struct letters_progress progress;
};

void letters_fail(struct letters_progress *progress, const char *text)
{
    progress->state = LETTERS_FAILED;
    snprintf(progress->text, sizeof(progress->text), "%s", text);
}

int letters_check_sink(const struct sink_ops *ops, struct error *error)
{
    if (ops->requests)
        return 0;
    return error_set(error, -ENOTSUP,
                     "a sink of the type %s refuses nothing, and takes no dead letters", ops->type);
}

int letters_open(struct letters **ret, const struct letters_options *options, struct error *error)
{
    int r = letters_check_sink(options->ops, error);
    if (r < 0)
        return r;
    CLEANUP(letters_close) struct letters *l = calloc(1, sizeof(*l));
    if (!l)
        return error_set(error, -ENOMEM, "no memory");
    l->options = *options;
    l->bytes_max = (uint64_t)options->batch_bytes_max;
    if (l->bytes_max > LETTERS_BYTES_MAX)
        l->bytes_max = LETTERS_BYTES_MAX;
    l->after_key = options->filter.key ? options->filter.key - 1 : 0;
    l->text = BUF_INIT(ENCODED_BYTES_MAX);
    request_init(&l->request, options->ops->form(options->sink));
    r = ledger_count_letters(options->ledger, &l->options.filter, &l->progress.left, &l->newest_key,
                             error);
    if (r < 0)
        return r;
    *ret = TAKE(l);
    return 0;
}

static void forget_request(struct letters *l)
{
    request_clear(&l->request);
    for (size_t i = 0; i < l->addressee_count; i++) {
        l->options.ops->unbind(l->options.sink, l->addressees[i].target);
        container_unref(l->addressees[i].container);
    }
    l->addressee_count = 0;
    pieces_clear(&l->pieces);
}

struct letters *letters_close(struct letters *l)
{
    if (!l)
        return NULL;
    if (l->in_flight)
        l->options.ops->requests->abandon(l->options.sink, l->slot);
    forget_request(l);
    request_deinit(&l->request);
    pieces_deinit(&l->pieces);
    buf_deinit(&l->text);
    free(l);
    return NULL;
}

/* Filling a request. */

enum { ENOUGH = 1 /* beside 0 and -errno: the rest is the next request's */ };

struct filling {
    struct letters *letters;
    struct error *error;
};

/* The record of the visit is gone when the request is sent, so that it gets one of its own. */
static int find_addressee(struct letters *l, const struct container *c,
                          const struct addressee **ret, struct error *error)
{
    for (size_t i = l->addressee_count; i > 0; i--) {
        *ret = &l->addressees[i - 1];
        if (container_renders_same((*ret)->container, c))
            return 0;
    }
    struct addressee *added = &l->addressees[l->addressee_count];
    int r = container_restore(&added->container, c->id, c->name, &c->rendered, c->tty);
    if (r < 0)
        return error_set(error, r, "the labels of %s: %s", c->name, strerror(-r));
    r = l->options.ops->bind(l->options.sink, added->container, &added->target, error);
    if (r < 0) {
        added->container = container_unref(added->container);
        return r;
    }
    l->addressee_count++;
    *ret = added;
    return 0;
}

/* A letter of another sink's time may be in the other form. */
static struct span in_form(struct letters *l, const struct ledger_letter *letter)
{
    if (letter->form == l->request.form)
        return letter->message;
    buf_clear(&l->text);
    if (letter->form == FORM_BYTES) {
        json_text_escape(&l->text, letter->message);
    } else {
        char *to = buf_reserve(&l->text, letter->message.size);
        l->text.size = to ? json_text_unescape(to, letter->message) : 0;
    }
    return buf_span(&l->text);
}

/* The letters of one container in a row are one part, as those of one pull would be. */
static void join_last_parts(struct request *q)
{
    if (q->part_count < 2)
        return;
    struct request_part *before = &q->parts[q->part_count - 2];
    if (before->target != before[1].target)
        return;
    q->bytes -= request_head_bytes(before) + request_head_bytes(&before[1]);
    before->count += before[1].count;
    before->stream_count = STREAM_COUNT; /* at most */
    q->bytes += request_head_bytes(before);
    q->part_count--;
}

static int add_letter(struct letters *l, const struct ledger_letter *letter, struct error *error)
{
    const struct addressee *to = NULL;
    int r = find_addressee(l, letter->container, &to, error);
    if (r < 0)
        return r;
    struct entry entry = {.time_ns = letter->time_ns,
                          .serial = letter->serial,
                          .offset = letter->offset,
                          .message = in_form(l, letter),
                          .attrs = letter->attrs,
                          .flags = (uint16_t)letter->flags,
                          .stream = (uint8_t)letter->stream};
    const struct batch batch = {
        .form = l->request.form, .container = to->container, .entries = &entry, .count = 1};
    struct request_terms terms = l->options.ops->requests->terms(to->target);
    r = l->text.failed ? l->text.failed : request_add(&l->request, to->target, terms, &batch);
    if (r < 0)
        return error_set(error, r, "no memory");
    join_last_parts(&l->request);
    l->keys[l->request.count - 1] = letter->key;
    return 0;
}

static int take_letter(void *context, const struct ledger_letter *letter)
{
    struct filling *filling = context;
    struct letters *l = filling->letters;
    if (letter->key > l->newest_key)
        return ENOUGH;
    if (ledger_letter_matches(&l->options.filter, letter)) {
        if (l->request.count == LETTERS_LINES_MAX || l->request.bytes >= l->bytes_max)
            return ENOUGH;
        int r = add_letter(l, letter, filling->error);
        if (r < 0)
            return r;
    }
    l->after_key = letter->key;
    return 0;
}

static int fill(struct letters *l, struct error *error)
{
    struct filling filling = {l, error};
    forget_request(l);
    if (l->after_key >= l->newest_key)
        return 0;
    int r = ledger_letters(l->options.ledger, l->after_key, take_letter, &filling, error);
    if (r < 0 || l->request.count == 0)
        return r < 0 ? r : 0;
    r = gather(&l->request, (struct gathered){0}, (struct gathered){l->keys, sizeof(l->keys[0])});
    if (r == 0)
        r = pieces_begin(&l->pieces, &l->request, l->bytes_max, LETTERS_LINES_MAX);
    return r < 0 ? error_set(error, r, "no memory") : 0;
}

/* Sending it, and its pieces. */

bool letters_want_slot(const struct letters *l)
{
    return !l->in_flight && l->progress.state == LETTERS_ON_THEIR_WAY;
}

bool letters_step(struct letters *l, unsigned slot)
{
    const struct sink_request_ops *requests = l->options.ops->requests;
    struct error error = {""};
    CHECK(letters_want_slot(l));
    int r = l->pieces.count ? 0 : fill(l, &error);
    if (r == 0 && l->pieces.count == 0) {
        l->progress.state = LETTERS_DONE;
        l->progress.left = 0; /* some may have been dropped meanwhile */
        return false;
    }
    if (r == 0)
        r = requests->send(l->options.sink, slot, &l->request, pieces_next(&l->pieces), &error);
    if (r < 0) {
        letters_fail(&l->progress, error.text);
        return false;
    }
    l->in_flight = true;
    l->slot = slot;
    return true;
}

static const char *reason_of(const struct sink_answer *answer)
{
    return answer->verdict == VERDICT_REFUSED ? answer->reason : "too_large";
}

/* The piece is redeemed (no answer), or keeps its place with the answer. */
static int book(struct letters *l, struct request_range piece, const struct sink_answer *refused,
                struct error *error)
{
    struct ledger *ledger = l->options.ledger;
    int64_t now_ns = clock_now_ns();
    int r = ledger_begin(ledger, error);
    for (size_t i = piece.first; r == 0 && i < piece.end; i++) {
        uint64_t key = l->keys[i];
        r = refused ? ledger_answer_letter(ledger, key, now_ns, reason_of(refused), refused->text,
                                           error)
                    : ledger_redeem_letter(ledger, key, error);
    }
    return r == 0 ? ledger_commit(ledger, error) : r;
}

static void settle(struct letters *l, const struct sink_answer *refused)
{
    struct request_range piece = pieces_next(&l->pieces);
    size_t count = piece.end - piece.first;
    struct error error = {""};
    if (book(l, piece, refused, &error) < 0) {
        letters_fail(&l->progress, error.text);
        return;
    }
    pieces_settle(&l->pieces);
    l->progress.left -= count;
    *(refused ? &l->progress.refused : &l->progress.delivered) += count;
}

static void halve(struct letters *l, const struct sink_answer *answer)
{
    int r = pieces_halve(&l->pieces, answer->verdict == VERDICT_REFUSED);
    if (r == PIECES_WHOLE)
        settle(l, answer);
    else if (r < 0)
        letters_fail(&l->progress, "no memory");
}

void letters_take(struct letters *l, const struct sink_answer *answer)
{
    CHECK(l->in_flight && answer->slot == l->slot);
    l->in_flight = false;
    switch (answer->verdict) {
    case VERDICT_DELIVERED: settle(l, NULL); break;
    case VERDICT_RETRY: letters_fail(&l->progress, answer->text); break;
    case VERDICT_TOO_LARGE:
    case VERDICT_REFUSED: halve(l, answer);
    }
}

void letters_progress(const struct letters *l, struct letters_progress *ret)
{
    *ret = l->progress;
}
