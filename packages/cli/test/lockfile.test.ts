import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const json = (path: string) => JSON.parse(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'));

it('npm ci prints no EBADENGINE on the oldest Node: no locked package wants a newer one', () => {
  const [, major, minor] = /^>=(\d+)\.(\d+)$/.exec(json('package.json').engines.node)!.map(Number);
  const packages: [string, { engines?: { node?: string } }][] = Object.entries(
    json('package-lock.json').packages,
  );
  const newer = packages.filter(([, { engines }]) => {
    // Of alternatives (`^20.17.0 || >=22.9.0`) one that fits will do.
    const wanted = (engines?.node ?? '*').split('||');
    return wanted.every((range) => {
      const from = /(?:>=|\^|~)\s*(\d+)(?:\.(\d+))?/.exec(range);
      if (from === null) return false;
      const [, m, n = '0'] = from;
      return Number(m) > major || (Number(m) === major && Number(n) > minor);
    });
  });
  expect(packages.length).toBeGreaterThan(100);
  expect(newer.map(([path]) => path)).toEqual([]);
});
