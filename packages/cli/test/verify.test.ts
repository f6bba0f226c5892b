import { cpSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alfamix, Scratch } from './support/cli.js';
import { blobs, DIM, npy, ROWS, scratchWithData } from './support/data.js';

let scratch: Scratch;
beforeEach(async () => {
  scratch = await scratchWithData();
});
afterEach(() => scratch[Symbol.dispose]());

const SELECT = ['--pool', 'pool.npy', '--ids', 'ids.csv', '--labels', 'named.csv', '--budget', '7'];
async function pick(extra: string[] = []): Promise<void> {
  const result = await alfamix(['select', ...SELECT, '--out', 'picks.csv', ...extra], { cwd: scratch.path });
  expect(result).toMatchObject({ code: 0, stderr: '' });
}
const verify = (args: string[] = [], cwd = scratch.path) =>
  alfamix(['verify', 'picks.csv', ...args], { cwd });

describe('alfamix select --explain', () => {
  it('writes why each row was picked, and shows it', async () => {
    const args = ['select', ...SELECT, '--out', 'picks.csv', '--explain', '--json'];
    const { code, stdout } = await alfamix(args, { cwd: scratch.path });
    expect(code).toBe(0);
    expect(JSON.parse(stdout).explained).toBe('picks.csv.explain.jsonl');
    const lines = scratch.read('picks.csv.explain.jsonl').trim().split('\n');
    const explained = lines.map((line) => JSON.parse(line));
    const picks = scratch.table('picks.csv');
    expect(explained.map(({ rank, row, id }) => [String(rank), String(row), id])).toEqual(
      picks.map(({ rank, row, id }) => [rank, row, id]),
    );
    const names = ['cat', 'dog', 'eel'];
    explained.forEach(({ pseudoLabel, flip, nearest, cluster, clusterSize, members }, i) => {
      expect(pseudoLabel).toBe(picks[i].pseudo_label);
      expect(names).toContain(flip.to);
      expect(flip.to).not.toBe(pseudoLabel);
      expect(names).toContain(flip.anchor);
      expect(flip.anchorRows).toBe(8);
      expect(String(flip.cap)).toBe(picks[i].flip_cap);
      expect(flip.after).toBeGreaterThan(flip.before);
      expect(flip).not.toHaveProperty('mixed');
      expect(members).toHaveLength(Math.min(3, clusterSize - 1));
      for (const { row, id } of members) expect(id).toBe(`img ${row}`);
      expect([String(cluster), String(clusterSize)]).toEqual([picks[i].cluster, picks[i].cluster_size]);
      expect(nearest).toHaveLength(3);
      for (const { label, row, id, distance } of nearest) {
        expect([label, id]).toEqual([names[row % 3], `img ${row}`]);
        expect(distance).toBeGreaterThan(0);
      }
    });
    const manifest = scratch.json('picks.csv.manifest.json');
    expect(manifest.outputs.map(({ file }: { file: string }) => file)).toEqual([
      'picks.csv',
      'picks.csv.explain.jsonl',
    ]);
    const text = (await alfamix(args.slice(0, -1), { cwd: scratch.path })).stdout;
    expect(text).toMatch(
      /^1\. row \d+ \(img \d+\): predicted \w+ \([\d.]+ %\); flips to \w+ at cap [\d.]+, mixed with the mean of \w+; nearest labelled: \w+ img \d+ \([\d.]+\), .*; stands for \d+ rows?/,
    );
  });

  it('explains any strategy, and needs labels', async () => {
    await pick(['--strategy', 'random', '--explain']);
    const [first] = scratch.read('picks.csv.explain.jsonl').split('\n', 1);
    expect(JSON.parse(first)).toMatchObject({ rank: 1, filled: false, nearest: [{}, {}, {}] });
    const bare = ['select', '--pool', 'pool.npy', '--budget', '2', '--out', 'x.csv', '--explain'];
    const result = await alfamix([...bare, '--strategy', 'random'], { cwd: scratch.path });
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(/^alfamix: expected --labels .* for --explain\n$/);
    expect(scratch.list()).not.toContain('x.csv');
  });
});

