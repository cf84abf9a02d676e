# leastjobs: `make help` lists what there is.

PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
CFLAGS ?= -O2 -g
PKG_CONFIG ?= pkg-config
# Extra flags for both compiling and linking, such as -fsanitize=address.
SANITIZE ?=

# The product's folders: includes are relative to them, so no two of its files have one name. A new
# file or folder below them needs no line here. The container's build has no tests/.
PRODUCT = common agent genconf leastjobs
below = $(if $(wildcard $(1)),$(sort $(shell find $(wildcard $(1)) -name '$(2)')))
COMMON_SOURCES := $(call below,common,*.c)
AGENT_SOURCES := $(call below,agent,*.c)
GENCONF_SOURCES := $(call below,genconf,*.c)
OPERATOR_SOURCES := $(call below,leastjobs,*.c)
# What unit tests and fuzz targets test: everything but the programs' main().
TESTED_SOURCES = $(filter-out %/main.c,$(COMMON_SOURCES) $(AGENT_SOURCES) $(GENCONF_SOURCES) \
	$(OPERATOR_SOURCES))
UNIT_SOURCES := $(call below,tests/unit,test_*.c)
# What clang-format and tools/lint read.
SOURCES := $(call below,$(PRODUCT) tests tools,*.[ch])

# No -Werror here: another compiler's new warning must not stop a user. tools/lint has it.
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion
# What makes the sources C of one meaning, whoever reads them: compilers, clang-tidy, cppcheck.
LANGUAGE = -std=c11 -D_GNU_SOURCE $(addprefix -I,$(PRODUCT))
# A level that is given, in CPPFLAGS or CFLAGS, is kept; gcc has none without optimisation.
HARDENING = -fstack-protector-strong \
	$(if $(findstring _FORTIFY_SOURCE,$(CFLAGS) $(CPPFLAGS)),,-D_FORTIFY_SOURCE=2)
COMPILE = $(CC) $(LANGUAGE) $(WARNINGS) $(if $(SANITIZE),,$(HARDENING)) -fPIE \
	$(CFLAGS) $(SANITIZE) $(CPPFLAGS)
# As needed: all programs are given the same libraries, and each needs what it uses.
LINK = $(CC) -pie -Wl,-z,relro,-z,now,--as-needed $(SANITIZE) $(LDFLAGS)
LIBRARIES = libcurl libconfig libevent libcjson libcares

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
COMMON = $(call objects,$(COMMON_SOURCES))
# What is built in besides, see common/builtin.h: the fleet page, the template of haproxy.cfg.
AGENT_BUILTIN := $(call below,agent/page,*.*)
GENCONF_BUILTIN = genconf/haproxy.cfg.in
BUILTIN_SOURCES = $(patsubst %,$(BUILD)/builtin/%.c,$(AGENT_BUILTIN) $(GENCONF_BUILTIN))
builtin = $(patsubst %,$(BUILD)/obj/builtin/%.o,$(1))
AGENT = $(call objects,$(AGENT_SOURCES)) $(call builtin,$(AGENT_BUILTIN))
GENCONF = $(call objects,$(GENCONF_SOURCES)) $(call builtin,$(GENCONF_BUILTIN))
OPERATOR = $(call objects,$(OPERATOR_SOURCES))
TESTED = $(filter-out %/main.o,$(COMMON) $(AGENT) $(GENCONF) $(OPERATOR))
UNITS = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SOURCES))
# What they share: a loop with a clock of its own, the other ends of sockets.
UNIT_HELPERS = $(call objects,$(filter-out $(UNIT_SOURCES),$(call below,tests/unit,*.c)))
# What tests and benchmarks need beside the product.
SIM = $(BUILD)/leastjobs-sim
EXPLAINER = $(BUILD)/leastjobs-explainer
OPTION_DOCS = $(BUILD)/leastjobs-option-docs
BENCH_PROGRAMS = $(addprefix $(BUILD)/leastjobs-,model accept-loop checker)

# `make V=1` shows the whole commands.
Q = $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)  $(2)')

PROGRAMS = $(BUILD)/leastjobs $(BUILD)/leastjobs-agent $(BUILD)/leastjobs-genconf

all: $(PROGRAMS) ## build the three programs (the default)

# $(call link,PACKAGES): every program's recipe; PACKAGES as pkg-config knows them.
define link
@mkdir -p $(@D)
$(call say,LD,$@)
$(Q)$(LINK) -o $@ $(filter %.o %.a,$^) $(if $(1),$$($(PKG_CONFIG) --libs $(1))) -lm
endef

$(BUILD)/leastjobs: $(COMMON) $(OPERATOR)
	$(call link,$(LIBRARIES))

$(BUILD)/leastjobs-agent: $(COMMON) $(AGENT)
	$(call link,$(LIBRARIES))

$(BUILD)/leastjobs-genconf: $(COMMON) $(GENCONF)
	$(call link,$(LIBRARIES))

