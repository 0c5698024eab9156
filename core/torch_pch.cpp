// SPDX-License-Identifier: LGPL-2.1-or-later
// Only carries the precompiled header that every torch translation unit of the project shares.
