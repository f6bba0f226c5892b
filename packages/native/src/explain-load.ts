/**
 * What a binary that doesn't load means, in one sentence with the cure where there is one.
 * @param error what `require` threw
 */
export function explainLoadError(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return 'no such file';
  const text = String(error instanceof Error ? error.message : error);
  const symbol = /version [`'](GLIBC(?:XX)?_[\d.]+)' not found/.exec(text);
  if (symbol) {
    const what = symbol[1].startsWith('GLIBCXX') ? 'C++ library (libstdc++)' : 'C library (glibc)';
    return `it needs ${symbol[1].replace('_', ' ')}, and this system's ${what} is older: build it here (npm run build), or use a newer system`;
  }
  if (
    /wrong ELF class|invalid ELF header|not a valid Win32|incompatible architecture|file too short|slice is not valid/.test(
      text,
    )
  )
    return 'it is damaged, or a binary for another platform: build it here (npm run build), or install the package again';
  if (/ld-musl|libc\.musl/.test(text))
    return 'it is built for musl, and this system has glibc: install the package again here';
  // The first line says what is wrong; what follows is Node's require stack.
  return text.split('\n', 1)[0] ?? '';
}
