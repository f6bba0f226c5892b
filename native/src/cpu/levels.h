// The instruction-set levels of this binary. One table of block functions per level, each in its own object.
#pragma once

namespace alfamix {

struct LevelTable;  // cpu/level_table.h

struct Level {
  const char* name;  // "scalar", "avx2", "avx512", "neon"
  const LevelTable* table;
};

// Levels that this CPU and operating system can run, slowest first; the last is the default.
int LevelCount();
const Level& LevelAt(int index);
// -1 when unknown or not runnable here.
int LevelByName(const char* name);

}  // namespace alfamix
