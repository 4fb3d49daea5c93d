# README.md and models/docs say what each command does. DATA: complete_journey (default), cdnow, a folder of files, or raw.
SHELL := /bin/bash
PYTHON ?= python3
DATA ?= complete_journey
# What is given reaches recipes in the environment, as it is written, and there in double quotes: it is one argument, and
# neither make nor the shell evaluates it. OPTIONS may hold several (scripts/with_options.py).
override PYTHON := $(value PYTHON)
override DATA := $(value DATA)
override OPTIONS := $(value OPTIONS)
override VERSION := $(value VERSION)
override ORDERS := $(value ORDERS)
export PYTHON DATA OPTIONS VERSION ORDERS
BIN := .venv/bin
READY := .venv/.ready
SPARK_READY := .venv-spark/.ready
DAGSTER_READY := .venv-dagster/.ready
OLD_DUCKDB_READY := .venv-old-duckdb/.ready
PEERS := pandas polars openretailscience lifetimes

.PHONY: build report dashboard tour refresh rollback roles arrival bench bench-clv bench-judging bench-peers spark dagster \
	test test-year test-faults test-postgres test-scenarios test-spark test-schedule lint lock clean
.DEFAULT_GOAL := build

build: $(READY)
	@$(BIN)/python scripts/build.py "$$DATA"

# the boards of charts/ as pages, from the marts that make build left, in data/report; a refresh draws them for its version
report: $(READY)
	@$(BIN)/python scripts/with_options.py "$$OPTIONS" scripts/report.py

# the same boards with their filters, on 127.0.0.1 until it is interrupted
dashboard: $(READY)
	@$(BIN)/python scripts/with_options.py "$$OPTIONS" scripts/report.py --serve

# a generated shop with all sources, built, and its report, in data/tour: what a newcomer opens first
tour: $(READY)
	@$(BIN)/python scripts/tour.py

# build and test away from readers, then publish all at once in data/published; scripts/refresh.py says the rest.
# OPTIONS: --target postgres, --force, --full-refresh, --accept-anomalies, --vars; quotes hold a word together
refresh: $(READY)
	@$(BIN)/python scripts/with_options.py "$$OPTIONS" scripts/refresh.py "$$DATA"

# go back to the version before, or to VERSION
rollback: $(READY)
	@$(BIN)/python scripts/with_options.py "$$OPTIONS" scripts/rollback.py $${VERSION:+"$$VERSION"}

# Postgres: make or mend the roles of readers, with and without personal data, and check what they can read
roles: $(READY)
	@$(BIN)/python scripts/with_options.py "$$OPTIONS" scripts/roles.py

# judge the raw tables before they are built: exit code 1 stops, gx/thresholds.yml says when; make build does it too
arrival: $(READY)
	@$(BIN)/python scripts/check_arrival.py

# the history and a daily refresh beside hand-tuned DuckDB SQL, on a generated shop of ORDERS orders
bench: $(READY)
	PYTHONPATH=scripts $(BIN)/python scripts/bench/history.py --orders "$${ORDERS:-1000000}"

# predicted value: scores of the last day beside bare SQL, a fit beside a full build; 810,000 customers
bench-clv: $(READY)
	PYTHONPATH=scripts $(BIN)/python scripts/bench/clv.py --orders "$${ORDERS:-3800000}"

# what judging costs beside a plain cast of the same rows, on a shop of as many
bench-judging: $(READY)
	PYTHONPATH=scripts $(BIN)/python scripts/bench/judging.py --orders "$${ORDERS:-1000000}"

# what each customer is worth as of one day, by what people would use else, each peer in an environment of its own
bench-peers: $(READY) $(PEERS:%=.venv-peers/%/.ready)
	PYTHONPATH=scripts $(BIN)/python scripts/bench/peers.py --orders "$${ORDERS:-1000000}"

# the environment for Spark
spark: $(SPARK_READY)

# the environment for the Dagster example
dagster: $(DAGSTER_READY)

