/*
 * Verifies the signatures of XML documents with libxmlsec1: the other side of
 * the benchmark in the folder above, and a judge for tests.
 *
 *   xmlsec_verify            takes requests on stdin
 *
 * A request is a line "ROUNDS LENGTH", then LENGTH bytes of a document; the
 * answer is a line "VALID SIGNATURES WALL CPU": valid signatures, signatures
 * (both -1 where libxml2 does not parse the document), and the nanoseconds of
 * one round by the wall clock and in processor time. One round: parse the bytes,
 * verify every ds:Signature, free everything. ROUNDS 0: one round and no time.
 *
 * The key is taken from the signature's KeyInfo; no chain is built, as the Go
 * side builds none in this comparison.
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

static const xmlChar wsu[] = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

static int is_id(xmlAttrPtr a) {
    if (a->ns == NULL)
        return xmlStrEqual(a->name, BAD_CAST "ID") || xmlStrEqual(a->name, BAD_CAST "Id") || xmlStrEqual(a->name, BAD_CAST "id");
    return xmlStrEqual(a->name, BAD_CAST "Id") && xmlStrEqual(a->ns->href, wsu);
}

/* register_ids makes the attributes that we read as ids such; xml:id is one anyway. */
static void register_ids(xmlDocPtr doc, xmlNodePtr node) {
    for (; node != NULL; node = node->next) {
        if (node->type != XML_ELEMENT_NODE) continue;
        for (xmlAttrPtr a = node->properties; a != NULL; a = a->next) {
            if (is_id(a)) {
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
    ctx->flags |= XMLSEC_DSIG_FLAGS_IGNORE_MANIFESTS; /* it looks at those that nothing refers to as well */
    ctx->enabledReferenceUris = xmlSecTransformUriTypeEmpty | xmlSecTransformUriTypeSameDocument; /* nothing is fetched */
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

static long long now_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (long long)t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void silent(const char *file, int line, const char *func, const char *object, const char *subject,
                   int reason, const char *msg) {
    (void)file; (void)line; (void)func; (void)object; (void)subject; (void)reason; (void)msg;
}

/* answer takes one request and answers it; 0 at the end of the input. */
static int answer(xmlSecKeysMngrPtr mngr) {
    int rounds = 0, valid = 0, seen = 0;
    long size = 0;
    if (scanf("%d %ld", &rounds, &size) != 2 || getchar() != '\n' || size < 0) return 0;
    char *buf = malloc((size_t)size + 1);
    if (buf == NULL || fread(buf, 1, (size_t)size, stdin) != (size_t)size) return 0;
    if (one_round(buf, size, mngr, &valid, &seen) != 0) valid = seen = -1;
    long long wall = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int r = 0; r < rounds; r++) {
        int v, s;
        one_round(buf, size, mngr, &v, &s);
    }
    wall = now_ns(CLOCK_MONOTONIC) - wall;
    cpu = now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
    if (rounds > 0) wall /= rounds, cpu /= rounds;
    else wall = cpu = 0;
    printf("%d %d %lld %lld\n", valid, seen, wall, cpu);
    fflush(stdout);
    free(buf);
    return 1;
}

int main(void) {
    xmlInitParser();
    if (xmlSecInit() < 0 || xmlSecCryptoAppInit(NULL) < 0 || xmlSecCryptoInit() < 0) return 3;
    xmlSecErrorsSetCallback(silent);
    xmlSecKeysMngrPtr mngr = xmlSecKeysMngrCreate();
    if (mngr == NULL || xmlSecCryptoAppDefaultKeysMngrInit(mngr) < 0) return 3;
    while (answer(mngr)) {
    }
    xmlSecKeysMngrDestroy(mngr);
    xmlSecCryptoShutdown();
    xmlSecCryptoAppShutdown();
    xmlSecShutdown();
    xmlCleanupParser();
    return 0;
}
