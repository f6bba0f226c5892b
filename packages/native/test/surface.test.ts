import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { addon, errorOf, hasAddon } from './addon.js';

/** The member names of NativeBinding, read from its source. */
function declaredNames(): string[] {
  const source = readFileSync(new URL('../src/binding.ts', import.meta.url), 'utf8');
  const body = source.match(/export interface NativeBinding \{\n([\s\S]*?)\n\}/)?.[1] ?? '';
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)[(:]/gm)].map((match) => match[1] ?? '');
}

describe.skipIf(!hasAddon)('the addon', () => {
  it('registers exactly what binding.ts types', () => {
    expect(declaredNames()).toContain('kmeans');
    expect(Object.keys(addon).sort()).toEqual(declaredNames().sort());
  });

  it('has the version of its package', () => {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    expect(addon.version).toBe(manifest.version);
  });

  it('lists levels, scalar first', () => {
    const levels = addon.levels();
    expect(levels[0]).toBe('scalar');
    expect(new Set(levels).size).toBe(levels.length);
  });

  it('counts the cores', () => {
    expect(Number.isInteger(addon.defaultThreads())).toBe(true);
    expect(addon.defaultThreads()).toBeGreaterThanOrEqual(1);
  });

  it.each(['flipSearch', 'kmeans', 'nearestMembers', 'normalizeRows', 'fitSoftmax'] as const)(
    '%s wants an object',
    (name) => {
      const method = addon[name] as (...args: unknown[]) => unknown;
      for (const args of [[], [undefined], [null], [1], ['x'], [Symbol('x')], [10n]]) {
        expect(errorOf(() => method(...args))).toMatchObject({ code: 'INVALID_ARGUMENT' });
      }
      expect(errorOf(() => method.call(null, () => {}))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    },
  );
});
