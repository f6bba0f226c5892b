interface Listening {
  callbacks: Set<() => void>;
  stop: () => void;
}

const listening = new WeakMap<AbortSignal, Listening>();

/**
 * Calls back when the signal fires, until the function returned is called. A signal carries one listener however many
 * calls share it (Node warns of a leak from the eleventh on), and none once they are done.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  const { callbacks, stop } = listening.get(signal) ?? listen(signal);
  callbacks.add(callback);
  return () => {
    if (callbacks.delete(callback) && callbacks.size === 0) stop();
  };
}

function listen(signal: AbortSignal): Listening {
  const callbacks = new Set<() => void>();
  const fire = () => {
    for (const callback of callbacks) callback();
  };
  const stop = () => {
    signal.removeEventListener('abort', fire);
    listening.delete(signal);
  };
  signal.addEventListener('abort', fire);
  const found = { callbacks, stop };
  listening.set(signal, found);
  return found;
}
