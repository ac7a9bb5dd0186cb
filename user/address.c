// SPDX-License-Identifier: BSD-2-Clause
#include "address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { V4_AT = 12 };

static const uint8_t mapped[V4_AT] = { [10] = 0xff, [11] = 0xff };

void address_of_v4(uint8_t ret[16], const uint8_t v4[4])
{
	memcpy(ret, mapped, sizeof(mapped));
	memcpy(ret + V4_AT, v4, 4);
}

bool address_is_v4(const uint8_t address[16])
{
	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

bool address_is_link_local(const uint8_t address[16])
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

void address_text(char ret[48], const uint8_t address[16])
{
	if (address_is_v4(address))
		inet_ntop(AF_INET, address + V4_AT, ret, 48);
	else
		inet_ntop(AF_INET6, address, ret, 48);
}

void endpoint_text(char ret[56], const uint8_t address[16], uint16_t port)
{
	char name[48];

	address_text(name, address);
	if (!port)
		snprintf(ret, 56, "%s", name);
	else if (address_is_v4(address))
		snprintf(ret, 56, "%s:%u", name, port);
	else
		snprintf(ret, 56, "[%s]:%u", name, port);
}

void subnet_of(uint8_t ret[16], const uint8_t address[16])
{
	size_t kept = address_is_v4(address) ? V4_AT + 3 : 8;

	memmove(ret, address, kept);
	memset(ret + kept, 0, 16 - kept);
}

void subnet_text(char ret[56], const uint8_t address[16])
{
	uint8_t subnet[16];
	char name[48];

	subnet_of(subnet, address);
	address_text(name, subnet);
	snprintf(ret, 56, "%s/%d", name, address_is_v4(address) ? 24 : 64);
}