# style, then what pytest starts by default: dbt build with all its tests on fixtures and on both real data sets, in
# databases of their own, so that data/ stays as it is; Postgres on the fixture shop and the shop of faults
test: lint $(OLD_DUCKDB_READY)
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# each setting of .ci/scenarios.yml, built once: every source absent, every method
test-scenarios: $(READY)
	$(BIN)/python -m pytest -m scenarios -n auto

# a year of daily refreshes with late, changed and deleted rows, against full rebuilds
test-year: $(READY)
	$(BIN)/python -m pytest -m slow -s

# refreshes killed, starved and raced, with readers that never pause
test-faults: $(READY)
	$(BIN)/python -m pytest -m faults -s

# Postgres beside DuckDB on all data sets, with the table of differences
test-postgres: $(READY)
	$(BIN)/python -m pytest -m postgres -s

# Spark in one process on the shop of faults and a real cluster on CDNOW, both as far as customer_value; the fixture shop
# refreshed on a cluster, versions published there, and a worker and a server killed in the middle. Two files at a time;
# each test says its seconds as it ends, and the tables of differences follow at the end. All marts of three data sets on
# the cluster: python -m pytest -m "cluster and large" -s
test-spark: $(READY) $(SPARK_READY)
	$(BIN)/python -m pytest -m "(spark or cluster) and not large" -n 2 --dist loadfile --no-loadscope-reorder -rP

# the examples of scripts/schedule, run once each by a real cron, systemd and Dagster; as root, for their throw-away system
test-schedule: $(READY) $(DAGSTER_READY)
	$(BIN)/python -m pytest -m schedule -s

# sqlfluff skips every file of macros, after a minute of work on them: the SQL of a macro is read where a model calls it
lint: $(READY)
	$(BIN)/dbt parse --warn-error --quiet
	$(BIN)/dbt-bouncer run
	$(BIN)/sqlfluff lint --processes 0 models tests analyses
	$(BIN)/ruff check
	$(BIN)/ruff format --check

# the system's own pip fills the environments, so that neither ensurepip nor the package python3-venv is needed; the locks
# name every dependency, so pip looks for none (requirements-templater.lock says why it must not)
define install
	@"$$PYTHON" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "error: Python 3.11 is needed; name one with make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "[0/4] environment: installing the pinned packages into $(@D), about a minute ..."
	@"$$PYTHON" -m venv --clear --without-pip $(@D)
	@"$$PYTHON" -m pip --python $(@D)/bin/python install --quiet --no-warn-script-location --require-hashes \
		--no-deps $(addprefix --requirement ,$^)
	@touch $@
endef

$(READY): requirements.lock requirements-templater.lock
	$(install)

# Spark has an environment of its own, and needs Java, installed with apt-get where it is missing and may be
$(SPARK_READY): requirements-spark.lock
	@command -v java >/dev/null || { apt-get update -qq && apt-get install -y -qq openjdk-17-jre-headless >/dev/null; }
	$(install)

$(DAGSTER_READY): requirements-dagster.lock
	$(install)

# a DuckDB of the release before, which opens what is published
$(OLD_DUCKDB_READY): tests/old_duckdb.lock
	$(install)

.venv-peers/%/.ready: scripts/bench/peers/%.lock
	$(install)

# requirements*.in -> requirements*.lock, and those of the peers; run it after an edit of one
lock:
	"$$PYTHON" -m venv --clear target/lock
	target/lock/bin/python -m pip install --quiet pip-tools==7.6.2
	for group in requirements requirements-spark requirements-dagster tests/old_duckdb \
		$(PEERS:%=scripts/bench/peers/%); do \
		target/lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --no-strip-extras --no-emit-index-url \
			--no-emit-trusted-host --no-emit-find-links --output-file $$group.lock $$group.in || exit 1; \
	done
	rm -r target/lock

# back to a fresh clone, but for what is published (data/published)
clean:
	rm -rf .venv .venv-spark .venv-dagster .venv-old-duckdb .venv-peers target logs renders data/warehouse.duckdb \
		data/warehouse.duckdb.wal data/*.arrivals.jsonl data/report data/tour gx/uncommitted
