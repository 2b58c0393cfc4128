// SPDX-License-Identifier: Apache-2.0
#include "sink/http/credentials.h"

#include "sink/secret_header.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What curl or we ourselves set by the body. */
static const char *const own_headers[] = {
    "Content-Length", "Transfer-Encoding", "Content-Encoding", "Connection", "Expect",
};

/* Gives the secret back, and nothing of it stays in memory. */
static char *wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
    return NULL;
}
DEFINE_CLEANUP(char *, wipe)

static struct curl_slist *free_list(struct curl_slist *list)
{
    curl_slist_free_all(list);
    return NULL;
}
DEFINE_CLEANUP(struct curl_slist *, free_list)

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    return false;
}

static int read_secret(char **ret, const char *option, const char *path, struct error *error)
{
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CLEANUP(wipe) char *secret = calloc(1, SECRET_BYTES_MAX + 2);
    if (!secret)
        return -ENOMEM;
    ssize_t size = fd < 0 ? -1 : read(fd, secret, SECRET_BYTES_MAX + 1);
    if (size < 0)
        return error_set(error, -errno, "%s: %s: %s", option, path, strerror(errno));
    if (size > SECRET_BYTES_MAX)
        return error_set(error, -EINVAL, "%s: %s is longer than %d bytes", option, path,
                         SECRET_BYTES_MAX);
    if (size > 0 && secret[size - 1] == '\n')
        secret[--size] = '\0';
    if (size > 0 && secret[size - 1] == '\r')
        secret[--size] = '\0';
    if (size == 0)
        return error_set(error, -EINVAL, "%s: %s is empty", option, path);
    if (strlen(secret) != (size_t)size || has_control(secret))
        return error_set(error, -EINVAL, "%s: %s has more than one line, or other control bytes",
                         option, path);
    *ret = TAKE(secret);
    return 0;
}

static int add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *more = curl_slist_append(*list, line);
    if (!more)
        return -ENOMEM;
    *list = more;
    return 0;
}

static int check_header(const struct option_pair *header, struct error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(own_headers); i++)
        if (strcasecmp(header->key, own_headers[i]) == 0)
            return error_set(error, -EINVAL, "headers: %s follows from the body, and is set by us",
                             header->key);
    return 0;
}

static int add_header(struct curl_slist **list, const char *name, const char *value)
{
    char *line = NULL;
    if (asprintf(&line, "%s: %s", name, value) < 0)
        return -ENOMEM;
    int r = add_line(list, line);
    wipe(line);
    return r;
}

/* The protocol's own headers lose against the user's. */
static bool is_users(const struct option_pairs *headers, const char *name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (strcasecmp(headers->items[i].key, name) == 0)
            return true;
    return false;
}

/* Of a template what does not vary is said with all requests. */
static int add_template(struct credentials *c, const char *name, const char *value,
                        struct error *error)
{
    CLEANUP(text_template_free) struct text_template *t = NULL;
    int r = text_template_parse(&t, value, error);
    if (r < 0)
        return r;
    if (text_template_varies(t))
        return header_templates_add(&c->varying, name, TAKE(t));
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(SIZE_MAX / 2);
    text_template_append(t, NULL, '\0', &text);
    const char *literal = buf_string(&text);
    return literal ? add_header(&c->headers, name, literal) : -ENOMEM;
}

/* What may be a secret is no template: braces in it are its own. */
static int add_users_header(struct credentials *c, const struct option_pair *header,
                            struct error *error)
{
    int r = check_header(header, error);
    if (r < 0)
        return r;
    if (secret_header_named(header->key))
        return add_header(&c->headers, header->key, header->value);
    r = add_template(c, header->key, header->value, error);
    if (r == -EINVAL)
        error_prefix(error, "headers.%s", header->key);
    return r;
}

static int add_users_headers(struct credentials *c, struct error *error)
{
    const struct option_pairs *headers = &c->options->headers;
    int r = 0;
    for (size_t i = 0; r == 0 && i < headers->count; i++)
        r = add_users_header(c, &headers->items[i], error);
    return r;
}

static int add_protocols_header(struct credentials *c, const struct http_header *header,
                                struct error *error)
{
    int r = has_control(header->value) ? error_set(error, -EINVAL, "holds a control character")
                                       : add_template(c, header->name, header->value, error);
    if (r == -EINVAL)
        error_prefix(error, "%s", header->option);
    return r;
}

