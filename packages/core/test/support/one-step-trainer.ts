import { LinearHead, type Pool, type Trainer } from '../../src/index.js';
import { Rng } from '../../src/random/xoshiro.js';

/** One step of gradient descent from weights of the seed's own: quick, not good, and different for different rows. */
export function oneStepTrainer(onTrain: () => void | Promise<void> = () => {}): Trainer & { closed: number } {
  const trainer = {
    name: 'one-step',
    closed: 0,
    async train({ inputs, rows, labels, classes, seed }: Parameters<Trainer['train']>[0]) {
      await onTrain();
      const { dim } = inputs;
      const rng = new Rng(seed);
      const weight = Float32Array.from({ length: classes * dim }, () => (rng.uniform() - 0.5) * 1e-3);
      const data = await inputs.gather(rows);
      labels.forEach((label, i) => {
        for (let c = 0; c < classes; c++) {
          const error = (c === label ? 1 : 0) - 1 / classes;
          for (let j = 0; j < dim; j++) weight[c * dim + j] += (error * data[i * dim + j]) / labels.length;
        }
      });
      return {
        name: 'one-step',
        head: LinearHead.from({ weight, classes, dim }),
        trainingAccuracy: 0,
        epochs: 1,
        embed: async (pool: Pool) => pool,
        close() {},
      };
    },
    async close() {
      trainer.closed++;
    },
  };
  return trainer;
}
