/**
 * Lets the event loop turn. Passes over all rows of a pool take milliseconds each where there are a million: one a turn,
 * so that other callbacks never wait for several.
 */
export function yieldToLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
