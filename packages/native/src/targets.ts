/** A platform that a binary is released for, as a package of its own: `@alfamix/native-NAME`. */
export interface Target {
  readonly name: string;
  readonly os: NodeJS.Platform;
  readonly cpu: string;
  readonly libc?: 'glibc' | 'musl';
}

/** What releases may hold. */
export const TARGETS: readonly Target[] = [
  { name: 'linux-x64-gnu', os: 'linux', cpu: 'x64', libc: 'glibc' },
  { name: 'linux-x64-musl', os: 'linux', cpu: 'x64', libc: 'musl' },
  { name: 'linux-arm64-gnu', os: 'linux', cpu: 'arm64', libc: 'glibc' },
  { name: 'linux-arm64-musl', os: 'linux', cpu: 'arm64', libc: 'musl' },
  { name: 'darwin-x64', os: 'darwin', cpu: 'x64' },
  { name: 'darwin-arm64', os: 'darwin', cpu: 'arm64' },
  { name: 'win32-x64', os: 'win32', cpu: 'x64' },
];

/** `glibc 2.36`, `musl`, or undefined outside Linux. */
export function libcOf(): { family: 'glibc' | 'musl'; version: string | undefined } | undefined {
  if (process.platform !== 'linux') return undefined;
  // Without it the report looks up the names of open connections.
  const settings = process.report as typeof process.report & { excludeNetwork?: boolean };
  const before = settings.excludeNetwork;
  settings.excludeNetwork = true;
  const { header } = settings.getReport() as { header?: { glibcVersionRuntime?: string } };
  settings.excludeNetwork = before ?? false;
  const version = header?.glibcVersionRuntime;
  return { family: version === undefined ? 'musl' : 'glibc', version };
}

/** The target of this machine, undefined where none is released. */
export function currentTarget(): Target | undefined {
  const libc = libcOf()?.family;
  return TARGETS.find(
    (target) => target.os === process.platform && target.cpu === process.arch && target.libc === libc,
  );
}

/** The package that holds a target's binary. */
export const packageOf = ({ name }: Target): string => `@alfamix/native-${name}`;
