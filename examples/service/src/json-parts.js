import { setImmediate as turn } from 'node:timers/promises';

const PICKS_A_PART = 2000;

/**
 * A result as JSON in parts, the event loop turning in between: as one string, ten thousands of picks would hold it.
 * @param {{ picks: readonly object[] }} result
 */
export async function* jsonParts({ picks, ...rest }) {
  yield `${JSON.stringify({ ...rest, picks: [] }).slice(0, -2)}`;
  for (let from = 0; from < picks.length; from += PICKS_A_PART) {
    const part = JSON.stringify(picks.slice(from, from + PICKS_A_PART)).slice(1, -1);
    yield from === 0 ? part : `,${part}`;
    await turn();
  }
  yield ']}';
}
