import type { Case } from './cases/case.js';
import type { Options } from './options.js';
import type { Entrant } from './roster.js';
export async function pythonPeers(_: Options): Promise<{ cases: Case[]; entrants: Entrant[] }> {
  return { cases: [], entrants: [] };
}