describe('alfamix verify', () => {
  it('the same, also from elsewhere, on other kernels, and after the folder has moved', async () => {
    await pick();
    expect(await verify()).toMatchObject({ code: 0, stderr: '', stdout: 'same     7 picks of picks.csv\n' });
    expect(await verify(['--quiet'])).toMatchObject({ code: 0, stderr: '', stdout: '' });
    const listed = scratch.list();
    const js = await verify(['--backend', 'js', '--json', '--threads', '1']);
    expect(js).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(js.stdout)).toMatchObject({ same: true, differing: [], backend: { name: 'js' } });
    expect(scratch.list()).toEqual(listed);
    using elsewhere = new Scratch();
    const far = await alfamix(['verify', scratch.file('picks.csv')], { cwd: elsewhere.path });
    expect(far).toMatchObject({ code: 0, stderr: '' });
    const inside = elsewhere.file('moved');
    mkdirSync(inside);
    for (const name of scratch.list()) {
      cpSync(scratch.file(name), `${inside}/${name}`);
      if (name !== 'keep') rmSync(scratch.file(name));
    }
    expect(await verify([], inside)).toMatchObject({ code: 0, stderr: '' });
  });

  it('edited picks', async () => {
    await pick();
    const edited = scratch.read('picks.csv').replace('\n2,', '\n3,');
    writeFileSync(scratch.file('picks.csv'), edited);
    const { code, stdout, stderr } = await verify();
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^changed {2}picks\.csv was edited after it was written\nrank 2 {3}was 3,\d+,.*, is 2,\d+,/,
    );
    expect(stderr).toMatch(
      /^alfamix: picks\.csv has other picks than its manifest makes now; changed since: .*edited/,
    );
  });

  it('another pool, other labels', async () => {
    await pick();
    writeFileSync(scratch.file('pool.npy'), npy([ROWS, DIM], blobs(ROWS, DIM, 2)));
    const pool = await verify(['--json']);
    expect(pool.code).toBe(1);
    expect(JSON.parse(pool.stdout)).toMatchObject({
      same: false,
      changed: [/--pool .*pool\.npy has other/].map((r) => expect.stringMatching(r)),
    });
    writeFileSync(scratch.file('named.csv'), 'row,label\n0,cat\n1,dog\n2,eel\n3,cat\n4,dog\n');
    const both = await verify();
    expect(both.code).toBe(1);
    expect(both.stdout).toMatch(
      /changed {2}--pool .*\nchanged {2}--labels .*named\.csv has other contents\n/,
    );
    // A pool that doesn't fit any more: the reason, and what has changed.
    writeFileSync(scratch.file('pool.npy'), npy([3, DIM], blobs(3, DIM)));
    const small = await verify();
    expect(small).toMatchObject({ code: 2, stdout: '' });
    expect(small.stderr).toMatch(/^alfamix: .* \(changed since: --pool .*has other contents/);
  });

  it('another version; other bytes with the same picks', async () => {
    await pick();
    const manifest = scratch.json('picks.csv.manifest.json');
    manifest.versions.alfamix = '0.0.1';
    writeFileSync(scratch.file('picks.csv.manifest.json'), JSON.stringify(manifest));
    writeFileSync(scratch.file('named.csv'), scratch.read('named.csv').replaceAll('\n', '\r\n'));
    const { code, stdout } = await verify();
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^changed {2}alfamix 0\.0\.1 then, .* now\nchanged {2}--labels .*\nsame {5}7 picks/,
    );
  });

  it('what it can’t use: one sentence, exit 2', async () => {
    await pick();
    const good = scratch.read('picks.csv.manifest.json');
    const put = (text: string) => writeFileSync(scratch.file('picks.csv.manifest.json'), text);
    const fails = async (message: RegExp) => {
      const { code, stdout, stderr } = await verify();
      expect(code, stderr).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toMatch(message);
      expect(stderr.trim()).not.toContain('\n');
    };
    put('{"manifestVersion": 1');
    await fails(/is not a manifest of alfamix: .*JSON/);
    put('[]');
    await fails(/is not a manifest of alfamix: it: /);
    put(good.replace('"manifestVersion": 1', '"manifestVersion": 9'));
    await fails(/is not a manifest of alfamix: manifestVersion/);
    put(good.replace('"command": "select"', '"command": "score"'));
    await fails(/expected the picks of alfamix select or demo for picks\.csv, got those of score/);
    put(good.replace('"budget": 7', '"budget": -7'));
    await fails(/for --budget, got "-7"/);
    for (const [name, what] of [
      ['seed', 'an integer from 0 to 2\\^53 - 1'],
      ['budget', 'a positive integer'],
      ['strategy', 'a strategy'],
    ]) {
      put(good.replace(new RegExp(`^    "${name}": .*,\\n`, 'm'), ''));
      await fails(new RegExp(`: expected ${what} for --[a-z-]+, got undefined$`, 'm'));
    }
    put(good);
    renameSync(scratch.file('pool.npy'), scratch.file('gone.npy'));
    await fails(/can't read .*pool\.npy: .* \(changed since: --pool .*pool\.npy is gone\)$/m);
    renameSync(scratch.file('picks.csv'), scratch.file('gone.csv'));
    await fails(/can't read picks\.csv: there is no such file or folder$/m);
    rmSync(scratch.file('picks.csv.manifest.json'));
    await fails(
      /can't read the manifest picks\.csv\.manifest\.json: there is no such file or folder; .*select wrote beside/,
    );
  });
});