$(SIM): $(call objects,$(call below,tests/sim,*.c))
	$(call link,libevent openssl libcjson)

# `leastjobs explain` for a thousand states, without a start for each.
$(EXPLAINER): $(COMMON) $(filter-out %/main.o,$(OPERATOR)) $(call objects,tests/explainer/main.c)
	$(call link,$(LIBRARIES))

# What `make docs` writes documents with.
$(OPTION_DOCS): $(COMMON) $(call objects,tools/option_docs.c)
	$(call link,$(LIBRARIES))

# What only the benchmarks need: the model, a bare accept loop, a client of agent-checks.
$(BUILD)/leastjobs-model: $(call objects,$(call below,tests/bench/model,*.c)) $(filter %/forecast.o,$(AGENT))
	$(call link)

$(BUILD)/leastjobs-accept-loop: $(call objects,tests/bench/accept_loop.c)
	$(call link,libevent)

$(BUILD)/leastjobs-checker: $(call objects,tests/bench/checker.c)
	$(call link,libevent)

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/unit/helpers.a $(TESTED)
	$(call link,$(LIBRARIES) cmocka)

# An archive: a test that has a clock of its own goes without the helpers'.
$(BUILD)/unit/helpers.a: $(UNIT_HELPERS)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

# A file's bytes as a C array: od and sed are everywhere, and no compiler minds the length.
$(BUILD)/builtin/%.c: %
	@mkdir -p $(@D)
	$(Q){ echo '#include "builtin.h"'; echo 'static const unsigned char bytes[] = {'; \
		od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g'; echo '};'; \
		echo 'const struct builtin builtin_$(subst .,_,$(<F)) = {bytes, sizeof(bytes)};'; \
	} >$@.new && mv $@.new $@

$(BUILD)/obj/builtin/%.o: $(BUILD)/builtin/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# The flags that all was built with. It is written anew only when they have changed, and then
# everything is built again.
quoted = '$(subst ','\'',$(1))'
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(call quoted,$(COMPILE)) $(call quoted,$(LINK)) $(call quoted,$(PKG_CONFIG)) >$@.now
	@if cmp -s $@.now $@; then rm $@.now; else mv $@.now $@; fi
FORCE:

# The end-to-end tests wait more than they work: three at a time on two cores.
PARALLEL ?= 3
# Compilers work only.
CORES ?= $(shell nproc)

# Where tools/fetch-servers puts the real servers that tests/e2e has as instances.
LEASTJOBS_SERVERS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/leastjobs/servers
export LEASTJOBS_SERVERS

PYTEST = LEASTJOBS_BUILD=$(BUILD) /usr/bin/python3 -B -m pytest -p no:cacheprovider -q

run: ## install what is missing, build, and serve until Ctrl-C
	@tools/install-packages build run
	@$(MAKE) -s --no-print-directory -j$(CORES) all $(SIM)
	@LEASTJOBS_BUILD=$(BUILD) exec tools/run

demo: ## the same with three simulated instances, whatever .env says
	@tools/install-packages build run
	@$(MAKE) -s --no-print-directory -j$(CORES) all $(SIM)
	@LEASTJOBS_BUILD=$(BUILD) exec tools/run --demo

test: ## install what is missing, build, and run all tests
	@tools/install-packages build run test
	@$(MAKE) -s --no-print-directory -j$(CORES) built
	@$(MAKE) -s --no-print-directory unit golden e2e

built: all $(SIM) $(UNITS) $(EXPLAINER) $(OPTION_DOCS) ## all that the tests need, and no test

unit: $(UNITS) ## the unit tests
	@set -e; for unit in $(UNITS); do $(WRAPPER) $$unit; done

golden: all $(OPTION_DOCS) ## generated configurations and documents against what is committed
	$(PYTEST) tests/golden

e2e: all $(SIM) $(EXPLAINER) ## the end-to-end tests, with the real HAProxy
	$(PYTEST) -n $(PARALLEL) --ignore-glob='*/test_real_*' tests/e2e

# Not a part of `make test`: the servers are of a Debian that isn't released, and change.
real-servers: all $(SIM) ## the same with llama.cpp's and whisper.cpp's own servers, which it fetches
	@tools/install-packages build run test
	@tools/fetch-servers $(LEASTJOBS_SERVERS)
	$(PYTEST) tests/e2e/test_real_*.py

# Not a part of `make test`: it wants a container engine.
COMPOSE ?= docker compose
containers: ## the image and the compose file, with real containers
	$(COMPOSE) --profile demo build
	LEASTJOBS_COMPOSE="$(COMPOSE)" $(PYTEST) tests/containers

lint: ## clang-format, clang-tidy, cppcheck, and gcc's and clang's warnings
	@tools/install-packages build test lint
	tools/lint

sanitize: ## all tests under ASan and UBSan, then unit and agent tests under valgrind
	@tools/install-packages build run test sanitize
	tools/sanitize

fuzz: ## a short run of every fuzz target
	@tools/install-packages build fuzz
	tests/fuzz/run

