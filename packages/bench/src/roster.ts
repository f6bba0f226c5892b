import { fileURLToPath } from 'node:url';
import type { BackendInfo } from '@alfamix/core';
import type { Kind } from './cases/case.js';
import { PeerProcess, PeerUnavailable } from './peer-process.js';

const PEER = fileURLToPath(new URL('./peer.js', import.meta.url));

/** Somebody who may take part, in a process of their own. */
export interface Entrant {
  name: string;
  kind: Kind | 'python';
  command: string;
  args: readonly string[];
}

const inNode = (name: string, kind: Kind, maker: string): Entrant => ({
  name,
  kind,
  command: process.execPath,
  args: [PEER, maker],
});

/** Who can be asked here: TypeScript, each level of the backend in use, TensorFlow.js and ml-kmeans. */
export function entrantsHere({ backend, levels }: BackendInfo): Entrant[] {
  const native =
    backend === 'js'
      ? []
      : levels.map((level) => inNode(`${backend} ${level}`, 'cpu', `${backend}:${level}`));
  return [
    inNode('js', 'js', 'js'),
    inNode('ml-kmeans', 'ml-kmeans', 'ml-kmeans'),
    ...['cpu', 'wasm', 'node'].map((tf) => inNode(`tfjs ${tf}`, 'tfjs', `tfjs:${tf}`)),
    ...native,
  ];
}

/** Starts entrants when they are first needed, and keeps them: a library is loaded once a run. */
export class Roster {
  readonly entrants: readonly Entrant[];
  readonly threads: number;
  /** Why an entrant takes no part, by name. */
  readonly absent = new Map<string, string>();
  readonly versions = new Map<string, string>();
  readonly #peers = new Map<string, PeerProcess>();

  constructor(entrants: readonly Entrant[], threads: number) {
    this.entrants = entrants;
    this.threads = threads;
  }

  /** Undefined where it can't run here; `absent` then says why. */
  async get({ name, command, args }: Entrant): Promise<PeerProcess | undefined> {
    const running = this.#peers.get(name);
    if (running || this.absent.has(name)) return running;
    try {
      const { peer, version } = await PeerProcess.start(name, command, args, this.threads);
      this.#peers.set(name, peer);
      this.versions.set(name, version);
      return peer;
    } catch (error) {
      if (!(error instanceof PeerUnavailable)) throw error;
      this.absent.set(name, error.message);
      return undefined;
    }
  }

  /** Ends one that died or disagreed, so that the next case starts it anew. */
  async drop(name: string): Promise<void> {
    const peer = this.#peers.get(name);
    this.#peers.delete(name);
    await peer?.stop();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#peers.values()].map((peer) => peer.stop()));
    this.#peers.clear();
  }
}
