/*
 * libfido2 for the FIDO2 lanes: fido2 PORT PIN, through its own I/O hooks over UDP, a report a datagram. One operation a
 * line of standard input, one line with its milliseconds as answer. Whatever comes back is verified, as the client that it
 * is compared with does.
 */
#include <arpa/inet.h>
#include <fido.h>
#include <fido/es256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int port;
static fido_dev_t *dev;
static const char *pin;
static unsigned char id[1024], key[64];
static size_t id_len;
static const unsigned char user[] = "user-0001";

static void must(int result, const char *what) {
	if (result == FIDO_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, fido_strerr(result));
	exit(1);
}

static void *io_open(const char *path) {
	(void)path;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	struct timeval within = {.tv_sec = 20};
	int *fd = malloc(sizeof(*fd));
	if (fd == NULL || (*fd = socket(AF_INET, SOCK_DGRAM, 0)) < 0 ||
	    setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &within, sizeof(within)) != 0 ||
	    connect(*fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return NULL;
	return fd;
}

static void io_close(void *handle) {
	close(*(int *)handle);
	free(handle);
}

static int io_read(void *handle, unsigned char *report, size_t length, int ms) {
	(void)ms;
	return (int)recv(*(int *)handle, report, length, 0);
}

/* The first byte is the report id, which is no part of a datagram. */
static int io_write(void *handle, const unsigned char *report, size_t length) {
	return send(*(int *)handle, report + 1, length - 1, 0) == (ssize_t)length - 1 ? (int)length : -1;
}

static void get_info(const unsigned char *hash, const unsigned char *salt) {
	(void)hash, (void)salt;
	fido_cbor_info_t *info = fido_cbor_info_new();
	must(fido_dev_get_cbor_info(dev, info), "get-info");
	fido_cbor_info_free(&info);
}

static void make(const unsigned char *hash, const unsigned char *salt) {
	(void)salt;
	fido_cred_t *cred = fido_cred_new();
	must(fido_cred_set_type(cred, COSE_ES256), "type");
	must(fido_cred_set_clientdata_hash(cred, hash, 32), "hash");
	must(fido_cred_set_rp(cred, "unlockd", "unlockd"), "rp");
	must(fido_cred_set_user(cred, user, sizeof(user) - 1, "user 1", NULL, NULL), "user");
	must(fido_cred_set_extensions(cred, FIDO_EXT_HMAC_SECRET), "extensions");
	must(fido_dev_make_cred(dev, cred, NULL), "make-credential");
	must(fido_cred_verify_self(cred), "attestation");
	if (id_len == 0) {
		id_len = fido_cred_id_len(cred);
		if (id_len > sizeof(id) || fido_cred_pubkey_len(cred) != sizeof(key))
			exit(1);
		memcpy(id, fido_cred_id_ptr(cred), id_len);
		memcpy(key, fido_cred_pubkey_ptr(cred), sizeof(key));
	}
	fido_cred_free(&cred);
}

static void assertion(const unsigned char *hash, const unsigned char *salt, const char *with_pin) {
	fido_assert_t *assert = fido_assert_new();
	es256_pk_t *pk = es256_pk_new();
	must(fido_assert_set_rp(assert, "unlockd"), "rp");
	must(fido_assert_set_clientdata_hash(assert, hash, 32), "hash");
	must(fido_assert_allow_cred(assert, id, id_len), "allow");
	if (with_pin != NULL) {
		must(fido_assert_set_extensions(assert, FIDO_EXT_HMAC_SECRET), "extensions");
		must(fido_assert_set_hmac_salt(assert, salt, 32), "salt");
		must(fido_assert_set_uv(assert, FIDO_OPT_TRUE), "uv");
	}
	must(fido_dev_get_assert(dev, assert, with_pin), "get-assertion");
	must(es256_pk_from_ptr(pk, key, sizeof(key)), "key");
	must(fido_assert_verify(assert, 0, COSE_ES256, pk), "signature");
	if (with_pin != NULL && fido_assert_hmac_secret_len(assert, 0) != 32)
		exit(1);
	es256_pk_free(&pk);
	fido_assert_free(&assert);
}

static double now(void) {
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1e3 + at.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
	char line[64];
	unsigned char random[64];
	const fido_dev_io_t io = {io_open, io_close, io_read, io_write};
	if (argc != 3)
		return 2;
	port = atoi(argv[1]);
	pin = argv[2];
	fido_init(0);
	dev = fido_dev_new();
	must(fido_dev_set_io_functions(dev, &io), "hooks");
	must(fido_dev_open(dev, "udp"), "open");
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return 1;
	make(random, NULL);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (getrandom(random, sizeof(random), 0) != sizeof(random))
			return 1;
		double before = now();
		if (strcmp(line, "get-info") == 0)
			get_info(random, NULL);
		else if (strcmp(line, "make-credential") == 0)
			make(random, NULL);
		else if (strcmp(line, "get-assertion") == 0)
			assertion(random, NULL, NULL);
		else if (strcmp(line, "get-assertion-pin-hmac") == 0)
			assertion(random, random + 32, pin);
		else
			return 2;
		printf("%.6f\n", now() - before);
		fflush(stdout);
	}
	fido_dev_close(dev);
	fido_dev_free(&dev);
	return 0;
}