describe('explanations of earlier picks', () => {
  const FILE = 'picks.csv.explain.jsonl';

  it('go when picks without them take their place, and the summary says so', async () => {
    await pick(['--explain']);
    const args = ['select', ...SELECT, '--out', 'picks.csv', '--seed', '1'];
    const { stdout } = await alfamix(args, { cwd: scratch.path });
    expect(stdout).toMatch(/note +picks\.csv\.explain\.jsonl, of earlier picks, was removed/);
    expect(scratch.list()).not.toContain(FILE);
    expect(scratch.json('picks.csv.manifest.json').outputs).toHaveLength(1);
  });

  it('stay when somebody edited them; verify says that they are not of this run', async () => {
    await pick(['--explain']);
    writeFileSync(scratch.file(FILE), `${scratch.read(FILE)}my own words\n`);
    const edited = await verify(['--json']);
    expect(edited.code).toBe(0);
    expect(JSON.parse(edited.stdout).changed).toEqual([`${FILE} is not as this run wrote it`]);
    const { stdout } = await alfamix(['select', ...SELECT, '--out', 'picks.csv'], { cwd: scratch.path });
    expect(stdout).toMatch(/note +picks\.csv\.explain\.jsonl is not of this run; it was left/);
    expect(scratch.read(FILE)).toMatch(/my own words\n$/);
    expect((await verify()).stdout).toMatch(
      /^changed {2}picks\.csv\.explain\.jsonl is not of this run\nsame/,
    );
  });
});

