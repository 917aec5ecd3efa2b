# Targets that check. Everything CI runs is reached from `make test`.

#: make test       everything CI runs: layers, unit tests (ASan, UBSan), threads (TSan), real servers
#: make unit       unit tests alone
#: make e2e        against real servers and a real terminal; K=word runs those with the word in their name
#: make faults     the IMAP side cut at every STEP-th byte (1: hours) and killed a hundred times
#: make every-byte broken connections, kills and full disks at each byte and call in turn
#: make power     power cuts on a recorded disk, full disks and failing fsyncs, at each point in turn (half an hour)
#: make together  two Dunlins and a deliverer on the same mbox files for a minute, and 200 kills each of a download and of triage
#: make random    keys at random, cuts and kills for RANDOM_S seconds (500)
#: make tsan       the threaded unit tests under TSan
#: make fuzz       each fuzzer for FUZZ_S seconds (60)
#: make layers     #include lines against the layers, and the length of lines

# Compiling goes on all cores, whoever calls; what runs tests is one command, and so one after another.
J = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: test test-deps built built-release built-asan built-tsan unit-built tsan-built
.PHONY: checked checked-run unit unit-run every-byte every-byte-run power power-run e2e tsan tsan-run layers

test: test-deps
	@$(MAKE) --no-print-directory layers
	@$(MAKE) --no-print-directory $(J) built
	@$(MAKE) --no-print-directory checked
	@$(MAKE) --no-print-directory e2e
test-deps:
	@scripts/deps test

# All that `make test` runs, in its three configurations side by side.
built: built-release built-asan built-tsan
built-release:
	@$(MAKE) --no-print-directory dunlin
built-asan:
	@$(MAKE) --no-print-directory CONFIG=asan build/asan/dunlin fuzz-syntax unit-built
built-tsan:
	@$(MAKE) --no-print-directory CONFIG=tsan tsan-built
unit-built: $(TESTS)

# The tests whose subject is threads, again under TSan.
THREADED := test_engine test_uploads test_engine_drafts test_local test_engine_transfer test_neighbours test_engine_clock test_engine_drain test_engine_search \
	test_sending test_net test_net_cancel test_net_stream test_store_threads
TSAN_TESTS := $(filter $(THREADED:%=$(B)/tests/%),$(TESTS))
tsan-built: $(TSAN_TESTS)

# Tests that cut, kill or fill the disk at each byte or call in turn, where `make unit` takes a sample.
CUTTING := test_drain_large test_outbox_faults test_drain_crash test_drain test_outbox_crash
EVERY_BYTE := $(CUTTING:%=every-byte:$(B)/tests/%)

# What takes longest begins first, so that nobody waits for it alone.
LONG := test_engine test_power_pop3 test_uploads test_mbox_tiny test_power_mbox test_outbox_faults test_drain_crash test_outbox_crash test_local
UNIT := $(LONG:%=$(B)/tests/%) $(filter-out $(LONG:%=$(B)/tests/%),$(TESTS))

# `unit`, `every-byte` and `tsan` at once: most of the programs wait most of the time.
checked:
	@$(MAKE) --no-print-directory CONFIG=asan checked-run
checked-run:
	@sh tests/unit/run $(EVERY_BYTE) $(THREADED:%=$(B:%asan=%tsan)/tests/%) $(UNIT)

# Unit tests, each program with cmocka's own report; the last line sums up.
unit:
	@$(MAKE) --no-print-directory $(J) CONFIG=asan fuzz-syntax unit-run
unit-run: $(TESTS)
	@sh tests/unit/run $(UNIT)

tsan:
	@$(MAKE) --no-print-directory $(J) CONFIG=tsan tsan-run
tsan-run: $(TSAN_TESTS)
	@sh tests/unit/run $^

every-byte:
	@$(MAKE) --no-print-directory $(J) CONFIG=asan every-byte-run
every-byte-run: $(CUTTING:%=$(B)/tests/%)
	@sh tests/unit/run $(EVERY_BYTE)

# Power cuts and failing calls at each point of what is written, where `make unit` takes a sample: half an hour.
power:
	@$(MAKE) --no-print-directory $(J) CONFIG=asan power-run
power-run: $(filter $(B)/tests/test_power_%,$(TESTS))
	@DUNLIN_POWER=all UNIT_S=3600 sh tests/unit/run $^

