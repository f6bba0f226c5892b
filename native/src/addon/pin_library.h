// Keeps this library in memory for the life of the process.
#pragma once

namespace alfamix::addon {

// Node unloads an addon with the last worker that loaded it, but the pool's threads go on: their code must
// stay. The linker's -z nodelete says the same where it exists.
void PinLibrary();

}  // namespace alfamix::addon
