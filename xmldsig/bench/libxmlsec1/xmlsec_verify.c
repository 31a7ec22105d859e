/*
 * Verifies the signatures of a CDA document with libxmlsec1, again and again,
 * and prints the time: the other side of the benchmark in the folder above.
 *
 *   xmlsec_verify ROUNDS FILE...
 *
 * For each file one line: FILE <tab> valid signatures <tab> signatures <tab>
 * nanoseconds per round (one round: parse the bytes, verify every ds:Signature).
 * The key comes from the X509Certificate in the signature; no chain is built,
 * as the Go side builds none in this comparison. ROUNDS 0: one round, no time,
 * for use as a judge.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>

static char *slurp(const char *name, long *size) {
    FILE *f = fopen(name, "rb");
    if (f == NULL) return NULL;
    fseek(f, 0, SEEK_END);
    *size = ftell(f);
    rewind(f);
    char *buf = malloc((size_t)*size + 1);
    if (buf == NULL || fread(buf, 1, (size_t)*size, f) != (size_t)*size) {
        free(buf);
        buf = NULL;
    }
    fclose(f);
    return buf;
}

/* register_ids makes every attribute ID or Id an id, as a CDA reader must. */
static void register_ids(xmlDocPtr doc, xmlNodePtr node) {
    for (; node != NULL; node = node->next) {
        if (node->type != XML_ELEMENT_NODE) continue;
        for (xmlAttrPtr a = node->properties; a != NULL; a = a->next) {
            if (a->ns == NULL && (xmlStrEqual(a->name, BAD_CAST "ID") || xmlStrEqual(a->name, BAD_CAST "Id"))) {
                xmlChar *v = xmlNodeListGetString(doc, a->children, 1);
                if (v != NULL) {
                    xmlAddID(NULL, doc, v, a);
                    xmlFree(v);
                }
            }
        }
        register_ids(doc, node->children);
    }
}

static int verify_one(xmlNodePtr sig, xmlSecKeysMngrPtr mngr) {
    int ok = 0;
    xmlSecDSigCtxPtr ctx = xmlSecDSigCtxCreate(mngr);
    if (ctx == NULL) return 0;
    ctx->keyInfoReadCtx.flags |= XMLSEC_KEYINFO_FLAGS_X509DATA_DONT_VERIFY_CERTS;
    if (xmlSecDSigCtxVerify(ctx, sig) == 0 && ctx->status == xmlSecDSigStatusSucceeded) ok = 1;
    xmlSecDSigCtxDestroy(ctx);
    return ok;
}

static void verify_all(xmlNodePtr node, xmlSecKeysMngrPtr mngr, int *valid, int *seen) {
    for (; node != NULL; node = node->next) {
        if (node->type != XML_ELEMENT_NODE) continue;
        if (xmlSecCheckNodeName(node, xmlSecNodeSignature, xmlSecDSigNs)) {
            (*seen)++;
            *valid += verify_one(node, mngr);
            continue;
        }
        verify_all(node->children, mngr, valid, seen);
    }
}

/* one_round gives 0 when the document could be read. */
static int one_round(const char *buf, long size, xmlSecKeysMngrPtr mngr, int *valid, int *seen) {
    xmlDocPtr doc = xmlReadMemory(buf, (int)size, NULL, NULL,
                                  XML_PARSE_NONET | XML_PARSE_HUGE | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    *valid = *seen = 0;
    if (doc == NULL) return -1;
    register_ids(doc, xmlDocGetRootElement(doc));
    verify_all(xmlDocGetRootElement(doc), mngr, valid, seen);
    xmlFreeDoc(doc);
    return 0;
}

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void silent(const char *file, int line, const char *func, const char *object, const char *subject,
                   int reason, const char *msg) {
    (void)file; (void)line; (void)func; (void)object; (void)subject; (void)reason; (void)msg;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: xmlsec_verify ROUNDS FILE...\n");
        return 2;
    }
    int rounds = atoi(argv[1]);
    xmlInitParser();
    if (xmlSecInit() < 0 || xmlSecCryptoAppInit(NULL) < 0 || xmlSecCryptoInit() < 0) return 3;
    xmlSecErrorsSetCallback(silent);
    xmlSecKeysMngrPtr mngr = xmlSecKeysMngrCreate();
    if (mngr == NULL || xmlSecCryptoAppDefaultKeysMngrInit(mngr) < 0) return 3;
    for (int i = 2; i < argc; i++) {
        long size = 0;
        int valid = 0, seen = 0;
        char *buf = slurp(argv[i], &size);
        if (buf == NULL) return 3;
        if (one_round(buf, size, mngr, &valid, &seen) != 0) valid = seen = -1;
        long long start = now_ns();
        for (int r = 0; r < rounds; r++) {
            int v, s;
            one_round(buf, size, mngr, &v, &s);
        }
        long long each = rounds > 0 ? (now_ns() - start) / rounds : 0;
        printf("%s\t%d\t%d\t%lld\n", argv[i], valid, seen, each);
        free(buf);
    }
    xmlSecKeysMngrDestroy(mngr);
    xmlSecCryptoShutdown();
    xmlSecCryptoAppShutdown();
    xmlSecShutdown();
    xmlCleanupParser();
    return 0;
}
