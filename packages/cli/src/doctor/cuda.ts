import { type CudaReport, findDriver, getKernels, type NativeLoad, tryCuda } from '@alfamix/core';
import type { Check } from './checks.js';
import { selfTest } from './self-test.js';

/**
 * Whether the CUDA plug-in can be used, and what is missing; where it can, every kernel on the device against its golden
 * numbers.
 *
 * @param load undefined where the addon crashes
 */
export async function cudaChecks(load: NativeLoad | undefined): Promise<Check[]> {
  const driver = findDriver();
  const report: CudaReport = await tryCuda(load ?? { reason: 'it crashes', tried: [] });
  const details = { ...report, driverLibrary: driver ?? null };
  if (report.device === undefined || !report.available) {
    const reason = withDriver(report, driver);
    // Asked for, it must work.
    const asked = process.env.ALFAMIX_BACKEND === 'cuda';
    const named = !['', 'off', undefined].includes(process.env.ALFAMIX_CUDA_PATH);
    const status = asked ? 'bad' : named ? 'warning' : 'none';
    const off = process.env.ALFAMIX_CUDA_PATH === 'off';
    const fix = asked
      ? `unset ${off ? 'ALFAMIX_CUDA_PATH or ' : ''}ALFAMIX_BACKEND, or mend what the reason names`
      : 'unset ALFAMIX_CUDA_PATH, or mend what the reason names';
    return [{ name: 'cuda', status, value: `none used: ${reason}`, details: { ...details, reason }, fix }];
  }
  return [
    { name: 'cuda', status: 'ok', value: describe(report, report.device), details },
    await testKernels(),
  ];
}

/** Every reason says how it stands with the driver. */
function withDriver({ reason = 'no device', driver: version }: CudaReport, path: string | undefined): string {
  if (path && reason === 'no NVIDIA driver was found')
    return `an NVIDIA driver is there (${path}) but doesn't start`;
  if (/driver/.test(reason)) return reason;
  if (version !== null) return `${reason}; the NVIDIA driver is there (${version})`;
  return `${reason}; ${path ? `the NVIDIA driver is there (${path})` : 'no NVIDIA driver was found'}`;
}

const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

function describe(
  { devices, driver, runtime, cublas, plugin }: CudaReport,
  used: NonNullable<CudaReport['device']>,
): string {
  const { name, computeCapability, memoryBytes, freeBytes } = used;
  const memory = `${gigabytes(memoryBytes)}, ${gigabytes(freeBytes)} free`;
  const more = devices.length > 1 ? `; ${devices.length} devices, the first that can is used` : '';
  return `${name} (${computeCapability}, ${memory})${more}; driver ${driver}, runtime ${runtime}; cuBLAS: ${cublas}; ${plugin}`;
}

async function testKernels(): Promise<Check> {
  const name = 'self-test (cuda)';
  const wrong = await getKernels('cuda')
    .then(selfTest)
    .catch((error) => String(error.message ?? error));
  if (wrong === undefined) return { name, status: 'ok', value: 'every kernel gives its golden numbers' };
  const fix =
    'ALFAMIX_CUDA_PATH=off keeps to the CPU; if it stays, report it with the output of alfamix doctor --json';
  return { name, status: 'bad', value: wrong, fix };
}