soak: all $(SIM) ## random faults under load; SECONDS=600, SEED=… are yours to set
	LEASTJOBS_BUILD=$(BUILD) tests/soak/soak.py --seconds $(or $(SECONDS),600) \
		$(if $(SEED),--seed $(SEED))

# Where results and pictures go; the committed ones are made with BENCH_OUT=docs/results.
BENCH_OUT ?= $(BUILD)/bench
BENCHMARKS = bench-regimes bench-routing bench-model bench-overhead bench-agent bench-first-byte

bench: $(BENCHMARKS) ## all benchmarks, one after the other
bench-regimes: ## every regime as users have it, faults too, in one table; ROWS=a,b is yours to set
bench-routing: ## response times behind each balancer, live
bench-model: ## the same as a simulation, up to 1,000 instances
bench-overhead: ## requests a second, latency, throughput, memory
bench-agent: ## the agent with 10 to 5,000 instances
bench-first-byte: ## time to the first byte of large and streamed answers, beside that of 0.1.0

bench-regimes: BENCH_OPTIONS = $(if $(ROWS),--rows $(ROWS))
$(BENCHMARKS): bench-%:
	@tools/install-packages build run test bench
	@$(MAKE) -s --no-print-directory all $(SIM) $(BENCH_PROGRAMS)
	LEASTJOBS_BUILD=$(BUILD) /usr/bin/python3 -B tests/bench/$(subst -,_,$*).py --out $(BENCH_OUT) $(BENCH_OPTIONS)

# Documents that show the table of options, as FORMAT:FILE.
OPTION_FILES = env:.env.example conf:agent/agent.conf man:man/leastjobs.conf.5 \
	markdown:docs/configuration.md

docs: $(OPTION_DOCS) ## write the table of options (common/options.c) into documents and samples
	@set -e; for each in $(OPTION_FILES); do \
		$(OPTION_DOCS) $${each%%:*} <$${each#*:} >$(BUILD)/option-docs; \
		cat $(BUILD)/option-docs >$${each#*:}; \
	done

format: ## let clang-format rewrite the sources
	clang-format -i $(SOURCES)

BIN = $(DESTDIR)$(PREFIX)/bin
MAN = $(DESTDIR)$(PREFIX)/share/man
DOC = $(DESTDIR)$(PREFIX)/share/doc/leastjobs
SHARE = $(DESTDIR)$(PREFIX)/share/leastjobs
COMPLETIONS = $(DESTDIR)$(PREFIX)/share/bash-completion/completions

# At the same places below $(DOC), so that the links in them lead somewhere there too.
DOCUMENTS = README.md SECURITY.md LICENSE CHANGELOG.md CONTRIBUTING.md .env.example \
	docker-compose.yml agent/agent.conf genconf/haproxy.cfg.in \
	$(wildcard docs/*.md docs/results/* docs/pictures/* deploy/*.* deploy/*/* tests/*/README.md)

install: all ## install below $(DESTDIR)$(PREFIX)
	install -D -m 755 -t $(call quoted,$(BIN)) $(PROGRAMS)
	install -D -m 644 -t $(call quoted,$(MAN)/man1) man/*.1
	install -D -m 644 -t $(call quoted,$(MAN)/man5) man/*.5
	install -D -m 644 -t $(call quoted,$(MAN)/man8) man/*.8
	@set -e; for file in $(DOCUMENTS); do \
		install -D -m 644 $$file $(call quoted,$(DOC))/$$file; \
	done
	install -D -m 644 -t $(call quoted,$(SHARE)) genconf/haproxy.cfg.in
	install -D -m 644 completions/leastjobs.bash $(call quoted,$(COMPLETIONS)/leastjobs)

uninstall: ## remove what install put there
	rm -f $(foreach program,$(PROGRAMS),$(call quoted,$(BIN))/$(notdir $(program)))
	rm -f $(foreach page,$(wildcard man/*),$(call quoted,$(MAN))/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
	rm -rf $(call quoted,$(DOC))
	rm -f $(call quoted,$(SHARE)/haproxy.cfg.in) $(call quoted,$(COMPLETIONS)/leastjobs)
	@rmdir $(call quoted,$(SHARE)) 2>/dev/null || true

clean: ## remove everything that was built
	rm -rf $(BUILD)

# `make -s print-SOURCES` says what a variable is: for tools/lint and tests/fuzz/run.
print-%:
	@echo $(call quoted,$($*))

TARGET_AND_HELP = s/^\([a-z0-9-]*\):.*\#\# /\1: /p
help: ## this list
	@sed -n '$(TARGET_AND_HELP)' Makefile | awk -F': ' '{printf "  make %-15s %s\n", $$1, $$2}'

# What has a line of help is the name of something to do, not of a file.
.PHONY: FORCE $(shell sed -n 's/^\([a-z0-9-]*\):.*\#\# .*/\1/p' Makefile)
# Objects that only a pattern rule names are kept.
.SECONDARY:
