# Targets that check. Everything CI runs is reached from `make test`.

.PHONY: unit unit-run layers

# Unit tests, each program with cmocka's own report; the last line sums up.
unit:
	@$(MAKE) --no-print-directory CONFIG=asan unit-run
unit-run: $(TESTS)
	@sh tests/unit/run $(TESTS)

# No #include points up the list of layers in doc/architecture.md.
layers:
	@sh tests/layers

.PHONY: test
test: layers unit
