// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

// Functions marked so are compiled for several instruction sets, and the best one that the machine has is taken when
// the program is loaded. Their loops are written for the compiler to vectorise.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define LIVEEDIT_CPU_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LIVEEDIT_CPU_CLONES
#endif
#define LIVEEDIT_INLINE inline __attribute__((always_inline))
