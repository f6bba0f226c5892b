import { type BackendName, getKernels, type Kernels } from '@alfamix/core';
import type { Session } from './session.js';

/** The kernels of a run, before any other work; says where the BLAS that the user named isn't used. */
export async function startKernels(backend: BackendName, session: Session): Promise<Kernels> {
  const kernels = await getKernels(backend, { signal: session.signal });
  if (kernels.blasReason !== undefined)
    session.say(`alfamix: the BLAS that ALFAMIX_BLAS names is not used: ${kernels.blasReason}`);
  return kernels;
}
