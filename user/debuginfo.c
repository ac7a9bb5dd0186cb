// SPDX-License-Identifier: BSD-2-Clause
#include "debuginfo.h"

#include <stdlib.h>
#include <string.h>

char **debuginfo_path(void)
{
	static char usual_place[] = "/usr/lib/debug";
	static char *path = usual_place;

	return &path;
}

void debuginfo_stay_local(void)
{
	unsetenv("DEBUGINFOD_URLS");
}

int debuginfo_find(Dwfl_Module *module, void **user_data, const char *module_name, Dwarf_Addr base,
		   const char *file_name, const char *link_name, GElf_Word link_crc, char **ret_name)
{
	/* by name it is the usual place/directory of the file/link_name: neither may lead elsewhere */
	if ((link_name && strchr(link_name, '/')) || (file_name && strstr(file_name, "/..")))
		return dwfl_build_id_find_debuginfo(module, user_data, module_name, base, file_name, link_name,
						    link_crc, ret_name);
	return dwfl_standard_find_debuginfo(module, user_data, module_name, base, file_name, link_name, link_crc,
					    ret_name);
}
