# make run     the demo, on a fresh machine too (PORT=8080 make run moves it)
# make test    everything that has to hold before a change goes in
# make quick   what can be told of it without a server or a model
# make docs    the documentation as a site
# make adapters  the client's retrievers against the libraries that they are for
.DEFAULT_GOAL := help
.PHONY: help run test check quick docs adapters chromium clean

PYTHON ?= python3
REFRACT_DATA ?= $(CURDIR)/.refract
export REFRACT_DATA

# A process for each core and one more, each with one thread; who has nothing left to do takes over from another.
PYTEST := OMP_NUM_THREADS=1 pytest -n auto --dist worksteal

# Made strictly: a link that leads nowhere ends it. (The variable silences an advertisement of the theme.)
MKDOCS := NO_MKDOCS_2_WARNING=1 mkdocs build --quiet

PIP := .venv/bin/python -m pip install --disable-pip-version-check -c constraints.txt

help:
	@echo "make run     install, index the demo if it is not there yet, and serve it (PORT, REFRACT_DATA)"
	@echo "make test    install the tools too, then format, lint, types, layers, documentation and tests"
	@echo "make check   the same without installing anything"
	@echo "make quick   of that what needs neither a server nor a model: for the usual change"
	@echo "make docs    the documentation as a site, in site/"
	@echo "make adapters  the client's retrievers against LangChain, LlamaIndex and Haystack (60 packages)"
	@echo "make clean   remove the environment and the caches (the data in $(REFRACT_DATA) stays)"

# exec: signals reach the program itself, which stops its database before it leaves.
run: .venv/.installed-run
	@exec .venv/bin/refract run

test: .venv/.installed-test chromium
	@$(MAKE) --no-print-directory check

# mypy has one thread: it runs beside the tests, and says its word at the end. They build the documentation too.
check:
	@PATH="$(CURDIR)/.venv/bin:$$PATH"; export PATH; said=$$(mktemp); \
	trap 'kill $$types 2>/dev/null; rm -f "$$said"' EXIT; trap 'exit 130' INT TERM; set -x; \
	ruff format --check . && ruff check . && lint-imports || exit 1; \
	mypy >"$$said" 2>&1 & types=$$!; \
	$(PYTEST) --durations=30 --junitxml=.pytest_cache/durations.xml; tests=$$?; \
	wait $$types; typed=$$?; types=; cat "$$said"; exit $$((tests || typed))

# mypy looks again at what changed and at what imports it.
quick:
	@PATH="$(CURDIR)/.venv/bin:$$PATH"; export PATH; set -x; \
	ruff format --check . && ruff check . && mypy && lint-imports && \
	$(PYTEST) -m "not (database or model or browser or gpu or slow)"

docs: .venv/.installed-test
	@PATH="$(CURDIR)/.venv/bin:$$PATH" $(MKDOCS)
	@echo "The documentation is in site/index.html"

# An environment of its own on top of .venv: what these bring stays out of that, and pytest's plugins
# among it.
ADAPTERS := .venv-adapters
adapters: .venv/.installed-test
	@test -d $(ADAPTERS) || .venv/bin/python -m venv $(ADAPTERS)
	@.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
		"$$($(ADAPTERS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/parent.pth"
	@$(ADAPTERS)/bin/python -m pip install --disable-pip-version-check --quiet -c constraints.txt \
		-e 'clients/python[langchain,llama-index,haystack]' langchain-tests
	@OMP_NUM_THREADS=1 $(ADAPTERS)/bin/python -m pytest -o asyncio_mode=auto \
		-o asyncio_default_fixture_loop_scope=function tests/clients

.venv/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Refract needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." \
			"Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.installed-run: .venv/.created pyproject.toml constraints.txt
	@echo "Installing Refract into .venv; the first time this takes a few minutes."
	@$(PIP) --quiet -e '.[cpu]'
	@touch $@

.venv/.installed-test: .venv/.installed-run
	@echo "Installing the tools for tests into .venv."
	@$(PIP) --quiet -e '.[cpu,dev]'
	@touch $@

# The browser tests use the Chromium of the system.
chromium:
	@for name in chromium chromium-browser google-chrome; do \
		command -v $$name >/dev/null 2>&1 && exit 0; \
	done; \
	for app in Chromium "Google Chrome"; do \
		test -x "/Applications/$$app.app/Contents/MacOS/$$app" && exit 0; \
	done; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1 \
		&& apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y chromium; \
	then exit 0; fi; \
	echo "*** No Chromium found: the browser tests will be SKIPPED. Install chromium and run make test again. ***" >&2

clean:
	rm -rf .venv $(ADAPTERS) build dist site .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