describe('alfamix verify: what is out of the ordinary', () => {
  const MANIFEST = 'picks.csv.manifest.json';
  function edit(change: (manifest: ReturnType<Scratch['json']>) => void): void {
    const manifest = scratch.json(MANIFEST);
    change(manifest);
    writeFileSync(scratch.file(MANIFEST), JSON.stringify(manifest));
  }

  it('picks in a folder of their own, moved together with the inputs', async () => {
    mkdirSync(scratch.file('out'));
    const args = ['select', ...SELECT, '--out', 'out/picks.csv'];
    expect(await alfamix(args, { cwd: scratch.path })).toMatchObject({ code: 0 });
    using elsewhere = new Scratch();
    const to = elsewhere.file('moved');
    renameSync(scratch.path, to);
    try {
      const moved = await alfamix(['verify', `${to}/out/picks.csv`], { cwd: '/' });
      expect(moved).toMatchObject({ code: 0, stderr: '' });
      const inside = await alfamix(['verify', 'picks.csv'], { cwd: `${to}/out` });
      expect(inside).toMatchObject({ code: 0, stderr: '' });
    } finally {
      renameSync(to, scratch.path);
    }
  });

  it('a folder of shards that moved, then gained a shard', async () => {
    mkdirSync(scratch.file('shards'));
    const data = blobs();
    const half = (ROWS / 2) * DIM;
    const put = (name: string, part: Float32Array) =>
      writeFileSync(scratch.file(`shards/${name}.npy`), npy([part.length / DIM, DIM], part));
    put('a', data.subarray(0, half));
    put('b', data.subarray(half));
    const args = ['select', '--pool', 'shards', '--labels', 'labels.csv', '--budget', '7'];
    expect(await alfamix([...args, '--out', 'picks.csv'], { cwd: scratch.path })).toMatchObject({ code: 0 });
    using elsewhere = new Scratch();
    const to = elsewhere.file('moved');
    renameSync(scratch.path, to);
    try {
      const moved = await alfamix(['verify', `${to}/picks.csv`], { cwd: '/' });
      expect(moved).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^same/) });
    } finally {
      renameSync(to, scratch.path);
    }
    put('c', blobs(ROWS, DIM, 3));
    const { code, stdout } = await verify(['--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).changed).toEqual([`--pool ${scratch.file('shards/c.npy')} was not there`]);
  });

  it('a shard that is gone, beside labels that changed', async () => {
    mkdirSync(scratch.file('shards'));
    const data = blobs();
    const half = (ROWS / 2) * DIM;
    for (const [name, part] of [
      ['a', data.subarray(0, half)],
      ['b', data.subarray(half)],
    ] as const)
      writeFileSync(scratch.file(`shards/${name}.npy`), npy([ROWS / 2, DIM], part));
    const args = ['select', '--pool', 'shards/*.npy', '--labels', 'labels.csv', '--budget', '7'];
    expect(await alfamix([...args, '--out', 'picks.csv'], { cwd: scratch.path })).toMatchObject({ code: 0 });
    rmSync(scratch.file('shards/b.npy'));
    writeFileSync(scratch.file('labels.csv'), scratch.read('labels.csv').replace('23,2', '23,1'));
    const { code, stdout, stderr } = await verify();
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^changed {2}--pool .*b\.npy is gone\nchanged {2}--labels .*labels\.csv has other contents\nrank /,
    );
    expect(stderr).toMatch(/changed since: --pool .*b\.npy is gone; --labels .*other contents\n$/);
  });

  it('explanations that were edited, then removed; with the picks under another name', async () => {
    await pick(['--explain']);
    expect((await verify()).stdout).toBe('same     7 picks of picks.csv\n');
    const file = 'picks.csv.explain.jsonl';
    writeFileSync(scratch.file(file), scratch.read(file).replace('"rank":1', '"rank":2'));
    const changed = async () => JSON.parse((await verify(['--json'])).stdout).changed;
    expect(await changed()).toEqual([`${file} is not as this run wrote it`]);
    for (const ending of ['', '.explain.jsonl', '.manifest.json'])
      renameSync(scratch.file(`picks.csv${ending}`), scratch.file(`mine.csv${ending}`));
    const mine = await alfamix(['verify', 'mine.csv'], { cwd: scratch.path });
    expect(mine.stdout).toMatch(/^changed {2}mine\.csv\.explain\.jsonl is not as this run wrote it\nsame/);
    rmSync(scratch.file('mine.csv.explain.jsonl'));
    const gone = await alfamix(['verify', 'mine.csv'], { cwd: scratch.path });
    expect(gone).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^changed {2}mine.* is gone\nsame/),
    });
  });

  it('the picks of the demo', async () => {
    const demo = await alfamix(['demo', '--budget', '12'], { cwd: scratch.path });
    expect(demo.code).toBe(0);
    const file = 'alfamix-demo/picks.csv';
    const same = await alfamix(['verify', file], { cwd: scratch.path });
    expect(same).toMatchObject({ code: 0, stderr: '', stdout: `same     12 picks of ${file}\n` });
    writeFileSync(scratch.file(file), scratch.read(file).replace(/^2,\d+,/m, '2,0,'));
    const edited = await alfamix(['verify', file, '--json'], { cwd: scratch.path });
    expect(edited.code).toBe(1);
    expect(JSON.parse(edited.stdout)).toMatchObject({ same: false, differing: [{ rank: 2 }] });
  });

  it('removed, added and swapped picks; a column of the reader’s own', async () => {
    await pick();
    const [header, ...lines] = scratch.read('picks.csv').trimEnd().split('\n');
    const ranks = async (records: string[], head = header) => {
      writeFileSync(scratch.file('picks.csv'), `${[head, ...records].join('\n')}\n`);
      const { code, stdout } = await verify(['--json']);
      const { differing, changed } = JSON.parse(stdout);
      expect(changed).toEqual(['picks.csv was edited after it was written']);
      expect(code).toBe(differing.length > 0 ? 1 : 0);
      return differing.map(({ rank }: { rank: number }) => rank);
    };
    expect(await ranks(lines.slice(0, 5))).toEqual([6, 7]);
    expect(await ranks([...lines, '8,1,img 1,cat,0.1,1,1'])).toEqual([8]);
    expect(await ranks([lines[1], lines[0], ...lines.slice(2)])).toEqual([1, 2]);
    const labelled = lines.map((line) => `${line},cat`);
    expect(await ranks(labelled, `${header},label`)).toEqual([]);
    writeFileSync(scratch.file('picks.csv'), 'row,label\n1,cat\n');
    const other = await verify();
    expect(other).toMatchObject({ code: 2, stdout: '' });
    expect(other.stderr).toMatch(/expected the columns rank, row, .* in picks\.csv, got row, label/);
  });

  it('an input whose hash the manifest leaves out', async () => {
    await pick();
    edit((manifest) => {
      manifest.inputs = manifest.inputs.filter(({ option }: { option: string }) => option !== 'pool');
    });
    const { code, stderr } = await verify();
    expect(code).toBe(2);
    expect(stderr).toMatch(/is not a manifest of alfamix: .*--pool among the inputs/);
  });

  it.runIf(existsSync('/dev/zero'))('devices in place of a manifest or an input', async () => {
    await pick();
    edit((manifest) => {
      for (const input of manifest.inputs) input.path = '/dev/zero';
    });
    const input = await verify();
    expect(input.code).toBe(2);
    expect(input.stderr).toMatch(/can't read \/dev\/zero: expected a file/);
    rmSync(scratch.file(MANIFEST));
    symlinkSync('/dev/zero', scratch.file(MANIFEST));
    const manifest = await verify();
    expect(manifest.code).toBe(2);
    expect(manifest.stderr).toMatch(/can't read the manifest picks\.csv\.manifest\.json: expected a file/);
  });

  it('prints no control characters of a manifest or an id', async () => {
    await pick();
    const red = '\u001b[31m';
    edit((manifest) => {
      manifest.versions.alfamix = red;
    });
    writeFileSync(scratch.file('picks.csv'), scratch.read('picks.csv').replace(/img \d+/, red));
    const { code, stdout, stderr } = await verify();
    expect(code).toBe(1);
    expect(stdout + stderr).not.toContain('\u001b');
    expect(stdout).toContain('alfamix \\u001b[31m then');
    const ids = Array.from({ length: ROWS }, (_, row) => `"${red}${row}"`).join('\n');
    writeFileSync(scratch.file('red.csv'), `id\n${ids}\n`);
    const args = ['--pool', 'pool.npy', '--ids', 'red.csv', '--labels', 'labels.csv', '--budget', '2'];
    const run = ['select', ...args, '--out', 'red-picks.csv', '--explain'];
    const explained = await alfamix(run, { cwd: scratch.path });
    expect(explained.stdout).toContain('(\\u001b[31m');
    expect(explained.stdout).not.toContain('\u001b');
  });
});
