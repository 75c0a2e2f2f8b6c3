# `make demo` and `make test` need nothing but git, make, Python >= 3.11 and a C compiler; the rest they fetch.
# `make help` lists the targets. PYTHON=… picks the interpreter, VENV=… the environment's folder.

VENV ?= .venv
OUT ?= sipflow-out
SECONDS ?= 600
ARGS ?=
WAITERS ?= 4
export VENV

BIN := $(VENV)/bin
READY := $(VENV)/.sipflow-ready
READY_WHEEL := $(VENV)/.sipflow-ready-wheel
NATIVE_SOURCES := $(filter-out csrc/fuzz/%,$(wildcard csrc/*.c csrc/*.h csrc/*.py csrc/*/*.c csrc/*/*.h))

.DEFAULT_GOAL := help
.PHONY: help ready demo test lint type pytest native compiled asan fuzz golden interop bench docs editors vsix wheel clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s  %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

ready: $(READY) ## set everything up in .venv, which every other target does first

demo: $(READY) ## run the IVR scenario on loopback and say where its recording and report lie
	@VENV=$(VENV) scripts/demo "$(OUT)"

test: lint type pytest ## ruff, mypy --strict and the whole test suite

lint: $(READY) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(READY) ## mypy, strict
	$(BIN)/mypy

# Three parts: what only computes, on every core; what waits (for audio, for peers), on more workers than cores; and what
# judges time, alone, as a neighbour that computes would spoil it. Compiled tests are kept: every worker reads all of them.
pytest: export PYTHONDONTWRITEBYTECODE =
pytest: $(READY) ## the test suite alone; ARGS="-k dtmf" picks tests
ifeq ($(strip $(ARGS)),)
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal -m "not (wire or interop or timed)"
	$(BIN)/python -m pytest --numprocesses $(WAITERS) --dist worksteal -m "(wire or interop) and not timed"
	$(BIN)/python -m pytest -m timed
else
	$(BIN)/python -m pytest $(ARGS)
endif

native: $(READY) ## compile the native module again
	$(BIN)/python csrc/build_native.py

compiled: $(READY) ## compile the SIP path with mypyc for load runs with many calls a second; "make clean" undoes it
	$(BIN)/python scripts/build_compiled.py

asan: $(READY) ## the test suite on a native module built with AddressSanitizer and UBSan
	@scripts/test-sanitised $(ARGS)

fuzz: $(READY) ## a million broken SIP messages, then the C parsers with libFuzzer; SECONDS=600 for all of these together
	$(BIN)/python bench/fuzz_sip.py $(ARGS)
	csrc/fuzz/run $(SECONDS)

golden: $(READY) ## write the golden files of the tests anew; review them with git diff
	$(BIN)/python -m pytest -q --update-golden $(ARGS)

interop: $(READY) ## the tests against SIPp and tshark; as root on Debian it installs them
	@scripts/install-peers
	$(BIN)/python -m pytest -m interop $(ARGS)

bench: $(READY) ## list the benches; NAME=rtp_timing runs one, ARGS are its options
	@scripts/bench $(NAME) $(ARGS)

docs: $(READY) ## write the pages drawn from tables of the code, and check that every link and command leads somewhere
	$(BIN)/python scripts/write_docs.py
	$(BIN)/python -m pytest -q tests/test_docs.py

editors: $(READY) ## write what editors know of the language out of its grammar
	$(BIN)/python -m editors.generator

vsix: editors/vscode/node_modules/.package-lock.json ## test the TextMate grammar and package the VS Code extension
	cd editors/vscode && npm test && npm run --silent package

editors/vscode/node_modules/.package-lock.json: editors/vscode/package-lock.json
	cd editors/vscode && npm ci --no-fund --no-audit

wheel: $(READY_WHEEL) ## build, repair and audit the wheel, install it into an empty environment, run the demo there
	@scripts/prove-wheel

clean: ## remove what was built, but not .venv
	rm -rf build dist wheelhouse sipflow-out sipflow.egg-info .mypy_cache .ruff_cache .pytest_cache
	rm -f sipflow/native/*.so editors/vscode/*.vsix
	rm -rf sipflow/_compiled
	rm -rf editors/vscode/dist editors/vscode/syntaxes

# All set-up in one stamp. A change in C alone compiles; anything else installs again.
$(READY): pyproject.toml setup.py scripts/bootstrap $(NATIVE_SOURCES)
	@$(if $(filter-out csrc/%,$?),scripts/bootstrap,$(BIN)/python csrc/build_native.py)
	@touch $@

$(READY_WHEEL): $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,wheel]'
	@touch $@
