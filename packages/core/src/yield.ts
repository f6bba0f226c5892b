interface Waiter {
  resume: () => void;
  signal: AbortSignal | undefined;
}

const waiting: Waiter[] = [];

/**
 * Lets the event loop turn. All calls under way share the turns, one goes on in each: two hundred selections at once
 * hold the loop no longer than one does. A call whose signal has fired doesn't wait for the others.
 */
export function yieldToLoop(signal?: AbortSignal): Promise<void> {
  return new Promise((resume) => {
    // setImmediate, not a microtask: timers, sockets and the abort itself need a turn of the loop.
    if (waiting.push({ resume, signal }) === 1) setImmediate(nextTurn);
  });
}

function nextTurn(): void {
  waiting.shift()?.resume();
  for (let i = waiting.length - 1; i >= 0; i--) {
    if (waiting[i].signal?.aborted) waiting.splice(i, 1)[0].resume();
  }
  if (waiting.length > 0) setImmediate(nextTurn);
}
