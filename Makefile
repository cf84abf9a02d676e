# leastjobs: `make help` lists what there is.

PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
CFLAGS ?= -O2 -g
# Extra flags for both compiling and linking, such as -fsanitize=address.
SANITIZE ?=

# No -Werror here: another compiler's new warning must not stop a user. tools/lint has it.
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion
# A level that is given, in CPPFLAGS or CFLAGS, is kept; gcc has none without optimisation.
HARDENING = -fstack-protector-strong \
	$(if $(findstring _FORTIFY_SOURCE,$(CFLAGS) $(CPPFLAGS)),,-D_FORTIFY_SOURCE=2)
PIE = -fPIE
LINKING = -pie -Wl,-z,relro,-z,now
LIBRARIES = libcurl libconfig libevent libcjson
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -Icommon -Iagent -Igenconf $(WARNINGS) \
	$(if $(SANITIZE),,$(HARDENING)) $(PIE) $(CFLAGS) $(SANITIZE) $(CPPFLAGS)

COMMON_SOURCES := $(wildcard common/*.c)
AGENT_SOURCES := $(wildcard agent/*.c)
GENCONF_SOURCES := $(wildcard genconf/*.c)
SIM_SOURCES := $(wildcard tests/sim/*.c)
UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
SOURCES := $(wildcard common/*.[ch] agent/*.[ch] genconf/*.[ch] tests/sim/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch] tests/bench/*.[ch] tests/bench/model/*.[ch])

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
COMMON = $(call objects,$(COMMON_SOURCES))
# What the unit tests test: everything but the two programs' main().
TESTED = $(COMMON) $(call objects,$(filter-out %/main.c,$(AGENT_SOURCES) $(GENCONF_SOURCES)))
UNITS = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SOURCES))
# What they share: a loop with a clock of its own, the other ends of sockets.
UNIT_HELPERS = $(call objects,$(filter-out $(UNIT_SOURCES),$(wildcard tests/unit/*.c)))

# `make V=1` shows the whole commands.
Q = $(if $(V),,@)

# The end-to-end tests wait more than they work: three at a time on two cores.
PARALLEL ?= 3

# Where tools/fetch-servers puts the real servers that tests/e2e has as instances.
LEASTJOBS_SERVERS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/leastjobs/servers
export LEASTJOBS_SERVERS

PYTEST = /usr/bin/python3 -B -m pytest -p no:cacheprovider

all: $(BUILD)/leastjobs-agent $(BUILD)/leastjobs-genconf ## build the agent and genconf (the default)

$(BUILD)/leastjobs-agent: $(COMMON) $(call objects,$(AGENT_SOURCES))
	$(if $(V),,@echo '  LD  $@')
	$(Q)$(CC) $(LINKING) $(SANITIZE) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs $(LIBRARIES)) -lm

$(BUILD)/leastjobs-genconf: $(COMMON) $(call objects,$(GENCONF_SOURCES))
	$(if $(V),,@echo '  LD  $@')
	$(Q)$(CC) $(LINKING) $(SANITIZE) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs libcurl libconfig)

$(BUILD)/leastjobs-sim: $(call objects,$(SIM_SOURCES))
	$(if $(V),,@echo '  LD  $@')
	$(Q)$(CC) $(LINKING) $(SANITIZE) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs libevent openssl libcjson) -lm

# What only the benchmarks need: the model, a bare accept loop, a client of agent-checks.
$(BUILD)/leastjobs-model: $(call objects,$(wildcard tests/bench/model/*.c) agent/forecast.c)
	$(if $(V),,@echo '  LD  $@')
	$(Q)$(CC) $(LINKING) $(SANITIZE) $(LDFLAGS) -o $@ $^ -lm

$(BUILD)/leastjobs-accept-loop: $(call objects,tests/bench/accept_loop.c)
	$(if $(V),,@echo '  LD  $@')
	$(Q)$(CC) $(LINKING) $(SANITIZE) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs libevent)

$(BUILD)/leastjobs-checker: $(call objects,tests/bench/checker.c)
	$(if $(V),,@echo '  LD  $@')
	$(Q)$(CC) $(LINKING) $(SANITIZE) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs libevent)

# An archive: a test that has a clock of its own goes without the helpers'.
$(BUILD)/unit/helpers.a: $(UNIT_HELPERS)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/unit/helpers.a $(TESTED)
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LD  $@')
	$(Q)$(CC) $(LINKING) $(SANITIZE) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs $(LIBRARIES) cmocka) -lm

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC  $<')
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

run: ## install what is missing, build, and serve until Ctrl-C
	@tools/install-packages build run
	@$(MAKE) -s --no-print-directory all $(BUILD)/leastjobs-sim
	@LEASTJOBS_BUILD=$(BUILD) tools/run

test: ## install what is missing, build, and run all tests
	@tools/install-packages build run test
	@tools/fetch-servers $(LEASTJOBS_SERVERS)
	@$(MAKE) -s --no-print-directory unit golden e2e

unit: $(UNITS) ## the unit tests
	@set -e; for unit in $(UNITS); do $(WRAPPER) $$unit; done

golden: all ## generated configurations against those in tests/golden
	LEASTJOBS_BUILD=$(BUILD) $(PYTEST) -q tests/golden

e2e: all $(BUILD)/leastjobs-sim ## the end-to-end tests, with the real HAProxy
	LEASTJOBS_BUILD=$(BUILD) $(PYTEST) -q -n $(PARALLEL) tests/e2e

lint: ## clang-format, clang-tidy, cppcheck, and gcc's and clang's warnings
	@tools/install-packages build test lint
	tools/lint

sanitize: ## all tests under ASan and UBSan, then unit and agent tests under valgrind
	@tools/install-packages build run test sanitize
	@tools/fetch-servers $(LEASTJOBS_SERVERS)
	tools/sanitize

fuzz: ## a short run of every fuzz target
	@tools/install-packages build fuzz
	tests/fuzz/run

soak: all $(BUILD)/leastjobs-sim ## random faults under load; SECONDS=600, SEED=… are yours to set
	LEASTJOBS_BUILD=$(BUILD) tests/soak/soak.py --seconds $(or $(SECONDS),600) \
		$(if $(SEED),--seed $(SEED))

# Where results and pictures go; the committed ones are made with BENCH_OUT=docs.
BENCH_OUT ?= $(BUILD)/bench
BENCH = LEASTJOBS_BUILD=$(BUILD) /usr/bin/python3 -B tests/bench
BENCH_BUILD = @tools/install-packages build run test bench && \
	$(MAKE) -s --no-print-directory all $(addprefix $(BUILD)/leastjobs-,sim model accept-loop checker)

bench: bench-regimes bench-routing bench-model bench-overhead bench-agent ## all benchmarks, one after the other

bench-regimes: ## every regime as users have it, faults too, in one table; ROWS=a,b is yours to set
	$(BENCH_BUILD)
	$(BENCH)/regimes.py --out $(BENCH_OUT) $(if $(ROWS),--rows $(ROWS))

bench-routing: ## response times behind each balancer, live
	$(BENCH_BUILD)
	$(BENCH)/routing.py --out $(BENCH_OUT)

bench-model: ## the same as a simulation, up to 1,000 instances
	$(BENCH_BUILD)
	$(BENCH)/model.py --out $(BENCH_OUT)

bench-overhead: ## requests a second, latency, throughput, memory
	$(BENCH_BUILD)
	$(BENCH)/overhead.py --out $(BENCH_OUT)

bench-agent: ## the agent with 10 to 5,000 instances
	$(BENCH_BUILD)
	$(BENCH)/agent.py --out $(BENCH_OUT)

format: ## let clang-format rewrite the sources
	clang-format -i $(SOURCES)

install: all ## install below $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man8 \
		$(DESTDIR)$(PREFIX)/share/doc/leastjobs
	install -m 755 $(BUILD)/leastjobs-agent $(BUILD)/leastjobs-genconf $(DESTDIR)$(PREFIX)/bin
	install -m 644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 README.md SECURITY.md LICENSE CHANGELOG.md .env.example agent/agent.conf \
		$(DESTDIR)$(PREFIX)/share/doc/leastjobs

uninstall: ## remove what install put there
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,leastjobs-agent leastjobs-genconf)
	rm -f $(patsubst man/%.1,$(DESTDIR)$(PREFIX)/share/man/man1/%.1,$(wildcard man/*.1))
	rm -f $(patsubst man/%.5,$(DESTDIR)$(PREFIX)/share/man/man5/%.5,$(wildcard man/*.5))
	rm -f $(patsubst man/%.8,$(DESTDIR)$(PREFIX)/share/man/man8/%.8,$(wildcard man/*.8))
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/leastjobs

clean: ## remove everything that was built
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1: /p' Makefile | awk -F': ' '{printf "  make %-15s %s\n", $$1, $$2}'

.PHONY: all run test unit golden e2e lint sanitize fuzz soak bench bench-regimes \
	bench-routing bench-model bench-overhead bench-agent format install uninstall clean help
.SECONDARY:
