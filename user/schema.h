/* SPDX-License-Identifier: BSD-2-Clause */
/* The contract as documents: JSON Schema and field reference, from the record tables. */
#ifndef KWHY_SCHEMA_H
#define KWHY_SCHEMA_H

#include <stdio.h>

void schema_json(FILE *file);
void schema_markdown(FILE *file);

#endif
