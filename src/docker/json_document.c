// SPDX-License-Identifier: Apache-2.0
#include "docker/json_document.h"

#include "base/limits.h"

#include <errno.h>

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "a boolean";
    case JSON_NULL: break;
    }
    return "null";
}

int json_document_init(struct json_document *d, const char *name, struct span text,
                       struct error *error)
{
    *d = (struct json_document){.name = name, .error = error};
    if (text.size > CONTAINER_JSON_MAX)
        return error_set(error, -EFBIG, "%s: %zu bytes, at most %d are read", name, text.size,
                         CONTAINER_JSON_MAX);

    json_error_t fault;
    json_memory_begin(&d->memory);
    d->root = json_loadb(text.size ? text.data : "", text.size, JSON_ALLOW_NUL, &fault);
    json_memory_end();
    if (!d->root) {
        bool cut = json_error_code(&fault) == json_error_premature_end_of_input;
        json_document_deinit(d);
        return error_set(error, cut ? JSON_DOCUMENT_E_CUT : -EBADMSG, "%s:%d:%d: %s", name,
                         fault.line, fault.column, fault.text);
    }
    if (!json_is_object(d->root)) {
        error_set(error, 0, "%s: expected an object, found %s", name, type_name(d->root));
        json_document_deinit(d);
        return -EBADMSG;
    }
    return 0;
}

void json_document_deinit(struct json_document *d)
{
    d->root = NULL;
    json_memory_deinit(&d->memory);
}

void json_document_wrong(struct json_document *d, const char *path, const char *key,
                         const char *expected, const json_t *found)
{
    if (d->failed)
        return;
    d->failed = error_set(d->error, -EBADMSG, "%s: %s%s%s: expected %s, found %s", d->name, path,
                          key ? "." : "", key ? key : "", expected, type_name(found));
}

json_t *json_document_any(struct json_document *d, const char *path)
{
    json_t *value = d->root;

    if (d->failed)
        return NULL;
    for (const char *part = path;;) {
        size_t size = strcspn(part, ".");
        value = json_object_getn(value, part, size);
        if (!value || json_is_null(value))
            return NULL;
        if (part[size] == '\0')
            return value;
        if (!json_is_object(value)) {
            json_document_wrong(d, path, NULL, "objects on the way", value);
            return NULL;
        }
        part += size + 1;
    }
}

const char *json_document_text(struct json_document *d, const char *path)
{
    json_t *value = json_document_any(d, path);

    if (value && !json_is_string(value))
        json_document_wrong(d, path, NULL, "a string", value);
    return json_is_string(value) ? json_string_value(value) : "";
}

bool json_document_flag(struct json_document *d, const char *path)
{
    json_t *value = json_document_any(d, path);

    if (value && !json_is_boolean(value))
        json_document_wrong(d, path, NULL, "a boolean", value);
    return json_is_true(value);
}

int64_t json_document_integer(struct json_document *d, const char *path)
{
    json_t *value = json_document_any(d, path);

    if (value && !json_is_integer(value))
        json_document_wrong(d, path, NULL, "an integer", value);
    return json_integer_value(value);
}

json_t *json_document_object(struct json_document *d, const char *path)
{
    json_t *value = json_document_any(d, path);

    if (value && !json_is_object(value)) {
        json_document_wrong(d, path, NULL, "an object", value);
        return NULL;
    }
    return value;
}
