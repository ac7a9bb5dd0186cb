#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# No file depends on somebody's network: no URL with a host, no address, but
# those that are set aside for documentation, the machine itself, or names of a
# single label, which examples of URLs need.
. "$(dirname "$0")/lib.sh"

texts() {
	files | while IFS= read -r file; do
		! grep -qI . "$file" || printf '%s\n' "$file"
	done
}

# FILE:LINE:HOST of every URL, without user, password and port.
hosts() {
	xargs -d '\n' grep -nHoE "[A-Za-z][A-Za-z0-9+.-]*://[^] \"'<>)\`|]*\]?" |
		sed -E 's,^([^:]*:[0-9]*:)[^:]*://,\1,; s,^([^:]*:[0-9]*:)([^/?#]*).*,\1\2,; s,^([^:]*:[0-9]*:).*@,\1,' |
		sed -E '/^[^:]*:[0-9]*:\[/!s,^([^:]*:[0-9]*:[^:]*):.*,\1,'
}

# A host without a dot is nobody's; neither is a variable. The last two are what JSON Schema and SVG call themselves, not places.
documented='localhost|127\.[0-9.]+|\[::1\]|192\.0\.2\.[0-9]+|198\.51\.100\.[0-9]+|203\.0\.113\.[0-9]+'
documented="$documented|\[2001:db8:.*|([a-z0-9-]+\.)*example(\.(com|org|net))?|([a-z0-9-]+\.)*(test|invalid|localhost)"
documented="$documented|[A-Za-z0-9_~,:;-]*|.*[\$%{*].*|json-schema\.org|www\.w3\.org"

texts | hosts | grep -vE "^[^:]*:[0-9]*:($documented)$" | holds 'no URL names a host'

# Private and link-local addresses belong to no one, tests of parsers need them.
own='127\.|0\.0\.0\.0$|255\.|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|169\.254\.|22[4-9]\.'
texts | xargs -d '\n' grep -nHowE '[0-9]{1,3}(\.[0-9]{1,3}){3}' | grep -vE "^[^:]*:[0-9]*:($own)" |
	holds 'no address of a machine'
finish
