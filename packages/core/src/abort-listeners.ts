const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back when the signal fires, until the function returned is called. A signal carries one listener however many
 * calls share it: Node warns of a leak from the eleventh on. A long-lived signal keeps nothing of a finished call.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  const found = callbacks.get(signal) ?? listen(signal);
  found.add(callback);
  return () => {
    found.delete(callback);
  };
}

function listen(signal: AbortSignal): Set<() => void> {
  const added = new Set<() => void>();
  callbacks.set(signal, added);
  const fire = () => {
    for (const callback of added) callback();
    added.clear();
  };
  signal.addEventListener('abort', fire, { once: true });
  return added;
}
