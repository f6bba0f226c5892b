import { existsSync } from 'node:fs';

/** Whether this is an installed copy, not a checkout. */
export const INSTALLED = /[/\\]node_modules[/\\]/.test(new URL(import.meta.url).pathname);

/** A checkout's own script: what a build needs, and how this system's package manager installs it. */
const TOOLCHAIN = new URL('../../../../scripts/toolchain.js', import.meta.url);

interface Toolchain {
  findToolchain(): object;
  missingParts(toolchain: object): string;
  installHint(): string;
}

/** What mends an addon that is missing or doesn't work here, as a command where there is one. */
export async function mendAddon(): Promise<string> {
  if (process.env.ALFAMIX_NATIVE_PATH)
    return 'unset ALFAMIX_NATIVE_PATH, or point it at an addon of this version, built again';
  if (INSTALLED) return 'npm install alfamix (without --omit=optional)';
  if (!existsSync(TOOLCHAIN)) return 'npm run build';
  const { findToolchain, missingParts, installHint }: Toolchain = await import(TOOLCHAIN.href);
  return missingParts(findToolchain()) ? `${installHint()} && npm run build` : 'npm run build';
}
