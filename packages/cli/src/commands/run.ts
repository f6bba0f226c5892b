import { commonOptions, readOptions } from '../options.js';
import { Session } from '../session.js';

/** Runs a command's work in a session of its own, and wipes the progress line however it ends. */
export async function runCommand(
  raw: Record<string, unknown>,
  signal: AbortSignal,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const session = new Session(signal, readOptions(commonOptions.pick({ json: true, quiet: true }), raw));
  // A promise that nothing will ever settle, as a strategy of the user's may give, must not end the process in silence.
  const alive = setInterval(() => {}, 2 ** 30);
  try {
    await work(session);
  } finally {
    clearInterval(alive);
    session.close();
  }
}