static int add_protocols_headers(struct credentials *c, const struct http_protocol *protocol,
                                 struct error *error)
{
    const struct option_pairs *users = &c->options->headers;
    int r = 0;
    if (protocol->content_type && !is_users(users, "Content-Type"))
        r = add_header(&c->headers, "Content-Type", protocol->content_type);
    if (r == 0 && protocol->content_encoding)
        r = add_header(&c->headers, "Content-Encoding", protocol->content_encoding);
    if (r == 0 && protocol->header.name && !is_users(users, protocol->header.name))
        r = add_protocols_header(c, &protocol->header, error);
    /* Without a value curl leaves it out: a body goes at once, and not after a second's wait. */
    return r == 0 ? add_line(&c->headers, "Expect:") : r;
}

static int check_login(const struct login *l, struct error *error)
{
    const char *given = l->password ? "password" : "password_file";

    if (l->password && l->password_file)
        return error_set(error, -EINVAL, "%spassword_file: there is a password as well; take one",
                         l->prefix);
    if (l->username && !l->password && !l->password_file)
        return error_set(error, -EINVAL, "%susername: needs %spassword or %spassword_file",
                         l->prefix, l->prefix, l->prefix);
    if ((l->password || l->password_file) && !l->username)
        return error_set(error, -EINVAL, "%s%s: needs %susername", l->prefix, given, l->prefix);
    return 0;
}

static int check_choice(const struct credentials *c, struct error *error)
{
    const struct http_options *o = c->options;
    int r = 0;

    if (o->token && o->token_file)
        return error_set(error, -EINVAL, "token_file: there is a token as well; take one");
    if ((r = check_login(&c->server, error)) < 0 || (r = check_login(&c->proxy, error)) < 0)
        return r;
    if (c->server.username && (o->token || o->token_file))
        return error_set(error, -EINVAL, "%s: there is a password as well; take one",
                         o->token ? "token" : "token_file");
    if (c->proxy.username && !o->proxy)
        return error_set(error, -EINVAL, "proxy_username: there is no proxy");
    return 0;
}

static const char *password_of(const struct login *l)
{
    return l->secret ? l->secret : l->password;
}

static const char *token_of(const struct credentials *c)
{
    return c->token ? c->token : c->options->token;
}

/* As curl will send it, so that it is known where a server echoes it. */
static int encode_basic(struct login *l)
{
    CLEANUP(wipe) char *plain = NULL;
    if (asprintf(&plain, "%s:%s", l->username, password_of(l)) < 0) {
        plain = NULL;
        return -ENOMEM;
    }
    size_t size = strlen(plain);
    char *basic = malloc(4 * (size / 3 + 1) + 1);
    if (!basic)
        return -ENOMEM;
    EVP_EncodeBlock((unsigned char *)basic, (const unsigned char *)plain, (int)size);
    wipe(l->basic);
    l->basic = basic;
    return 0;
}

/* What is there already stays where the file cannot be read. */
static int read_login(struct login *l, struct error *error)
{
    char option[sizeof("proxy_password_file")], *secret = NULL;

    if (!l->username)
        return 0;
    snprintf(option, sizeof(option), "%spassword_file", l->prefix);
    int r = l->password_file ? read_secret(&secret, option, l->password_file, error) : 0;
    if (r < 0)
        return r;
    if (secret) {
        wipe(l->secret);
        l->secret = secret;
    }
    return encode_basic(l);
}

/* Reads the secrets' files; each that cannot be read leaves what is there already. */
static int read_secrets(struct credentials *c, struct error *error)
{
    const char *path = c->options->token_file;
    char *secret = NULL;
    int r = read_login(&c->server, error);

    if (r == 0)
        r = read_login(&c->proxy, error);
    if (r == 0 && path && (r = read_secret(&secret, "token_file", path, error)) == 0) {
        wipe(c->token);
        c->token = secret;
    }
    return r;
}

