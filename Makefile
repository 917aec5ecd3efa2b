# Dunlin. `make` builds ./dunlin; `make help` lists the rest.
PREFIX  ?= /usr/local
DESTDIR ?=
# V=1 shows the whole commands.
Q       := $(if $(V),,@)
say      = $(if $(V),,@echo '$(1)')
VERSION := 0.1.0

# CONFIG chooses how: release (the default), asan (ASan and UBSan), tsan, fuzz.
CONFIG  ?= release
B       := build/$(CONFIG)$(if $(filter clang%,$(CC)),-clang)
PKGS    := ncursesw openssl gmime-3.0 sqlite3 libxml-2.0 libgsasl zlib libmagic
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	   -Wvla -Wformat=2 -Werror=implicit-function-declaration
CPPFLAGS += -D_GNU_SOURCE -Iinclude -DDUNLIN_VERSION='"$(VERSION)"' \
	   -DDUNLIN_DATADIR='"$(PREFIX)/share/dunlin"'
CFLAGS_release := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fPIE \
	$(if $(filter x86_64 i%86,$(shell uname -m)),-fcf-protection)
LDFLAGS_release := -pie -Wl,-z,relro,-z,now,-z,noexecstack
CFLAGS_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
LDFLAGS_asan := -fsanitize=address,undefined
CFLAGS_tsan := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
LDFLAGS_tsan := -fsanitize=thread
CFLAGS_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link
LDFLAGS_fuzz := -fsanitize=address,undefined,fuzzer
CFLAGS  := -std=c11 -pthread $(WARN) $(CFLAGS_$(CONFIG)) $(EXTRA_CFLAGS)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
LDLIBS  := $(shell pkg-config --libs $(PKGS)) -letpan -lunistring -lresolv -lm -pthread

SRC     := $(filter-out src/main.c,$(wildcard src/*/*.c))
OBJ     := $(SRC:src/%.c=$(B)/%.o)
TESTS   := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))

.PHONY: all
all: dunlin
dunlin: $(B)/dunlin
	@ln -sf $< $@ && touch -h $@

$(B)/dunlin: $(B)/main.o $(B)/libdunlin.a
	$(call say,  LINK $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS_$(CONFIG)) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/libdunlin.a: $(OBJ)
	@rm -f $@
	$(call say,  AR   $@)
	$(Q)$(AR) rcs $@ $^

$(B)/%.o: src/%.c
	@mkdir -p $(@D)
	$(call say,  CC   $<)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/%: tests/unit/%.c $(B)/libdunlin.a
	@mkdir -p $(@D)
	$(call say,  CC   $<)
	$(Q)$(CC) $(CPPFLAGS) -Itests/unit -Isrc $(PKG_CFLAGS) $(CFLAGS) $(LDFLAGS_$(CONFIG)) -MMD -MP -o $@ $< \
		$(B)/libdunlin.a $(LDLIBS) -lcmocka

# The tutorial is part of the program (.incbin, which the compiler does not tell as a dependency).
$(B)/cli/sample.o: doc/tutorial.mbox

-include $(OBJ:.o=.d) $(B)/main.d $(TESTS:=.d)

include tests/tests.mk

.PHONY: clean
clean:
	rm -rf build dunlin

# ---- for people ----

.PHONY: help deps run demo install uninstall
help:
	@sed -n 's/^#: //p' Makefile tests/tests.mk

#: make            build ./dunlin
#: make run        install what is missing, build, start (the tutorial when there is no mailrc yet)
#: make demo       try it on a private mail server with some hundred messages
#: make install    PREFIX ($(PREFIX)) and DESTDIR are honoured
deps:
	@scripts/deps build
run: deps
	@$(MAKE) --no-print-directory $(J) dunlin
	@./dunlin

demo:
	@scripts/deps test
	@$(MAKE) --no-print-directory $(J) dunlin
	@python3 tests/rig/demo.py

install: dunlin
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/dunlin \
		$(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 755 $(B)/dunlin $(DESTDIR)$(PREFIX)/bin/dunlin
	install -m 644 mailrc.example $(DESTDIR)$(PREFIX)/share/dunlin/
	install -m 644 doc/dunlin.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 doc/dunlin-mailrc.5 $(DESTDIR)$(PREFIX)/share/man/man5/
uninstall:
	rm -rf $(DESTDIR)$(PREFIX)/bin/dunlin $(DESTDIR)$(PREFIX)/share/dunlin \
		$(DESTDIR)$(PREFIX)/share/man/man1/dunlin.1 $(DESTDIR)$(PREFIX)/share/man/man5/dunlin-mailrc.5
