// SPDX-License-Identifier: Apache-2.0
#include "sink/http/tls_files.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)

/* Else OpenSSL would ask for it at the terminal. */
static int no_passphrase(char *to, int size, int is_write, void *context)
{
    return -1;
}

static int open_file(FILE **ret, const char *option, const char *path, struct error *error)
{
    *ret = fopen(path, "re");
    if (!*ret)
        return error_set(error, -errno, "%s: %s: %s", option, path, strerror(errno));
    return 0;
}

static int no_pem(const char *option, const char *path, const char *what, struct error *error)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    error_set(error, -EINVAL, "%s: %s: no %s in PEM form can be read from it (%s)", option, path,
              what, reason ? reason : "it has none");
    ERR_clear_error();
    return -EINVAL;
}

static int read_certificate(X509 **ret, const char *option, const char *path, struct error *error)
{
    CLEANUP(fclose) FILE *file = NULL;
    int r = open_file(&file, option, path, error);
    if (r < 0)
        return r;
    *ret = PEM_read_X509(file, NULL, no_passphrase, NULL);
    return *ret ? 0 : no_pem(option, path, "certificate", error);
}

static int read_key(EVP_PKEY **ret, const char *path, struct error *error)
{
    CLEANUP(fclose) FILE *file = NULL;
    int r = open_file(&file, "tls_key", path, error);
    if (r < 0)
        return r;
    *ret = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
    return *ret ? 0 : no_pem("tls_key", path, "private key without a passphrase", error);
}

static int check_pair(const char *cert_path, const char *key_path, struct error *error)
{
    CLEANUP(X509_free) X509 *cert = NULL;
    CLEANUP(EVP_PKEY_free) EVP_PKEY *key = NULL;
    int r = read_certificate(&cert, "tls_cert", cert_path, error);
    if (r == 0)
        r = read_key(&key, key_path, error);
    if (r == 0 && X509_check_private_key(cert, key) != 1) {
        ERR_clear_error();
        return error_set(error, -EINVAL, "tls_key: %s is not the key of the certificate %s",
                         key_path, cert_path);
    }
    return r;
}

int tls_files_check(const struct http_options *options, struct error *error)
{
    CLEANUP(X509_free) X509 *ca = NULL;
    int r = 0;

    if (!options->tls_cert != !options->tls_key)
        return error_set(error, -EINVAL,
                         "%s: a certificate needs its key and a key its certificate",
                         options->tls_cert ? "tls_cert" : "tls_key");
    if (options->tls_ca)
        r = read_certificate(&ca, "tls_ca", options->tls_ca, error);
    if (r == 0 && options->tls_cert)
        r = check_pair(options->tls_cert, options->tls_key, error);
    return r;
}
