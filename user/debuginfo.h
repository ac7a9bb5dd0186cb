/* SPDX-License-Identifier: BSD-2-Clause */
/* Separate debug information for libdwfl, found without trust in the file that asks for it. */
#ifndef KWHY_DEBUGINFO_H
#define KWHY_DEBUGINFO_H

#include <elfutils/libdwfl.h>

/* libdw would ask a server for debug information and wait for it: to be called once, before it is used. */
void debuginfo_stay_local(void);

/*
 * The callback find_debuginfo, below /usr/lib/debug by build id, else by name.
 * Beside the file itself, as libdwfl would look by default, a stranger can have
 * laid a FIFO or a device.
 */
int debuginfo_find(Dwfl_Module *module, void **user_data, const char *module_name, Dwarf_Addr base,
		   const char *file_name, const char *link_name, GElf_Word link_crc, char **ret_name);

/* for .debuginfo_path */
char **debuginfo_path(void);

#endif