int credentials_init(struct credentials *c, const struct http_options *options,
                     const struct http_protocol *protocol, struct error *error)
{
    const struct http_options *o = options;
    *c = (struct credentials){
        .options = o,
        .server = {.prefix = "",
                   .username = o->username,
                   .password = o->password,
                   .password_file = o->password_file},
        .proxy = {.prefix = "proxy_",
                  .username = o->proxy_username,
                  .password = o->proxy_password,
                  .password_file = o->proxy_password_file},
    };
    int r = check_choice(c, error);
    if (r == 0)
        r = read_secrets(c, error);
    if (r == 0)
        r = add_users_headers(c, error);
    if (r == 0)
        r = add_protocols_headers(c, protocol, error);
    if (r < 0)
        credentials_deinit(c);
    return r;
}

static void deinit_login(struct login *l)
{
    l->secret = wipe(l->secret);
    l->basic = wipe(l->basic);
}

void credentials_deinit(struct credentials *c)
{
    deinit_login(&c->server);
    deinit_login(&c->proxy);
    c->token = wipe(c->token);
    curl_slist_free_all(c->headers);
    c->headers = NULL;
    header_templates_deinit(&c->varying);
}

int credentials_headers(const struct credentials *c, const char *varying, struct curl_slist **ret)
{
    CLEANUP(free_list) struct curl_slist *list = NULL;
    int r = 0;
    for (const struct curl_slist *line = c->headers; r == 0 && line; line = line->next)
        r = add_line(&list, line->data);
    while (r == 0 && *varying) {
        size_t size = strcspn(varying, "\n");
        CLEANUP_FREE char *line = strndup(varying, size);
        r = line ? add_line(&list, line) : -ENOMEM;
        varying += size + 1;
    }
    if (r == 0)
        *ret = TAKE(list);
    return r;
}

bool credentials_renew(struct credentials *c)
{
    if (!c->refused)
        return false;
    c->unread = (struct error){""};
    c->refused = read_secrets(c, &c->unread) < 0;
    return true;
}

const char *credentials_unread(const struct credentials *c)
{
    return c->unread.text[0] ? c->unread.text : NULL;
}

/* Basic alone: what else a server offers is never taken up. */
static CURLcode apply_login(CURL *easy, const struct login *l, CURLoption kind, CURLoption username,
                            CURLoption password)
{
    curl_easy_setopt(easy, kind, CURLAUTH_BASIC);
    CURLcode code = curl_easy_setopt(easy, username, l->username);
    return code == CURLE_OK ? curl_easy_setopt(easy, password, password_of(l)) : code;
}

int credentials_apply(const struct credentials *c, struct curl_slist *headers, CURL *easy)
{
    const char *token = token_of(c);
    CURLcode code = curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers ? headers : c->headers);

    if (code == CURLE_OK && c->server.username)
        code = apply_login(easy, &c->server, CURLOPT_HTTPAUTH, CURLOPT_USERNAME, CURLOPT_PASSWORD);
    if (code == CURLE_OK && c->proxy.username)
        code = apply_login(easy, &c->proxy, CURLOPT_PROXYAUTH, CURLOPT_PROXYUSERNAME,
                           CURLOPT_PROXYPASSWORD);
    if (code == CURLE_OK && token) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        code = curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, token);
    }
    return code == CURLE_OK ? 0 : -ENOMEM;
}

/* In `text`, as far as it stands in `said`, which is the text as it was: one may be part of
 * another.
 */
static void hide(char *text, const char *said, const char *secret)
{
    size_t size = secret ? strlen(secret) : 0, left = strlen(said);
    for (; size && left; text++, said++, left--) {
        size_t there = size < left ? size : left;
        if ((there == size || there >= SECRET_CUT_MIN) && memcmp(said, secret, there) == 0)
            memset(text, '*', there);
    }
}

/* Also where the server leaves out the scheme before it: "Bearer …". */
static void hide_header(char *text, const char *said, const struct option_pair *header)
{
    const char *space = strchr(header->value, ' ');
    hide(text, said, header->value);
    if (space)
        hide(text, said, space + 1);
}

void credentials_hide(const struct credentials *c, char text[ANSWER_TEXT_MAX])
{
    char said[ANSWER_TEXT_MAX];
    memcpy(said, text, sizeof(said));
    const struct option_pairs *headers = &c->options->headers;
    hide(text, said, password_of(&c->server));
    hide(text, said, c->server.basic);
    hide(text, said, password_of(&c->proxy));
    hide(text, said, c->proxy.basic);
    hide(text, said, token_of(c));
    for (size_t i = 0; i < headers->count; i++)
        if (secret_header_named(headers->items[i].key))
            hide_header(text, said, &headers->items[i]);
}
