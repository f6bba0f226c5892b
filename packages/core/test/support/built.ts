import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Empty when what was built is as new as the sources. */
    buildProblem: string;
  }
}

/** Called by tests that start a process of its own, which runs what was built and not the sources. */
export function assertBuilt(): void {
  const problem = inject('buildProblem');
  if (problem) throw new Error(problem);
}
