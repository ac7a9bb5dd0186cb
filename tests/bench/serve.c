// SPDX-License-Identifier: BSD-2-Clause
/*
 * A web server at its smallest, where there is no other: one file, one connection for each request.
 *
 *   serve PORT FILE
 *
 * Accepts on 127.0.0.1, reads a request, opens the file, answers with what is in it, and closes both.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void answer(int fd, const char *path)
{
	char data[4096], head[128];
	int file, length;
	ssize_t size;

	if (recv(fd, data, sizeof(data), 0) <= 0)
		return;
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return;
	size = read(file, data, sizeof(data));
	close(file);
	length = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zd\r\n\r\n", size);
	if (send(fd, head, length, MSG_NOSIGNAL | MSG_MORE) == length && size > 0)
		send(fd, data, size, MSG_NOSIGNAL);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (argc != 3)
		return 2;
	address.sin_port = htons(strtoul(argv[1], NULL, 10));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 511)) {
		perror("serve");
		return 1;
	}
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		answer(fd, argv[2]);
		close(fd);
	}
}
