// Tells one state of a file from another: inode, size and time of the last change of its content, as text.
// The twin of packages/core/src/formats/file-stamp.ts, character by character.
#pragma once

#include <cstdint>
#include <string>

namespace alfamix {

// Of an open file: a descriptor, or a HANDLE on Windows. Empty when the system doesn't say.
std::string StampOf(std::intptr_t handle);

}  // namespace alfamix
