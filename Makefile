# Both commands do all the set-up: Python 3.11 or newer, make and, for the tests, Terraform, npm and
# Chromium or Chrome are all that they need.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: moto-oldest moto-newest demo test check docs architecture compare bytecode dist acceptance acceptance-embedded unit integration e2e oldest newest modules clean

## Compiles the digits example and runs the compiled state machine here, on an embedded AWS.
demo: $(VENV)/installed-local
	mkdir -p build/digits
	$(BIN)/laminar-codegen examples/digits/flow.py > build/digits/main.tf.json.part
	mv build/digits/main.tf.json.part build/digits/main.tf.json
	@echo "compiled to build/digits/main.tf.json; now rehearsing it"
	$(BIN)/laminar-codegen rehearse examples/digits/flow.py --save build/digits/results > build/digits/rehearsal.txt
	@cat build/digits/rehearsal.txt
	@echo
	@grep -E "Evaluate\.(accuracy|plot)" build/digits/rehearsal.txt

## Runs all checks, and the tests of all tiers.
test: $(VENV)/installed-dev tests/asl_validator/node_modules .checkov-venv/installed check docs bytecode
	$(BIN)/python -m pytest $(BY_FILE)

## Style, types, the direction of imports, and files that are generated.
check: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.architecture --check
	$(BIN)/python -m tools.flow_module --check
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

## The documentation, in build/docs. A warning is an error: each reference must lead somewhere.
docs: $(VENV)/installed-dev
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --builder html docs build/docs

## The figures of the packages in docs/architecture.md.
architecture: $(VENV)/installed-dev
	$(BIN)/python -m tools.architecture --write

## What the compiler of the working tree makes of the tests' programs, byte for byte beside that of a commit.
compare: $(VENV)/installed-dev
	$(BIN)/python -m tools.compare_documents $(if $(COMMIT),--commit $(COMMIT))

# A file of tests is for one process. They begin as collected, tests/e2e first: by their number of tests, as is the default,
# the files that take longest came last, and one core waited for the other.
BY_FILE = -n auto --dist loadfile --no-loadscope-reorder

# The tiers of the tests, by what a test needs (tests/tiers.py). Unit tests and doctests are in these folders alone.
UNIT = tests/unit tests/support laminar_runtime laminar_codegen tools docs README.md CONTRIBUTING.md

# Tests start many processes, which compile the packages each time if PYTHONDONTWRITEBYTECODE is set, as in many images
# of containers. What is compiled here is read all the same.
bytecode: $(VENV)/installed-dev
	$(BIN)/python -m compileall -q laminar_codegen laminar_runtime tests/support tools

## Runs the tests that need no server, no child process and no Terraform: less than a minute on two cores.
unit: $(VENV)/installed-dev
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q -n auto -m unit $(UNIT)

## Runs the tests that need the embedded AWS, other servers or child processes: some minutes.
integration: $(VENV)/installed-dev tests/asl_validator/node_modules .checkov-venv/installed bytecode
	$(BIN)/python -m pytest -q $(BY_FILE) -m integration

## Runs the tests that need Terraform: many minutes.
e2e: $(VENV)/installed-dev bytecode
	$(BIN)/python -m pytest -q $(BY_FILE) -m e2e

## The unit tests with the oldest and the newest dependencies that pyproject.toml allows, in environments of their own.
oldest newest:
	$(PYTHON) -m venv --clear .venv-$@
	.venv-$@/bin/python -m pip install --quiet uv
	.venv-$@/bin/uv pip install --quiet --python .venv-$@/bin/python --resolution $(RESOLUTION_$@) --editable ".[dev]"
	.venv-$@/bin/python -m pytest -q -n auto -m unit $(UNIT)

