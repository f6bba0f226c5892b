/** Something at a distance. */
export interface Near {
  readonly index: number;
  readonly distance: number;
}

/** Keeps the `count` nearest of all that it is offered, nearest first, ties by the lower index. */
export class Nearest {
  readonly #count: number;
  readonly #kept: Near[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  offer(near: Near): void {
    const kept = this.#kept;
    if (this.#count === 0) return;
    if (kept.length === this.#count && !before(near, kept[kept.length - 1])) return;
    let at = kept.length;
    while (at > 0 && before(near, kept[at - 1])) at--;
    kept.splice(at, 0, near);
    if (kept.length > this.#count) kept.pop();
  }

  get list(): readonly Near[] {
    return this.#kept;
  }
}

const before = (a: Near, b: Near): boolean =>
  a.distance < b.distance || (a.distance === b.distance && a.index < b.index);
