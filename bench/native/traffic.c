/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traffic with little CPU cost of its own, so that the cost of the kernel's callbacks is visible.
 *
 *   traffic exchanges PER_SECOND MILLIS    connections with a request and an answer, at a fixed rate
 *   traffic bulk MILLIS                    one connection that sends as fast as it can
 *   traffic saturate MILLIS                two pairs that connect and close as fast as they can
 *
 * The traffic uses loopback. The environment can put the first two between two hosts: the server
 * listens on SERVER_ADDRESS, the client enters the network namespace CLIENT_NETNS and the cgroup
 * whose cgroup.procs is CLIENT_CGROUP.
 *
 * Prints one line of JSON: `perSecond` (connections or MiB), and `p50Micros` and `p99Micros` of the
 * time of an exchange or of sending a MiB.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NANOS 1000000000ULL
#define MEBIBYTE (1024 * 1024)
#define MAX_SAMPLES 1000000
#define PAIRS 2

/* Nanoseconds. */
static uint32_t samples[MAX_SAMPLES];
static size_t sampled;

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * NANOS + time.tv_nsec;
}

static void sleep_until(uint64_t when)
{
	struct timespec time = { when / NANOS, when % NANOS };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void require(int holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	exit(1);
}

static void sample(uint64_t since)
{
	if (sampled < MAX_SAMPLES)
		samples[sampled++] = now() - since;
}

static int by_size(const void *a, const void *b)
{
	return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

static void print(double per_second)
{
	qsort(samples, sampled, sizeof(samples[0]), by_size);
	printf("{\"perSecond\":%.1f,\"p50Micros\":%.1f,\"p99Micros\":%.1f}\n", per_second,
	       samples[sampled / 2] / 1000.0, samples[sampled * 99 / 100] / 1000.0);
}

static int listen_anywhere(struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	const char *host = getenv("SERVER_ADDRESS");
	int server = socket(AF_INET, SOCK_STREAM, 0);

	memset(address, 0, sizeof(*address));
	address->sin_family = AF_INET;
	address->sin_addr.s_addr = host ? inet_addr(host) : htonl(INADDR_LOOPBACK);
	require(bind(server, (struct sockaddr *)address, length) == 0, "bind");
	require(listen(server, 4096) == 0, "listen");
	getsockname(server, (struct sockaddr *)address, &length);
	return server;
}

static int connect_to(const struct sockaddr_in *address)
{
	int client = socket(AF_INET, SOCK_STREAM, 0);

	require(connect(client, (const struct sockaddr *)address, sizeof(*address)) == 0, "connect");
	return client;
}

static void go_to_client(void)
{
	const char *namespace = getenv("CLIENT_NETNS");
	const char *cgroup = getenv("CLIENT_CGROUP");
	FILE *file;

	if (!namespace || !cgroup)
		return;
	file = fopen(cgroup, "w");
	require(file && fputs("0", file) >= 0 && fclose(file) == 0, cgroup);
	require(setns(open(namespace, O_RDONLY), CLONE_NEWNET) == 0, namespace);
}

/* Starts a child that is killed when this process ends. */
static pid_t start(void (*run)(int), int argument)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run(argument);
	exit(0);
}

static void answer(int server)
{
	char bytes[128];

	for (;;) {
		int client = accept(server, NULL, NULL);

		if (read(client, bytes, sizeof(bytes)) > 0)
			require(write(client, bytes, sizeof(bytes)) > 0, "answer");
		close(client);
	}
}

static void exchanges(uint64_t rate, uint64_t millis)
{
	struct sockaddr_in address;
	pid_t server = start(answer, listen_anywhere(&address));
	char bytes[128] = { 0 };
	uint64_t begun;
	uint64_t made;

	go_to_client();
	begun = now();
	for (made = 0; made < rate * millis / 1000; made++) {
		uint64_t since;
		int client;

		sleep_until(begun + made * NANOS / rate);
		since = now();
		client = connect_to(&address);
		require(write(client, bytes, sizeof(bytes)) > 0, "write");
		require(read(client, bytes, sizeof(bytes)) > 0, "read");
		close(client);
		sample(since);
	}
	print((double)made * NANOS / (now() - begun));
	kill(server, SIGKILL);
}

static void swallow(int server)
{
	static char bytes[MEBIBYTE];
	int client = accept(server, NULL, NULL);

	while (read(client, bytes, sizeof(bytes)) > 0)
		;
}

static void bulk(uint64_t millis)
{
	static char bytes[MEBIBYTE];
	struct sockaddr_in address;
	pid_t server = start(swallow, listen_anywhere(&address));
	uint64_t begun;
	uint64_t sent;
	int client;

	go_to_client();
	client = connect_to(&address);
	begun = now();
	for (sent = 0; now() < begun + millis * NANOS / 1000; sent++) {
		uint64_t since = now();

		require(send(client, bytes, sizeof(bytes), MSG_WAITALL) == MEBIBYTE, "send");
		sample(since);
	}
	print((double)sent * NANOS / (now() - begun));
	kill(server, SIGKILL);
}

static void accept_and_close(int server)
{
	for (;;)
		close(accept(server, NULL, NULL));
}

static struct shared {
	struct sockaddr_in address[PAIRS];
	uint64_t until;
	uint64_t made[PAIRS];
} *shared;

static void connect_and_close(int pair)
{
	char byte;

	while (now() < shared->until) {
		int client = connect_to(&shared->address[pair]);

		/* Waits until the server has closed its end, so the accept queue cannot grow. */
		require(read(client, &byte, 1) == 0, "read");
		close(client);
		shared->made[pair]++;
	}
}

static void saturate(uint64_t millis)
{
	pid_t servers[PAIRS];
	pid_t clients[PAIRS];
	uint64_t made = 0;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < PAIRS; i++)
		servers[i] = start(accept_and_close, listen_anywhere(&shared->address[i]));
	shared->until = now() + millis * NANOS / 1000;
	for (int i = 0; i < PAIRS; i++)
		clients[i] = start(connect_and_close, i);
	for (int i = 0; i < PAIRS; i++) {
		int status;

		waitpid(clients[i], &status, 0);
		require(status == 0, "a client");
		kill(servers[i], SIGKILL);
		made += shared->made[i];
	}
	print(made * 1000.0 / millis);
}

int main(int count, char **arguments)
{
	const char *mode = count > 2 ? arguments[1] : "";

	if (strcmp(mode, "exchanges") == 0 && count == 4)
		exchanges(strtoull(arguments[2], NULL, 10), strtoull(arguments[3], NULL, 10));
	else if (strcmp(mode, "bulk") == 0)
		bulk(strtoull(arguments[2], NULL, 10));
	else if (strcmp(mode, "saturate") == 0)
		saturate(strtoull(arguments[2], NULL, 10));
	else
		return 2;
	return 0;
}
