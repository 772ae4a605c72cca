.PHONY: help demo check test test-faults soak test-cluster up down dev lint types bench docker-image docker-up docker-demo docker-down lock
.DEFAULT_GOAL := help

TIERS = .venv/bin/python -m cab_assets_tests.tiers

help:  ## list what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 22

demo: .venv/ready  ## set up, bring 30 days of rides and 20,000 clicks into Hive, show the result
	@.venv/bin/cab demo

check: .venv/ready  ## check style and types, run every test that needs no server: a minute
	@$(TIERS) lint types unit

test: .venv/ready  ## run the tests, on servers of their own: ten minutes
	@$(TIERS) test

test-faults: .venv/ready  ## run the tests that kill servers and runs, or damage what they keep
	@$(TIERS) faults

soak: .venv/ready  ## run the tests that take minutes: runs killed at random moments under a steady feed
	@$(TIERS) soak

test-cluster: .venv/ready  ## run the same tests over servers of a company: HDFS, S3, Apache Hive, Spark standalone, YARN, and databases with TLS (Debian's; installed if root asks)
	@$(TIERS) cluster

up: .venv/ready  ## start the embedded stack: PostgreSQL, Kafka, HiveServer2, Spark
	@.venv/bin/cab up

down: .venv/ready  ## stop it; its data stays
	@.venv/bin/cab down

dev: .venv/ready  ## open the pipeline in Dagster's web interface
	@.venv/bin/cab dev

lint: .venv/ready  ## check style and format
	@$(TIERS) lint

types: .venv/ready  ## check types
	@$(TIERS) types

bench: .venv/ready  ## measure what docs/benchmarks.md states
	@.venv/bin/python -m benchmarks

COMPOSE = $$(docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose) --env-file docker/.env --file docker/compose.yaml

docker-image: docker/.env  ## build the image: cab-assets:latest, which is also tagged with its commit (BASE=image: what it is built on)
	@IMAGE_TAG=latest $(COMPOSE) build setup
	@docker tag cab-assets:latest cab-assets:$$(git describe --always --dirty 2>/dev/null || echo unversioned)

docker-up: docker-image  ## start a company's landscape in containers: docker/README.md; ends when the graph can be materialized
	@$(COMPOSE) up --detach
	@$(COMPOSE) run --rm -T cab doctor

docker-demo: docker-up  ## the demo there
	@$(COMPOSE) run --rm --no-deps -T cab demo --yes

docker-down: docker/.env  ## stop it; its data stays
	@$(COMPOSE) down

docker/.env:
	@umask 077; while read -r line; do \
	  case $$line in \#*) ;; *PASSWORD=) line=$$line$$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n');; esac; echo "$$line"; \
	done <docker/.env.example >$@

lock: .venv/ready  ## choose the versions of requirements.lock anew, for what pyproject.toml asks (UPGRADE=1: the newest ones)
	@.venv/bin/uv pip compile pyproject.toml --extra embedded --group dev --group docker --universal --generate-hashes \
	  --no-header --no-emit-index-url $(if $(UPGRADE),--upgrade) --quiet --output-file requirements.lock

.venv/ready: bootstrap requirements.lock requirements-uv.txt pyproject.toml
	@./bootstrap