# End to end, with the program built under ASan and UBSan, and where time or memory is measured as it is installed.
e2e:
	@$(MAKE) --no-print-directory $(J) dunlin
	@$(MAKE) --no-print-directory $(J) CONFIG=asan build/asan/dunlin
	@cd tests && DUNLIN=$(CURDIR)/build/asan/dunlin python3 -m rig.run -k '$(K)'

# The same tests of test_faults.py as in e2e, in their long form.
STEP ?= 1
.PHONY: faults
faults:
	@$(MAKE) --no-print-directory $(J) CONFIG=asan build/asan/dunlin
	@cd tests && DUNLIN=$(CURDIR)/build/asan/dunlin DUNLIN_FAULT_STEP=$(STEP) \
		python3 -m rig.run -k '$(K)' e2e/test_faults.py

# Tests of test_together.py, test_kill.py and test_pop3.py in their long form.
.PHONY: together
together:
	@$(MAKE) --no-print-directory CONFIG=asan build/asan/dunlin
	@cd tests && DUNLIN=$(CURDIR)/build/asan/dunlin DUNLIN_TOGETHER_S=60 \
		python3 -m rig.run -j2 e2e/test_together.py
	@cd tests && DUNLIN=$(CURDIR)/build/asan/dunlin DUNLIN_KILLS=200 python3 -m rig.run -k kill_pop3 e2e/test_kill.py
	@cd tests && DUNLIN=$(CURDIR)/build/asan/dunlin DUNLIN_KILLS=200 python3 -m rig.run -k pop3_kill e2e/test_pop3.py

# Keys at random for RANDOM_S seconds, where e2e takes eight.
RANDOM_S ?= 500
.PHONY: random
random:
	@$(MAKE) --no-print-directory $(J) CONFIG=asan build/asan/dunlin
	@cd tests && DUNLIN=$(CURDIR)/build/asan/dunlin DUNLIN_RANDOM_S=$(RANDOM_S) \
		python3 -m rig.run e2e/test_random.py

# No #include points up the list of layers in doc/architecture.md, and no line is over 95 columns.
layers:
	@sh tests/layers

# Fuzzers live in tests/fuzz, one entry point a file; seeds are made by the fuzzers themselves.
FUZZ_S ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz-clang/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
.PHONY: fuzz fuzz-build fuzz-syntax
fuzz:
	@$(MAKE) --no-print-directory $(J) CONFIG=fuzz CC=clang fuzz-build
	@sh tests/fuzz/run $(FUZZ_S) $(FUZZERS)
fuzz-build: $(FUZZERS)
# Fuzzers run seldom; that they still fit what they fuzz is seen at once.
fuzz-syntax: $(patsubst tests/fuzz/%.c,$(B)/fuzz/%.ok,$(wildcard tests/fuzz/fuzz_*.c))
$(B)/fuzz/%.ok: tests/fuzz/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Isrc $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -MT $@ -MF $(@:.ok=.d) -c -o $(@:.ok=.o) $<
	@touch $@
-include $(patsubst tests/fuzz/%.c,$(B)/fuzz/%.d,$(wildcard tests/fuzz/fuzz_*.c))
build/fuzz-clang/fuzz/%: tests/fuzz/%.c build/fuzz-clang/libdunlin.a
	@mkdir -p $(@D)
	$(call say,  CC   $<)
	$(Q)$(CC) $(CPPFLAGS) -Isrc $(PKG_CFLAGS) $(CFLAGS) $(LDFLAGS_$(CONFIG)) -o $@ $< \
		build/fuzz-clang/libdunlin.a $(LDLIBS)

#: make bench      figures: the store, the engine, mbox files, and other clients beside us
.PHONY: bench bench-build
BENCHES := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))
bench: dunlin bench-build
	@for b in $(BENCHES); do echo "== $$b"; $$b || true; done
	@for b in $(wildcard tests/bench/*.py); do echo "== $$b"; python3 $$b || true; done
bench-build: $(BENCHES)
$(B)/bench/%: tests/bench/%.c $(B)/libdunlin.a
	@mkdir -p $(@D)
	$(call say,  CC   $<)
	$(Q)$(CC) $(CPPFLAGS) -Isrc -Itests/unit $(PKG_CFLAGS) $(CFLAGS) $(LDFLAGS_$(CONFIG)) -o $@ $< \
		$(B)/libdunlin.a $(LDLIBS)
