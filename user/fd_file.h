/* SPDX-License-Identifier: BSD-2-Clause */
/* What a descriptor refers to, in words. Pure functions of what the kernel's list says. */
#ifndef KWHY_FD_FILE_H
#define KWHY_FD_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/fd.h"
#include "text.h"

enum { FD_TCP_CLOSE_WAIT = 8, FD_TCP_LISTEN = 10 };

/* "tcp", "eventfd", "file": never NULL, and static but for names of anonymous files, which are written to room */
const char *fd_file_type(const struct fd_file *file, char room[24]);

/* "CLOSE_WAIT"; NULL for what is no TCP socket */
const char *fd_file_tcp_state(const struct fd_file *file);
/* By the kernel's number, as ss and netstat say it; NULL: there is no such state. */
const char *tcp_state_word(unsigned int state);

/* A TCP or UDP socket with an other end. */
bool fd_file_has_peer(const struct fd_file *file);

/* It has no name any more and takes up space until it is closed. */
bool fd_file_deleted(const struct fd_file *file);

/* Equal for descriptors that are alike: one file, one peer and state, one kind of anonymous file. */
uint64_t fd_file_group(const struct fd_file *file);

/* "10.0.3.7:5432", "[fd00::7]:5432"; without the port where it is 0 */
void fd_file_address(struct text *text, const struct fd_file *file, const uint8_t address[16], uint16_t port);

#endif
