import type { JobOptions, Kernels } from '../../src/kernels/kernels.js';
import { fitJob } from './fit-job.js';
import { flipJob, noise } from './flip-job.js';

/** One call of each kernel, long enough to be stopped on the way. */
export const longCalls: [string, (kernels: Kernels, options: JobOptions) => Promise<unknown>][] = (() => {
  const dim = 64;
  const rows = 150_000;
  let data: Float32Array | undefined;
  const matrix = () => {
    data ??= noise(rows * dim);
    return { data, rows, dim };
  };
  const zeros = new Int32Array(rows);
  /** Made once: making them takes longer than a turn of the event loop may. */
  const heads = new Map<number, ReturnType<typeof flipJob>>();
  const headOf = (classes: number, width = dim) => {
    const made = heads.get(classes) ?? flipJob(1, width, classes);
    heads.set(classes, made);
    const { data: _, rows: __, ...head } = made;
    return head;
  };
  let fit: ReturnType<typeof fitJob> | undefined;
  const fitted = () => {
    fit ??= fitJob(1500, 200, 40);
    return fit;
  };
  return [
    [
      'flipSearch',
      (kernels, options) => {
        const head = headOf(100);
        return kernels.flipSearch({ ...head, ...matrix(), ...options });
      },
    ],
    [
      'kmeans',
      (kernels, options) => kernels.kmeans({ ...matrix(), clusters: 50, maxIterations: 3, ...options }),
    ],
    [
      'scoreUncertainty',
      (kernels, options) => {
        const { anchors: _, ...head } = headOf(400);
        return kernels.scoreUncertainty({ ...head, ...matrix(), ...options });
      },
    ],
    [
      'pseudoLabelGradient',
      (kernels, options) => {
        const { anchors: _, ...head } = headOf(100);
        return kernels.pseudoLabelGradient({ ...head, ...matrix(), ...options });
      },
    ],
    ['kCenterGreedy', (kernels, options) => kernels.kCenterGreedy({ ...matrix(), budget: 2000, ...options })],
    [
      'kmeansPlusPlus',
      (kernels, options) => kernels.kmeansPlusPlus({ ...matrix(), clusters: 20_000, ...options }),
    ],
    ['fitSoftmax', (kernels, options) => kernels.fitSoftmax({ ...fitted(), ...options })],
    [
      'logits',
      (kernels, options) => {
        const { anchors: _, ...head } = headOf(200);
        return kernels.logits({ ...head, ...matrix(), ...options });
      },
    ],
    [
      'interpolate',
      (kernels, options) => {
        // Of few rows and many dimensions: memory for large results takes the time of a turn by itself.
        const [some, wide] = [8000, 512];
        const data = matrix().data.subarray(0, some * wide);
        const mix = { anchorIndex: zeros.subarray(0, some), alpha: data };
        return kernels.interpolate({ ...headOf(500, wide), dim: wide, data, rows: some, ...mix, ...options });
      },
    ],
  ];
})();
