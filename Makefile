# make         the environment, the study and its page
# make env     the environment alone, in .venv
# make test    the tests
# make lint    style and types: ruff, snakefmt, mypy
# make docs    a site of all pages, in site/; it needs another environment, .venv-docs
# make benchmark  how fast training, scoring and planning are here: minutes
# make gpu     what the GPU here does: parity with the CPU, speed, precision; eight minutes at most
# make validate   how often chance passes, power, exactness of periods, into docs/validation.md: minutes
#
# PYTHON=...       interpreter that the environment is made from, 3.11 or newer
# STUDY=...        a study other than config.yaml's: a name, or the path of a study file
# TORCH_FLAGS=...  flags for pip where it installs torch, such as --index-url for another build

PYTHON ?= python3
STUDY ?=
TORCH_FLAGS ?=

# Settings of the user's own pip that would install elsewhere, nothing, or less; its index and proxy stay.
pip := env -u PIP_TARGET -u PIP_PREFIX -u PIP_ROOT \
	PIP_CONSTRAINT=/dev/null PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DRY_RUN=0 PIP_NO_DEPS=0 .venv/bin/python -m pip --disable-pip-version-check --quiet install
activate := . .venv/bin/activate

# Modules of another environment would come before those of this one.
unexport PYTHONPATH PYTHONHOME

.PHONY: study env test lint docs benchmark gpu validate

study: .venv/.ready
	@cache="$${XDG_CACHE_HOME:-$$HOME/.cache}"; { mkdir -p "$$cache" && test -w "$$cache"; } 2> /dev/null || { echo "$$cache: found a folder that cannot be written, where Snakemake keeps files: set XDG_CACHE_HOME to one that can" >&2; exit 1; }
	@$(activate) && snakemake $(if $(STUDY),--config "study=$(STUDY)")
	@$(activate) && python -m nofreelunch.running.finished "$(STUDY)"

env: .venv/.ready

# Four processes, of which two mostly wait for SLURM and for jobs. Each takes whole files, so that
# what a file's tests share is made once; `python -m pytest tests/test_x.py` runs one file alone.
test: .venv/.ready
	@$(activate) && python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

lint: .venv/.ready
	@$(activate) && ruff check . && ruff format --check . && snakefmt --check Snakefile workflow && mypy

# A broken link is an error.
docs: .venv-docs/.ready
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet
	@echo "The site is in site/: open site/index.html"

benchmark: .venv/.ready
	@$(activate) && python benchmarks

gpu: .venv/.ready
	@$(activate) && python benchmarks/gpu_check.py --out results/gpu_check

validate: .venv/.ready
	@$(activate) && python benchmarks/validation.py

# The stamp is removed first and written last: an install that was cut short starts again from nothing.
# torch comes first and alone, which takes the platform's own build; then everything that is locked;
# then what that build needs besides, such as the CUDA libraries.
.venv/.ready: envs/requirements.txt envs/torch.txt pyproject.toml
	@command -v "$(PYTHON)" > /dev/null || { echo "PYTHON=$(PYTHON) was not found: Python 3.11 or newer is needed" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.version_info >= (3, 11) or sys.exit("PYTHON=$(PYTHON) is Python %d.%d.%d: 3.11 or newer is needed" % sys.version_info[:3])'
	@"$(PYTHON)" -c 'import os, re, sys; bad = re.search(r"[^\w./@%+=:,~-]", os.getcwd()); bad and sys.exit(f"{os.getcwd()}: found {bad[0]!r} in the path of this folder, which Snakemake does not quote for the shell: move the folder")'
	@echo "Installing the environment into .venv: some minutes the first time"
	@"$(PYTHON)" -m venv $(if $(wildcard $@),,--clear) .venv && rm -f $@
	@$(pip) --no-deps $(TORCH_FLAGS) -r envs/torch.txt
	@$(pip) --require-hashes -r envs/requirements.txt
	@$(pip) $(TORCH_FLAGS) -r envs/torch.txt
	@$(pip) --no-deps --no-build-isolation -e .
	@.venv/bin/python -m pip check
	@.venv/bin/python -c 'import nofreelunch, snakemake, torch' || { echo ".venv: it lacks what pip was to install there: see target, prefix, root in \`pip config list\`" >&2; exit 1; }
	@touch $@

.venv-docs/.ready: envs/docs.txt
	@"$(PYTHON)" -m venv --clear .venv-docs
	@$(subst .venv/,.venv-docs/,$(pip)) --require-hashes -r envs/docs.txt
	@touch $@