## The tests of the embedded AWS with the oldest and the newest moto and JSONata, in environments of their own. The
## extra `local` must resolve with them; a tool of the tests may want a newer JSONata.
moto-oldest moto-newest:
	$(PYTHON) -m venv --clear .venv-$@
	.venv-$@/bin/python -m pip install --quiet uv
	.venv-$@/bin/uv pip install --quiet --python .venv-$@/bin/python --editable ".[local]" $(VERSIONS_$@)
	.venv-$@/bin/uv pip freeze --python .venv-$@/bin/python | grep -E "^(moto|jsonata-python)=" > .venv-$@/ends.txt
	.venv-$@/bin/uv pip install --quiet --python .venv-$@/bin/python --override .venv-$@/ends.txt --editable ".[dev]"
	.venv-$@/bin/python -m pytest -q $(BY_FILE) tests/integration/codegen/test_embedded_aws \
		tests/integration/codegen/test_replay tests/unit/codegen/test_replay $(LEFT_OUT_$@)

VERSIONS_moto-oldest = "moto==5.1.0" "jsonata-python==0.7.0"
# The Lambda of that moto asks a proxy that the environment names, and its alarms do not know the protocol of a newer SDK.
# As an interpreter of states, which only the tests ask, it knows no Output in a rule of Choice, and no errors of services.
LEFT_OUT_moto-oldest = --deselect "tests/integration/codegen/test_embedded_aws/test_embedded_aws_server.py::test_everything_is_as_before[misleading]" \
	--deselect tests/integration/codegen/test_embedded_aws/test_embedded_aws_services.py::test_alarm \
	--deselect "tests/integration/codegen/test_replay/test_against_moto.py::test_the_same_happens[choice]" \
	--deselect "tests/integration/codegen/test_replay/test_against_moto.py::test_the_same_happens[failed]"
VERSIONS_moto-newest = --upgrade-package moto --upgrade-package jsonata-python
RESOLUTION_oldest = lowest-direct
RESOLUTION_newest = highest

$(VENV)/installed-%: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[$(if $(filter local,$*),local$(comma)examples,$*)]"
	touch $@

# A validator of state machines, beside those in Python.
tests/asl_validator/node_modules: tests/asl_validator/package.json
	npm install --prefix tests/asl_validator --no-package-lock --no-audit --no-fund --silent
	touch $@

# Apart from everything else: Checkov wants a certain, older boto3, and its parser is another module named hcl2.
.checkov-venv/installed: Makefile
	test -x .checkov-venv/bin/python || $(PYTHON) -m venv .checkov-venv
	.checkov-venv/bin/python -m pip install --quiet checkov==3.3.30
	touch $@

## The distributions of a release in dist/, checked, and a bill of what an installation of the wheel brings (CycloneDX).
## They have the same bytes on each machine; tests/integration/test_distribution.py builds them twice.
dist: $(VENV)/installed-dev
	rm -rf dist build/release
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*
	$(PYTHON) -m venv build/release
	build/release/bin/python -m pip install --quiet --only-binary :all: "$$(echo dist/*.whl)[codegen]"
	build/release/bin/python -m pip uninstall --quiet --yes pip setuptools
	$(BIN)/python -m cyclonedx_py environment --output-reproducible --output-file dist/sbom.cdx.json build/release/bin/python

## Applies the platform and three flows in the account of AWS that the environment names, runs them, makes one fail, resumes
## it, updates one while it runs, and destroys all. It says what that costs, and asks. The report: build/acceptance.md.
acceptance: $(VENV)/installed-dev
	$(BIN)/python -m tools.acceptance --real

## The same on the embedded AWS, with the stand-in for the AWS provider.
acceptance-embedded: $(VENV)/installed-dev
	$(BIN)/python -m tools.acceptance

## The files of the Terraform module flow, from the compiler's values, and the tables in the READMEs of all modules.
modules: $(VENV)/installed-dev
	$(BIN)/python -m tools.flow_module --write
	$(BIN)/python -m tests.module_readmes

comma := ,

clean:
	rm -rf $(VENV) .venv-oldest .venv-newest .venv-moto-oldest .venv-moto-newest tests/asl_validator/node_modules .checkov-venv build dist .laminar .mypy_cache .ruff_cache .pytest_cache
