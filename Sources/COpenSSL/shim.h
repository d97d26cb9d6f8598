// OpenSSL 3, as the system has it. Macros that Swift cannot import are wrapped in static inline functions here.
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#ifndef FANION_OPENSSL_SHIM
#define FANION_OPENSSL_SHIM

// OpenSSL 3 marks its digest contexts that live in the caller's memory as deprecated, and offers only heap-allocated
// ones in their place. A running digest per hop and direction, copied for every cell, needs the former.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
static inline void fanion_sha1_init(SHA_CTX *context) { SHA1_Init(context); }
static inline void fanion_sha1_update(SHA_CTX *context, const void *bytes, size_t count) {
    SHA1_Update(context, bytes, count);
}
/// Writes 20 bytes; the context is spent.
static inline void fanion_sha1_final(unsigned char *digest, SHA_CTX *context) { SHA1_Final(digest, context); }

static inline void fanion_sha256_init(SHA256_CTX *context) { SHA256_Init(context); }
static inline void fanion_sha256_update(SHA256_CTX *context, const void *bytes, size_t count) {
    SHA256_Update(context, bytes, count);
}
/// Writes 32 bytes; the context is spent.
static inline void fanion_sha256_final(unsigned char *digest, SHA256_CTX *context) { SHA256_Final(digest, context); }
#pragma clang diagnostic pop

/// A new RSA key pair with exponent 65537, or null.
static inline EVP_PKEY *fanion_rsa_generate(unsigned int bits) { return EVP_RSA_gen(bits); }

/// The bytes gathered in a memory BIO; they belong to the BIO.
static inline long fanion_bio_memory(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }

static inline void fanion_openssl_free(void *bytes) { OPENSSL_free(bytes); }
static inline void fanion_openssl_clear_free(void *bytes, size_t count) { OPENSSL_clear_free(bytes, count); }

#endif
