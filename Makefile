# SPDX-License-Identifier: BSD-2-Clause
# The one build file. `make help` lists the targets.

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
LLVM_STRIP ?= $(firstword $(shell command -v llvm-strip llvm-strip-14 llvm-strip-19 2>/dev/null) llvm-strip)
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
BUILD ?= build
CFLAGS ?= -O2 -g
ARCH ?= $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')

VERSION := 0.1.0
TOOLS := $(patsubst tools/%.c,$(BUILD)/%,$(wildcard tools/*.c))
PROBES := $(patsubst bpf/%.bpf.c,$(BUILD)/bpf/%.skel.h,$(wildcard bpf/*.bpf.c))
SOURCES := $(wildcard user/*.c user/*/*.c)
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY := $(BUILD)/libkwhy.a
TRIGGERS := $(patsubst tests/triggers/%.c,$(BUILD)/triggers/%,$(wildcard tests/triggers/*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_LIBRARY := $(BUILD)/fuzz/libkwhy.a

STATIC_FLAGS := $(if $(STATIC),-static)
LIBRARIES := libbpf libelf libdw zlib jansson libseccomp
KWHY_CPPFLAGS := -D_GNU_SOURCE -DKWHY_VERSION='"$(VERSION)"' -I. -Ibpf -Iuser -I$(BUILD)/bpf \
	$(shell $(PKG_CONFIG) --cflags $(LIBRARIES) 2>/dev/null)
# tagged anonymous structs: a record is its seen part followed by its context
KWHY_CFLAGS := -std=gnu11 -fms-extensions -Wall -Wextra -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 \
	$(if $(findstring clang,$(CC)),-Wno-microsoft-anon-tag) \
	$(if $(WERROR),-Werror) \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
	-ffile-prefix-map=$(CURDIR)=.
KWHY_LDLIBS := $(shell $(PKG_CONFIG) --libs $(if $(STATIC),--static) $(LIBRARIES) 2>/dev/null)
BPF_CFLAGS := -O2 -g -target bpf -D__TARGET_ARCH_$(ARCH) -fms-extensions -Wall \
	-Wno-microsoft-anon-tag -Wno-unused-function -Ibpf -Ivmlinux -ffile-prefix-map=$(CURDIR)=.

FUZZ_COMPILE = $(CLANG) $(KWHY_CPPFLAGS) -std=gnu11 -fms-extensions -Wno-microsoft-anon-tag -O1 -g -fno-sanitize-recover=all \
	-MMD -MP
COMPILE = $(CC) $(KWHY_CPPFLAGS) $(CPPFLAGS) $(KWHY_CFLAGS) $(CFLAGS) -MMD -MP
LINK = $(CC) $(KWHY_CFLAGS) $(CFLAGS) $(STATIC_FLAGS) $(LDFLAGS)
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2);)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all tests fuzzers check check-live check-vm bench install uninstall format format-check clean help

all: $(TOOLS) ## build the tools into build/

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF,$<)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

$(BUILD)/bpf/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(BUILD)/%.o: %.c | $(PROBES)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) -c $< -o $@

$(LIBRARY): $(OBJECTS)
	$(call say,AR,$@)
	$(Q)rm -f $@; $(AR) rcs $@ $^

$(BUILD)/%: $(BUILD)/tools/%.o $(LIBRARY)
	$(call say,LD,$@)
	$(Q)$(LINK) $< $(LIBRARY) $(KWHY_LDLIBS) $(LDLIBS) -o $@

$(BUILD)/triggers/%: tests/triggers/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) -MF $(@D)/.$(@F).d $< -o $@ -pthread

$(BUILD)/tests/%: tests/unit/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,TEST,$<)
	$(Q)$(COMPILE) -MF $(@D)/.$(@F).d $< $(LIBRARY) $(KWHY_LDLIBS) -lcmocka $(LDFLAGS) -o $@

$(BUILD)/fuzz/objects/%.o: %.c | $(PROBES)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_COMPILE) -fsanitize=fuzzer-no-link,address,undefined -c $< -o $@

$(FUZZ_LIBRARY): $(SOURCES:%.c=$(BUILD)/fuzz/objects/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@; $(AR) rcs $@ $^

$(BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZ_LIBRARY)
	$(call say,FUZZ,$<)
	$(Q)$(FUZZ_COMPILE) -MF $(@D)/.$(@F).d -fsanitize=fuzzer,address,undefined $< $(FUZZ_LIBRARY) $(KWHY_LDLIBS) -o $@

tests: all $(TRIGGERS) $(UNIT_TESTS) ## build the tests and their triggers

fuzzers: $(FUZZERS) ## build the fuzz targets (clang)

check: tests ## the layers that need neither root nor a kernel
	./scripts/check unit golden fake conventions

check-live: tests ## the live layer on the running kernel (root)
	./scripts/check live

check-vm: tests ## the live layer inside 5.10, 6.1, 6.12 and 7.x guests
	./scripts/check vm

bench: all ## ratios against doing nothing and against the peers installed
	./scripts/bench

install: all ## copy the tools below $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(BINDIR)
	install -m 0755 $(TOOLS) $(DESTDIR)$(BINDIR)

uninstall: ## remove them
	rm -f $(TOOLS:$(BUILD)/%=$(DESTDIR)$(BINDIR)/%)

format: ## clang-format the tree
	clang-format -i $$(git ls-files 'user/*.[ch]' 'tools/*.c' 'tests/*.c' 'bpf/*.c')

clean: ## remove what was built, but for the guests' kernels
	rm -rf $(filter-out $(BUILD)/vm,$(wildcard $(BUILD)/*))

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
