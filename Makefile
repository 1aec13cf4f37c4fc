# Every recipe calls a module, so that each step also works without make.
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
STACK ?= staging
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Without bytecode files every start of a program compiles pulumi_aws again, for several seconds.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}'

setup: .venv/.complete .venv-emulator/.complete .venv-tools/.complete ## make the environments, get the Pulumi engine
	@$(PYTHON) -m localcloud.engine setup

.venv/.complete: requirements/development.txt requirements/bootstrap.txt pyproject.toml
	@sh local/setup.sh .venv requirements/development.txt editable

.venv-emulator/.complete: local/localcloud/emulator/requirements.txt requirements/bootstrap.txt
	@sh local/setup.sh .venv-emulator local/localcloud/emulator/requirements.txt

.venv-tools/.complete: requirements/tools.txt requirements/bootstrap.txt
	@sh local/setup.sh .venv-tools requirements/tools.txt

.venv-scan/.complete: local/localcloud/scan/requirements.txt requirements/bootstrap.txt
	@sh local/setup.sh .venv-scan local/localcloud/scan/requirements.txt

up: setup ## deploy stack local on the embedded AWS, start the service, smoke-test (API_PORT=…)
	@$(PYTHON) -m localcloud up $(if $(API_PORT),--api-port $(API_PORT))

down: setup ## stop and destroy stack local (WIPE=1 also removes its data)
	@$(PYTHON) -m localcloud down $(if $(WIPE),--wipe)

status: setup ## processes and resources of stack local
	@$(PYTHON) -m localcloud status

preview: setup ## preview STACK of platform and pipelines under every control, evidence in build/evidence
	@$(PYTHON) -m localcloud preview $(STACK)

release: setup ## rehearse a release on STACK=local, under load, and one that goes back (YES=1, WHOLE=1, VERBOSE=1)
	@LOCALCLOUD_STATE=$${LOCALCLOUD_STATE:-build/release} $(PYTHON) -m localcloud release $(STACK) \
		$(if $(YES),--yes) $(if $(WHOLE),--whole) $(if $(VERBOSE),--verbose)

deploy: setup ## deploy DIGEST of RELEASE to STACK by hand, after asking (in an account: docs/DELIVERY.md)
	@$(PYTHON) -m delivery.ops deploy --stack $(STACK) --digest "$(DIGEST)" --release "$(RELEASE)"

verify: setup ## say whether what runs in STACK is healthy
	@$(PYTHON) -m delivery.ops verify --stack $(STACK)

rollback: setup ## deploy the release before again in STACK (TO=sha256:… another one)
	@$(PYTHON) -m delivery.ops rollback --stack $(STACK) $(if $(TO),--to $(TO))

evidence: setup ## the evidence bundle from the last preview of STACK
	@$(PYTHON) -m guardrails evidence build/evidence/$(STACK)/events.jsonl --out build/evidence/$(STACK)

scan: setup .venv-scan/.complete ## have Checkov judge the preview of STACK, converted to a Terraform plan
	@$(PYTHON) -m localcloud.scan $(STACK)

cost: setup ## what STACK costs a month, and its difference from the last commit (SINCE=commit)
	@$(PYTHON) -m localcloud cost $(STACK) $(if $(SINCE),--since $(SINCE))

test: setup .venv-scan/.complete browser ## every test
	@$(PYTHON) -m pytest --numprocesses 2 --dist loadscope

soak: setup ## eight callers against a service that is killed all the while (SECONDS=60)
	@SOAK_SECONDS=$(or $(SECONDS),60) $(PYTHON) -m pytest -q -s tests/service/soak

faults: setup ## providers that fail at random beside people who need them and people who do not (SECONDS=60)
	@FAULT_SECONDS=$(or $(SECONDS),60) $(PYTHON) -m pytest -q -s --show-capture=no tests/service/faults

fuzz: setup ## generated requests of every operation with a new seed, more of them than in the tests
	@FUZZ_SEED=$(or $(SEED),$(shell date +%s)) FUZZ_EXAMPLES=$(or $(EXAMPLES),40) \
		$(PYTHON) -m pytest -q --showlocals tests/service/core/test_fuzz.py

browser: ## install headless Chromium where it is missing (Debian, root)
	@sh local/browser.sh

bench: setup ## the benchmarks, as a table of ratios
	@LOCALCLOUD_STATE=build/bench $(PYTHON) tests/bench

.venv-mutation/.complete: requirements/mutation.txt requirements/bootstrap.txt
	@sh local/setup.sh .venv-mutation requirements/mutation.txt

mutate-policies: setup .venv-mutation/.complete ## mutation testing of the controls (an hour or two)
	@mkdir -p build/mutation
	@.venv-mutation/bin/python tests/mutation/mutants.py policies/guardrails > build/mutation/mutants.jsonl
	@# A mutant of the same size within the same second would run from its neighbour's bytecode.
	@PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/mutation policies/guardrails tests/policies --mutants build/mutation/mutants.jsonl \
		--out build/mutation/policies.json

mutate: setup ## give up each listed security line of platform/infra and see that it is noticed
	@nice -n 15 $(PYTHON) tests/mutation/lines.py

clients: setup ## generate a Python and a TypeScript client into build/clients
	@sh local/clients.sh build/clients

lint: setup ## style, formatting, security, import contracts
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m bandit -q -ll -r platform pipelines policies service local
	@.venv-tools/bin/semgrep scan --metrics=off --disable-version-check --quiet --error \
		--config .semgrep.yml platform pipelines policies service local
	@.venv/bin/lint-imports

supply: setup ## what is built from and with: licences, secrets in files, Dockerfile, bill of materials
	@.venv/bin/hadolint service/Dockerfile
	@$(PYTHON) -m delivery.ops base-image
	@$(PYTHON) -m delivery.ops licences
	@$(PYTHON) -m delivery.ops secret-scan
	@$(PYTHON) -m delivery.ops sbom --version "$${COMMIT:-working-copy}" --out build/sbom/repository.json

types: setup ## mypy, strict
	@$(PYTHON) -m mypy

pr: lint types supply test ## what CI runs

docs: setup ## write the generated pages again
	@$(PYTHON) -m infra.settings_reference
	@$(PYTHON) -m localcloud.scan.page
	@$(PYTHON) -m guardrails controls --pages docs/controls

lock: setup ## pin the dependencies again
	@sh local/lock.sh

.PHONY: help setup up down status preview evidence scan cost test bench soak faults fuzz browser mutate mutate-policies clients lint supply types release deploy verify rollback pr docs lock
