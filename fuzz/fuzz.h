/* fuzz/fuzz.h - what every target includes. Built with clang each is a libFuzzer program; elsewhere
 * fuzz/replay.c runs it over its seeds. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
