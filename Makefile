# The one door: `make run` shows the farm at work, `make test` is what must pass before a change lands.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What the environment was made of; newer than any of it, it is up to date.
STAMP := $(VENV)/.installed
SOURCES := setup.cfg pyproject.toml
# Images of containers like to set it; then each process of a farm compiles anew all that it imports, for seconds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run look picture test suite unit check lint types fuzz data bench drill soak deploy-test clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

run: $(STAMP) ## Judge 10,000 real products on embedded services, print what was measured, stop everything
	@$(BIN)/python -m examples run

look: $(STAMP) ## Start the farm with what `make run` judged, and show it in a browser, until Ctrl-C
	@$(BIN)/python -m examples look

picture: $(VENV)/.debian ## Run a load balancer and specialised nodes, print which of them answered what, stop everything
	@$(BIN)/python -m examples picture

# Types take one core for a minute, and the suite often waits: side by side.
test: $(VENV)/.patterns lint ## Lint, types and the whole test suite, on embedded services
	@$(MAKE) --no-print-directory --jobs 2 types suite

# Tests write thousands of small files and throw them away: in memory that takes a tenth of the time.
IN_MEMORY = free=$$(df --output=avail --block-size=1G /dev/shm 2>/dev/null | tail -n 1); \
	[ "$${free:-0}" -lt 8 ] || export TMPDIR=/dev/shm

suite: $(VENV)/.patterns $(VENV)/.debian $(VENV)/.chromium
	@$(IN_MEMORY); \
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --durations 10

# Left out is what is marked `services`: its fixtures start a Postgres or a Valkey. What is left computes, in order, so that
# no long file is begun last; polars has a thread in each process, for the cores are taken.
unit: $(VENV)/.patterns ## Every test that needs no service, with a twentieth of the generated cases
	@$(IN_MEMORY); \
	RULEFARM_FUZZ=0.05 POLARS_MAX_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --dist loadfile \
		--no-loadscope-reorder -m "not services"

check: test ## The same as test

lint: $(STAMP) ## Ruff: format and rules; import-linter: what may import what
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check .; exit 1; }
	@$(BIN)/ruff check --quiet .
	@kept=$$($(BIN)/lint-imports --no-logo --no-cache) || { echo "$$kept"; exit 1; }

types: $(STAMP) ## mypy, strict
	@$(BIN)/mypy --no-error-summary

fuzz: $(STAMP) ## Hold the evaluators against each other on a million generated cases: about fifteen minutes
	@RULEFARM_FUZZ=16 $(BIN)/python -m pytest -p no:xdist tests/engine/test_agreement.py

data: $(STAMP) ## Build the example data: examples/data/
	@$(BIN)/python -m examples build

bench: $(STAMP) $(VENV)/.rivals ## Time the engine and the farm beside what one could use in their place: about half an hour
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench farm
	@$(BIN)/python -m bench gateway
	@$(BIN)/python -m bench growth
	@$(BIN)/python -m bench console

drill: $(STAMP) ## Inject every fault into a farm, and check that it kept its promises: about six minutes
	@$(BIN)/rulefarm drill

soak: $(VENV)/.patterns ## Hold a farm of the fraud rules against the replay, and its memory against its bounds: about seven minutes
	@$(BIN)/python -m examples soak

deploy-test: ## Build the image, run it with compose and as a pod, and hurt it: as root, with buildah and podman
	@deploy/test.sh

clean: ## Remove the environment, the embedded services' data and the example data
	@rm -rf $(VENV) .rulefarm examples/data build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Compiled is what is imported, when it is: much of what is installed never is.
$(STAMP): $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rulefarm needs Python 3.11 or newer")'
	@echo "making the environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --editable '.[demo,examples,gateway,otel,plan,test]'
	@touch $@

# Patterns are tested with what matches them, which needs a C compiler: not every goal may.
$(VENV)/.patterns: $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[patterns]'
	@touch $@

# Servers of other people's that tests run: Debian's packages, laid into the environment and not installed, so that it
# takes no root. Where they can't be had, their tests are skipped, and say so.
DEBIAN := pgbouncer libc-ares2 libevent-2.1-7 redis-server redis-tools libjemalloc2 liblzf1 prometheus nginx
$(VENV)/.debian: $(STAMP)
	@mkdir -p $(VENV)/debian/packages && cd $(VENV)/debian/packages \
		&& { apt-get download --quiet --quiet $(DEBIAN) 2>/dev/null \
			|| { apt-get update --quiet --quiet; apt-get download --quiet --quiet $(DEBIAN); } } >/dev/null 2>&1 \
		&& for package in *.deb; do dpkg -x "$$package" ..; done \
		|| echo "Debian's packages can't be had here: tests with PgBouncer, Redis over TLS, nginx and promtool are skipped"
	@touch $@

# A browser, for the tests of the console, likewise; with every library that apt would install beside it, for a slim
# Debian lacks half of them. Two are unpacked at a time: a core each. After the other packages: apt lets in one at a time.
$(VENV)/.chromium: $(VENV)/.debian
	@mkdir -p $(VENV)/chromium/packages && cd $(VENV)/chromium/packages \
		&& { echo chromium-common chromium-headless-shell; \
			apt-get install --simulate --no-install-recommends chromium-headless-shell 2>/dev/null \
			| awk '$$1 == "Inst" {print $$2}'; } | xargs -n 1 | sort --unique \
		| xargs apt-get download --quiet --quiet >/dev/null 2>&1 \
		&& ls -S *.deb | xargs -P 2 -I {} dpkg -x {} .. \
		|| echo "Debian's chromium can't be had here: tests in a browser are skipped"
	@touch $@

# One rival needs a C compiler, one a JVM when it runs; whoever is missing is left out of the table, which says so.
$(VENV)/.rivals: $(STAMP)
	@echo "installing other rule engines and queues to compare with ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]' \
		|| echo "they can't be installed here: the tables will have the baselines alone"
	@touch $@
