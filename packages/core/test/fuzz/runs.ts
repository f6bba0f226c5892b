/** Fixed, so that every run of the tests tries the same cases; ALFAMIX_FUZZ_SEED changes it. */
export const FUZZ_SEED = Number(process.env.ALFAMIX_FUZZ_SEED ?? 20_220_314);

/** Cases to try: `usual` of them, or ALFAMIX_FUZZ_RUNS times as many. */
export function fuzzRuns(usual: number): number {
  return Math.ceil(usual * Number(process.env.ALFAMIX_FUZZ_RUNS ?? 1));
}
