/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internet addresses and endpoints in words. An address is 16 bytes; an IPv4
 * one is v4-mapped (::ffff:a.b.c.d), as sockets of the other family carry it,
 * and always told as IPv4. Pure.
 */
#ifndef KWHY_ADDRESS_H
#define KWHY_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

void address_of_v4(uint8_t ret[16], const uint8_t v4[4]);
bool address_is_v4(const uint8_t address[16]);

/*
 * fe80::/10: says which host only together with an interface. 169.254.0.0/16 is
 * not meant: Linux routes it as any other, and clouds put services there.
 */
bool address_is_link_local(const uint8_t address[16]);

/* 10.0.3.7, fd00::7 */
void address_text(char ret[48], const uint8_t address[16]);

/* 10.0.3.7:5432, [fd00::7]:5432; without the port where it is 0 */
void endpoint_text(char ret[56], const uint8_t address[16], uint16_t port);

/* The first address of the /24 (IPv4) or /64 it is in. */
void subnet_of(uint8_t ret[16], const uint8_t address[16]);

/* 10.0.3.0/24, 2001:db8:1:2::/64 */
void subnet_text(char ret[56], const uint8_t address[16]);

#endif
